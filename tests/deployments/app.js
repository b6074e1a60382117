// The script of a single-page app, as small as it can be: what the browser makes of its requests
// is what the tests look at.
"use strict";

const api = new URLSearchParams(location.search).get("api") ?? location.origin;
const password = "correct horse battery";
let access = null;
let refreshToken = null;

async function ask(method, path, body, options = {}) {
  const headers = { ...options.headers };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (access && options.bearer) headers.Authorization = `Bearer ${access}`;
  const response = await fetch(api + path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: options.credentials ?? "omit",
    cache: "no-store",
  });
  const answer = (await response.json().catch(() => null)) ?? {};
  access = answer.access ?? access;
  refreshToken = answer.refresh ?? refreshToken;
  return {
    status: response.status,
    code: answer.code ?? null,
    sid: answer.session?.sid ?? null,
    username: answer.username ?? null,
    retryAfter: response.headers.get("Retry-After"),
    challenge: response.headers.get("WWW-Authenticate"),
  };
}

const withCookie = { credentials: "include" };
const login = (username = "ada") => ask("POST", "/auth/login/", { username, password }, withCookie);
const refresh = () => ask("POST", "/auth/refresh/", undefined, withCookie);
const logout = () => ask("POST", "/auth/logout/", undefined, withCookie);
const whoami = () => ask("GET", "/api/whoami", undefined, { bearer: true });
const get = (path) => ask("GET", path, undefined, withCookie);

// With the refresh token in memory.
const loginByBody = () => ask("POST", "/auth/login/", { username: "ada", password, client: "page" });
const refreshByBody = () => ask("POST", "/auth/refresh/", { refresh: refreshToken });
