// What happens when the access token cannot be renewed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, expired, failure, faults, loggedIn, settle } from "../world/index.js";

/** When refreshes were asked for, in milliseconds after the first. */
const times = (server) => {
  const all = server.requests.filter(({ path }) => path.endsWith("/refresh/"));
  return all.map(({ at }) => at - all[0].at);
};

const unreachable = (server, count) =>
  server.next("/refresh/", ...Array.from({ length: count }, () => faults.unreachable()));

// -- Try again, then rest -------------------------------------------------------------------

test("an unreachable server is asked again at growing intervals, for half a minute", async () => {
  const { clock, server, client, heard } = await expired({ tab: { random: () => 0 } });
  unreachable(server, 99);
  assert.equal((await clock.done(client.session())).sid, "s1");
  assert.deepEqual(times(server), [0, 200, 600, 1400, 3000, 6200, 12_600, 25_400]);
  assert.deepEqual(heard, [["s1", undefined]]);
});

test("all who wait share the tries", async () => {
  const { clock, server, client } = await expired({ tab: { random: () => 0 } });
  unreachable(server, 99);
  await clock.done(Promise.all(Array.from({ length: 5 }, () => failure(client.fetch(API)))));
  assert.equal(server.count("/refresh/"), 8);
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

test("nothing ends the waiting before the server's Retry-After", async () => {
  const { clock, server, client, tab } = await expired();
  server.next("/refresh/", faults.answer(503, {}, { "Retry-After": "50" }));
  await clock.done(failure(client.fetch(API)));
  server.log();
  for (const event of ["focus", "online", "visibilitychange"]) tab.fire(event);
  await clock.advance(49_000);
  assert.deepEqual(server.log(), []);
  await clock.advance(1_100);
  tab.fire("focus");
  await clock.advance(100);
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
});

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

// -- One more try ---------------------------------------------------------------------------

for (const [status, code] of [[401, "refresh_superseded"], [400, "refresh_ambiguous"], [503, "try_again"]]) {
  test(`${code} is tried once more`, async () => {
    const { clock, server, client, heard } = await expired();
    server.next("/refresh/", faults.answer(status, { code }));
    assert.equal((await clock.done(client.fetch(API))).status, 200);
    assert.equal(server.count("/refresh/"), 2);
    assert.deepEqual(heard, [["s1", undefined]]);
  });
}

test("try_again is given the time that it asks for", async () => {
  const { clock, server, browser, client } = await expired({ tab: { random: () => 0 } });
  for (const wait of ["20", "2"]) {
    server.next("/refresh/", faults.answer(503, { code: "try_again" }, { "Retry-After": wait }));
  }
  const asked = client.fetch(API);
  await clock.advance(10_000);
  assert.equal(browser.locks.isHeld("tokenauth https://app.test/auth/"), false);
  await clock.done(asked);
  assert.deepEqual(times(server), [0, 20_000, 22_000]);
});

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

// -- Giving up ------------------------------------------------------------------------------

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
