// Logout: first here, then at the server, and never lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, failure, faults, KEY, loggedIn, ME, settle } from "../world/index.js";

const ended = (server) => server.sessions.get("s1").ended;

test("it ends the session at the server, and clears what was remembered", async () => {
  const { clock, server, browser, client } = await loggedIn();
  await clock.done(client.logout());
  assert.deepEqual([ended(server), browser.cookie, browser.stored.size], ["logout", "", 0]);
});

test("the page knows before the server does", async () => {
  const { clock, server, client, heard } = await loggedIn();
  const out = client.logout();
  assert.deepEqual(heard.at(-1), [null, undefined]);
  assert.equal(client.timeLeft(), null);
  assert.equal(await client.session(), null);
  assert.equal(ended(server), "");
  await clock.done(out);
});

test("no request carries the old access token afterwards", async () => {
  const { clock, server, client } = await loggedIn();
  const out = client.logout();
  await clock.done(client.fetch(API));
  await clock.done(out);
  const [api] = server.requests.filter(({ path }) => path === "/api/echo/");
  assert.equal(api.headers.get("Authorization"), null);
});

test("the server is told by the access token too, in case the cookie is lost", async () => {
  const { clock, server, browser, client } = await loggedIn();
  browser.cookie = "";
  await clock.done(client.logout());
  assert.equal(ended(server), "logout");
});

test("leaving the page does not stop it", async () => {
  const { clock, server, client } = await loggedIn();
  await clock.done(client.logout());
  assert.equal(server.requests.at(-1).keepalive, true);
});

test("offline it succeeds, and the server is told when the network is back", async () => {
  const { clock, server, browser, tab, client } = await loggedIn();
  browser.offline = true;
  await clock.done(client.logout());
  assert.deepEqual([ended(server), browser.stored.get(KEY)], ["", "out"]);
  browser.offline = false;
  tab.fire("online");
  await clock.advance(100);
  assert.deepEqual([ended(server), browser.stored.size], ["logout", 0]);
});

test("a hidden tab tells it too", async () => {
  const { clock, server, browser, tab, client } = await loggedIn();
  browser.offline = true;
  await clock.done(client.logout());
  tab.show("hidden");
  browser.offline = false;
  tab.fire("online");
  await clock.advance(100);
  assert.equal(ended(server), "logout");
});

test("offline it succeeds, and the next page tells the server instead of logging in", async () => {
  const { clock, server, browser, client } = await loggedIn();
  browser.offline = true;
  await clock.done(client.logout());
  client.dispose();
  browser.offline = false;
  server.log();
  const next = browser.open().client();
  assert.equal(await next.session(), null);
  await clock.advance(100);
  assert.deepEqual(server.log(), ["POST /auth/logout/"]);
  assert.deepEqual([ended(server), browser.cookie, browser.stored.size], ["logout", "", 0]);
});

test("a page that dies in the middle has not forgotten it", async () => {
  const { clock, server, browser, client } = await loggedIn();
  client.logout().catch(() => {});
  client.dispose();
  server.requests.length = 0;
  assert.equal(browser.stored.get(KEY), "out");
  await clock.advance(1000);
});

for (const [what, fault] of Object.entries({
  "a lost answer": faults.lost(),
  "a 502": faults.page(502),
  "200 with a page, of a network that wants its own login": faults.page(200),
  "a 429": faults.answer(429, { code: "throttled" }, { "Retry-After": "5" }),
})) {
  test(`after ${what} it is told again`, async () => {
    const { clock, server, browser, client } = await loggedIn();
    server.next("/logout/", fault);
    await clock.done(client.logout());
    assert.equal(browser.stored.get(KEY), "out");
    await clock.advance(61_000);
    assert.deepEqual([ended(server), server.count("/logout/"), browser.stored.size], ["logout", 2, 0]);
  });
}

test("try_again is tried again at once", async () => {
  const { clock, server, client } = await loggedIn();
  server.next("/logout/", faults.answer(503, { code: "try_again" }, { "Retry-After": "1" }));
  await clock.done(client.logout());
  assert.equal(ended(server), "logout");
});

test("a server that will not do it is reported, and asked again by the next page", async () => {
  const { clock, server, browser, client } = await loggedIn();
  server.next("/logout/", faults.answer(403, { code: "csrf_failed" }));
  assert.equal((await clock.done(failure(client.logout()))).code, "csrf_failed");
  assert.equal(await client.session(), null);
  browser.open().client().session();
  await clock.advance(100);
  assert.equal(ended(server), "logout");
});

