// A textarea with numbered lines and coloured words: the text is painted under it, the textarea itself is clear.

import { h } from "./dom.js";

const KEYWORDS = new Set(("all and array as asc between by case cast create current day desc distinct else end exists extract false filter first "
  + "following from group having hour in interval is json last left like minute month not null options or order over partition "
  + "preceding qualify range row rows second select table then timestamp to true unbounded union view when where window with within year "
  + "text bigint double boolean integer match_recognize measures pattern define after").split(" "));
const TOKEN = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|("(?:[^"]|"")*"?)|(\b\d+(?:\.\d+)?\b)|([A-Za-z_]\w*)/g;

/** @typedef {{line: number, column: number, width: number, message: string}} Mistake */

/** The words of SQL with what they are: k(eyword), f(unction), t(ext), d(igits), m (remark). @param {string} text */
export function tokens(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [word, remark, quoted, , digits, name] = match;
    const calls = name && /^\s*\(/.test(text.slice(match.index + word.length));
    const kind = remark ? "m" : quoted ? "t" : digits ? "d" : name && KEYWORDS.has(name.toLowerCase()) ? "k" : calls ? "f" : "";
    if (match.index > at) found.push({ from: at, text: text.slice(at, match.index), kind: "" });
    found.push({ from: match.index, text: word, kind });
    at = match.index + word.length;
  }
  if (at < text.length) found.push({ from: at, text: text.slice(at), kind: "" });
  return found;
}

/** Where a line's column is in a text; both count from 1, columns in characters. */
function offset(text, line, column) {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return before + [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length;
}

export class Editor {
  /** @type {Mistake[]} */
  #mistakes = [];
  #leaves = false;

  /** @param {HTMLTextAreaElement} area @param {HTMLElement} paint @param {HTMLElement} gutter @param {(text: string) => void} changed */
  constructor(area, paint, gutter, changed) {
    this.area = area;
    this.paint = paint;
    this.gutter = gutter;
    area.addEventListener("input", () => {
      this.#mistakes = [];
      this.draw();
      changed(area.value);
    });
    area.addEventListener("scroll", () => this.#follow());
    area.addEventListener("keydown", (event) => this.#key(event));
    area.addEventListener("blur", () => (this.#leaves = false));
    this.draw();
  }

  get text() {
    return this.area.value;
  }

  /** Puts a text in, as if it were typed: it can be undone. @param {string} text */
  set text(text) {
    this.area.value = text;
    this.area.setSelectionRange(0, 0);
    this.area.scrollTop = 0;
    this.area.dispatchEvent(new Event("input"));
  }

  /** Marks what is wrong. @param {Mistake[]} mistakes */
  mark(mistakes) {
    this.#mistakes = mistakes;
    this.area.setAttribute("aria-invalid", String(mistakes.length > 0));
    this.draw();
  }

  /** Goes to a place. @param {number} line @param {number} column */
  goTo(line, column) {
    const at = offset(this.text, line, column);
    this.area.focus();
    this.area.setSelectionRange(at, at);
    this.area.scrollTop = Math.max(0, (line - 6) * 20);
  }

  draw() {
    const text = this.text;
    const wrong = this.#mistakes.map(({ line, column, width }) => {
      const from = offset(text, line, column);
      return { from, to: from + Math.max(1, width) };
    });
    const pieces = tokens(text).flatMap((token) => cut(token, wrong));
    const classes = (piece) => [piece.kind, piece.isWrong ? "wrong" : ""].join(" ").trim();
    // A last line that is empty would not be painted, and what is wrong at the very end needs room.
    const end = wrong.some(({ from }) => from >= text.length) ? h("span", { class: "wrong" }, " ") : "";
    this.paint.replaceChildren(...pieces.map((piece) => (classes(piece) ? h("span", { class: classes(piece) }, piece.text) : document.createTextNode(piece.text))), end, "\n");
    const lines = new Set(this.#mistakes.map(({ line }) => line));
    const numbers = text.split("\n").map((_, i) => [h("span", { class: lines.has(i + 1) ? "wrong" : null }, i + 1), "\n"]);
    this.gutter.replaceChildren(...numbers.flat());
    this.#follow();
  }

  #follow() {
    this.paint.scrollTop = this.gutter.scrollTop = this.area.scrollTop;
    this.paint.scrollLeft = this.area.scrollLeft;
  }

  /** Tab indents, unless Esc was pressed before it: the keyboard has to get out again. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") this.#leaves = true;
    if (event.key !== "Tab" || event.shiftKey || this.#leaves) return;
    event.preventDefault();
    this.area.setRangeText("  ", this.area.selectionStart, this.area.selectionEnd, "end");
    this.area.dispatchEvent(new Event("input"));
  }
}

/** A token in pieces that are wrong, or not, as a whole. */
function cut(token, wrong) {
  const [from, to] = [token.from, token.from + token.text.length];
  const edges = wrong.flatMap((one) => [one.from, one.to]).filter((edge) => edge > from && edge < to);
  const all = [from, ...new Set(edges.sort((a, b) => a - b)), to];
  return all.slice(1).map((end, i) => ({
    kind: token.kind,
    text: token.text.slice(all[i] - from, end - from),
    isWrong: wrong.some((one) => all[i] >= one.from && end <= one.to),
  }));
}
