// Many tabs of one browser: one cookie, one session, one at a time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, failure, faults, loggedIn, ME, restored, settle, two } from "../world/index.js";

const LOCK = "tokenauth https://app.test/auth/";

test("ten tabs restored at once: one request at a time, one rotation, one session", async () => {
  const { clock, server, clients } = await restored(10);
  const sessions = await clock.done(Promise.all(clients.map((client) => client.session())));
  assert.deepEqual(new Set(sessions.map(({ sid }) => sid)), new Set(["s1"]));
  assert.equal(server.most.get("/auth/refresh/"), 1);
  assert.equal(server.count("/refresh/"), 10);
  assert.equal(server.rotations, 1);
});

test("without locks they ask at once, and nobody is logged out", async () => {
  const { clock, server, clients } = await restored(10, { without: ["locks"] });
  await clock.done(Promise.all(clients.map((client) => client.session())));
  assert.equal(server.most.get("/auth/refresh/"), 10);
  assert.deepEqual([server.rotations, server.sessions.get("s1").ended], [1, ""]);
});

test("a tab that hangs with the lock holds the others up for five seconds", async () => {
  const { clock, server, browser, clients } = await restored(3);
  browser.locks.hang(LOCK);
  const began = clock.now;
  await clock.done(Promise.all(clients.map((client) => client.session())));
  assert.ok(clock.now - began >= 5000 && clock.now - began < 5100, String(clock.now - began));
  assert.equal(server.count("/refresh/"), 3);
});

test("a lock that is free after a while is waited for", async () => {
  const { clock, server, browser, clients } = await restored(2);
  const free = browser.locks.hang(LOCK);
  clock.setTimeout(() => free(), 2000);
  await clock.done(Promise.all(clients.map((client) => client.session())));
  assert.equal(server.most.get("/auth/refresh/"), 1);
  assert.equal(browser.locks.isHeld(LOCK), false);
});

test("a lock manager that refuses is done without", async () => {
  const { clock, clients, tabs } = await restored(1);
  tabs[0].globals.navigator.locks = {
    request: async () => {
      throw new DOMException("an opaque origin", "SecurityError");
    },
  };
  assert.equal((await clock.done(clients[0].session())).sid, "s1");
});

test("a failure inside the lock is not repeated outside of it", async () => {
  const { clock, server, clients } = await restored(1);
  server.next("/refresh/", faults.answer(403, { code: "csrf_failed" }));
  await clock.done(failure(clients[0].session()));
  assert.equal(server.count("/refresh/"), 1);
});

test("the page is told when the lock is free again", async () => {
  const { clock, browser, clients } = await restored(1);
  const held = [];
  clients[0].onChange(() => held.push(browser.locks.isHeld(LOCK)));
  await clock.done(clients[0].session());
  await clock.done(clients[0].login(ME));
  assert.deepEqual(held, [false, false]);
});

test("login, refresh, step-up and logout of all tabs are never under way together", async () => {
  const { clock, server, client, other } = await two();
  let open = 0;
  let most = 0;
  for (const end of ["/refresh/", "/login/", "/logout/", "/reauthenticate/"]) {
    server.next(end, async (handle) => {
      most = Math.max(most, ++open);
      await clock.after(300);
      const answer = await handle();
      open--;
      return answer;
    });
  }
  server.forgetAccess();
  const refresh = other.fetch(API).catch(() => {});
  await settle();
  const all = [client.login(ME), other.reauthenticate("right").catch(() => {})];
  await clock.advance(200);
  all.push(refresh, client.logout());
  await clock.done(Promise.all(all.map((each) => each.catch(() => {}))));
  assert.equal(most, 1);
});

test("without locks a tab still does one thing at a time", async () => {
  const { clock, server, client } = await loggedIn({ tab: { without: ["locks"] } });
  let open = 0;
  let most = 0;
  for (const end of ["/refresh/", "/reauthenticate/", "/login/"]) {
    server.next(end, async (handle) => {
      most = Math.max(most, ++open);
      const answer = await handle();
      open--;
      return answer;
    });
  }
  client.reauthenticate("right");
  await settle();
  const login = client.login(ME);
  const late = client.reauthenticate("right").catch(() => {});
  await clock.done(Promise.all([login, late]));
  assert.deepEqual([most, server.log().length], [1, 2]);
});

test("messages hold a type and a sid, and nothing else", async () => {
  const { clock, browser, client, other } = await two();
  await clock.done(client.reauthenticate("right"));
  await clock.done(other.fetch(API));
  await clock.done(client.logout());
  assert.deepEqual(new Set(browser.sent.map(({ type }) => type)), new Set(["login", "refresh", "logout"]));
  for (const message of browser.sent) {
    assert.deepEqual(Object.keys(message), ["type", "sid"]);
    assert.equal(message.sid, "s1");
  }
});
