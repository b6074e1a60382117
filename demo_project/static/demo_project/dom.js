// Text reaches the document through textContent only: device names and user agents are other
// people's input.

/** Find an element by its id. */
export const $ = (id) => document.getElementById(id);

/** Fill every element that shows `name` of `kind`: `<dd data-profile="email">`. */
export function fill(kind, name, text) {
  for (const node of document.querySelectorAll(`[data-${kind}="${name}"]`)) node.textContent = text;
}

/** Empty every element that shows something of `kind`. */
export function empty(kind) {
  for (const node of document.querySelectorAll(`[data-${kind}]`)) node.textContent = "";
}

/** Make an element of this name, class and text. */
export function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.textContent = text;
  return node;
}

/** Give a time as a date: "12 Mar 2026". */
export function date(value) {
  return new Date(value).toLocaleDateString(undefined, { dateStyle: "medium" });
}

/** Give a time as its distance from now: "5 minutes ago". */
export function ago(value) {
  const seconds = Math.round((Date.now() - new Date(value)) / 1000);
  if (seconds < 5) return "just now";
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  if (seconds < 60) return words.format(-seconds, "second");
  if (seconds < 3600) return words.format(-Math.round(seconds / 60), "minute");
  if (seconds < 48 * 3600) return words.format(-Math.round(seconds / 3600), "hour");
  return words.format(-Math.round(seconds / 86_400), "day");
}

/** Give a duration as minutes and seconds: "4:05". */
export function clock(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
