// The past of views, kept and added to: only what is new is asked for.

import { get } from "./api.js";

/** As many rows are asked for at once, and as often in a row. */
const ROWS = 2_000;
const PAGES = 5;

/**
 * @typedef {Record<string, any> & {window_start: number, window_end: number, revision: number}} Row
 * @typedef {{name: string, columns: {name: string, type: string}[], keys: {name: string, type: string}[],
 *   window: {kind: string, size_ms?: number, slide_ms?: number, gap_ms?: number, range_ms?: number},
 *   allowed_lateness_ms: number, sources: string[], topic: string | null, alert?: boolean,
 *   links: Record<string, string>}} View
 */

/** The closed rows of a view over a span of time. */
export class Series {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #until = 0;

  /** @param {View} view @param {number} span how far back, in milliseconds */
  constructor(view, span) {
    this.view = view;
    this.span = span;
  }

  /** Asks for what is new; gives all rows by the ends of their windows. @param {number} now */
  async rows(now) {
    const first = now - this.span;
    // A window that late events may still change is asked for again.
    const open = this.view.allowed_lateness_ms + (this.view.window.size_ms ?? 60_000);
    const from = Math.max(first, this.#until - open);
    const fresh = await this.#since(Math.floor(from));
    for (const row of fresh) {
      this.#rows.set(this.#identity(row), row);
      this.#until = Math.max(this.#until, row.window_end);
    }
    for (const [key, row] of this.#rows) if (row.window_end <= first) this.#rows.delete(key);
    return [...this.#rows.values()].sort((a, b) => a.window_end - b.window_end);
  }

  /** A page after the other, as far as a few go. @param {number} from @returns {Promise<Row[]>} */
  async #since(from, pages = PAGES) {
    const page = await get(`${this.view.links.windows}?from=${from}&limit=${ROWS}`);
    const last = page.at(-1)?.window_end;
    const isLast = page.length < ROWS || pages === 1 || last === from;
    return isLast ? page : page.concat(await this.#since(last, pages - 1));
  }

  /** @param {Row} row */
  #identity(row) {
    return JSON.stringify([row.window_start, row.window_end, ...this.view.keys.map((key) => row[key.name])]);
  }
}

/**
 * Rows by the ends of their windows, the last `most` of them.
 * @param {Row[]} rows @returns {{at: number, rows: Row[]}[]}
 */
export function byWindow(rows, most) {
  const ends = Map.groupBy(rows, (row) => row.window_end);
  const all = [...ends].map(([at, rows]) => ({ at, rows })).sort((a, b) => a.at - b.at);
  return all.slice(-most);
}

/** @param {Row[]} rows @param {string} column */
export const sum = (rows, column) => rows.reduce((total, row) => total + (row[column] ?? 0), 0);
