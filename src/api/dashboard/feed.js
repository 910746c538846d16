// How far the views have come, kept up to date: pushed where the API can, asked for where it cannot.

import { Problem, get, listen } from "./api.js";

/** How often to ask where nothing is pushed. */
const POLL_MS = 5_000;
/** How often to try again while the API is away. */
const RETRY_MS = 2_000;
/** A stream that is silent for so long is dead: the API gives a sign of life more often. */
const SILENCE_MS = 25_000;

/**
 * @typedef {{name: string, state: string, closed_through: number | null, watermark: number | null,
 *   lag_ms: number | null, partitions: number, idle: number, version: string}} ViewStatus
 * @typedef {{now: number, live: boolean, sample: boolean, views: ViewStatus[],
 *   topics: Record<string, number>}} Status
 * @typedef {"loading" | "live" | "polling" | "away" | "locked"} Connection
 */

/** Tells of `status` (a {@link Status}) and of `connection` (a {@link Connection} with what went wrong). */
export class Feed extends EventTarget {
  /** @type {Status | null} */
  status = null;
  /** @type {Connection} */
  connection = "loading";
  /** When the last status came, by this machine's clock. */
  at = 0;
  #wake = () => {};

  /** Goes on for as long as the page is open. */
  async run() {
    for (;;) {
      await this.#visible();
      try {
        this.#accept(await get("status"));
        if (this.status?.live) await this.#listen();
        else await this.#ask();
      } catch (error) {
        this.#failed(error);
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** Tries again at once. */
  hurry() {
    this.#wake();
  }

  /** While nobody looks, nothing is asked for. */
  async #visible() {
    while (document.hidden) {
      await new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
    }
  }

  async #listen() {
    const stop = new AbortController();
    const hide = () => document.hidden && stop.abort();
    document.addEventListener("visibilitychange", hide);
    try {
      this.#connected("live");
      await listen("live", (status) => this.#accept(status), stop.signal, SILENCE_MS);
      // It ends where the API is stopped: whether it comes back is seen by asking.
      await this.#pause(250);
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!(error instanceof Problem) || error.status !== 503) throw error;
      // Too many listen: then it is asked for.
      await this.#ask();
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
  }

  async #ask() {
    this.#connected("polling");
    await this.#pause(POLL_MS);
  }

  #pause(ms) {
    return new Promise((go) => {
      const timer = setTimeout(go, ms);
      this.#wake = () => (clearTimeout(timer), go());
    });
  }

  /** @param {Status} status */
  #accept(status) {
    this.status = status;
    this.at = Date.now();
    this.dispatchEvent(new CustomEvent("status", { detail: status }));
  }

  /** @param {Connection} connection @param {string} [why] */
  #connected(connection, why = "") {
    this.connection = connection;
    this.dispatchEvent(new CustomEvent("connection", { detail: { connection, why } }));
  }

  /** @param {unknown} error */
  #failed(error) {
    const locked = error instanceof Problem && error.needsKey;
    this.#connected(locked ? "locked" : "away", error instanceof Error ? error.message : String(error));
  }
}
