// When the access token is renewed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, expired, faults, loggedIn } from "../world/index.js";

// -- Ahead of the end -----------------------------------------------------------------------

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

// -- On use ---------------------------------------------------------------------------------

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
