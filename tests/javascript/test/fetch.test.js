// fetch(): who gets the access token, what a 401 leads to, and that everything else is plain fetch.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, failure, faults, loggedIn, ME, settle, world } from "../world/index.js";

const last = (server) => server.requests.at(-1);
const authorization = (server) => last(server).headers.get("Authorization");

test("the origin of baseUrl gets the token", async () => {
  const { clock, server, client } = await loggedIn();
  const response = await clock.done(client.fetch("/api/echo/"));
  assert.equal((await response.json()).user, "ada");
  assert.equal(authorization(server), "Bearer access-1");
});

test("a string, a URL and a Request are the same", async () => {
  const { clock, server, client } = await loggedIn();
  for (const input of [API, new URL(API), new Request(API)]) {
    await clock.done(client.fetch(input));
    assert.equal(authorization(server), "Bearer access-1");
  }
});

test("the origins of apiOrigins get it", async () => {
  const { clock, server, client } = await loggedIn({ options: { apiOrigins: ["https://api.test"] } });
  await clock.done(client.fetch("https://api.test/api/echo/"));
  assert.equal(authorization(server), "Bearer access-1");
});

const STRANGERS = [
  "https://evil.test/api/echo/",
  "http://app.test/api/echo/",
  "https://app.test:8443/api/echo/",
  "https://app.test.evil.test/",
  "//evil.test/",
];
for (const url of STRANGERS) {
  test(`${url} is left to plain fetch, as it is`, async () => {
    const { clock, server, tab, client } = await loggedIn();
    const init = { method: "POST", body: "x", headers: { "X-Mine": "1" } };
    await clock.done(client.fetch(url, init));
    assert.equal(tab.seen[0], url);
    assert.equal(tab.seen[1], init);
    assert.equal(authorization(server), null);
  });
}

test("a blob's URL names our origin and is not ours", async () => {
  const { clock, tab, client } = await loggedIn();
  const url = "blob:https://app.test/5b1e";
  await clock.done(client.fetch(url));
  assert.deepEqual(tab.seen, [url, undefined]);
});

for (const path of ["login/", "refresh", "logout/?x=1", "reauthenticate/"]) {
  test(`/auth/${path} is left to plain fetch`, async () => {
    const { clock, server, tab, client } = await loggedIn();
    const init = { method: "POST", body: "{}" };
    await clock.done(client.fetch(`/auth/${path}`, init));
    assert.equal(tab.seen[1], init);
    assert.equal(server.log().length, 1);
  });
}

test("the other endpoints get the token like the API", async () => {
  const { clock, server, client } = await loggedIn();
  assert.equal((await clock.done(client.fetch("/auth/sessions/"))).status, 200);
  assert.equal(authorization(server), "Bearer access-1");
});

test("a caller's own Authorization stays, and its 401 is the caller's", async () => {
  const { clock, server, client } = await loggedIn();
  const response = await clock.done(client.fetch(API, { headers: { Authorization: "Bearer mine" } }));
  assert.equal(authorization(server), "Bearer mine");
  assert.equal(response.status, 401);
  assert.deepEqual(server.log(), ["GET /api/echo/"]);
});

test("other headers and the method stay", async () => {
  const { clock, server, client } = await loggedIn();
  await clock.done(client.fetch(API, { method: "PUT", headers: [["X-Mine", "1"]], body: "x" }));
  assert.equal(last(server).headers.get("X-Mine"), "1");
  assert.equal(last(server).method, "PUT");
});

test("no credentials are added to a caller's request", async () => {
  const { clock, server, client } = await loggedIn({ options: { apiOrigins: ["https://api.test"] } });
  await clock.done(client.fetch("https://api.test/api/echo/"));
  assert.equal(last(server).credentials, "same-origin");
});

test("a visitor's request goes without a token, and its 401 is handed on", async () => {
  const { clock, server, browser } = world();
  const response = await clock.done(browser.open().client().fetch(API));
  assert.equal(response.status, 401);
  assert.equal((await response.json()).code, "not_authenticated");
  assert.deepEqual(server.log(), ["GET /api/echo/"]);
});

test("a refused token is renewed and the request repeated once", async () => {
  const { clock, server, client } = await loggedIn();
  server.forgetAccess();
  const response = await clock.done(client.fetch(API));
  assert.equal(response.status, 200);
  assert.deepEqual(server.log(), ["GET /api/echo/", "POST /auth/refresh/", "GET /api/echo/"]);
});

test("refused again, it is handed on, readable", async () => {
  const { clock, server, client } = await loggedIn();
  const refuse = faults.answer(401, { code: "access_invalid" });
  server.next("/api/echo/", refuse, refuse);
  const response = await clock.done(client.fetch(API));
  assert.equal((await response.json()).code, "access_invalid");
  assert.equal(server.count("/api/echo/"), 2);
});

for (const code of ["login_failed", "mfa_required", "session_ended", "anything", undefined]) {
  test(`a 401 with ${code} is handed on at once`, async () => {
    const { clock, server, client } = await loggedIn();
    server.next("/api/echo/", faults.answer(401, { code }));
    assert.equal((await clock.done(client.fetch(API))).status, 401);
    assert.deepEqual(server.log(), ["GET /api/echo/"]);
  });
}

