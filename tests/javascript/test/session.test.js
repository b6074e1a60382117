// Who is logged in, and how a page gets to know.

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { failure, faults, KEY, listen, loggedIn, ME, world } from "../world/index.js";

/** A page that is loaded while somebody is logged in. */
async function restored(kind) {
  const past = await loggedIn({ tab: kind });
  past.client.dispose();
  const tab = past.browser.open(kind);
  const client = tab.client();
  return { ...past, tab, client, heard: listen(client) };
}

test("a visitor who never logged in is nobody, without any request", async () => {
  const { clock, server, browser } = world();
  const client = browser.open().client();
  const heard = listen(client);
  assert.equal(await clock.done(client.session()), null);
  assert.deepEqual(heard, [[null, undefined]]);
  assert.deepEqual(server.requests, []);
});

test("a page finds the session with one silent refresh", async () => {
  const { clock, server, client, heard } = await restored();
  assert.equal((await clock.done(client.session())).sid, "s1");
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
  assert.deepEqual(heard, [["s1", undefined]]);
});

test("all who ask at the start share the refresh", async () => {
  const { clock, server, client } = await restored();
  const asked = [client.session(), client.session(), client.fetch("/api/echo/"), client.sessions.list()];
  await clock.done(Promise.all(asked));
  assert.equal(server.count("/refresh/"), 1);
});

test("asked again, it knows", async () => {
  const { clock, server, client } = await loggedIn();
  assert.equal((await clock.done(client.session())).sid, "s1");
  assert.deepEqual(server.log(), []);
});

test("a login by other means is found when the page asks for it", async () => {
  const { clock, server, browser } = await loggedIn();
  browser.stored.clear();
  const client = browser.open().client();
  assert.equal(await clock.done(client.session()), null);
  assert.equal((await clock.done(client.session({ ask: true }))).sid, "s1");
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
  assert.equal(browser.stored.get(KEY), "1");
});

for (const without of ["storage", "full storage"]) {
  test(`without ${without} it just asks`, async () => {
    const { clock, server, browser } = world();
    browser.full = without === "full storage";
    const kind = browser.full ? {} : { without: ["storage"] };
    await clock.done(browser.open(kind).client().login(ME));
    server.log();
    assert.equal((await clock.done(browser.open(kind).client().session())).sid, "s1");
    assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
  });

  test(`without ${without} it asks a visitor's server once`, async () => {
    const { clock, server, browser } = world();
    browser.full = without === "full storage";
    const client = browser.open(browser.full ? {} : { without: ["storage"] }).client();
    for (let times = 0; times < 3; times++) {
      assert.equal(await clock.done(client.session()), null);
    }
    assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
  });
}

test("what the storage holds is no secret: that somebody has logged in here", async () => {
  const { browser } = await loggedIn();
  assert.deepEqual([...browser.stored], [[KEY, "1"]]);
});

test("offline it cannot be known, and nobody is logged out", async () => {
  const { clock, browser, client, heard } = await restored();
  browser.offline = true;
  const problem = await clock.done(failure(client.session()));
  assert.deepEqual([problem.name, problem.code, problem.status], ["Problem", "network", 0]);
  assert.deepEqual(heard, []);
  assert.equal(browser.stored.get(KEY), "1");
});

test("when the network is back, the page learns who is logged in", async () => {
  const { clock, browser, tab, client, heard } = await restored();
  browser.offline = true;
  await clock.done(failure(client.session()));
  browser.offline = false;
  tab.fire("online");
  await clock.advance(1000);
  assert.deepEqual(heard, [["s1", undefined]]);
});

test("offline with a session that is known, it is still that", async () => {
  const { clock, browser, client } = await loggedIn();
  browser.offline = true;
  await clock.advance(400_000);
  assert.equal((await clock.done(client.session())).sid, "s1");
});

for (const code of ["refresh_missing", "refresh_invalid", "session_ended"]) {
  test(`the server's ${code} ends it`, async () => {
    const { clock, server, browser, client, heard } = await restored();
    server.next("/refresh/", faults.answer(401, { code, reason: "revoked" }));
    assert.equal(await clock.done(client.session()), null);
    assert.deepEqual(heard, [[null, code]]);
    assert.equal(browser.stored.has(KEY), false);
  });
}

