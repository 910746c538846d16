// Rows as a table, and the card that any view gets by itself: a chart and a table.

import { get } from "./api.js";
import { bars, columns, lines } from "./charts.js";
import { h } from "./dom.js";
import { hhmm, moment, number, show, title, words } from "./format.js";
import { Series, byWindow } from "./series.js";

/** @typedef {import("./series.js").View} View @typedef {import("./series.js").Row} Row */

const isMeasure = (column) => column.type === "BIGINT" || column.type === "DOUBLE";
/** How many rows a card's table has, and how many bars its chart. */
const ROWS = 8;
/** How far a card's chart looks back. */
const SPAN = 3_600_000;

/**
 * A table of rows. With `sort`, heads are buttons that order by their column.
 * @param {View} view @param {Row[]} rows @param {string} caption
 * @param {{column: string, falls: boolean, by: (column: string) => void}} [sort]
 */
export function rowsTable(view, rows, caption, sort) {
  const hasWindow = view.window.kind !== "none";
  const head = (column) => {
    const isSorted = sort?.column === column.name;
    const order = isSorted ? (sort.falls ? "descending" : "ascending") : null;
    const canSort = sort && column.type !== "JSON";
    const name = words(column.name);
    return h("th", { scope: "col", class: isMeasure(column) ? "n" : null, "aria-sort": order },
      canSort ? h("button", { class: "sort", type: "button", click: () => sort.by(column.name) }, name, h("span", { "aria-hidden": "true" }, isSorted ? (sort.falls ? " ▾" : " ▴") : "")) : name);
  };
  const cell = (row) => (column) => h("td", { class: isMeasure(column) ? "n" : column.type === "JSON" ? "long" : null }, show(row[column.name], column.type));
  const period = (row) => {
    const text = view.window.kind === "event" || view.window.kind === "over" ? moment(row.window_start) : `${moment(row.window_start)} – ${moment(row.window_end)}`;
    return h("td", { class: "when" }, text, row.final === false ? h("span", { class: "open", title: "late events may still change it" }, " open") : null);
  };
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    h("table", null, h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, view.columns.map(head), hasWindow && h("th", { scope: "col" }, "window"))),
      h("tbody", null, rows.map((row) => h("tr", null, view.columns.map(cell(row)), hasWindow && period(row))))));
}

/** The chart that fits a view and a column of it. @param {View} view @param {string | null} measure @param {Row[]} latest @param {Row[]} past */
export function chartOf(view, measure, latest, past) {
  const isPerEvent = view.window.kind === "event" || view.window.kind === "over";
  if (isPerEvent || !measure) {
    const slots = byWindow(past.map((row) => ({ ...row, window_end: Math.ceil(row.window_end / 60_000) * 60_000 })), 30);
    return slots.length ? columns(slots.map(({ at, rows }) => ({ at, values: [rows.length] })), ["rows"], `Rows of ${words(view.name)} a minute`) : null;
  }
  if (view.keys.length) {
    const name = (row) => view.keys.map((key) => show(row[key.name], key.type)).join(" · ");
    const known = latest.filter((row) => row[measure] !== null).slice(0, ROWS);
    return bars(known.map((row) => ({ name: name(row), value: Math.max(0, row[measure]), text: number(row[measure]) })));
  }
  const points = byWindow(past, 120).map(({ at, rows }) => ({ at, value: rows.at(-1)[measure] ?? null }));
  return points.length > 1 ? lines([{ name: words(measure), points }], `${title(measure)} over time`, number, hhmm) : null;
}

/** Any view, with a chart and a table. */
export class ViewCard {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.measures = view.columns.filter((column) => isMeasure(column) && !view.keys.some((key) => key.name === column.name));
    this.measure = this.measures[0]?.name ?? null;
    this.order = view.keys.length && this.measure ? { column: this.measure, falls: true } : { column: "window_end", falls: true };
    this.series = new Series(view, SPAN);
  }

  /** @param {import("./panels.js").Context} context @param {() => void} again */
  async draw(context, again) {
    const [latest, past] = await Promise.all([this.#latest(), this.#past(context.now)]);
    const rows = this.view.keys.length ? latest : past.length ? past.slice(-ROWS).reverse() : latest;
    if (!rows.length) return null;
    const sort = this.view.keys.length ? { ...this.order, by: (column) => this.#sort(column, again) } : undefined;
    return [
      this.measures.length > 1 && this.#chooser(again),
      chartOf(this.view, this.measure, latest, past),
      rowsTable(this.view, rows, `Rows of ${words(this.view.name)}`, sort),
    ].filter(Boolean);
  }

  /** @returns {Promise<Row[]>} */
  async #latest() {
    if (!this.view.keys.length) return [];
    const order = `${this.order.falls ? "-" : ""}${encodeURIComponent(this.order.column)}`;
    return get(`${this.view.links.latest}?order=${order}&limit=${ROWS}`);
  }

  #past(now) {
    const isRunning = this.view.window.kind === "none";
    const needsPast = !this.view.keys.length || this.view.window.kind === "event" || this.view.window.kind === "over" || !this.measure;
    return needsPast && !isRunning ? this.series.rows(now) : Promise.resolve([]);
  }

  #sort(column, again) {
    this.order = { column, falls: this.order.column === column ? !this.order.falls : true };
    if (this.measures.some(({ name }) => name === column)) this.measure = column;
    again();
  }

  #chooser(again) {
    const choose = (event) => {
      this.measure = event.target.value;
      if (this.view.keys.length) this.order = { column: this.measure, falls: true };
      again();
    };
    return h("label", { class: "chooser" }, "Chart of ",
      h("select", { change: choose, name: "measure" }, this.measures.map(({ name }) => h("option", { value: name, selected: name === this.measure }, words(name)))));
  }
}
