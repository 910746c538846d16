// Charts as SVG, by hand: each is one picture with a sentence for those who hear it. Colours are classes (c1 to
// c5, safe for the colour-blind), so that they follow the theme.

import { h, s, widen } from "./dom.js";
import { count, hhmm, percent } from "./format.js";

const WIDTH = 480;
const HEIGHT = 150;
/** How much of a step of a funnel is its bar; the rest is the way to the next. */
const BAR = 0.56;
/** Where the plot lies in the picture. */
const PLOT = { left: 40, right: WIDTH - 4, top: 8, bottom: HEIGHT - 20 };

/** How much room a time takes. */
const LABEL = 44;

/** The next number above that people count in. @param {number} most */
function round(most) {
  if (!(most > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 4, 5, 8, 10].map((step) => step * unit).find((step) => step >= most * 0.999) ?? most;
}

/** @param {string} label @param {string} kind @param {number} height @param {...any} parts */
const picture = (label, kind, height, ...parts) => framed(label, kind, [WIDTH, height], parts);

const framed = (label, kind, [width, height], parts) =>
  s("svg", { viewBox: `0 0 ${width} ${height}`, class: `chart ${kind}`, role: "img", "aria-label": label }, ...parts);

/** Lines across the plot with what they stand for. */
function grid(most, format) {
  return [0, 0.5, 1].map((share) => {
    const y = PLOT.bottom - share * (PLOT.bottom - PLOT.top);
    return s("g", null,
      s("line", { x1: PLOT.left, x2: PLOT.right, y1: y, y2: y, class: share ? "rule" : "axis" }),
      s("text", { x: PLOT.left - 6, y: y + 3.5, class: "tick end" }, format(share * most)));
  });
}

/** Times under the plot: the first, the last and one between. @param {number[]} at @param {(i: number) => number} x */
function times(at, x, format) {
  const picks = at.length > 4 ? [0, Math.floor((at.length - 1) / 2), at.length - 1] : at.length ? [0, at.length - 1] : [];
  // Those that would lie over the one before are left out.
  const apart = [...new Set(picks)].filter((i, n, all) => n === 0 || x(i) - x(all[n - 1]) >= LABEL);
  return apart.map((i) => {
    const place = at.length === 1 ? "middle" : i === 0 ? "start" : i === at.length - 1 ? "end" : "middle";
    return s("text", { x: x(i), y: HEIGHT - 5, class: `tick ${place}` }, format(at[i]));
  });
}

/** A line without axes, for a row or a tile. @param {(number | null)[]} values @param {string} label */
export function sparkline(values, label, width = 96, height = 26) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return h("span", { class: "spark none" });
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const y = (value) => height - 3 - ((value - low) / (high - low || 1)) * (height - 6);
  const x = (i) => 2 + (i / (values.length - 1)) * (width - 5);
  const path = values.map((value, i) => (value === null ? "" : `${x(i).toFixed(1)},${y(value).toFixed(1)}`));
  const last = values.findLastIndex((value) => value !== null);
  return s("svg", { viewBox: `0 0 ${width} ${height}`, class: "spark", role: "img", "aria-label": label },
    s("polyline", { points: path.filter(Boolean).join(" ") }),
    s("circle", { cx: x(last), cy: y(values[last]), r: 2.2 }));
}

/** A rate with the interval that it may really lie in. @param {number} value @param {[number, number] | null} range */
export function interval(value, range, most) {
  const x = (share) => (2 + Math.min(1, share / (most || 1)) * 96).toFixed(1);
  const says = range ? `${percent(value)}, between ${percent(range[0])} and ${percent(range[1])}` : percent(value);
  return s("svg", { viewBox: "0 0 100 14", class: "interval", role: "img", "aria-label": says, preserveAspectRatio: "none" },
    s("title", null, says),
    s("line", { x1: 2, x2: 98, y1: 7, y2: 7, class: "rule" }),
    range && s("rect", { x: x(range[0]), width: Math.max(1, x(range[1]) - x(range[0])), y: 4, height: 6, rx: 2, class: "reach" }),
    s("rect", { x: x(value) - 0.9, width: 1.8, y: 1.5, height: 11, class: "point" }));
}

/**
 * Bars with their names, the longest first as they come.
 * @param {{name: string, value: number, text?: string, note?: string}[]} rows @param {string} [color]
 */
export function bars(rows, color = "c1") {
  const most = Math.max(...rows.map((row) => row.value), 0) || 1;
  return h("ol", { class: "bars" }, rows.map((row) => h("li", { title: row.note },
    h("span", { class: "name" }, row.name),
    h("span", { class: "track", "aria-hidden": "true" }, widen(h("span", { class: `bar ${color}` }), row.value / most)),
    h("span", { class: "value" }, row.text ?? count(row.value)))));
}

/** What the colours of a chart stand for. @param {string[]} names */
export const legend = (names) =>
  h("ul", { class: "legend" }, names.map((name, i) => h("li", null, h("span", { class: `swatch c${i + 1}` }), name)));

/**
 * Columns over time, stacked.
 * @param {{at: number, values: number[]}[]} slots @param {string[]} names @param {string} label
 */
