// Numbers and times as a person reads them, and the little statistics that the page does itself.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });

/** @param {number | null | undefined} n */
export const isNumber = (n) => typeof n === "number" && Number.isFinite(n);
/** @param {number} n */
export const count = (n) => (!isNumber(n) ? "–" : Math.abs(n) >= 100_000 ? short.format(n) : whole.format(n));
/** @param {number} n */
export const rate = (n) => (!isNumber(n) ? "–" : n >= 100 ? count(n) : one.format(n));
/** @param {number} n */
export const number = (n) => (Number.isInteger(n) ? count(n) : digits.format(n));
/** A share as a percentage. @param {number | null | undefined} share @param {number} [places] */
export const percent = (share, places = 1) => (isNumber(share) ? `${(share * 100).toFixed(places)} %` : "–");

/** The difference of two shares in percentage points. @param {number} points */
export function points(points) {
  const sign = points > 0 ? "+" : points < 0 ? "−" : "±";
  return `${sign}${Math.abs(points * 100).toFixed(1)} pp`;
}

/** A duration. @param {number | null | undefined} ms */
export function duration(ms) {
  if (!isNumber(ms)) return "–";
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${one.format(ms / 1000)} s`;
  if (ms < 3_600_000) return pair(ms / 60_000, "min", (ms / 1000) % 60, "s");
  if (ms < 86_400_000) return pair(ms / 3_600_000, "h", (ms / 60_000) % 60, "min");
  return pair(ms / 86_400_000, "d", (ms / 3_600_000) % 24, "h");
}

const pair = (large, unit, small, smaller) =>
  Math.floor(small) ? `${Math.floor(large)} ${unit} ${Math.floor(small)} ${smaller}` : `${Math.floor(large)} ${unit}`;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The time of day. @param {number} ms */
export const time = (ms) => clock.format(ms);
/** The time of day without seconds. @param {number} ms */
export const hhmm = (ms) => minute.format(ms);

/** A moment: the time of day, with the day where that is another. @param {number} ms */
export function moment(ms) {
  const other = Math.abs(Date.now() - ms) > 20 * 3_600_000;
  return other ? `${day.format(ms)} ${time(ms)}` : time(ms);
}

/** How long ago, roughly. @param {number} ms @param {number} now */
export function ago(ms, now) {
  const since = now - ms;
  if (since < 5_000) return "now";
  if (since < 60_000) return `${Math.floor(since / 1000)} s ago`;
  if (since < 3_600_000) return `${Math.floor(since / 60_000)} min ago`;
  return since < 86_400_000 ? `${Math.floor(since / 3_600_000)} h ago` : moment(ms);
}

/** A value of a row by its column's type. @param {unknown} value @param {string} type */
export function show(value, type) {
  if (value === null || value === undefined) return "–";
  if (type === "TIMESTAMP" && isNumber(value)) return moment(value);
  if (typeof value === "number") return number(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A name from SQL for a person: `view_to_click` is "view to click". @param {string} name */
export const words = (name) => name.replaceAll("_", " ").replace(/\bctr\b/gi, "CTR").trim() || name;

/** The same as a title. @param {string} name */
export const title = (name) => words(name).replace(/^./u, (first) => first.toUpperCase());

/**
 * What a view's windows are.
 * @param {{kind: string, size_ms?: number, slide_ms?: number, gap_ms?: number, range_ms?: number}} window
 */
export function windows(window) {
  switch (window.kind) {
    case "tumble": return `every ${duration(window.size_ms)}`;
    case "hop": return `last ${duration(window.size_ms)}, every ${duration(window.slide_ms)}`;
    case "session": return `sessions, ended by ${duration(window.gap_ms)} of silence`;
    case "over": return `per event, over ${duration(window.range_ms)}`;
    case "event": return "per event";
    case "none": return "so far";
    default: return words(window.kind);
  }
}

/**
 * Wilson's interval of a proportion: where the true rate lies with a confidence of 95 %.
 * @param {number} successes @param {number} trials @returns {[number, number] | null}
 */
export function wilson(successes, trials) {
  if (!(trials > 0) || !(successes >= 0) || successes > trials) return null;
  const z = 1.959964;
  const p = successes / trials;
  const middle = p + (z * z) / (2 * trials);
  const reach = z * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials));
  const scale = 1 + (z * z) / trials;
  return [Math.max(0, (middle - reach) / scale), Math.min(1, (middle + reach) / scale)];
}

/**
 * Whether two proportions differ by more than chance would have it, at 95 %.
 * @param {number} a @param {number} na @param {number} b @param {number} nb
 */
export function differ(a, na, b, nb) {
  if (!(na > 0) || !(nb > 0)) return false;
  const pooled = (a + b) / (na + nb);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / na + 1 / nb));
  return error > 0 && Math.abs(a / na - b / nb) / error >= 1.959964;
}
