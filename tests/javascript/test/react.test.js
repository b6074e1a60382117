// docs/recipes/react.jsx with the real React, in jsdom, under StrictMode.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { JSDOM } from "jsdom";
import { faults, loggedIn, ME, settle, world } from "../world/index.js";
import { recipe } from "../world/recipe.js";

const { window } = new JSDOM("<!doctype html>");
const { document, navigator } = window;
const globals = { window, document, navigator, IS_REACT_ACT_ENVIRONMENT: true };
for (const [name, value] of Object.entries(globals)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
const { act, createElement, StrictMode } = await import("react");
const { createRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
const { SessionProvider, useSession } = await recipe("react.jsx");

const roots = [];
afterEach(() => act(() => roots.splice(0).forEach((root) => root.unmount())));

function Who() {
  const { session, problem } = useSession();
  const who = session === undefined ? "unknown" : (session?.sid ?? "nobody");
  return createElement("p", null, problem ? `${who} (${problem.code})` : who);
}

const page = (client, ...children) =>
  createElement(StrictMode, null, createElement(SessionProvider, { client }, ...children));

/** Render for a client; `text()` is what the page shows. */
async function show(client, ...children) {
  const element = document.createElement("div");
  const root = createRoot(element);
  roots.push(root);
  const render = (now) => act(() => root.render(page(now, ...(children.length ? children : [createElement(Who)]))));
  await render(client);
  return { text: () => element.textContent, render, root };
}

const pass = (clock, ms = 1000) => act(() => clock.advance(ms));

/** A page that is loaded while somebody is logged in. */
async function restored() {
  const all = await loggedIn();
  all.client.dispose();
  const tab = all.browser.open();
  return { ...all, tab, client: tab.client() };
}

test("it shows what nobody knows, then who is logged in, with one refresh", async () => {
  const { clock, server, client } = await restored();
  const { text } = await show(client);
  assert.equal(text(), "unknown");
  await pass(clock);
  assert.equal(text(), "s1");
  assert.deepEqual(server.log(), ["POST /auth/refresh/"]);
});

test("a visitor is nobody, without any request", async () => {
  const { clock, server, browser } = world();
  const { text } = await show(browser.open().client());
  await pass(clock);
  assert.equal(text(), "nobody");
  assert.deepEqual(server.log(), []);
});

test("a session that is known is shown at once", async () => {
  const { client } = await loggedIn();
  const { text } = await show(client);
  assert.equal(text(), "s1");
});

test("login and logout are shown", async () => {
  const { clock, browser } = world();
  const client = browser.open().client();
  const { text } = await show(client);
  await act(() => clock.done(client.login(ME)));
  assert.equal(text(), "s1");
  await act(() => clock.done(client.logout()));
  assert.equal(text(), "nobody");
});

test("what another tab does is shown", async () => {
  const { clock, browser, client } = await restored();
  const { text } = await show(client);
  await pass(clock);
  const other = browser.open().client();
  await act(() => clock.done(other.login({ ...ME, username: "bob" })));
  await pass(clock);
  assert.equal(text(), "s2");
  await act(() => clock.done(other.logout()));
  assert.equal(text(), "nobody");
});

test("why the server ended it is given", async () => {
  const { clock, server, client } = await restored();
  server.end("s1");
  const { text } = await show(client);
  await pass(clock);
  assert.equal(text(), "nobody (session_ended)");
});

test("without a network it is unknown, and why; then it is known", async () => {
  const { clock, browser, tab, client } = await restored();
  browser.offline = true;
  const { text } = await show(client);
  await pass(clock);
  assert.equal(text(), "unknown (network)");
  browser.offline = false;
  tab.fire("online");
  await pass(clock);
  assert.equal(text(), "s1");
});

test("every component of a page sees the same, with one subscription", async () => {
  const { client } = await loggedIn();
  let open = 0;
  const counted = {
    ...client,
    onChange: (listener) => {
      const stop = client.onChange(listener);
      open++;
      return () => (open--, stop());
    },
  };
  const { text, root } = await show(counted, createElement(Who, { key: 1 }), createElement(Who, { key: 2 }));
  assert.deepEqual([text(), open], ["s1s1", 1]);
  await act(() => root.unmount());
  assert.equal(open, 0);
});

test("another client is another session", async () => {
  const { clock, client } = await loggedIn();
  const { text, render } = await show(client);
  await render(world().browser.open().client());
  await pass(clock);
  assert.equal(text(), "nobody");
});

test("it renders again only when there is something new", async () => {
  const { clock, server, client } = await loggedIn();
  let renders = 0;
  const Count = () => (useSession(), renders++, null);
  await show(client, createElement(Count));
  renders = 0;
  await pass(clock, 400_000);
  assert.ok(server.count("/refresh/") > 0);
  assert.equal(renders, 0);
});

test("a server renders what nobody knows, and sends nothing", async () => {
  const { server, client } = await restored();
  server.next("/refresh/", faults.unreachable());
  assert.equal(renderToString(page(client, createElement(Who))), "<p>unknown</p>");
  await settle();
  assert.deepEqual(server.log(), []);
});

test("outside of a provider the hook says what to do", () => {
  assert.throws(() => renderToString(createElement(Who)), /SessionProvider/);
});