export function columns(slots, names, label, format = hhmm) {
  const most = round(Math.max(...slots.map(({ values }) => values.reduce((sum, value) => sum + value, 0)), 0));
  const step = (PLOT.right - PLOT.left) / Math.max(slots.length, 8);
  const x = (i) => PLOT.left + (i + 0.5) * step;
  const column = ({ at, values }, i) => {
    let y = PLOT.bottom;
    return s("g", null,
      s("title", null, `${format(at)}: ${names.map((name, n) => `${name} ${count(values[n])}`).join(", ")}`),
      s("rect", { x: x(i) - step / 2, width: step, y: PLOT.top, height: PLOT.bottom - PLOT.top, class: "hit" }),
      values.map((value, n) => {
        const height = (value / most) * (PLOT.bottom - PLOT.top);
        y -= height;
        return s("rect", { x: x(i) - step * 0.39, width: step * 0.78, y, height: Math.max(0, height - 0.6), class: `c${n + 1}` });
      }));
  };
  return picture(label, "columns", HEIGHT, grid(most, count), slots.map(column), times(slots.map((slot) => slot.at), x, format));
}

/**
 * Lines over time.
 * @param {{name: string, points: {at: number, value: number | null}[]}[]} lines @param {string} label
 */
export function lines(lines, label, format = count, when = hhmm) {
  const all = lines.flatMap(({ points }) => points).filter(({ value }) => value !== null);
  const [from, to] = [Math.min(...all.map((p) => p.at)), Math.max(...all.map((p) => p.at))];
  const most = round(Math.max(...all.map((p) => p.value), 0));
  const least = Math.min(0, ...all.map((p) => p.value));
  const x = (at) => PLOT.left + ((at - from) / (to - from || 1)) * (PLOT.right - PLOT.left - 4);
  const y = (value) => PLOT.bottom - ((value - least) / (most - least || 1)) * (PLOT.bottom - PLOT.top);
  const line = ({ name, points }, n) => {
    const known = points.filter(({ value }) => value !== null);
    const path = known.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    const last = known.at(-1);
    return s("g", { class: `c${n + 1}` },
      lines.length === 1 && known.length > 1 &&
        s("polygon", { points: [...path, `${x(last.at)},${y(least)}`, `${x(known[0].at)},${y(least)}`].join(" "), class: "area" }),
      s("polyline", { points: path.join(" "), class: "line" }),
      known.slice(-60).map(({ at, value }) =>
        s("circle", { cx: x(at), cy: y(value), r: known.length > 40 ? 1.2 : 2.4 }, s("title", null, `${when(at)}: ${name} ${format(value)}`))));
  };
  const at = [...new Set(all.map((p) => p.at))].sort((a, b) => a - b);
  const scale = (share) => format(least + share * (most - least) / (most || 1));
  return picture(label, "lines", HEIGHT, grid(most, least ? scale : format), lines.map(line), times(at, (i) => x(at[i]), when));
}

/**
 * How many are left at each step.
 * @param {{name: string, value: number}[]} steps @param {string} label
 */
export function funnel(steps, label) {
  const height = 150;
  const most = steps[0]?.value || 1;
  // The last step has no way behind it.
  const wide = WIDTH / (steps.length - 1 + BAR);
  const [middle, tallest] = [92, 88];
  const tall = (step) => Math.max(2, (step.value / most) * tallest);
  return picture(label, "funnel", height, steps.map((step, i) => {
    const [left, half] = [i * wide, tall(step) / 2];
    const next = steps[i + 1];
    const bar = wide * BAR;
    return s("g", null,
      s("text", { x: left + 2, y: 14, class: "label" }, step.name),
      s("text", { x: left + 2, y: 33, class: "figure" }, count(step.value)),
      s("rect", { x: left, width: bar, y: middle - half, height: half * 2, rx: 2, class: "c1" }),
      next && s("polygon", { class: "flow c1", points: [
        [left + bar, middle - half], [left + wide, middle - tall(next) / 2],
        [left + wide, middle + tall(next) / 2], [left + bar, middle + half]].map((p) => p.join(",")).join(" ") }),
      next && s("text", { x: left + bar + (wide - bar) / 2, y: 146, class: "tick middle strong" },
        percent(step.value ? next.value / step.value : null)));
  }));
}

/**
 * A day: an hour a column, so many minutes a row.
 * @param {number[][]} hours for each hour its values @param {string} label @param {(hour: number, part: number) => string} name
 */
export function heatmap(hours, label, name, current = -1) {
  const parts = Math.max(...hours.map((values) => values.length), 1);
  const most = Math.max(...hours.flat(), 0) || 1;
  // It is the one chart that is as wide as two: on a narrow screen it is as wide as the others.
  const width = matchMedia("(max-width: 700px)").matches ? WIDTH : 2 * WIDTH;
  const [left, wide, tall] = [28, (width - 28) / 24, 13];
  const shade = (value) => (value ? Math.min(5, 1 + Math.floor((value / most) * 4.999)) : 0);
  const cell = (value, hour, part) =>
    s("rect", { x: left + hour * wide + 0.8, y: part * tall + 0.6, width: wide - 1.6, height: tall - 1.2, rx: 1.2, class: `h${shade(value)}` },
      value ? s("title", null, name(hour, part)) : null);
  const minutes = 60 / parts;
  const rows = [0, parts / 2].map((part) =>
    s("text", { x: left - 5, y: (part + 0.9) * tall, class: "tick end" }, `:${String(part * minutes).padStart(2, "0")}`));
  const heads = hours.map((_, hour) => hour % 3 === 0 || hour === current
    ? s("text", { x: left + (hour + 0.5) * wide, y: parts * tall + 12, class: hour === current ? "tick middle strong" : "tick middle" },
      String(hour).padStart(2, "0"))
    : null);
  const cells = hours.map((values, hour) => values.map((value, part) => cell(value, hour, part)));
  return framed(label, "heat", [width, parts * tall + 16], [rows, cells, heads]);
}
