// A login in two steps.

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { failure, KEY, listen, ME, settle, world } from "../world/index.js";

const PATHS = ["POST /auth/login/", "POST /auth/login/second-step/"];

/** A page whose login was refused with a challenge. */
async function asked() {
  const all = world();
  all.server.twoSteps = true;
  const client = all.browser.open().client();
  const heard = listen(client);
  const problem = await all.clock.done(failure(client.login(ME)));
  return { ...all, client, heard, problem };
}

test("the problem shows the challenge, and nobody is logged in", async () => {
  const { browser, heard, problem } = await asked();
  assert.deepEqual([problem.status, problem.code], [401, "mfa_required"]);
  assert.equal(problem.body.challenge.expires_in, 300);
  assert.deepEqual(heard, []);
  assert.equal(browser.stored.get(KEY), undefined);
});

test("the right answer logs in", async () => {
  const { clock, server, client, heard } = await asked();
  assert.equal((await clock.done(client.secondStep({ code: "123456" }))).sid, "s1");
  assert.deepEqual(server.log(), PATHS);
  assert.deepEqual(heard, [["s1", undefined]]);
  assert.equal((await clock.done(client.fetch("/api/echo/"))).status, 200);
});

test("a wrong answer may be followed by the right one", async () => {
  const { clock, client } = await asked();
  const problem = await clock.done(failure(client.secondStep({ code: "000000" })));
  assert.equal(problem.code, "login_failed");
  assert.equal((await clock.done(client.secondStep({ code: "123456" }))).sid, "s1");
});

test("the answer does not choose the challenge", async () => {
  const { clock, client } = await asked();
  const answer = { code: "123456", challenge: "challenge-2" };
  assert.equal((await clock.done(client.secondStep(answer))).sid, "s1");
});

test("it is that of the newest login", async () => {
  const { clock, server, client } = await asked();
  await clock.done(failure(client.login({ ...ME, username: "bob" })));
  await clock.done(client.secondStep({ code: "123456" }));
  assert.equal(server.sessions.get("s1").user, "bob");
});

test("a wrong password forgets the challenge before it", async () => {
  const { clock, client } = await asked();
  await clock.done(failure(client.login({ ...ME, password: "wrong" })));
  const problem = await clock.done(failure(client.secondStep({ code: "123456" })));
  assert.equal(problem.code, "login_failed");
});

test("a logout meanwhile is not undone by it", async () => {
  const { clock, client } = await asked();
  const late = failure(client.secondStep({ code: "123456" }));
  await settle();
  const out = client.logout();
  assert.equal((await clock.done(late)).code, "session_changed");
  await clock.done(out);
  assert.equal(await clock.done(client.session()), null);
});

test("fetch sends no access token to it", async () => {
  const { clock, server, client } = await asked();
  await clock.done(client.secondStep({ code: "123456" }));
  await clock.done(client.fetch("/auth/login/second-step/", { method: "POST", body: "{}" }));
  assert.equal(server.requests.at(-1).headers.get("Authorization"), null);
});

test("nothing shows the challenge", async () => {
  const { client } = await asked();
  assert.doesNotMatch(inspect(client, { depth: 9, showHidden: true }), /challenge-1/);
});
