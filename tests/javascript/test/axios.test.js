// docs/recipes/axios.js with the real axios.

import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, faults, loggedIn, ME, settle } from "../world/index.js";
import { recipe } from "../world/recipe.js";

const { createApi } = await recipe("axios.js");

const form = () => {
  const data = new FormData();
  data.append("file", new Blob(["1"]));
  return data;
};

/** Logged in, with an axios. */
async function withAxios(config) {
  const all = await loggedIn();
  return { ...all, api: createApi(all.client, { baseURL: "https://app.test/api/", ...config }) };
}

test("requests carry the access token", async () => {
  const { clock, server, api } = await withAxios();
  const { data } = await clock.done(api.get("echo/"));
  assert.equal(data.user, "ada");
  assert.equal(server.requests.at(-1).headers.get("Authorization"), "Bearer access-1");
});

for (const [what, send] of Object.entries({
  JSON: (api) => api.post("echo/", { a: 1 }),
  "a form": (api) => api.post("echo/", form()),
  "no body": (api) => api.delete("echo/"),
})) {
  test(`a request with ${what} is repeated after a refused token`, async () => {
    const { clock, server, api } = await withAxios();
    server.forgetAccess();
    assert.equal((await clock.done(send(api))).status, 200);
    const [first, second] = server.requests.filter(({ path }) => path === "/api/echo/");
    assert.deepEqual([second.method, second.body, second.headers.get("Content-Type")], [first.method, first.body, first.headers.get("Content-Type")]);
  });
}

test("many requests share one refresh", async () => {
  const { clock, server, api } = await withAxios();
  server.forgetAccess();
  await clock.done(Promise.all(Array.from({ length: 9 }, () => api.get("echo/"))));
  assert.equal(server.count("/refresh/"), 1);
});

test("other origins get no token", async () => {
  const { clock, server, api } = await withAxios();
  await clock.done(failure(api.get("https://evil.test/api/echo/")));
  assert.equal(server.requests.at(-1).headers.get("Authorization"), null);
});

test("an error's response is the server's", async () => {
  const { clock, server, api } = await withAxios();
  server.next("/api/echo/", faults.answer(422, { a: ["wrong"] }));
  const error = await clock.done(failure(api.post("echo/", { a: 1 })));
  assert.deepEqual([error.name, error.response.status, error.response.data], ["AxiosError", 422, { a: ["wrong"] }]);
});

test("without a way to a token it is a network error, with its cause", async () => {
  const { clock, browser, tab, api } = await withAxios();
  tab.show("hidden");
  await clock.advance(400_000);
  browser.offline = true;
  const error = await clock.done(failure(api.get("echo/")));
  assert.deepEqual([error.code, error.cause.code], ["ERR_NETWORK", "network"]);
});

test("another account's session is an error with that code", async () => {
  const { clock, server, client, api } = await withAxios();
  server.next("/api/echo/", faults.slow(1000, clock));
  const asked = failure(api.post("echo/", { a: 1 }));
  await settle();
  server.forgetAccess();
  await clock.done(client.login({ ...ME, username: "bob" }));
  assert.equal((await clock.done(asked)).code, "session_changed");
});

test("an aborted request is axios's CanceledError", async () => {
  const { clock, server, api } = await withAxios();
  server.next("/api/echo/", faults.slow(5000, clock));
  const control = new AbortController();
  const asked = failure(api.get("echo/", { signal: control.signal }));
  await clock.advance(100);
  control.abort();
  assert.equal((await asked).name, "CanceledError");
});
