// Step-up, the user's sessions, the requests to the endpoints, dispose(), and no window at all.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { API, failure, faults, KEY, listen, loggedIn, ME, settle, world } from "../world/index.js";

const SENSITIVE = "https://app.test/api/sensitive/";

/** A session whose proof is too old; `asked` counts the questions for the password. */
async function old(answer = (client) => client.reauthenticate("right").then(() => true)) {
  const asked = [];
  const options = {
    onStepUp: (problem) => {
      asked.push(problem);
      return answer(all.client);
    },
  };
  const all = await loggedIn({ options });
  await all.clock.advance(100_000);
  return { ...all, asked };
}

// -- Step-up ----------------------------------------------------------------------------------

test("a request that needs a recent proof is repeated after a step-up", async () => {
  const { clock, server, client, asked } = await old();
  const response = await clock.done(client.fetch(SENSITIVE, { method: "POST", body: "x" }));
  assert.equal((await response.json()).body, "x");
  assert.deepEqual(server.log(), ["POST /api/sensitive/", "POST /auth/reauthenticate/", "POST /api/sensitive/"]);
  assert.deepEqual(asked.map(({ name, status, code }) => [name, status, code]), [
    ["Problem", 401, "insufficient_user_authentication"],
  ]);
});

test("a challenge is enough, from an API in other words", async () => {
  const { clock, server, client, asked } = await old();
  const headers = { "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", max_age="60"' };
  server.next("/api/echo/", faults.answer(401, { message: "too old" }, headers));
  assert.equal((await clock.done(client.fetch(API))).status, 200);
  assert.equal(asked.length, 1);
});

test("all who need it share the question", async () => {
  const { clock, client, asked } = await old();
  const responses = await clock.done(Promise.all([1, 2, 3].map(() => client.fetch(SENSITIVE))));
  assert.deepEqual(responses.map(({ status }) => status), [200, 200, 200]);
  assert.equal(asked.length, 1);
});

test("a request that was sent before another's step-up asks nothing", async () => {
  const { clock, server, client, asked } = await old();
  server.next("/api/sensitive/", faults.slow(3000, clock));
  const slow = client.fetch(SENSITIVE);
  await settle();
  await clock.done(client.fetch(SENSITIVE));
  assert.equal((await clock.done(slow)).status, 200);
  assert.equal(asked.length, 1);
});

test("a user who will not has the refusal handed on", async () => {
  const { clock, server, client, asked } = await old(() => false);
  const response = await clock.done(client.fetch(SENSITIVE));
  assert.equal((await response.json()).code, "insufficient_user_authentication");
  assert.deepEqual([asked.length, server.count("/api/sensitive/")], [1, 1]);
});

test("refused again after the step-up, it is handed on", async () => {
  const { clock, server, client, asked } = await old(() => true);
  assert.equal((await clock.done(client.fetch(SENSITIVE))).status, 401);
  assert.deepEqual([asked.length, server.count("/api/sensitive/")], [1, 2]);
});

test("without onStepUp it is handed on", async () => {
  const { clock, server, client } = await loggedIn();
  await clock.advance(100_000);
  assert.equal((await clock.done(client.fetch(SENSITIVE))).status, 401);
  assert.equal(server.count("/api/sensitive/"), 1);
});

test("what goes wrong in onStepUp is the caller's to see, and the next one is asked again", async () => {
  const { clock, client, asked } = await old(async () => {
    throw new Error("dialog");
  });
  assert.equal((await clock.done(failure(client.fetch(SENSITIVE)))).message, "dialog");
  await clock.done(failure(client.fetch(SENSITIVE)));
  assert.equal(asked.length, 2);
});

test("the caller's abort ends the wait for the user", async () => {
  const { clock, client } = await old(() => new Promise(() => {}));
  const control = new AbortController();
  const asked = failure(client.fetch(SENSITIVE, { signal: control.signal }));
  await clock.advance(1000);
  control.abort();
  assert.equal((await asked).name, "AbortError");
});

test("an expired token and an old proof are mended one after the other", async () => {
  const { clock, server, client } = await old();
  server.forgetAccess();
  assert.equal((await clock.done(client.fetch(SENSITIVE))).status, 200);
  assert.equal(server.count("/api/sensitive/"), 3);
});

test("reauthenticate gives the session with its new auth_time, and tells the page", async () => {
  const { clock, client, heard } = await old();
  const before = (await client.session()).auth_time;
  const session = await clock.done(client.reauthenticate("right"));
  assert.ok(session.auth_time > before);
  assert.deepEqual(heard.length, 2);
});

test("a wrong password is login_failed, and the session goes on", async () => {
  const { clock, client } = await old();
  assert.equal((await clock.done(failure(client.reauthenticate("wrong")))).code, "login_failed");
  assert.equal((await clock.done(client.fetch(API))).status, 200);
});

test("nobody cannot prove who they are", async () => {
  const { server, browser } = world();
  const problem = await failure(browser.open().client().reauthenticate("right"));
  assert.deepEqual([problem.status, problem.code], [401, "not_authenticated"]);
  assert.deepEqual(server.log(), []);
});

test("a password typed for one account is not tried on another", async () => {
  const { clock, server, client } = await old();
  const login = client.login({ ...ME, username: "bob" });
  const problem = clock.done(failure(client.reauthenticate("right")));
  await clock.done(login);
  assert.equal((await problem).code, "session_changed");
  assert.equal(server.count("/reauthenticate/"), 0);
});

// -- The user's sessions ----------------------------------------------------------------------

/** Logged in here and on a phone. */
async function withPhone() {
  const all = await loggedIn();
  const phone = { ...world(), server: all.server, clock: all.clock };
  phone.browser.server = all.server;
  phone.browser.clock = all.clock;
  await all.clock.done(phone.browser.open().client().login({ ...ME, device_name: "phone" }));
  all.server.log();
  return all;
}

test("sessions are listed", async () => {
  const { clock, client } = await withPhone();
  const sessions = await clock.done(client.sessions.list());
  assert.deepEqual(sessions.map(({ sid }) => sid), ["s1", "s2"]);
});

test("a refused token is renewed for them too", async () => {
  const { clock, server, client } = await withPhone();
  server.forgetAccess();
  assert.equal((await clock.done(client.sessions.list())).length, 2);
});

test("a session gets a name", async () => {
  const { clock, server, client, heard } = await withPhone();
  assert.equal((await clock.done(client.sessions.rename("s2", "my phone"))).device_name, "my phone");
  assert.equal(server.sessions.get("s2").deviceName, "my phone");
  assert.equal(heard.length, 1);
});

test("the page hears of its own session's new name", async () => {
  const { clock, client, heard } = await withPhone();
  await clock.done(client.sessions.rename("s1", "laptop"));
  assert.equal((await client.session()).device_name, "laptop");
  assert.equal(heard.length, 2);
});

test("another session is revoked, and this one goes on", async () => {
  const { clock, server, client, heard } = await withPhone();
  await clock.done(client.sessions.revoke("s2"));
  assert.equal(server.sessions.get("s2").ended, "revoked");
  assert.equal(heard.length, 1);
});

test("a page in the place of the list is a Problem", async () => {
  const { clock, server, client } = await withPhone();
  server.next("/sessions/", faults.page(200));
  assert.equal((await clock.done(failure(client.sessions.list()))).code, "network");
});

test("one that is gone is not_found", async () => {
  const { clock, client } = await withPhone();
  assert.equal((await clock.done(failure(client.sessions.revoke("s9")))).code, "not_found");
});

test("a sid cannot lead anywhere else", async () => {
  const { clock, server, client } = await withPhone();
  await clock.done(failure(client.sessions.revoke("../logout/?")));
  assert.deepEqual(server.log(), ["DELETE /auth/sessions/..%2Flogout%2F%3F/"]);
});

test("the others are revoked", async () => {
  const { clock, server, client, heard } = await withPhone();
  assert.equal(await clock.done(client.sessions.revokeOthers()), 1);
  assert.deepEqual([server.sessions.get("s1").ended, server.sessions.get("s2").ended], ["", "revoked"]);
  assert.equal(heard.length, 1);
});

for (const [what, end] of Object.entries({
  "revoke of the own": (client) => client.sessions.revoke("s1"),
  revokeAll: (client) => client.sessions.revokeAll(),
})) {
  test(`${what} session is a logout, in all tabs`, async () => {
    const { clock, server, browser, client, heard } = await withPhone();
    const other = browser.open().client();
    await clock.done(other.session());
    const otherHeard = listen(other);
    server.log();
    await clock.done(end(client));
    assert.deepEqual([heard.at(-1), otherHeard.at(-1)], [[null, undefined], [null, undefined]]);
    assert.deepEqual([browser.cookie, browser.stored.has(KEY)], ["", false]);
    assert.equal(server.log().length, 1);
  });
}

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