test("only one tab tells the server", async () => {
  const { clock, server, browser, tab, client } = await loggedIn();
  const tabs = [tab, browser.open(), browser.open()];
  for (const other of tabs.slice(1)) await clock.done(other.client().session());
  browser.offline = true;
  await clock.done(client.logout());
  browser.offline = false;
  server.log();
  for (const each of tabs) for (const event of ["online", "focus"]) each.fire(event);
  await clock.advance(1000);
  assert.deepEqual(server.log(), ["POST /auth/logout/"]);
});

test("a login after it is not undone by telling the server late", async () => {
  const { clock, server, browser, tab, client } = await loggedIn();
  browser.offline = true;
  await clock.done(client.logout());
  browser.offline = false;
  await clock.done(client.login({ ...ME, username: "bob" }));
  tab.fire("online");
  await clock.advance(120_000);
  assert.equal(server.sessions.get("s2").ended, "");
  assert.equal((await client.session()).sid, "s2");
});

test("a login that is under way when the page wakes is not dropped for an old logout", async () => {
  const { clock, browser, server, tab, client } = await loggedIn();
  browser.offline = true;
  await clock.done(client.logout());
  browser.offline = false;
  server.next("/login/", faults.slow(1000, clock));
  const login = client.login(ME);
  await clock.advance(100);
  tab.fire("focus");
  assert.equal((await clock.done(login)).sid, "s2");
  await clock.advance(1000);
  assert.equal(server.sessions.get("s2").ended, "");
});

// -- A late answer never brings a session back ------------------------------------------------

test("a refresh that is under way is given up", async () => {
  const { clock, server, client, heard } = await loggedIn();
  server.forgetAccess();
  server.next("/refresh/", faults.slow(5000, clock));
  const asked = client.fetch(API);
  await clock.advance(100);
  const began = clock.now;
  await clock.done(client.logout());
  assert.ok(clock.now - began < 1000);
  assert.equal((await clock.done(asked)).status, 401);
  assert.deepEqual(heard.at(-1), [null, undefined]);
});

test("a refresh that waits to try again does not", async () => {
  const { clock, server, client } = await loggedIn();
  server.forgetAccess();
  server.next("/refresh/", faults.unreachable(), faults.unreachable());
  const asked = client.fetch(API);
  await clock.advance(100);
  await clock.done(client.logout());
  server.log();
  await clock.done(asked);
  await clock.advance(60_000);
  assert.deepEqual(server.log(), []);
});

test("an answer that comes although it was given up changes nothing", async () => {
  const { clock, server, client, heard } = await loggedIn();
  server.forgetAccess();
  server.ignoreAborts();
  server.next("/refresh/", faults.slow(3000, clock));
  const asked = client.fetch(API).catch(() => {});
  await clock.advance(100);
  const out = client.logout();
  await clock.advance(10_000);
  await clock.done(Promise.all([asked, out]));
  assert.deepEqual(heard.at(-1), [null, undefined]);
  assert.equal(client.timeLeft(), null);
  assert.equal(ended(server), "logout");
});

test("a login that was under way is not shown after it, and ends at the server", async () => {
  const { clock, server, client, heard } = await loggedIn();
  server.next("/login/", faults.slow(1000, clock));
  const login = failure(client.login({ ...ME, username: "bob" }));
  await clock.advance(100);
  const out = client.logout();
  assert.equal((await clock.done(login)).code, "session_changed");
  await clock.done(out);
  assert.deepEqual(heard.at(-1), [null, undefined]);
  assert.equal(server.sessions.get("s2").ended, "logout");
});

test("the same in another tab, whose logout is heard of by the storage alone", async () => {
  const { clock, server, browser, client } = await loggedIn({ tab: { without: ["channel"] } });
  server.next("/login/", faults.slow(1000, clock));
  const login = failure(client.login({ ...ME, username: "bob" }));
  await clock.advance(100);
  browser.stored.set(KEY, "out"); // and its event is still on the way
  assert.equal((await clock.done(login)).code, "session_changed");
  assert.equal(browser.stored.get(KEY), "out");
});

test("a step-up that was under way is not shown after it", async () => {
  const { clock, server, client } = await loggedIn();
  server.next("/reauthenticate/", faults.slow(1000, clock));
  const proof = failure(client.reauthenticate("right"));
  await clock.advance(100);
  const out = client.logout();
  assert.equal((await clock.done(proof)).code, "session_changed");
  await clock.done(out);
  assert.equal(client.timeLeft(), null);
  await settle();
});

test("logout, then login: the new session stays", async () => {
  const { clock, server, client } = await loggedIn();
  const out = client.logout();
  const login = client.login(ME);
  await clock.done(Promise.all([out, login]));
  assert.equal((await client.session()).sid, "s2");
  assert.equal(server.sessions.get("s2").ended, "");
});
