// The user's sessions: listed, named, ended.

import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, faults, KEY, listen, loggedIn, ME, world } from "../world/index.js";

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
