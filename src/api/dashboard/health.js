// How the pipeline does: what flows in, how far the views are, what was late or could not be used.

import { text } from "./api.js";
import { h } from "./dom.js";
import { count, duration, moment, rate } from "./format.js";

/** How long rates are averaged, and how many points are kept of them. */
const WINDOW_MS = 10_000;
const POINTS = 60;

/** Rates of topics, from how many records were taken in by when. */
export class Rates {
  /** @type {{at: number, topics: Record<string, number>}[]} */
  #samples = [];
  /** @type {number[]} */
  history = [];

  /** @param {import("./feed.js").Status} status */
  add(status) {
    const last = this.#samples.at(-1);
    if (last && status.now <= last.at) return;
    this.#samples.push({ at: status.now, topics: status.topics });
    while (this.#samples.length > 2 && this.#samples[1].at <= status.now - WINDOW_MS) this.#samples.shift();
    const total = this.total();
    if (total !== null) this.history = [...this.history, total].slice(-POINTS);
  }

  /** Records a second of a topic; null before it is known. @param {string} topic */
  of(topic) {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at - first.at < 500) return null;
    const records = (last.topics[topic] ?? 0) - (first.topics[topic] ?? 0);
    return (Math.max(0, records) / (last.at - first.at)) * 1000;
  }

  /** Records a second of all topics. */
  total() {
    const rates = Object.keys(this.#samples.at(-1)?.topics ?? {}).map((topic) => this.of(topic));
    return rates.length && !rates.includes(null) ? rates.reduce((sum, one) => sum + one, 0) : null;
  }
}

/** How far the view that is furthest behind is behind the clock; null where all are quiet. @param {import("./feed.js").Status} status */
export function lag(status) {
  const busy = status.views.filter((view) => view.state === "live" && view.lag_ms !== null);
  return busy.length ? Math.max(...busy.map((view) => view.lag_ms)) : null;
}

/**
 * The sums of metrics by name and by one label, from Prometheus' text format.
 * @param {string} source @returns {Map<string, number>}
 */
export function parseMetrics(source) {
  const sums = new Map();
  for (const line of source.split("\n")) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+([-+.\deE]+|[-+]?Inf|NaN)/.exec(line);
    if (!found) continue;
    const [, name, , value] = found;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return sums;
}

const COUNTED = [
  ["weir_late_total", "late events"],
  ["weir_dead_letters_total", "dead letters"],
  ["weir_invocations_total", "invocations"],
];

let hasMetrics = true;

/** What only a process that stays counts, where it tells. */
async function counted(status) {
  if (!status.live || !hasMetrics) return [];
  const source = await text("metrics").catch(() => "");
  // Where there are none, they are not asked for again.
  hasMetrics = source !== null;
  if (!source) return [];
  const sums = parseMetrics(source);
  return COUNTED.filter(([name]) => sums.has(name)).map(([name, says]) => [count(sums.get(name)), says]);
}

/** @param {import("./panels.js").Context} context @param {Rates} rates */
export async function health(context, rates) {
  const status = context.status;
  if (!status) return null;
  const busy = status.views.filter((view) => view.state === "live").length;
  const figures = [
    [rate(rates.total()), "events/s"],
    [lag(status) === null ? "quiet" : duration(lag(status)), "watermark behind the clock"],
    [`${busy} of ${status.views.length}`, "views live"],
    ...(await counted(status)),
  ];
  return [
    h("p", { class: "figures" }, figures.map(([value, says]) => h("span", { class: "figure" }, h("b", null, value), " ", h("span", null, says)))),
    h("div", { class: "columns2" }, topics(status, rates), views(context)),
  ];
}

function topics(status, rates) {
  const names = Object.keys(status.topics);
  if (!names.length) return h("p", { class: "empty" }, "No events have come in yet.");
  return wide("What flows in", h("table", null, h("caption", null, "Topics"),
    head([["topic"], ["records", "n"], ["a second", "n"]]),
    h("tbody", null, names.map((name) => h("tr", null, h("th", { scope: "row" }, name),
      h("td", { class: "n" }, count(status.topics[name])), h("td", { class: "n" }, rate(rates.of(name))))))));
}

/** What the states of a view are called. */
const STATES = { live: "live", idle: "quiet", empty: "no events" };

function views(context) {
  const line = (view) => h("tr", null, h("th", { scope: "row" }, view.name),
    h("td", null, h("span", { class: `dot ${view.state}`, "aria-hidden": "true" }), STATES[view.state] ?? view.state),
    h("td", { class: "n" }, view.state === "live" ? duration(view.lag_ms) : "–"),
    h("td", { class: "n opt" }, view.closed_through === null ? "–" : moment(view.closed_through)),
    h("td", { class: "n opt" }, view.idle ? `${view.partitions - view.idle} of ${view.partitions}` : count(view.partitions)));
  return wide("How far the views are", h("table", null, h("caption", null, "Views"),
    head([["view"], ["state"], ["lag", "n"], ["closed through", "n opt"], ["partitions", "n opt"]]),
    h("tbody", null, context.status.views.map(line))));
}

const head = (names) => h("thead", null, h("tr", null, names.map(([name, kind]) => h("th", { scope: "col", class: kind }, name))));
const wide = (label, table) => h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, table);

/** The tile of what flows in. @param {Rates} rates */
export const flow = (rates) => ({ value: rate(rates.total()), more: "all topics", trend: rates.history });
