// What a tab does about a logout or a login in another one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, failure, faults, KEY, listen, loggedIn, ME, restored, settle, two, world } from "../world/index.js";

// -- Logout ---------------------------------------------------------------------------------

test("logout in one tab empties the others at once, before the server has answered", async () => {
  const { clock, server, client, other, otherHeard } = await two();
  server.next("/logout/", faults.slow(5000, clock));
  client.logout();
  await settle();
  assert.deepEqual(otherHeard.at(-1), [null, undefined]);
  assert.equal(other.timeLeft(), null);
  server.log();
  assert.equal((await clock.done(other.fetch(API))).status, 401);
  assert.equal(server.requests.at(-1).headers.get("Authorization"), null);
});

test("a refresh that is under way elsewhere does not bring the session back", async () => {
  const { clock, server, browser, client, other, otherHeard } = await two();
  server.forgetAccess();
  server.next("/refresh/", faults.slow(3000, clock));
  const asked = other.fetch(API);
  await clock.advance(100);
  await clock.done(client.logout());
  await clock.advance(10_000);
  assert.equal((await asked).status, 401);
  assert.deepEqual(otherHeard.at(-1), [null, undefined]);
  assert.equal(other.timeLeft(), null);
  assert.deepEqual([browser.cookie, browser.stored.has(KEY)], ["", false]);
});

test("neither does one whose answer comes although it was given up", async () => {
  const { clock, server, client, other, otherHeard } = await two({ without: ["storage", "locks"] });
  server.forgetAccess();
  server.ignoreAborts();
  server.next("/refresh/", faults.slow(3000, clock));
  const asked = other.fetch(API);
  await clock.advance(100);
  await clock.done(client.logout());
  await clock.done(asked);
  assert.deepEqual(otherHeard.at(-1), [null, undefined]);
  assert.equal(other.timeLeft(), null);
});

test("a login that is under way when another tab logs out is over", async () => {
  const { clock, server, client, other } = await two({ without: ["storage"] });
  server.next("/login/", faults.slow(1000, clock));
  const login = failure(other.login(ME));
  await clock.advance(100);
  const out = client.logout();
  assert.equal((await clock.done(login)).code, "session_changed");
  await clock.done(out);
  assert.equal(server.sessions.get("s2").ended, "logout");
});

test("without storage a logout offline is not undone by a page that is looked at", async () => {
  const { clock, server, browser, client, second, other, otherHeard } = await two({ without: ["storage"] });
  browser.offline = true;
  await clock.done(client.logout());
  await clock.advance(1000);
  browser.offline = false;
  server.log();
  second.fire("focus");
  await clock.advance(1000);
  assert.deepEqual(server.log(), []);
  assert.deepEqual(otherHeard.at(-1), [null, undefined]);
  assert.equal(await other.session(), null);
});

test("a moment after a logout, a storage that shows the past is not believed", async () => {
  const { clock, server, browser, client, second, otherHeard } = await two();
  server.next("/logout/", faults.slow(5000, clock));
  client.logout();
  await settle();
  browser.stored.set(KEY, "1");
  server.log();
  second.fire("focus");
  await clock.advance(100);
  assert.deepEqual(server.log(), []);
  assert.deepEqual(otherHeard.at(-1), [null, undefined]);
});

for (const without of [["channel"], ["channel", "locks"]]) {
  test(`without ${without.join(" and ")} the storage tells of a logout`, async () => {
    const { clock, client, other, otherHeard } = await two({ without });
    await clock.done(client.logout());
    assert.deepEqual(otherHeard.at(-1), [null, undefined]);
    assert.equal(other.timeLeft(), null);
  });

  test(`without ${without.join(" and ")} the storage tells of a login`, async () => {
    const { clock, client, other, otherHeard } = await two({ without });
    await clock.done(client.logout());
    await clock.done(client.login(ME));
    await clock.advance(1000);
    assert.deepEqual(otherHeard.at(-1), ["s2", undefined]);
    assert.equal((await clock.done(other.session())).sid, "s2");
  });
}

test("a page that heard no logout finds it in the storage when it is shown", async () => {
  const { clock, browser, second, other, otherHeard } = await two({ without: ["channel"] });
  browser.stored.set(KEY, "out"); // no event: the page was in the back-forward cache
  second.fire("pageshow");
  await clock.advance(1000);
  assert.deepEqual(otherHeard.at(-1), [null, undefined]);
  assert.equal(await other.session(), null);
});

test("a refresh that finds another tab's logout in the storage does not undo it", async () => {
  const { clock, server, browser, other, otherHeard } = await two({ without: ["channel"] });
  server.forgetAccess();
  server.next("/refresh/", faults.slow(1000, clock));
  const asked = other.fetch(API);
  await clock.advance(100);
  browser.stored.set(KEY, "out");
  assert.equal((await clock.done(asked)).status, 401);
  assert.deepEqual(otherHeard.at(-1), [null, undefined]);
  assert.equal(browser.stored.get(KEY), "out");
});