const NO_ANSWERS = {
  "a 401 of something in between": faults.answer(401, { message: "staging password" }),
  "a 401 with a page": faults.page(401),
  "a 403": faults.answer(403, { code: "csrf_failed" }),
  "a 404": faults.page(404),
};
for (const [what, fault] of Object.entries(NO_ANSWERS)) {
  test(`${what} is not the end of the session`, async () => {
    const { clock, server, browser, client, heard } = await restored();
    server.next("/refresh/", fault);
    await clock.done(failure(client.session()));
    assert.deepEqual(heard, []);
    assert.equal(browser.stored.get(KEY), "1");
  });
}

for (const [what, fault] of Object.entries({
  "200 with a page in it": faults.page(200),
  "200 without a token": faults.answer(200, { welcome: "to this hotel" }),
})) {
  test(`${what} is no answer: it asks again`, async () => {
    const { clock, server, client } = await restored();
    server.next("/refresh/", fault);
    assert.equal((await clock.done(client.session())).sid, "s1");
    assert.equal(server.count("/refresh/"), 2);
  });
}

test("a listener that comes late is told at once", async () => {
  const { client } = await loggedIn();
  assert.deepEqual(listen(client), [["s1", undefined]]);
});

test("a listener that has gone is told nothing", async () => {
  const { clock, client } = await loggedIn();
  let told = 0;
  const stop = client.onChange(() => told++);
  stop();
  await clock.done(client.logout());
  assert.equal(told, 1);
});

test("a listener that another one has sent away is told nothing", async () => {
  const { clock, client } = await loggedIn();
  const stops = [];
  client.onChange((session) => session || stops[0]());
  const told = [];
  stops.push(client.onChange((session) => told.push(session?.sid)));
  await clock.done(client.logout());
  assert.deepEqual(told, ["s1"]);
});

test("a refresh that changes nothing that is shown is not told", async () => {
  const { clock, server, client, heard } = await loggedIn();
  await clock.advance(400_000);
  await clock.done(client.session());
  assert.ok(server.count("/refresh/") > 0);
  assert.deepEqual(heard, [["s1", undefined]]);
});

test("a listener's fault hinders neither the login nor the other listeners", async () => {
  const { clock, browser } = world();
  const tab = browser.open();
  const client = tab.client();
  client.onChange(() => {
    throw new Error("of the page");
  });
  const heard = listen(client);
  assert.equal((await clock.done(client.login(ME))).sid, "s1");
  assert.deepEqual(heard, [["s1", undefined]]);
  assert.deepEqual(tab.console, ["of the page"]);
});

test("login says what went wrong", async () => {
  const { clock, server, browser } = world();
  const client = browser.open().client();
  const wrong = await clock.done(failure(client.login({ ...ME, password: "wrong" })));
  assert.deepEqual([wrong.name, wrong.status, wrong.code], ["Problem", 401, "login_failed"]);
  server.next("/login/", faults.answer(429, { code: "throttled" }, { "Retry-After": "7" }));
  const many = await clock.done(failure(client.login(ME)));
  assert.deepEqual([many.status, many.code, many.retryAfter], [429, "throttled", 7]);
  server.next("/login/", faults.answer(401, { code: "mfa_required", challenge: { type: "totp" } }));
  assert.deepEqual((await clock.done(failure(client.login(ME)))).body.challenge, { type: "totp" });
});

test("login sends what it is given", async () => {
  const { clock, server, browser } = world();
  const given = { ...ME, remember: false, device_name: "kitchen", client: "browser" };
  await clock.done(browser.open().client().login(given));
  assert.deepEqual(JSON.parse(server.requests[0].body), given);
});

test("timeLeft counts down the access token's seconds", async () => {
  const { clock, client } = await loggedIn();
  await clock.advance(99_980); // and 20 ms for the login
  assert.deepEqual(client.timeLeft(), { left: 200, lifetime: 300 });
});

test("the access token is in nothing that can be looked at", async () => {
  const exchanges = [];
  const { server, browser, client, tab } = await loggedIn({ options: { onExchange: (e) => exchanges.push(e) } });
  assert.equal(exchanges.length, 1);
  const [token] = [...server.requests].map(() => "access-1");
  const places = [client, await client.session(), exchanges, browser.sent, [...browser.stored], tab.exports];
  const seen = inspect(places, { depth: 9, showHidden: true });
  assert.ok(!seen.includes(token), seen);
});
