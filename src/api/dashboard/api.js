// Requests to the API that this page came from. Addresses are relative: the API may stand behind a prefix.

const KEY = "weir.key";

/** An answer that is none, or that says no. */
export class Problem extends Error {
  /** @param {string} message @param {number} status @param {any} body */
  constructor(message, status = 0, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }

  /** Whether a key, or another key, would help. */
  get needsKey() {
    return this.status === 401 || this.status === 403;
  }
}

/** Keeps the API key for as long as the tab is open. @param {string} key */
export function keepKey(key) {
  try {
    sessionStorage.setItem(KEY, key);
  } catch {
    kept = key;
  }
}

let kept = "";

function headers() {
  let key = kept;
  try {
    key = sessionStorage.getItem(KEY) ?? kept;
  } catch {
    // Then it is kept in memory.
  }
  return key ? { "x-api-key": key } : {};
}

/** How long an answer may take, in milliseconds. */
const PATIENCE = 15_000;

/** @param {string} path @param {RequestInit} options */
async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted && options.signal.reason?.name === "AbortError") throw options.signal.reason;
    throw new Problem(options.signal?.aborted ? "the API does not answer in time" : "the API cannot be reached");
  }
}

/** @param {Response} response */
async function read(response) {
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const said = body?.detail ?? `the API answered ${response.status} ${response.statusText}`.trim();
  throw new Problem(said, response.status, body ?? {});
}

/** Gets JSON. What the browser has and the API still has is not sent again. @param {string} path */
export async function get(path) {
  const options = { headers: { accept: "application/json", ...headers() }, cache: "no-cache" };
  return read(await send(path, { ...options, signal: AbortSignal.timeout(PATIENCE) }));
}

/** Posts JSON. @param {string} path @param {unknown} body @param {AbortSignal} [signal] */
export async function post(path, body, signal) {
  const options = { method: "POST", headers: { "content-type": "application/json", ...headers() } };
  return read(await send(path, { ...options, body: JSON.stringify(body), signal }));
}

/** Gets a text, or nothing where there is none. @param {string} path */
export async function text(path) {
  const response = await send(path, { headers: headers(), signal: AbortSignal.timeout(PATIENCE) });
  return response.ok ? response.text() : null;
}

/**
 * Listens to server-sent events until they end; not through EventSource, which cannot send a key. Gives up
 * where nothing comes for too long, not even the server's sign of life.
 * @param {string} path @param {(data: any) => void} heard @param {AbortSignal} stop @param {number} silence
 */
export async function listen(path, heard, stop, silence) {
  const quiet = new AbortController();
  const signal = AbortSignal.any([stop, quiet.signal]);
  let timer = setTimeout(() => quiet.abort(), silence);
  try {
    const response = await send(path, { headers: { accept: "text/event-stream", ...headers() }, signal });
    if (!response.ok || !response.body) await read(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), silence);
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = block.split("\n").filter((line) => line.startsWith("data:"));
        if (data.length) heard(JSON.parse(data.map((line) => line.slice(5).trim()).join("\n")));
      }
    }
  } catch (error) {
    if (error instanceof Problem || stop.aborted) throw error;
    throw new Problem(quiet.signal.aborted ? "the API has fallen silent" : "the API has gone away");
  } finally {
    clearTimeout(timer);
  }
}
