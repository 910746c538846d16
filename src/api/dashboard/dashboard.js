// The dashboard: tiles, panels and cards for the views that there are, drawn anew when they change.

import { Problem, get } from "./api.js";
import { sparkline } from "./charts.js";
import { byId, h } from "./dom.js";
import { Feed } from "./feed.js";
import { ago, duration, hhmm, title, windows, words } from "./format.js";
import { Rates, flow, health, lag } from "./health.js";
import { Context, PANELS, TILES } from "./panels.js";
import { connection, themeButton } from "./shell.js";
import { ViewCard, rowsTable } from "./table.js";

/** @typedef {import("./series.js").View} View */

const feed = new Feed();
const rates = new Rates();
/** @type {Context} */
let context = new Context([]);
/** @type {Panel[]} */
let panels = [];

/** Tells those who hear the page. @param {string} text */
const tell = (text) => (byId("told").textContent = text);

/** A part of the page that draws itself from views, again whenever they have changed. */
class Panel {
  #isDrawing = false;
  #isDue = false;
  #drawn = "";
  #asTable = false;

  /** @param {{id: string, title: string, note?: string, size: number, views: string[], draw: Function, tall?: boolean, closed?: boolean, always?: boolean}} what */
  constructor(what) {
    this.what = what;
    this.body = h("div", { class: "body", "aria-busy": "true" }, h("p", { class: "empty" }, "Loading…"));
    const view = context.view(what.views[0]);
    const canTable = what.views.length === 1 && view && !what.closed && what.draw.name !== "card";
    this.toggle = canTable ? h("button", { type: "button", class: "quiet", "aria-pressed": "false", click: () => this.#flip() }, "Table") : null;
    const name = h("h2", { id: `h-${what.id}` }, what.title);
    const note = h("p", { class: "note" }, what.note);
    const attributes = { class: `panel s${what.size} ${what.tall ? "tall" : ""}`, id: `p-${what.id}`, "aria-labelledby": `h-${what.id}` };
    this.element = what.closed
      ? h("details", { ...attributes, toggle: () => this.update(true) }, h("summary", null, name, note), this.body)
      : h("section", attributes, h("header", null, name, note, this.toggle), this.body);
  }

  #flip() {
    this.#asTable = !this.#asTable;
    this.toggle?.setAttribute("aria-pressed", String(this.#asTable));
    void this.update(true);
  }

  /** Draws it if its views have changed; one drawing at a time. */
  async update(anyway = false) {
    if (this.what.closed && !(/** @type {HTMLDetailsElement} */ (this.element).open)) return;
    const version = this.what.always ? String(context.now) : this.what.views.map((name) => context.version(name)).join();
    if (version === this.#drawn && !anyway) return;
    if (this.#isDrawing) return void (this.#isDue = true);
    this.#isDrawing = true;
    try {
      const parts = this.#asTable ? await this.#table() : await this.what.draw(context, () => void this.update(true), tell);
      this.#show(parts ?? this.#empty());
      this.#drawn = version;
    } catch (error) {
      // What stands there stays: the notice says how old it is.
      if (!this.#drawn && error instanceof Problem) this.#show(h("p", { class: "empty" }, error.message));
      if (!(error instanceof Problem)) console.error(error);
    }
    this.#isDrawing = false;
    if (this.#isDue) {
      this.#isDue = false;
      void this.update();
    }
  }

  /** Keeps the focus, and how far one has scrolled, where they were. */
  #show(parts) {
    const focused = this.body.contains(document.activeElement) ? [...this.body.querySelectorAll("a, button, select, [tabindex]")].indexOf(/** @type {Element} */ (document.activeElement)) : -1;
    const scrolled = [...this.body.querySelectorAll(".wide, .alerts")].map((element) => [element.scrollLeft, element.scrollTop]);
    this.body.replaceChildren(...[parts].flat().filter(Boolean));
    this.body.removeAttribute("aria-busy");
    [...this.body.querySelectorAll(".wide, .alerts")].forEach((element, i) => element.scrollTo(...(scrolled[i] ?? [0, 0])));
    if (focused >= 0) /** @type {HTMLElement | undefined} */ ([...this.body.querySelectorAll("a, button, select, [tabindex]")][focused])?.focus({ preventScroll: true });
  }

  async #table() {
    const view = context.view(this.what.views[0]);
    const rows = await context.latest(view.name);
    const sorted = [...rows].sort((a, b) => b.window_end - a.window_end).slice(0, 50);
    return rows.length ? rowsTable(view, sorted, `Rows of ${words(view.name)}`) : null;
  }

  #empty() {
    const view = context.view(this.what.views[0]);
    return h("p", { class: "empty" }, view ? waiting(view) : "Nothing yet.");
  }
}

/** When a view's first row is to be expected. @param {View} view */
function waiting(view) {
  const { kind, slide_ms: slide, size_ms: size, gap_ms: gap } = view.window;
  if (kind === "session") return `No session has ended yet: one does with ${duration(gap)} of silence.`;
  if (kind === "match") return "No events have matched yet.";
  if (kind === "none" || kind === "event" || kind === "over") return "No event has come for this yet.";
  const step = slide ?? size ?? 1;
  const next = (Math.floor(context.now / step) + 1) * step;
  return `No window has closed yet. This one ends at ${hhmm(next)}, in ${duration(next - context.now)}.`;
}

/** A tile: a number, what it was, its trend. */
class Tile {
  #drawn = "";

  constructor({ id, title, needs, draw, always = false }) {
    this.what = { needs, draw, always, title };
    this.value = h("b", null, "–");
    this.note = h("span", { class: "more" }, "waiting");
    this.trend = h("span", { class: "trend" });
    this.element = h("div", { class: "tile", id, role: "group", "aria-label": title }, h("span", { class: "name" }, title), this.value, this.note, this.trend);
  }

  async update() {
    const version = this.what.needs[0] && !this.what.always ? context.version(this.what.needs[0]) : String(context.now);
    if (version === this.#drawn) return;
    const drawn = await Promise.resolve(this.what.draw(context)).catch(() => null);
    if (!drawn) return;
    this.#drawn = version;
    if (this.value.textContent !== drawn.value) this.value.textContent = drawn.value;
    this.note.replaceChildren(...[drawn.note, drawn.note && drawn.more ? " · " : null, drawn.more].filter(Boolean));
    this.trend.replaceChildren(sparkline(drawn.trend, `${this.what.title}, trend`, 180, 28));
  }
}

/** Whether the catalog has a view with these columns. */
function has([name, columns]) {
  if (!name) return [...context.views.values()].some((view) => view.alert);
  const view = context.views.get(name);
  return Boolean(view) && columns.every((column) => view.columns.some((one) => one.name === column));
}

/** @param {View[]} views */
function layOut(views) {
  context = new Context(views);
  const alertViews = views.filter((view) => view.alert).map((view) => view.name);
  const mine = PANELS.filter((panel) => has(panel.needs));
  const taken = new Set([...mine.map((panel) => panel.needs[0]), ...alertViews]);
  if (has(["page_views", ["views"]])) taken.add("page_views");
  const read = new Set(views.flatMap((view) => view.sources));
  const isInner = (view) => (!view.topic && read.has(view.name)) || taken.has(view.name);
  const fixed = mine.map((panel) => new Panel({ ...panel, views: panel.needs[0] ? [panel.needs[0]] : alertViews }));
  const doctor = new Panel({ id: "health", title: "Pipeline", note: "what flows in, and how far the views are", size: 12, views: [], always: true, draw: (now) => health(now, rates) });
  const cards = views.filter((view) => !isInner(view)).map((view) => card(view, false));
  const inner = views.filter(isInner).map((view) => card(view, true));
  const tiles = [
    new Tile({ id: "t-flow", title: "Events a second", needs: ["", []], always: true, draw: () => flow(rates) }),
    new Tile({ id: "t-lag", title: "Watermark lag", needs: ["", []], always: true, draw: lagTile }),
    ...TILES.filter((tile) => has(tile.needs)).map((tile) => new Tile(tile)),
  ];
  byId("tiles").replaceChildren(...tiles.map((tile) => tile.element));
  byId("overview").replaceChildren(...fixed.map((panel) => panel.element));
  byId("cards").replaceChildren(...cards.map((panel) => panel.element));
  byId("inner").replaceChildren(...inner.map((panel) => panel.element));
  byId("pipeline").replaceChildren(doctor.element);
  byId("own").hidden = cards.length === 0;
  byId("more").hidden = inner.length === 0;
  byId("none").hidden = views.length > 0;
  panels = /** @type {any} */ ([...tiles, ...fixed, doctor, ...cards, ...inner]);
}

const lags = [];
function lagTile(now) {
  const behind = lag(now.status);
  lags.push(behind);
  if (lags.length > 60) lags.shift();
  return { value: behind === null ? "quiet" : duration(behind), more: behind === null ? "all is closed" : "the furthest view", trend: lags };
}

/** @param {View} view @param {boolean} closed */
function card(view, closed) {
  const made = new ViewCard(view);
  const draw = function card(now, again) {
    return made.draw(now, again);
  };
  const note = [windows(view.window), `over ${view.sources.join(", ")}`].join(" · ");
  return new Panel({ id: `view-${view.name}`, title: title(view.name), note, size: 6, views: [view.name], draw, closed });
}

/** Draws what has changed, but not more often than a person can see. */
let isScheduled = false;
function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  setTimeout(() => {
    isScheduled = false;
    for (const panel of panels) void panel.update();
  }, 50);
}

let known = "";
feed.addEventListener("status", async (event) => {
  const status = /** @type {CustomEvent} */ (event).detail;
  rates.add(status);
  const names = status.views.map((view) => view.name).join();
  // Other views than before: the API was started with other SQL.
  if (names !== known) {
    try {
      layOut(await get("views"));
    } catch {
      return;
    }
    known = names;
    byId("main").removeAttribute("aria-busy");
  }
  context.status = status;
  schedule();
});

// Times that pass, whether or not anything comes.
setInterval(() => {
  for (const element of document.querySelectorAll("time[data-at]")) {
    const text = ago(Number(/** @type {HTMLElement} */ (element).dataset.at), Date.now());
    if (element.textContent !== text) element.textContent = text;
  }
}, 5_000);

themeButton();
connection(feed);
void feed.run();
