// Elements, made from parts. Texts become text nodes and nothing else: what comes from events is never markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | undefined | EventListener>} Attributes
 */

/** @param {Element} made @param {Attributes | null} attributes @param {(Child | Child[])[]} children */
function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

/**
 * An HTML element. Attributes that are functions are listeners.
 * @param {string} name @param {Attributes | null} [attributes] @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = null, ...children) {
  return /** @type {HTMLElement} */ (fill(document.createElement(name), attributes, children));
}

/**
 * An SVG element.
 * @param {string} name @param {Attributes | null} [attributes] @param {...(Child | Child[])} children
 */
export function s(name, attributes = null, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** The element with an id, which the page has. @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Makes an element as wide as a share of what holds it. @param {HTMLElement} made @param {number} share */
export function widen(made, share) {
  made.style.width = `${Math.max(0, Math.min(1, share || 0)) * 100}%`;
  return made;
}

/** A text for those who hear the page. @param {string} text */
export const unseen = (text) => h("span", { class: "unseen" }, text);
