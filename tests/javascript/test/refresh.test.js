// When the access token is renewed, and what happens when that fails.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, failure, faults, loggedIn, settle } from "../world/index.js";

/** Logged in, and the access token has expired unseen, in a hidden tab. */
async function expired(given) {
  const all = await loggedIn(given);
  all.tab.document.visibilityState = "hidden";
  await all.clock.advance(400_000);
  all.tab.document.visibilityState = "visible";
  assert.deepEqual(all.server.log(), []);
  return all;
}

/** When refreshes were asked for, in milliseconds after the first. */
const times = (server) => {
  const all = server.requests.filter(({ path }) => path.endsWith("/refresh/"));
  return all.map(({ at }) => at - all[0].at);
};

const unreachable = (server, count) =>
  server.next("/refresh/", ...Array.from({ length: count }, () => faults.unreachable()));

// -- Ahead of the end -------------------------------------------------------------------------

test("a token is renewed before it expires, between a tenth and a fifth of its life ahead", async () => {
  for (const [random, at] of [[0, 270_000], [0.5, 255_000], [0.999, 240_030]]) {
    const { clock, server } = await loggedIn({ tab: { random: () => random } });
    await clock.advance(at - 100);
    assert.equal(server.count("/refresh/"), 0, `${random} too early`);
    await clock.advance(200);
    assert.equal(server.count("/refresh/"), 1, `${random} too late`);
  }
});

test("a token of five seconds is not renewed all the time", async () => {
  const { clock, server, client } = await loggedIn();
  server.accessLifetime = 5;
  server.forgetAccess();
  await clock.done(client.fetch(API));
  await clock.advance(20_000);
  assert.ok(server.count("/refresh/") <= 6, String(server.count("/refresh/")));
  assert.ok(server.count("/refresh/") >= 5);
});

test("a token of a day is renewed a minute ahead", async () => {
  const { clock, server, client } = await loggedIn();
  server.accessLifetime = 86_400;
  server.forgetAccess();
  await clock.done(client.fetch(API));
  server.log();
  await clock.advance(86_400_000 - 61_000);
  assert.deepEqual(server.log(), []);
  await clock.advance(31_000);
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
});

test("a hidden page leaves it until it is seen", async () => {
  const { clock, server, tab } = await loggedIn();
  tab.show("hidden");
  await clock.advance(3_600_000);
  assert.deepEqual(server.log(), []);
  tab.show("visible");
  await clock.advance(100);
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
});

for (const event of ["focus", "online", "pageshow"]) {
  test(`${event} renews a token that is due`, async () => {
    const { clock, server, tab } = await expired();
    tab.fire(event);
    await clock.advance(100);
    assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
  });

  test(`${event} leaves a fresh one alone`, async () => {
    const { clock, server, tab } = await loggedIn();
    tab.fire(event);
    await clock.advance(100);
    assert.deepEqual(server.log(), []);
  });
}

test("many events at once are one refresh", async () => {
  const { clock, server, tab } = await expired();
  for (const event of ["focus", "online", "pageshow", "visibilitychange"]) tab.fire(event);
  await clock.advance(100);
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
});

// -- On use -----------------------------------------------------------------------------------

test("an expired token is renewed before it is used", async () => {
  const { clock, server, client } = await expired();
  await clock.done(client.fetch(API));
  assert.deepEqual(server.log(), ["POST /auth/refresh/", "GET /api/echo/"]);
});

test("after a login that is under way nothing needs to be refreshed", async () => {
  const { clock, server, client } = await expired();
  const login = client.login({ username: "bob", password: "right" });
  const session = client.session();
  assert.equal((await clock.done(session)).sid, "s2");
  await login;
  assert.deepEqual(server.log(), ["POST /auth/login/"]);
});

test("a token that is due is used, and renewed beside", async () => {
  const { clock, server, client, tab } = await loggedIn();
  tab.show("hidden");
  await clock.advance(290_000);
  server.next("/refresh/", faults.slow(5000, clock));
  const began = clock.now;
  assert.equal((await clock.done(client.fetch(API))).status, 200);
  assert.ok(clock.now - began < 100);
  assert.deepEqual(server.log().sort(), ["GET /api/echo/", "POST /auth/refresh/"]);
});

