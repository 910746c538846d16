// SQL in the browser: written, checked as one types, tried on the newest events.

import { Problem, get, post } from "./api.js";
import { byId, h } from "./dom.js";
import { Editor } from "./editor.js";
import { count, duration, moment, title, windows, words } from "./format.js";
import { askForKey, notice, themeButton } from "./shell.js";
import { chartOf, rowsTable } from "./table.js";

const KEPT = "weir.draft";
/** How long after the last key it is checked. */
const PAUSE_MS = 250;
/** How many rows a result shows. */
const ROWS = 50;

const state = byId("state");
let timer = 0;
let turn = 0;
/** @type {AbortController | null} */
let trying = null;
/** @type {{name: string, key: string | null, columns: any[], topic: string, event_time: string}[]} */
let tables = [];

const editor = new Editor(/** @type {HTMLTextAreaElement} */ (byId("draft")), byId("paint"), byId("gutter"), (text) => {
  keep(text);
  clearTimeout(timer);
  timer = window.setTimeout(() => void check(), PAUSE_MS);
});

/** The draft outlives the page. @param {string} text */
function keep(text) {
  try {
    localStorage.setItem(KEPT, text);
  } catch {
    // Then it does not.
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {string} says @param {string} connection */
function connected(says, connection) {
  document.body.dataset.connection = connection;
  if (state.textContent !== says) state.textContent = says;
}

/** Does what asks the API; says so where it does not answer. @param {() => Promise<void>} work */
async function ask(work) {
  try {
    await work();
    connected("Connected", "live");
    notice();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.needsKey) {
      connected("Key needed", "locked");
      askForKey(() => void start());
    } else {
      connected(error.status ? "Connected" : "API away", error.status ? "live" : "away");
      notice(`${title(error.message)}.`);
    }
  }
}

async function check() {
  const mine = ++turn;
  await ask(async () => {
    const found = await post("sql/check", { sql: editor.text });
    // What was typed since is checked by itself.
    if (mine !== turn) return;
    editor.mark(found.errors.filter((error) => error.file === "draft.sql"));
    byId("mistakes").replaceChildren(found.errors.length ? mistakes(found.errors) : verdict(found));
  });
}

function verdict(found) {
  const views = found.views.map((view) => `${view.name}: ${windows(view.window)}`);
  const says = views.length ? `✓ ${views.join("; ")}` : "No view yet. Write CREATE VIEW ..., or begin with a table or an example.";
  return h("div", null, h("p", { class: views.length ? "fine" : "soft" }, says),
    found.warnings.length ? h("ul", { class: "mistakes" }, found.warnings.map((warning) => h("li", { class: "warning" }, warning))) : null);
}

const mistakes = (errors) => h("ol", { class: "mistakes", "aria-label": "Mistakes" }, errors.map((error) => h("li", null,
  h("button", { type: "button", click: () => editor.goTo(error.line, error.column) }, `line ${error.line}, column ${error.column}`), `: ${error.message}`)));

async function tryOut() {
  if (trying) return trying.abort();
  const button = /** @type {HTMLButtonElement} */ (byId("try"));
  trying = new AbortController();
  button.textContent = "Stop";
  try {
    const records = Number(/** @type {HTMLSelectElement} */ (byId("records")).value);
    const results = await post("sql/try", { sql: editor.text, records }, trying.signal);
    notice();
    byId("results").replaceChildren(summary(results), ...results.views.map((view) => result(view, results)));
  } catch (error) {
    if (error instanceof Problem) failed(error);
    else if (/** @type {Error} */ (error).name !== "AbortError") throw error;
  } finally {
    trying = null;
    button.textContent = "Try it";
  }
}

/** @param {Problem} error */
function failed(error) {
  if (error.needsKey) return askForKey(() => void tryOut());
  const errors = error.body.errors;
  if (errors) {
    editor.mark(errors.filter((one) => one.file === "draft.sql"));
    return byId("mistakes").replaceChildren(mistakes(errors));
  }
  byId("results").replaceChildren(h("section", { class: "panel" }, h("p", null, `${title(error.message)}.`)));
}

function summary(results) {
  const records = Object.entries(results.records).map(([topic, n]) => `${count(n)} of ${topic}`);
  const facts = [
    records.length ? `${records.join(", ")}, in ${duration(results.took_ms)}` : "no records: the topics are empty",
    results.from !== null ? `from ${moment(results.from)} on` : null,
    results.to !== null ? "rows in italics are of windows that are not whole in the sample" : null,
    results.late ? `${count(results.late)} late` : null,
    results.dead ? `${count(results.dead)} did not fit their table` : null,
    results.cut_short ? "time was up before the sample was through: take fewer records" : null,
  ];
  const letters = results.dead_letters.map((letter) => h("li", null, `${letter.topic}-${letter.partition}@${letter.offset}: ${letter.reason}`));
  return h("p", { class: "soft" }, facts.filter(Boolean).join(" · "), letters.length ? h("details", null, h("summary", null, "Records that did not fit"), h("ul", null, letters)) : null);
}

function result(view, results) {
  const newest = [...view.rows].reverse();
  const isPartial = (row) => row.window_start < (results.from ?? -Infinity) || row.window_end - 1 > results.to;
  const isWindowed = view.window.kind !== "none";
  const whole = newest.find((row) => !isPartial(row)) ?? newest[0];
  const last = isWindowed ? newest.filter((row) => row.window_end === whole?.window_end) : newest;
  const measure = view.columns.find((column) => ["BIGINT", "DOUBLE"].includes(column.type) && !view.keys.some((key) => key.name === column.name))?.name ?? null;
  const chart = chartOf(view, measure, measure ? [...last].sort((a, b) => b[measure] - a[measure]) : last, view.rows);
  const table = rowsTable(view, newest.slice(0, ROWS), `Rows of ${words(view.name)}`);
  [...table.querySelectorAll("tbody tr")].forEach((row, i) => isPartial(newest[i]) && row.classList.add("partial"));
  const shown = Math.min(ROWS, newest.length);
  return h("section", { class: "panel", "aria-label": view.name },
    h("header", null, h("h2", null, view.name), h("p", { class: "note" }, `${windows(view.window)} · ${shown < view.total ? `the newest ${shown} of ${count(view.total)} rows` : `${count(view.total)} rows`}`)),
    h("div", { class: "body" }, newest.length ? [chart, table] : h("p", { class: "empty" }, "No rows: nothing in the sample passes.")));
}

/** What to do to have it for good. */
function save() {
  const place = byId("saving");
  const name = /CREATE\s+VIEW\s+"?([\w$]+)/i.exec(editor.text)?.[1] ?? "mine";
  const path = `sql/${name}.sql`;
  const copy = h("button", { type: "button", class: "plain", click: async (event) => {
    await navigator.clipboard.writeText(editor.text);
    event.target.textContent = "Copied";
  } }, "Copy the SQL");
  const url = URL.createObjectURL(new Blob([editor.text.trimEnd(), "\n"], { type: "application/sql" }));
  const file = h("a", { href: url, download: `${name}.sql`, class: "plain" }, `Download ${name}.sql`);
  place.replaceChildren(h("p", null, `Put this into ${path}, beside the tables that it reads; what is there under the same names, take out. Then:`),
    h("pre", { class: "save code" }, `weir check sql/\nweir up`), h("p", { class: "tools" }, copy, file));
  place.hidden = false;
}

/** A view over a table to begin with. @param {(typeof tables)[number]} table */
function starter(table) {
  const by = table.key ?? table.columns.find((column) => column.type === "TEXT")?.name;
  const list = by ? `${by},\n       ` : "";
  return `-- Counts of ${table.name}, every ten seconds.\nCREATE VIEW my_${table.name} AS\nSELECT ${list}count(*) AS events\nFROM ${table.name}\nGROUP BY ${by ? `${by}, ` : ""}TUMBLE(${table.event_time}, INTERVAL '10' SECOND);\n`;
}

/** What there is to read, and what there is to begin with. @param {any} found */
function catalog(found) {
  tables = found.tables;
  const column = (one) => h("li", null, one.name, h("span", null, `${one.type.toLowerCase()}${one.not_null ? ", not null" : ""}`));
  const begin = (table) => h("button", { type: "button", class: "plain", click: () => begun(starter(table)) }, "Begin with it");
  const about = (one, more) => h("details", null, h("summary", null, h("b", null, one.name)), h("ul", null, one.columns.map(column)), more);
  const files = found.files.map((file) => ({ ...file, short: file.name.split("/").at(-1) }));
  const open = (event) => {
    const file = files[event.target.value];
    if (file) begun(file.text);
    event.target.value = "";
  };
  byId("catalog").replaceChildren(
    files.length ? h("label", { class: "tools" }, "Begin with ", h("select", { change: open }, h("option", { value: "" }, "an example…"), files.map((file, i) => h("option", { value: i }, file.short)))) : "",
    h("div", { class: "tablelist" }, h("p", { class: "soft" }, "Tables"), found.tables.map((table) => about(table, begin(table))),
      h("p", { class: "soft" }, "Views, which views may read too"), found.views.map((view) => about(view, null))));
}

/** @param {string} text */
function begun(text) {
  editor.text = text;
  editor.area.focus();
}

async function start() {
  await ask(async () => {
    catalog(await get("sql/catalog"));
    const table = tables.find((one) => one.name === "clicks") ?? tables[0];
    if (!editor.text) editor.text = kept() || (table ? starter(table) : "");
  });
}

byId("try").addEventListener("click", () => void tryOut());
byId("save").addEventListener("click", save);
editor.area.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    void tryOut();
  }
});
themeButton();
void start();
