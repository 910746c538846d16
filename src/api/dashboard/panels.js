// The panels for the views of sql/: each is there where the catalog has its view with its columns.

import { bars, columns, funnel, heatmap, interval, legend, lines, sparkline } from "./charts.js";
import { get } from "./api.js";
import { h, unseen } from "./dom.js";
import { ago, count, differ, duration, hhmm, moment, number, percent, points, title, wilson, words } from "./format.js";
import { Series, byWindow, sum } from "./series.js";

/** @typedef {import("./series.js").View} View @typedef {import("./series.js").Row} Row */

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** What a panel draws from. */
export class Context {
  /** @type {Map<string, {version: string, rows: Promise<Row[]>}>} */
  #latest = new Map();
  /** @type {Map<string, {version: string, rows: Promise<Row[]>, series: Series}>} */
  #past = new Map();
  /** @type {import("./feed.js").Status | null} */
  status = null;

  /** @param {View[]} views */
  constructor(views) {
    this.views = new Map(views.map((view) => [view.name, view]));
  }

  /** The API's clock. */
  get now() {
    return this.status?.now ?? Date.now();
  }

  /** @param {string} name */
  version(name) {
    return this.status?.views.find((view) => view.name === name)?.version ?? "";
  }

  /** The newest row of each key; the newest where there are no keys. @param {string} name */
  latest(name) {
    return this.#keep(this.#latest, name, name, (view) => get(view.links.latest));
  }

  /** The row before, of each key that has one. @param {string} name */
  previous(name) {
    return this.#keep(this.#latest, `${name}/previous`, name, (view) => get(view.links.previous));
  }

  /** The closed rows of some time. @param {string} name @param {number} span */
  past(name, span) {
    const key = `${name}/${span}`;
    const series = this.#past.get(key)?.series ?? new Series(this.view(name), span);
    const rows = this.#keep(this.#past, key, name, () => series.rows(this.now));
    this.#past.set(key, { version: this.version(name), rows, series });
    return rows;
  }

  /** @param {string} name */
  view(name) {
    return /** @type {View} */ (this.views.get(name));
  }

  /** What was asked for is asked for again once the view has another version. */
  #keep(kept, key, name, fetch) {
    const version = this.version(name);
    const known = kept.get(key);
    if (known?.version === version) return known.rows;
    const rows = fetch(this.view(name));
    kept.set(key, { ...known, version, rows });
    rows.catch(() => kept.get(key)?.rows === rows && kept.delete(key));
    return rows;
  }
}

/** @param {Row[]} rows @param {string} column */
const falling = (rows, column) => [...rows].sort((a, b) => b[column] - a[column]);

/** The rows of the newest window alone: a key that was quiet since has an older row. @param {Row[]} rows */
function newest(rows) {
  const end = Math.max(...rows.map((row) => row.window_end));
  return rows.filter((row) => row.window_end === end);
}

const delta = (now, before, isSure) => {
  const by = now - before;
  const way = by > 0 ? "up" : by < 0 ? "down" : "same";
  return h("span", { class: `delta ${way} ${isSure ? "sure" : ""}`, title: isSure ? "more than chance would have it, at 95 %" : "chance alone may do this" },
    h("span", { "aria-hidden": "true" }, by > 0 ? "▲ " : by < 0 ? "▼ " : ""), points(by), isSure ? unseen(", significant") : null);
};

let shownProducts = 8;

