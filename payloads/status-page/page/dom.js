/*
 * Elements, made by hand. Text that comes from the lab goes into text nodes and attributes alone, so that
 * nothing a device writes is ever read as markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** An element of HTML: `h("p", { class: "x" }, "text", other)`. What is undefined or null is left out. */
export const h = (name, attributes, ...children) =>
  fill(document.createElement(name), attributes, children);

/** The same of SVG. */
export const s = (name, attributes, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) setAttribute(element, name, value);
  element.append(
    ...children.flat().filter((child) => child !== undefined && child !== null && child !== false),
  );
  return element;
}

/** Undefined, null and false take it away. */
export function setAttribute(element, name, value) {
  if (value === undefined || value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** Only where it differs: what did not change is not painted again, nor read out. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of an element those of a list, in its order, and keeps the elements that are there.
 *
 * @param rows of this list: by key, `{ element, update(item) }`
 * @param make makes one of them
 */
export function sync(parent, rows, items, keyOf, make) {
  const keys = new Set(items.map(keyOf));
  for (const [key, { element }] of rows) {
    if (keys.has(key)) continue;
    element.remove();
    rows.delete(key);
  }
  items.forEach((item, i) => {
    const key = keyOf(item);
    let row = rows.get(key);
    if (row === undefined) rows.set(key, (row = make(item)));
    row.update(item);
    if (parent.children[i] !== row.element)
      parent.insertBefore(row.element, parent.children[i] ?? null);
  });
}

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const inDigits = (value) => number.format(value);

/** How long something takes or is ago. */
export function inWords(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const dayAndClock = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** By the clock of whoever looks; with its day where that is another one. */
export function atTime(ms, now) {
  return (Math.abs(now - ms) < 43_200_000 ? clock : dayAndClock).format(ms);
}

/** A time that ages: whoever keeps the clock writes its text anew each second (`refreshAges`). */
export const age = (since, before = "") =>
  h("time", {
    "data-since": since,
    "data-before": before,
    datetime: new Date(since).toISOString(),
  });

export function refreshAges(root, now) {
  for (const element of root.querySelectorAll("time[data-since]")) {
    const { since, before } = element.dataset;
    setText(element, `${before}${inWords(now - Number(since))}`);
  }
}

/** The colours that topics are named after, as the clients' displays have them. */
const COLOURS = ["red", "green", "blue", "yellow", "orange", "purple", "cyan", "magenta", "white"];

export const colourOf = (topic) => COLOURS.find((colour) => colour === topic);

/** Marks that are told apart by their form, not by colour alone. */
export const MARKS = { up: "✓", warning: "!", down: "✕", unknown: "?" };