test("a page whose storage was emptied asks the server, and stays logged in", async () => {
  const { clock, server, browser, tab, client, heard } = await loggedIn();
  browser.stored.clear();
  tab.fire("focus");
  await clock.advance(1000);
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
  assert.equal((await client.session()).sid, "s1");
  assert.deepEqual([heard.length, browser.stored.get(KEY)], [1, "1"]);
});

// -- Login ----------------------------------------------------------------------------------

test("a page that heard no login finds it in the storage when it is shown", async () => {
  const { clock, browser, client, second, other, otherHeard } = await two({ without: ["channel"] });
  await clock.done(client.logout());
  browser.tabs.delete(second); // no event: it is in the back-forward cache
  await clock.done(client.login(ME));
  await clock.advance(1000);
  second.fire("pageshow");
  await clock.advance(1000);
  assert.deepEqual(otherHeard.at(-1), ["s2", undefined]);
  assert.equal((await other.session()).sid, "s2");
});

test("news of a login that a tab knows already cost nothing", async () => {
  const { clock, server, browser } = await loggedIn();
  new browser.Channel("tokenauth https://app.test/auth/").postMessage({ type: "login", sid: "s1" });
  await clock.advance(1000);
  assert.deepEqual(server.log(), []);
});

test("a late refusal of the old session does not end the new one", async () => {
  const { clock, server, clients, heard } = await restored(2, { without: ["locks"] });
  server.ignoreAborts();
  server.end("s1");
  server.next("/refresh/", faults.slow(2000, clock));
  const asked = clients[1].session();
  await settle();
  await clock.done(clients[0].login(ME));
  assert.equal((await clock.done(asked)).sid, "s2");
  assert.deepEqual(heard[1], [["s2", undefined]]);
});

test("a login in one tab shows in the others", async () => {
  const { clock, browser } = world();
  const [first, second] = [browser.open().client(), browser.open().client()];
  const heard = listen(second);
  await clock.done(second.session());
  await clock.done(first.login(ME));
  await clock.advance(1000);
  assert.deepEqual(heard, [[null, undefined], ["s1", undefined]]);
});

test("a login as somebody else shows in the others", async () => {
  const { clock, client, otherHeard } = await two();
  await clock.done(client.login({ ...ME, username: "bob" }));
  await clock.advance(1000);
  assert.deepEqual(otherHeard, [["s1", undefined], ["s2", undefined]]);
});

test("what a tab asked as the old account is not repeated as the new one", async () => {
  const { clock, server, client, other } = await two();
  server.next("/api/echo/", faults.slow(2000, clock));
  const asked = failure(other.fetch(API, { method: "POST", body: "x" }));
  await settle();
  server.forgetAccess();
  await clock.done(client.login({ ...ME, username: "bob" }));
  assert.equal((await clock.done(asked)).code, "session_changed");
  assert.equal(server.count("/api/echo/"), 1);
});

test("what a page asks while it still shows the old account is not sent as the new one", async () => {
  const { clock, server, client, other, otherHeard } = await two();
  const login = client.login({ ...ME, username: "bob" });
  await clock.advance(21); // the message has come, the new session not yet
  assert.deepEqual(otherHeard.at(-1), ["s1", undefined]);
  assert.equal(other.timeLeft(), null);
  const asked = failure(other.fetch(API, { method: "POST", body: "x" }));
  assert.equal((await clock.done(asked)).code, "session_changed");
  await login;
  assert.equal(server.count("/api/echo/"), 0);
});

for (const without of [[], ["locks"]]) {
  test(`a login while others ask with a dead cookie stays (without ${without[0] ?? "nothing"})`, async () => {
    const { clock, server, browser, clients, heard } = await restored(4, { without });
    server.end("s1");
    for (let tab = 0; tab < 3; tab++) server.next("/refresh/", faults.slow(400, clock));
    const asked = clients.slice(1).map((client) => client.session());
    await settle();
    await clock.done(clients[0].login(ME));
    await clock.done(Promise.all(asked));
    await clock.advance(5000);
    const last = heard.map((each) => each.at(-1)[0]);
    assert.deepEqual(last, ["s2", "s2", "s2", "s2"]);
    assert.equal(browser.stored.get(KEY), "1");
    assert.equal(server.sessions.get("s2").ended, "");
  });
}

test("a message that missed a login is made up for by the next one", async () => {
  const { clock, browser, client, second, otherHeard } = await two();
  second.show("hidden"); // so that it asks nothing by itself
  const channel = browser.Channel.prototype.postMessage;
  browser.Channel.prototype.postMessage = () => {};
  await clock.done(client.login({ ...ME, username: "bob" }));
  browser.Channel.prototype.postMessage = channel;
  await clock.advance(300_000); // the first tab refreshes
  assert.deepEqual(otherHeard.at(-1), ["s2", undefined]);
});