/** Click-through rates by product. @param {Context} context @param {() => void} again */
async function ctr(context, again) {
  const [latest, previous, past] = await Promise.all([context.latest("ctr"), context.previous("ctr"), context.past("ctr", 5 * MINUTE)]);
  if (!latest.length) return null;
  const before = new Map(previous.map((row) => [row.product_id, row]));
  const history = Map.groupBy(past, (row) => row.product_id);
  const all = falling(latest, "impressions");
  const rows = all.slice(0, shownProducts);
  const ranges = new Map(rows.map((row) => [row, wilson(row.clicks, row.impressions)]));
  const most = Math.max(...rows.map((row) => ranges.get(row)?.[1] ?? row.ctr), 0.01);
  const line = (row) => {
    const old = before.get(row.product_id);
    const trend = (history.get(row.product_id) ?? []).slice(-24).map((point) => point.ctr);
    const range = ranges.get(row);
    return h("tr", { class: row.final ? null : "unsettled" },
      h("th", { scope: "row", title: row.product_id }, row.product_id),
      h("td", { class: "n strong" }, percent(row.ctr)),
      h("td", { class: "ci" }, interval(row.ctr, range, most)),
      h("td", { class: "n soft opt2" }, range ? `${(range[0] * 100).toFixed(1)}–${percent(range[1])}` : "–"),
      h("td", { class: "n" }, old ? delta(row.ctr, old.ctr, differ(row.clicks, row.impressions, old.clicks, old.impressions)) : "–"),
      h("td", { class: "n soft opt" }, old ? percent(old.ctr) : "–"),
      h("td", { class: "n opt" }, count(row.impressions)),
      h("td", { class: "n opt" }, count(row.clicks)),
      h("td", { class: "opt2" }, sparkline(trend, `${row.product_id}, the last ${trend.length} windows`, 84, 22)));
  };
  const heads = [["product"], ["CTR", "n"], ["95 % interval", "ci"], ["from–to", "n opt2"], ["change", "n"], ["previous", "n opt"], ["impressions", "n opt"], ["clicks", "n opt"], ["trend", "opt2"]];
  const more = all.length > rows.length || shownProducts > 8;
  const toggle = () => ((shownProducts = shownProducts > 8 ? 8 : 200), again());
  return [
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Click-through rate by product" },
      h("table", { class: "ctr" },
        h("caption", { class: "unseen" }, "Click-through rate of each product in its latest window of ten seconds"),
        h("thead", null, h("tr", null, heads.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)))),
        h("tbody", null, rows.map(line)))),
    more && h("button", { class: "more", type: "button", click: toggle }, shownProducts > 8 ? "Show fewer" : `Show all ${all.length} products`),
  ];
}

/** @param {Context} context */
async function pages(context) {
  const rows = falling(newest(await context.latest("page_view_counts")), "count").slice(0, 8);
  return rows.length ? bars(rows.map((row) => ({ name: row.page, value: row.count, note: `${count(row.views)} of them views` }))) : null;
}

/** @param {Context} context */
async function visitors(context) {
  const rows = falling(newest(await context.latest("unique_users_per_page")), "users").slice(0, 8);
  return rows.length ? bars(rows.map((row) => ({ name: row.page, value: row.users })), "c2") : null;
}

/** @param {Context} context */
async function types(context) {
  const past = await context.past("events_per_type", 30 * MINUTE);
  if (!past.length) return null;
  const totals = [...Map.groupBy(past, (row) => row.event)].map(([event, rows]) => ({ event, total: sum(rows, "events") }));
  const names = falling(/** @type {any} */ (totals), "total").slice(0, 5).map((row) => row.event);
  const slots = byWindow(past, 30).map(({ at, rows }) => ({ at, values: names.map((name) => sum(rows.filter((row) => row.event === name), "events")) }));
  return [columns(slots, names, `Events a minute by type: ${names.map((name, i) => `${name} ${slots.at(-1)?.values[i]}`).join(", ")} in the last`), legend(names)];
}

/** @param {Context} context */
async function conversion(context) {
  const past = await context.past("conversion_rate", HOUR);
  const last = past.at(-1);
  if (!last) return null;
  const range = wilson(last.converted, last.users);
  const chart = lines([{ name: "conversion", points: past.map((row) => ({ at: row.window_end, value: row.conversion_rate })) }],
    `Conversion over the last hour, now ${percent(last.conversion_rate)}`, (share) => percent(share, 0));
  const about = h("p", { class: "figures" }, figure(percent(last.conversion_rate), "converted"), figure(count(last.users), "users"),
    figure(range ? `${(range[0] * 100).toFixed(1)}–${percent(range[1])}` : "–", "95 % interval"));
  return [about, past.length > 1 && chart];
}

const figure = (value, name) => h("span", { class: "figure" }, h("b", null, value), " ", h("span", null, name));

/** @param {Context} context */
async function steps(context) {
  const [row] = await context.latest("funnel_stats");
  if (!row) return null;
  const all = ["viewed", "clicked", "purchased"].map((name) => ({ name: title(name), value: row[name] }));
  const label = `Of ${row.viewed} users who viewed, ${row.clicked} clicked and ${row.purchased} purchased`;
  return [funnel(all, label), h("p", { class: "soft" }, `${hhmm(row.window_start)} – ${hhmm(row.window_end)}, ${percent(row.view_to_purchase)} from the first step to the last`)];
}

