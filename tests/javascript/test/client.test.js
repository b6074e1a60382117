// The requests to the endpoints, the end of a client, and no window at all.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { API, failure, faults, loggedIn, ME, world } from "../world/index.js";

// -- Requests to the endpoints ----------------------------------------------------------------

test("they carry cookies, are never cached, follow no redirect, and say that a script made them", async () => {
  const { clock, server, client } = await loggedIn();
  await clock.done(client.reauthenticate("right"));
  await clock.done(client.sessions.list());
  server.forgetAccess();
  await clock.done(client.fetch(API));
  await clock.done(client.logout());
  const ours = server.requests.filter(({ path }) => path.startsWith("/auth/"));
  assert.equal(ours.length, 5);
  for (const { credentials, cache, redirect, headers } of ours) {
    assert.deepEqual([credentials, cache, redirect], ["include", "no-store", "error"]);
    assert.ok(headers.has("X-Requested-With"));
  }
});

test("only logout, step-up and the sessions show the access token", async () => {
  const { clock, server, client } = await loggedIn();
  await clock.done(client.login(ME));
  await clock.advance(400_000);
  for (const { path, headers } of server.requests) assert.equal(headers.has("Authorization"), false, path);
});

test("onExchange hears of each, without secrets", async () => {
  const heard = [];
  const { clock, server, client } = await loggedIn({ options: { onExchange: (each) => heard.push(each) } });
  server.next("/refresh/", faults.unreachable());
  server.forgetAccess();
  await clock.done(client.fetch(API));
  await clock.done(failure(client.sessions.revoke("s9")));
  const auth = "https://app.test/auth/";
  assert.deepEqual(heard, [
    { method: "POST", url: `${auth}login/`, status: 200, code: "" },
    { method: "POST", url: `${auth}refresh/`, status: 0, code: "network" },
    { method: "POST", url: `${auth}refresh/`, status: 200, code: "" },
    { method: "DELETE", url: `${auth}sessions/s9/`, status: 404, code: "not_found" },
  ]);
});

for (const baseUrl of ["auth", "/auth", "https://app.test/auth"]) {
  test(`baseUrl may be ${baseUrl}`, async () => {
    const { server } = await loggedIn({ options: { baseUrl } });
    assert.equal(server.requests[0].path, "/auth/login/");
  });
}

test("an API on another origin of the site keeps its own flag, lock and channel", async () => {
  const { clock, server, browser } = world();
  const client = browser.open().client({ baseUrl: "https://id.test/auth/" });
  await clock.done(client.login(ME));
  assert.equal(server.requests[0].origin, "https://id.test");
  await clock.done(client.fetch("https://id.test/api/echo/"));
  assert.ok(server.requests.at(-1).headers.has("Authorization"));
  await clock.done(client.fetch(API));
  assert.ok(!server.requests.at(-1).headers.has("Authorization"));
});

// -- The end of a client ----------------------------------------------------------------------

test("after dispose nothing is left running", async () => {
  const { clock, server, tab, client, heard } = await loggedIn();
  client.dispose();
  assert.equal(clock.waiting, 0);
  for (const event of ["focus", "online", "pageshow", "visibilitychange"]) tab.fire(event);
  await clock.advance(400_000);
  assert.deepEqual(server.log(), []);
  assert.equal(heard.length, 1);
});

test("after dispose other tabs are not heard", async () => {
  const { clock, browser, client, heard } = await loggedIn();
  const other = browser.open().client();
  await clock.done(other.session());
  client.dispose();
  assert.equal(browser.Channel.open.size, 1);
  await clock.done(other.logout());
  assert.equal(heard.length, 1);
});

test("after dispose every call throws", async () => {
  const { client } = await loggedIn();
  client.dispose();
  client.dispose();
  const calls = [
    () => client.login(ME), () => client.logout(), () => client.fetch(API), () => client.session(),
    () => client.sessions.list(), () => client.sessions.rename("s1", "x"), () => client.sessions.revoke("s1"),
    () => client.sessions.revokeOthers(), () => client.sessions.revokeAll(), () => client.reauthenticate("x"),
  ];
  for (const call of calls) assert.equal((await failure(call())).code, "disposed");
  assert.throws(() => client.onChange(() => {}), { code: "disposed" });
  assert.throws(() => client.timeLeft(), { code: "disposed" });
});

test("what is under way when a client is disposed of fails with that", async () => {
  const { clock, server, client } = await loggedIn();
  server.forgetAccess();
  server.next("/refresh/", faults.slow(3000, clock));
  const asked = failure(client.fetch(API));
  await clock.advance(100);
  client.dispose();
  assert.equal((await clock.done(asked)).code, "disposed");
});

test("the functions need no this", async () => {
  const { clock, client } = await loggedIn();
  const { fetch, session, sessions: { list } } = client;
  assert.equal((await clock.done(fetch(API))).status, 200);
  assert.equal((await session()).sid, "s1");
  assert.equal((await clock.done(list())).length, 1);
});

test("without a window it can be imported, and a client made", async () => {
  // As data, because Node takes a file for a module only by its name or its package.json.
  const source = readFileSync(new URL("../../../tokenauth/static/tokenauth/tokenauth.js", import.meta.url));
  const { createClient, Problem } = await import(`data:text/javascript;base64,${source.toString("base64")}`);
  const client = createClient({ baseUrl: "/auth/" });
  assert.equal(client.timeLeft(), null);
  client.dispose();
  assert.ok(new Problem(503, null) instanceof Error);
});