for (const status of [403, 404, 500, 503]) {
  test(`a ${status} is handed on at once`, async () => {
    const { clock, server, client } = await loggedIn();
    server.next("/api/echo/", faults.answer(status, { code: "access_invalid" }));
    assert.equal((await clock.done(client.fetch(API))).status, status);
    assert.deepEqual(server.log(), ["GET /api/echo/"]);
  });
}

test("not_authenticated, where no token arrived, is handed on", async () => {
  const { clock, server, client } = await loggedIn();
  server.next("/api/echo/", faults.answer(401, { code: "not_authenticated" }, { "WWW-Authenticate": "Bearer" }));
  await clock.done(client.fetch(API));
  assert.deepEqual(server.log(), ["GET /api/echo/"]);
});

for (const body of [{ code: "not_authenticated" }, { message: "of another framework" }]) {
  test(`a challenge of invalid_token with ${JSON.stringify(body)} has it renewed`, async () => {
    const { clock, server, client } = await loggedIn();
    const headers = { "WWW-Authenticate": 'Bearer realm="api", error="invalid_token"' };
    server.next("/api/echo/", faults.answer(401, body, headers));
    assert.equal((await clock.done(client.fetch(API))).status, 200);
  });
}

test("if the token was renewed meanwhile, it is not renewed again", async () => {
  const { clock, server, client } = await loggedIn();
  server.next("/api/echo/", faults.slow(5000, clock));
  server.forgetAccess();
  const slow = client.fetch(API);
  await settle();
  await clock.done(client.fetch(API));
  assert.equal((await clock.done(slow)).status, 200);
  assert.equal(server.count("/refresh/"), 1);
});

test("twenty requests over an expired token share one refresh", async () => {
  const { clock, server, client } = await loggedIn();
  server.forgetAccess();
  const responses = await clock.done(Promise.all(Array.from({ length: 20 }, () => client.fetch(API))));
  assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
  assert.equal(server.count("/refresh/"), 1);
});

test("when the session has ended, the 401 is handed on", async () => {
  const { clock, server, client, heard } = await loggedIn();
  server.end("s1");
  const response = await clock.done(client.fetch(API));
  assert.equal(response.status, 401);
  assert.deepEqual(heard.at(-1), [null, "session_ended"]);
  assert.equal(server.count("/api/echo/"), 1);
});

test("without a way to renew the token, it fails as fetch does, and says why", async () => {
  const { clock, browser, client, heard } = await loggedIn();
  await clock.advance(100_000);
  browser.offline = true;
  await clock.advance(300_000);
  const error = await clock.done(failure(client.fetch(API)));
  assert.ok(error instanceof TypeError);
  assert.equal(error.cause.code, "network");
  assert.deepEqual(heard, [["s1", undefined]]);
});

test("what the network does to the request itself is the caller's", async () => {
  const { clock, server, client } = await loggedIn();
  server.next("/api/echo/", faults.unreachable());
  const error = await clock.done(failure(client.fetch(API)));
  assert.equal(error.message, "Failed to fetch");
  assert.equal(server.count("/api/echo/"), 1);
});

for (const [input, init] of [["http://[", {}], [API, { method: "GET", body: "x" }], [API, { headers: { "ä": "1" } }]]) {
  test(`wrong arguments (${input}, ${JSON.stringify(init)}) are a TypeError, unsent`, async () => {
    const { server, client } = await loggedIn();
    assert.ok((await failure(client.fetch(input, init))) instanceof TypeError);
    assert.deepEqual(server.log(), []);
  });
}

test("a page may put it in the place of window.fetch", async () => {
  const { clock, server, tab, client } = await loggedIn();
  tab.globals.fetch = client.fetch;
  server.forgetAccess();
  assert.equal((await clock.done(tab.globals.fetch(API))).status, 200);
});

test("the 401 of a stranger, to whom a redirect led, is handed on", async () => {
  const { clock, server, client } = await loggedIn();
  const response = new Response('{"code": "access_invalid"}', { status: 401, headers: { "Content-Type": "application/json" } });
  Object.defineProperties(response, { redirected: { value: true }, url: { value: "https://evil.test/" } });
  server.next("/api/echo/", () => ({ response }));
  assert.equal(await clock.done(client.fetch(API)), response);
  assert.deepEqual(server.log(), ["GET /api/echo/"]);
});

test("what waited for a token of this session is not sent with one of another's", async () => {
  const { clock, server, client, tab } = await loggedIn();
  tab.show("hidden");
  await clock.advance(400_000);
  const login = client.login({ ...ME, username: "bob" });
  const problem = await clock.done(failure(client.fetch(API, { method: "POST", body: "transfer" })));
  await login;
  assert.equal(problem.code, "session_changed");
  assert.equal(server.count("/api/echo/"), 0);
});

test("another account's session gets nothing that was asked in this one's name", async () => {
  const { clock, server, client, heard } = await loggedIn();
  server.next("/api/echo/", faults.slow(1000, clock));
  const asked = client.fetch(API, { method: "POST", body: "transfer" });
  await settle();
  server.forgetAccess();
  await clock.done(client.login({ ...ME, username: "bob" }));
  const problem = await clock.done(failure(asked));
  assert.deepEqual([problem.name, problem.code], ["Problem", "session_changed"]);
  assert.equal(server.count("/api/echo/"), 1);
  assert.deepEqual(heard.at(-1), ["s2", undefined]);
});