/** @param {Context} context */
async function sessions(context) {
  const rows = await context.latest("session_stats");
  if (!rows.length) return null;
  const length = rows.map((row) => row.duration_ms).sort((a, b) => a - b);
  const median = length[Math.floor(length.length / 2)];
  const edges = [[0, "one event"], [10_000, "to 10 s"], [30_000, "to 30 s"], [MINUTE, "to 1 min"], [5 * MINUTE, "to 5 min"], [Infinity, "longer"]];
  const within = (i) => length.filter((ms) => ms <= edges[i][0] && (i === 0 || ms > edges[i - 1][0])).length;
  return [
    h("p", { class: "figures" }, figure(count(rows.length), "users"), figure(duration(median), "median"), figure(number(Number((sum(rows, "events") / rows.length).toFixed(1))), "events each")),
    bars(edges.map(([, name], i) => ({ name, value: within(i) })), "c3"),
  ];
}

/** @param {Context} context */
async function heat(context) {
  const past = await context.past("activity_heatmap", 24 * HOUR - 5 * MINUTE);
  if (!past.length) return null;
  const hours = Array.from({ length: 24 }, () => Array(12).fill(0));
  for (const row of past) {
    const part = Math.floor(((row.window_end - 1) % HOUR) / (5 * MINUTE));
    if (hours[row.hour]) hours[row.hour][part] += row.events;
  }
  const name = (hour, part) => `${String(hour).padStart(2, "0")}:${String(part * 5).padStart(2, "0")} UTC: ${count(hours[hour][part])} events`;
  const best = hours.map((values) => values.reduce((a, b) => a + b, 0));
  const top = best.indexOf(Math.max(...best));
  return heatmap(hours, `Events by hour of the day in UTC over the last day; most of them, ${count(best[top])}, from ${top}:00 on`, name, new Date(context.now).getUTCHours());
}

/** @param {Context} context */
async function returning(context) {
  const past = await context.past("retention", 24 * HOUR);
  const last = past.at(-1);
  if (!last) return null;
  const slots = byWindow(past, 24).map(({ at, rows }) => ({ at, values: [sum(rows, "returning_users"), sum(rows, "new_users")] }));
  return [
    h("p", { class: "figures" }, figure(percent(last.retention), "came back"), figure(count(last.returning_users), "of"), figure(count(last.users), "users")),
    columns(slots, ["returning", "new"], `Returning and new users by hour: ${last.returning_users} and ${last.new_users} in the last`),
    legend(["returning", "new"]),
  ];
}

const seen = new Set();

/** @param {Context} context @param {() => void} _ @param {(text: string) => void} tell */
async function alerts(context, _, tell) {
  const rows = await get("alerts?limit=30");
  const isFirst = seen.size === 0;
  const fresh = rows.filter((row) => !seen.has(row.id));
  rows.forEach((row) => seen.add(row.id));
  if (!isFirst && fresh.length) tell(`${fresh.length} new ${fresh.length === 1 ? "alert" : "alerts"}: ${words(String(fresh[0].rule ?? fresh[0].view))}`);
  if (!rows.length) return h("p", { class: "empty" }, "No alerts in the last seven days.");
  const item = (row) => {
    const level = ["CRITICAL", "HIGH", "MEDIUM"].includes(row.severity) ? row.severity.toLowerCase() : "low";
    const details = row.details ?? Object.entries(row).filter(([name]) => !["id", "view", "severity", "revision"].includes(name)).map(([name, value]) => `${words(name)} ${value}`).join(", ");
    return h("li", { class: !isFirst && fresh.includes(row) ? "alert fresh" : "alert" },
      h("span", { class: `severity ${level}` }, String(row.severity).toLowerCase()),
      h("div", null, h("p", null, h("b", null, title(String(row.rule ?? row.view))), " ", h("time", { datetime: new Date(row.window_end).toISOString(), title: moment(row.window_end), "data-at": row.window_end }, ago(row.window_end, context.now))),
        h("p", { class: "soft" }, details)));
  };
  return h("ol", { class: "alerts", tabindex: "0", "aria-label": "Alerts, the newest first" }, rows.map(item));
}

/**
 * The panels, in the order of the page. `needs` names the view and the columns without which there is none.
 * @type {{id: string, title: string, note: string, size: number, needs: [string, string[]], draw: Function, tall?: boolean}[]}
 */
