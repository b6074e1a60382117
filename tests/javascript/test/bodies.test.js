// fetch(): bodies and abort signals do what they do with plain fetch.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API, failure, faults, loggedIn, settle } from "../world/index.js";

const form = () => {
  const data = new FormData();
  data.append("name", "ada");
  data.append("file", new Blob(["content"], { type: "text/plain" }), "a.txt");
  return data;
};
const BODIES = {
  "a string": () => '{"a": 1}',
  "a FormData": form,
  "a Blob": () => new Blob(["blob"], { type: "image/png" }),
  "URLSearchParams": () => new URLSearchParams({ a: "1" }),
  "an ArrayBuffer": () => new TextEncoder().encode("buffer").buffer,
  "a typed array": () => new TextEncoder().encode("array"),
};
const stream = (text = "streamed") => new Blob([text]).stream();
// The boundary of a form is drawn anew by each request.
const plain = ({ body, headers }) =>
  [body, headers.get("Content-Type") ?? ""].map((text) => text.replace(/-*formdata-undici-\d+-*/g, "-"));

for (const [what, make] of Object.entries(BODIES)) {
  test(`${what} is sent again as it was, after a refused token`, async () => {
    const { clock, server, client } = await loggedIn();
    server.forgetAccess();
    const response = await clock.done(client.fetch(API, { method: "POST", body: make() }));
    assert.equal(response.status, 200);
    const [first, second] = server.requests.filter(({ path }) => path === "/api/echo/");
    assert.deepEqual([second.body, second.headers.get("Content-Type")], [first.body, first.headers.get("Content-Type")]);
    assert.notEqual(first.body, "");
  });

  test(`${what} arrives as by plain fetch`, async () => {
    const { clock, server, tab, client } = await loggedIn();
    await clock.done(client.fetch(API, { method: "POST", body: make() }));
    await clock.done(tab.fetch(API, { method: "POST", body: make() }));
    const [ours, theirs] = server.requests.slice(-2);
    assert.deepEqual(plain(ours), plain(theirs));
  });
}

test("what the caller does to a body afterwards is not sent", async () => {
  const { clock, server, client } = await loggedIn();
  await clock.advance(400_000); // the refresh comes first
  const body = new FormData();
  body.append("a", "1");
  const asked = client.fetch(API, { method: "POST", body });
  body.append("b", "2");
  await clock.done(asked);
  assert.ok(!server.requests.at(-1).body.includes('name="b"'));
});

for (const [what, send] of Object.entries({
  "a stream": (client) => client.fetch(API, { method: "POST", body: stream(), duplex: "half" }),
  "a Request with a stream": (client) =>
    client.fetch(new Request(API, { method: "POST", body: stream(), duplex: "half" })),
})) {
  test(`${what} is sent`, async () => {
    const { clock, client } = await loggedIn();
    const response = await clock.done(send(client));
    assert.equal((await response.json()).body, "streamed");
  });

  test(`${what} is sent once: its 401 is handed on, and the token renewed`, async () => {
    const { clock, server, client } = await loggedIn();
    server.forgetAccess();
    const response = await clock.done(send(client));
    assert.equal((await response.json()).code, "access_invalid");
    await clock.advance(1000);
    assert.deepEqual(server.log(), ["POST /api/echo/", "POST /auth/refresh/"]);
  });

  test(`${what}, whose token cannot be renewed, has its 401 all the same`, async () => {
    const { clock, server, client } = await loggedIn();
    server.forgetAccess();
    server.next("/refresh/", faults.answer(403, { code: "csrf_failed" }));
    assert.equal((await clock.done(send(client))).status, 401);
    await clock.advance(1000); // a rejection that nobody handles would fail this test
  });

  test(`${what} has no second try, so a token at its end is renewed first`, async () => {
    const { clock, server, client, tab } = await loggedIn();
    tab.show("hidden");
    await clock.advance(290_000);
    const response = await clock.done(send(client));
    assert.equal(response.status, 200);
    assert.deepEqual(server.log(), ["POST /auth/refresh/", "POST /api/echo/"]);
  });
}

