// What both pages have: the theme, the state of the connection, the notice when something is wrong, the API key.

import { keepKey } from "./api.js";
import { byId, h } from "./dom.js";
import { time } from "./format.js";

/** Lets a person choose the theme; the system's is the first. */
export function themeButton() {
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    button.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
    button.textContent = isDark() ? "☀" : "☾";
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("weir.theme", root.dataset.theme);
    } catch {
      // It holds until the page is loaded again.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}

/** Says something above everything else; nothing takes it away again. @param {...(Node | string)} parts */
export function notice(...parts) {
  const bar = byId("notice");
  const text = parts.map((part) => (typeof part === "string" ? part : part.textContent)).join("");
  bar.hidden = parts.length === 0;
  // What is said already is not said again.
  if (bar.dataset.says === text) return;
  bar.dataset.says = text;
  bar.replaceChildren(...parts);
}

/** Asks for the API key. @param {() => void} then */
export function askForKey(then) {
  if (byId("notice").querySelector("form")) return;
  const field = h("input", { id: "key", type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  const form = h("form", { class: "key", submit: (event) => {
    event.preventDefault();
    keepKey(/** @type {HTMLInputElement} */ (field).value.trim());
    notice();
    then();
  } }, h("label", { for: "key" }, "This API needs a key. It is kept until this tab is closed."), field, h("button", { type: "submit" }, "Use this key"));
  notice(form);
  field.focus();
}

const SAYS = {
  loading: "Loading",
  live: "Live",
  polling: "Every 5 s",
  away: "API away",
  locked: "Key needed",
};

/** Shows how the page is connected. @param {import("./feed.js").Feed} feed */
export function connection(feed) {
  const [state, clock] = [byId("state"), byId("clock")];
  feed.addEventListener("connection", (event) => {
    const { connection, why } = /** @type {CustomEvent} */ (event).detail;
    const says = SAYS[/** @type {keyof typeof SAYS} */ (connection)];
    document.body.dataset.connection = connection;
    if (state.textContent !== says) state.textContent = says;
    if (connection === "locked") askForKey(() => feed.hurry());
    else if (connection === "away") notice(`The API does not answer (${why}). ${stale(feed.at)} Trying again by itself.`);
    else notice();
  });
  feed.addEventListener("status", () => (clock.textContent = time(feed.at)));
}

/** @param {number} at */
const stale = (at) => (at ? `The numbers below are of ${time(at)}.` : "There are no numbers yet.");