test("sleep that performance.now() has missed is seen by the other clock", async () => {
  const { clock, server, client, tab } = await loggedIn();
  tab.asleep = clock.now = 3_600_000; // the laptop was closed: no timer ran
  await clock.done(client.fetch(API));
  assert.deepEqual(server.log(), ["POST /auth/refresh/", "GET /api/echo/"]);
});

test("a clock that was set back does not prolong a token", async () => {
  const { clock, server, client, tab } = await loggedIn();
  tab.wallOffset = -86_400_000;
  tab.show("hidden");
  await clock.advance(310_000);
  await clock.done(client.fetch(API));
  assert.deepEqual(server.log(), ["POST /auth/refresh/", "GET /api/echo/"]);
});

test("a token's life counts from before it was asked for", async () => {
  const { clock, server, client } = await expired();
  server.next("/refresh/", faults.slow(8000, clock));
  await clock.done(client.session());
  assert.equal(client.timeLeft().left, 300 - 8.02);
});

// -- When it fails ----------------------------------------------------------------------------

test("an unreachable server is asked again at growing intervals, for half a minute", async () => {
  const { clock, server, client, heard } = await expired({ tab: { random: () => 0 } });
  unreachable(server, 99);
  assert.equal((await clock.done(client.session())).sid, "s1");
  assert.deepEqual(times(server), [0, 200, 600, 1400, 3000, 6200, 12_600, 25_400]);
  assert.deepEqual(heard, [["s1", undefined]]);
});

test("all who wait share the tries", async () => {
  const { clock, server, client } = await expired();
  unreachable(server, 4);
  await clock.done(Promise.all(Array.from({ length: 20 }, () => client.fetch(API))));
  assert.equal(server.count("/refresh/"), 5);
});

test("the intervals differ from page to page", async () => {
  const { clock, server, client } = await expired({ tab: { random: () => 0.5 } });
  unreachable(server, 2);
  await clock.done(client.session());
  assert.deepEqual(times(server), [0, 250, 750]);
});

test("a server that comes back in the middle goes unnoticed", async () => {
  const { clock, server, client } = await expired();
  server.next("/refresh/", faults.unreachable(), faults.page(502), faults.answer(500, {}), faults.page(503));
  assert.equal((await clock.done(client.fetch(API))).status, 200);
});

test("offline, by the browser's word, it waits for the network at once", async () => {
  const { clock, server, browser, client } = await expired();
  browser.offline = true;
  await clock.done(failure(client.fetch(API)));
  assert.equal(server.count("/refresh/"), 1);
});

for (const status of [429, 503]) {
  test(`${status} with Retry-After is given its time`, async () => {
    const { clock, server, client } = await expired();
    server.next("/refresh/", faults.answer(status, {}, { "Retry-After": "7" }));
    assert.equal((await clock.done(client.fetch(API))).status, 200);
    assert.deepEqual(times(server), [0, 7000]);
  });
}

test("Retry-After may be a date", async () => {
  const { clock, server, client } = await expired();
  clock.now = 401_000; // a full second, as dates are
  const date = new Date(1_700_000_000_000 + clock.now + 7000).toUTCString();
  server.next("/refresh/", faults.answer(503, {}, { "Retry-After": date }));
  await clock.done(client.fetch(API));
  assert.deepEqual(times(server), [0, 7000]);
});

test("a Retry-After that is too long to wait for fails now, and is kept to", async () => {
  const { clock, server, client } = await expired();
  server.next("/refresh/", faults.answer(503, {}, { "Retry-After": "120" }));
  const error = await clock.done(failure(client.fetch(API)));
  assert.equal(error.cause.retryAfter, 120);
  await clock.advance(110_000);
  await clock.done(failure(client.fetch(API)));
  assert.equal(server.count("/refresh/"), 1);
  await clock.advance(11_000);
  assert.equal((await clock.done(client.fetch(API))).status, 200);
});

test("a Retry-After of a day is kept to for five minutes", async () => {
  const { clock, server, client } = await expired();
  server.next("/refresh/", faults.answer(503, {}, { "Retry-After": "86400" }));
  await clock.done(failure(client.fetch(API)));
  await clock.advance(301_000);
  assert.equal((await clock.done(client.fetch(API))).status, 200);
});

/** A refresh has just failed. */
async function failed() {
  const all = await expired();
  all.server.next("/refresh/", faults.answer(403, { code: "csrf_failed" }));
  const error = await all.clock.done(failure(all.client.fetch(API)));
  assert.equal(error.cause.code, "csrf_failed");
  all.server.log();
  return all;
}