export const PANELS = [
  { id: "ctr", title: "Click-through rate", note: "per product, every 10 s", size: 8, needs: ["ctr", ["product_id", "impressions", "clicks", "ctr"]], draw: ctr },
  { id: "alerts", title: "Alerts", note: "as they come", size: 4, needs: ["", []], draw: alerts, tall: true },
  { id: "funnel", title: "Funnel", note: "view, click, purchase in this order", size: 4, needs: ["funnel_stats", ["viewed", "clicked", "purchased", "view_to_purchase"]], draw: steps },
  { id: "types", title: "Events per type", note: "a minute each", size: 4, needs: ["events_per_type", ["event", "events"]], draw: types },
  { id: "conversion", title: "Conversion", note: "viewed and purchased, last 5 min", size: 4, needs: ["conversion_rate", ["users", "converted", "conversion_rate"]], draw: conversion },
  { id: "pages", title: "Page views", note: "last 5 min, every 10 s", size: 4, needs: ["page_view_counts", ["page", "count", "views"]], draw: pages },
  { id: "visitors", title: "Unique users", note: "per page, last minute", size: 4, needs: ["unique_users_per_page", ["page", "users"]], draw: visitors },
  { id: "sessions", title: "Sessions", note: "each user's last, by length", size: 4, needs: ["session_stats", ["duration_ms", "events"]], draw: sessions },
  { id: "heat", title: "Activity", note: "by hour of the day (UTC) and five minutes", size: 8, needs: ["activity_heatmap", ["hour", "events"]], draw: heat },
  { id: "retention", title: "Retention", note: "an hour each", size: 4, needs: ["retention", ["users", "new_users", "returning_users", "retention"]], draw: returning },
];

/** The tiles on top: what is most looked at. */
export const TILES = [
  { id: "t-ctr", title: "CTR, all products", needs: ["ctr", ["impressions", "clicks"]], draw: async (context) => {
    const slots = byWindow(await context.past("ctr", 10 * MINUTE), 30).map(({ rows }) => [sum(rows, "clicks"), sum(rows, "impressions")]);
    const [last, before] = [slots.at(-1), slots.at(-2)];
    if (!last) return null;
    const range = wilson(...last);
    return {
      value: percent(last[0] / last[1]),
      note: before ? delta(last[0] / last[1], before[0] / before[1], differ(...last, ...before)) : null,
      more: range && `${(range[0] * 100).toFixed(1)}–${percent(range[1])}`,
      trend: slots.map(([clicks, impressions]) => (impressions ? clicks / impressions : null)),
    };
  } },
  { id: "t-views", title: "Page views a minute", needs: ["page_views", ["views"]], draw: async (context) => {
    const slots = byWindow(await context.past("page_views", HOUR), 30).map(({ rows }) => sum(rows, "views"));
    return slots.length ? { value: count(slots.at(-1)), more: slots.length > 1 ? `${count(slots.at(-2))} before` : null, trend: slots } : null;
  } },
  { id: "t-users", title: "Users, last 5 min", needs: ["conversion_rate", ["users"]], draw: async (context) => {
    const past = await context.past("conversion_rate", HOUR);
    return past.length ? { value: count(past.at(-1).users), more: past.length > 1 ? `${count(past.at(-2).users)} before` : null, trend: past.map((row) => row.users) } : null;
  } },
  { id: "t-conversion", title: "Conversion", needs: ["conversion_rate", ["users", "converted", "conversion_rate"]], draw: async (context) => {
    const past = await context.past("conversion_rate", HOUR);
    const [last, before] = [past.at(-1), past.at(-2)];
    if (!last) return null;
    return { value: percent(last.conversion_rate), note: before ? delta(last.conversion_rate, before.conversion_rate, differ(last.converted, last.users, before.converted, before.users)) : null, more: `${count(last.converted)} of ${count(last.users)}`, trend: past.map((row) => row.conversion_rate) };
  } },
  { id: "t-alerts", title: "Alerts, last hour", needs: ["", []], draw: async (context) => {
    const rows = await get(`alerts?from=${Math.floor(context.now - HOUR)}&limit=1000`);
    const worst = ["CRITICAL", "HIGH", "MEDIUM"].find((level) => rows.some((row) => row.severity === level));
    return { value: count(rows.length), more: worst ? `worst: ${worst.toLowerCase()}` : "all quiet", trend: [] };
  } },
];
