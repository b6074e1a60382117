// The page that the storm hits: one client, and what it said, for the tests to look at.
import { createClient } from "../tokenauth/tokenauth.js";

const who = document.getElementById("who");
/** {at: milliseconds of the clock that all tabs share, sid: of the session, or null, code} */
window.changes = [];
window.exchanges = [];
window.client = createClient({ onExchange: (exchange) => window.exchanges.push(exchange) });
window.client.onChange((session, problem) => {
  who.textContent = session ? session.sid : "nobody";
  window.changes.push({ at: Date.now(), sid: session?.sid ?? null, code: problem?.code ?? "" });
});

/** What a page's call came to: {value} or {name, message, code, cause}. */
window.outcome = async (work) => {
  try {
    return { value: await work() };
  } catch (error) {
    const { name, message, code } = Object(error);
    const cause = error?.cause?.code;
    return name ? { name, message, code, cause } : { thrown: String(error) };
  }
};

// Asked once by each page that is loaded, as an app does when it starts.
window.booted = window.outcome(async () => (await window.client.session())?.sid ?? null);
window.booted.then((outcome) => (window.boot = outcome));