test("after a failure nobody asks for a minute", async () => {
  const { clock, server, client } = await failed();
  for (let seconds = 0; seconds < 59; seconds += 10) {
    assert.equal((await failure(client.fetch(API))).cause.code, "csrf_failed");
    await clock.advance(9_900);
  }
  assert.deepEqual(server.log(), []);
});

test("after the minute the page asks by itself", async () => {
  const { clock, server } = await failed();
  await clock.advance(61_000);
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
});

for (const event of ["focus", "online", "visibilitychange"]) {
  test(`${event} ends the waiting`, async () => {
    const { clock, server, tab } = await failed();
    tab.fire(event);
    await clock.advance(100);
    assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
  });
}

test("another tab's success ends the waiting", async () => {
  const { clock, browser, client } = await failed();
  await clock.done(browser.open().client().session());
  await settle();
  assert.equal((await clock.done(client.fetch(API))).status, 200);
});

test("a refresh ahead of time that fails leaves the token in use", async () => {
  const { clock, server, client, heard } = await loggedIn();
  server.next("/refresh/", faults.answer(403, { code: "csrf_failed" }));
  await clock.advance(260_000);
  assert.equal(server.count("/refresh/"), 1);
  assert.equal((await clock.done(client.fetch(API))).status, 200);
  assert.deepEqual(heard, [["s1", undefined]]);
});

// -- One more try -----------------------------------------------------------------------------

for (const [status, code] of [[401, "refresh_superseded"], [400, "refresh_ambiguous"], [503, "try_again"]]) {
  test(`${code} is tried once more`, async () => {
    const { clock, server, client, heard } = await expired();
    server.next("/refresh/", faults.answer(status, { code }));
    assert.equal((await clock.done(client.fetch(API))).status, 200);
    assert.equal(server.count("/refresh/"), 2);
    assert.deepEqual(heard, [["s1", undefined]]);
  });
}

test("refresh_superseded twice is the end", async () => {
  const { clock, server, client, heard } = await expired();
  const again = faults.answer(401, { code: "refresh_superseded" });
  server.next("/refresh/", again, again);
  assert.equal(await clock.done(client.session()), null);
  assert.equal(server.count("/refresh/"), 2);
  assert.deepEqual(heard.at(-1), [null, "refresh_superseded"]);
});

test("refresh_ambiguous twice is not", async () => {
  const { clock, server, client } = await expired();
  const again = faults.answer(400, { code: "refresh_ambiguous" });
  server.next("/refresh/", again, again);
  assert.equal((await clock.done(client.session())).sid, "s1");
});

// -- Giving up --------------------------------------------------------------------------------

test("a request to the endpoints is given up after ten seconds", async () => {
  const { clock, server, client } = await expired();
  server.next("/refresh/", faults.slow(3_600_000, clock));
  const asked = client.session();
  await clock.advance(9_900);
  assert.equal(server.most.get("/auth/refresh/"), 1);
  assert.equal(server.count("/refresh/"), 1);
  await clock.advance(500);
  assert.equal(server.count("/refresh/"), 2);
  await clock.done(asked);
  assert.equal(server.most.get("/auth/refresh/"), 1);
});

test("given up, it says timeout; and so does login", async () => {
  const { clock, server, client } = await loggedIn({ options: { timeout: 500 } });
  server.next("/login/", faults.slow(3_600_000, clock));
  const began = clock.now;
  const problem = await clock.done(failure(client.login({ username: "ada", password: "right" })));
  assert.deepEqual([problem.status, problem.code], [0, "timeout"]);
  assert.equal(clock.now - began, 500);
});

test("an answer whose body does not end is given up too", async () => {
  const { clock, server, client } = await expired();
  server.next("/refresh/", (_, { signal }) => {
    const start = (body) => signal.addEventListener("abort", () => body.error(signal.reason));
    return { response: new Response(new ReadableStream({ start })) };
  });
  assert.equal((await clock.done(client.fetch(API))).status, 200);
  assert.deepEqual(times(server), [0, 10_250]);
});

test("a lost answer is asked for again, and the session goes on", async () => {
  const { clock, server, client } = await expired();
  server.next("/refresh/", faults.lost());
  assert.equal((await clock.done(client.fetch(API))).status, 200);
  assert.deepEqual([server.rotations, server.sessions.get("s1").ended], [1, ""]);
});
