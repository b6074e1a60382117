// Step-up: a request that needs a recent proof of who the user is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, failure, faults, loggedIn, ME, settle, world } from "../world/index.js";

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
