// A clock, a server and a browser for each test, and the things that most tests do first.

import { Browser } from "./browser.js";
import { Clock } from "./clock.js";
import { Server } from "./server.js";

export { settle } from "./clock.js";
export { faults } from "./server.js";

export const ME = { username: "ada", password: "right" };
export const KEY = "tokenauth /auth/";
export const API = "https://app.test/api/echo/";

/** A new world. */
export function world() {
  const clock = new Clock();
  const server = new Server(clock);
  const browser = new Browser(server, clock);
  return { clock, server, browser };
}

/** A tab in which somebody has logged in. `heard` is what its listener was told. */
export async function loggedIn({ options, tab: kind, ...given } = {}) {
  const all = { ...world(), ...given };
  const tab = all.browser.open(kind);
  const client = tab.client(options);
  const heard = listen(client);
  await all.clock.done(client.login(ME));
  all.server.log();
  return { ...all, tab, client, heard };
}

/** Logged in, and the access token has expired unseen, in a hidden tab. */
export async function expired(given) {
  const all = await loggedIn(given);
  all.tab.document.visibilityState = "hidden";
  await all.clock.advance(400_000);
  all.tab.document.visibilityState = "visible";
  return all;
}

/** Whatever a client says: [sid or null, code of the problem]. */
export function listen(client) {
  const heard = [];
  client.onChange((session, problem) => heard.push([session && session.sid, problem?.code]));
  return heard;
}

/** A browser that is restored with so many tabs, after the access token has expired. */
export async function restored(count, kind) {
  const all = await loggedIn({ tab: kind });
  all.client.dispose();
  await all.clock.advance(400_000);
  const tabs = Array.from({ length: count }, () => all.browser.open(kind));
  const clients = tabs.map((tab) => tab.client());
  return { ...all, tabs, clients, heard: clients.map(listen) };
}

/** Two tabs in which the same session is known. */
export async function two(kind) {
  const all = await loggedIn({ tab: kind });
  const second = all.browser.open(kind);
  const other = second.client();
  await all.clock.done(other.session());
  all.server.log();
  return { ...all, second, other, otherHeard: listen(other) };
}

/** What a promise is rejected with. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}
