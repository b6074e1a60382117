// The one client of this page, and what the page asks of the project's own endpoints through it.

import { createClient, Problem } from "../tokenauth/tokenauth.js";
import { note } from "./exchanges.js";
import { askPassword } from "./step-up.js";

/** The client in use. `renew` puts another one in its place: never keep a copy of it. */
export let client = create();

let present; // the sid of the session that is shown
let listener = () => {};
let stop = () => {};
let renewing = null;
let farewell = "";

function create() {
  return createClient({
    baseUrl: "/auth/",
    onExchange: note,
    onStepUp: () => askPassword((password) => client.reauthenticate(password)),
  });
}

/** Tell `changed(session, problem)` whatever becomes of the session, as `client.onChange` does. */
export function listen(changed) {
  listener = (session, problem) => {
    present = session?.sid;
    changed(session, problem);
  };
  stop();
  stop = client.onChange(listener);
}

/**
 * Do `work`, which ends the session.
 *
 * @param {string} words what to say when it is over
 * @param {() => Promise<void>} work
 */
export async function leave(words, work) {
  farewell = words;
  try {
    await work();
  } finally {
    farewell = "";
  }
}

/** Give the words of the `leave` under way; "" if the session is ending for another reason. */
export const wordsOfLeave = () => farewell;

/**
 * Get a new access token by the cookie, as a page does that has just been loaded: with a client
 * that knows nothing. The one in use stays until that has worked, or the session is over.
 *
 * @returns {Promise<object | null>} the session, or null if it is over
 * @throws {Problem} it cannot be known; the client in use goes on
 */
export function renew() {
  renewing ??= replace().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function replace() {
  const fresh = create();
  let session;
  try {
    session = await fresh.session();
  } catch (problem) {
    fresh.dispose();
    throw problem;
  }
  stop();
  client.dispose();
  client = fresh;
  stop = client.onChange(listener);
  return session;
}

/**
 * Ask for something that is shown.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {Problem} `session_changed`: it is for a session that is no longer shown
 */
export async function forPresent(work) {
  const asked = present;
  const answer = await work();
  if (asked !== present) throw new Problem(0, { code: "session_changed" });
  return answer;
}

/** A request to the project's endpoints that was refused: `status`, and the `code` of the server. */
export class Refusal extends Error {
  /**
   * @param {number} status of the answer
   * @param {{detail?: string, code?: string}} data of the answer: an error of REST framework, or
   *   its messages by field
   */
  constructor(status, data) {
    super(data.detail ?? (Object.values(data).flat().join(" ") || `The server answered ${status}.`));
    this.status = status;
    this.code = data.code ?? "invalid";
  }
}

/**
 * Call an endpoint of the project, as this session.
 *
 * @param {string} method of HTTP
 * @param {string} url on this host
 * @param {object} [body] sent as JSON
 * @param {boolean} [noted] whether it belongs into the log
 * @returns {Promise<object>} the JSON of the answer
 * @throws {Refusal} the server said no
 * @throws {Problem} there was no answer, or another session has begun
 */
export function api(method, url, body, noted = true) {
  return forPresent(() => ask(method, url, body, noted));
}

async function ask(method, url, body, noted) {
  await renewing?.catch(() => {}); // then by the client that is to stay
  const init = { method, headers: { Accept: "application/json" } };
  if (body) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const response = await client.fetch(url, init).catch((error) => {
    // A TypeError, as of plain `fetch`; the client says why it had no token to send.
    throw error.cause ?? (error instanceof Problem ? error : new Problem(0, { code: "network" }));
  });
  const data = await response.json().catch(() => ({})); // a page of errors has no code
  if (noted) note({ method, url, status: response.status, code: response.ok ? "" : data.code });
  if (!response.ok) throw new Refusal(response.status, data);
  return data;
}