test("a Request without a body is repeated", async () => {
  const { clock, server, client } = await loggedIn();
  server.forgetAccess();
  const response = await clock.done(client.fetch(new Request(API, { method: "DELETE" })));
  assert.equal((await response.json()).method, "DELETE");
});

test("the init's body takes the place of a Request's, and is repeated", async () => {
  const { clock, server, client } = await loggedIn();
  server.forgetAccess();
  const request = new Request(API, { method: "POST", body: "old" });
  const response = await clock.done(client.fetch(request, { body: "new" }));
  assert.equal((await response.json()).body, "new");
});

test("a Request's body is used up, as by fetch", async () => {
  const { clock, client } = await loggedIn();
  const request = new Request(API, { method: "POST", body: "x" });
  await clock.done(client.fetch(request));
  assert.equal(request.bodyUsed, true);
  assert.ok((await failure(client.fetch(request))) instanceof TypeError);
});

// -- Aborting ---------------------------------------------------------------------------------

test("aborted before, nothing is sent and nothing refreshed", async () => {
  const { clock, server, client, tab } = await loggedIn();
  tab.show("hidden");
  await clock.advance(400_000);
  const reason = new Error("changed my mind");
  const error = await failure(client.fetch(API, { signal: AbortSignal.abort(reason) }));
  assert.equal(error, reason);
  await clock.advance(1000);
  assert.deepEqual(server.log(), []);
});

test("aborted while the token is renewed, it fails with its reason at once", async () => {
  const { clock, server, client, tab } = await loggedIn();
  tab.show("hidden");
  await clock.advance(400_000);
  server.next("/refresh/", faults.slow(5000, clock));
  const control = new AbortController();
  const asked = failure(client.fetch(API, { signal: control.signal }));
  await clock.advance(100);
  const reason = new Error("changed my mind");
  control.abort(reason);
  assert.equal(await asked, reason);
  assert.equal(clock.now < 401_000, true);
});

test("one caller's abort leaves the refresh to the others", async () => {
  const { clock, server, client, tab } = await loggedIn();
  tab.show("hidden");
  await clock.advance(400_000);
  const control = new AbortController();
  const mine = failure(client.fetch(API, { signal: control.signal }));
  const other = client.fetch(API);
  await settle();
  control.abort();
  assert.equal((await mine).name, "AbortError");
  assert.equal((await clock.done(other)).status, 200);
  assert.deepEqual(server.log(), ["POST /auth/refresh/", "GET /api/echo/"]);
});

test("the only caller's abort does not stop the refresh", async () => {
  const { clock, server, client } = await loggedIn();
  server.forgetAccess();
  server.next("/refresh/", faults.slow(1000, clock));
  const control = new AbortController();
  const mine = failure(client.fetch(API, { signal: control.signal }));
  await clock.advance(100);
  control.abort();
  await mine;
  await clock.advance(2000);
  await clock.done(client.fetch(API));
  assert.deepEqual(server.log(), ["GET /api/echo/", "POST /auth/refresh/", "GET /api/echo/"]);
});

test("aborted under way, it fails with the reason", async () => {
  const { clock, server, client } = await loggedIn();
  server.next("/api/echo/", faults.slow(5000, clock));
  const control = new AbortController();
  const asked = failure(client.fetch(API, { signal: control.signal }));
  await clock.advance(100);
  const reason = new DOMException("too slow for me", "TimeoutError");
  control.abort(reason);
  assert.equal(await asked, reason);
});

test("the signal of a Request counts like that of the init", async () => {
  const { clock, server, client } = await loggedIn();
  server.next("/api/echo/", faults.slow(5000, clock));
  const control = new AbortController();
  const asked = failure(client.fetch(new Request(API, { signal: control.signal })));
  await clock.advance(100);
  control.abort();
  assert.equal((await asked).name, "AbortError");
});
