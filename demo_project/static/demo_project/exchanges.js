// The log of requests, of this tab and of the others.

import { $, element } from "./dom.js";

const MOST = 14;
const channel = new BroadcastChannel("tokenauth demo");

/**
 * Log a request here and in the other tabs. Nothing of it is a secret.
 *
 * @param {{method: string, url: string, status: number, code?: string}} exchange status 0: no answer
 */
export function note({ method, url, status, code = "" }) {
  const entry = { method, path: new URL(url, location.href).pathname, status, code };
  add(entry, false);
  channel.postMessage({ entry });
  for (const heard of listeners) heard(entry);
}

const listeners = new Set();

/** Call `heard(entry)` after each request, of whichever tab. */
export function onNote(heard) {
  listeners.add(heard);
}

/** Ask the other tabs to renew now. */
export function askOthersToRenew() {
  channel.postMessage({ renew: true });
}

/** Call `renew()` when another tab asks for it. */
export function onAskedToRenew(renew) {
  channel.addEventListener("message", ({ data }) => data.renew && renew());
}

channel.addEventListener("message", ({ data: { entry } }) => {
  if (!entry) return;
  add(entry, true);
  for (const heard of listeners) heard(entry);
});

function add({ method, path, status, code }, elsewhere) {
  const good = status >= 200 && status < 300;
  const node = document.createElement("li");
  node.dataset.tab = elsewhere ? "other" : "this";
  node.append(
    element("span", "method", method),
    " ",
    element("span", "path", path),
    " ",
    element("b", good ? "good" : "bad", status || "no answer"),
    code ? " " : "",
    element("span", "why", code),
    elsewhere ? " " : "",
    element("span", "tab", elsewhere ? "other tab" : ""),
  );
  $("exchanges").prepend(node);
  while ($("exchanges").children.length > MOST) $("exchanges").lastElementChild.remove();
}
