// A session of tokenauth in a browser. No framework, nothing of the page: copy it and use it.
//
// The refresh token is in an HttpOnly cookie that no script can read. The access token lives in the
// closure below and nowhere else: not in localStorage, not in a cookie, not on `window`.

// Server and client agree on this one: a client that gives up later could present a refresh token
// so late that it looks stolen (10 s here + 20 s for the request itself <= TOKENAUTH_GRACE_PERIOD).
const GIVE_UP_MS = 10_000;
const LOCK_MS = 5_000;
// Safe to repeat at once or after `Retry-After`, and worth exactly one more try.
const ONCE_MORE = new Set(["refresh_superseded", "refresh_ambiguous", "try_again"]);

/** A request that did not succeed: `status` (0: no usable answer), the `code` and `reason` of the
 * server, and `ended`: this answer has ended the session, and `onChange` knows. */
export class Problem extends Error {
  constructor(status, { code = "", detail = "", reason = "" }, retryAfter = 0) {
    super(detail || code || `HTTP ${status}`);
    Object.assign(this, { status, code, reason, retryAfter, ended: false });
  }
}

/**
 * Make the one session of this page, with the endpoints at `base`.
 *
 * `onChange(session, problem)` is called with the session object when there is another one than
 * before, and with null when it is over: with the Problem, if it was the server who ended it.
 * `onExchange({method, url, status, code})` is called after every request.
 *
 * It has `login`, `logout`, `refresh`, `call`, `timeLeft`, and `forget`: the server has just ended
 * this session at our own request.
 */
export function createSession({ base, onChange, onExchange = () => {} }) {
  let access = null; // { token, session, lifetime: seconds, until: as performance.now() counts }
  let flight = null; // the refresh under way: everybody who needs one shares it
  let turn = Promise.resolve();

  // Login, refresh and logout write the same cookie: one at a time in all tabs, so that the last
  // one asked for is the last one that wrote it.
  function inTurn(work) {
    const result = turn.then(() => locked(work));
    turn = result.catch(() => {});
    return result;
  }

  // A tab that hangs must not hold up the others: after a while they go on without the lock. The
  // server is right without it; only a login that overtakes a refresh could then cost another login.
  async function locked(work) {
    let started = false;
    const run = () => {
      started = true;
      return work();
    };
    if (!navigator.locks) return run();
    try {
      const signal = AbortSignal.timeout(LOCK_MS);
      return await navigator.locks.request(`tokenauth ${base}`, { signal }, run);
    } catch (problem) {
      if (started) throw problem;
      return run();
    }
  }

  async function send(method, url, { body, token } = {}) {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    let response;
    let text;
    try {
      response = await fetch(url, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(GIVE_UP_MS),
      });
      text = await response.text();
    } catch {
      onExchange({ method, url, status: 0, code: "network" });
      throw new Problem(0, { code: "network" });
    }
    let data; // stays undefined for what is not JSON
    try {
      data = text ? JSON.parse(text) : null;
    } catch {}
    onExchange({ method, url, status: response.status, code: response.ok ? "" : data?.code });
    if (!response.ok) {
      throw new Problem(response.status, data ?? {}, Number(response.headers.get("Retry-After")));
    }
    // 200 with a page in it: some network wants its own login first. That says nothing about ours.
    if (data === undefined) throw new Problem(0, { code: "network" });
    return data;
  }

  function keep({ access: token, expires_in: seconds, session }, askedAt) {
    const changed = access?.session.sid !== session.sid;
    // Counted from before the request, so that we never believe in it longer than the server does.
    access = { token, session, lifetime: seconds, until: askedAt + seconds * 1000 };
    if (changed) onChange(session);
    return access;
  }

  function drop(problem) {
    access = null;
    onChange(null, problem);
  }

  async function renew() {
    for (let again = false; ; again = true) {
      const askedAt = performance.now();
      try {
        return keep(await send("POST", `${base}refresh/`), askedAt);
      } catch (problem) {
        if (!again && ONCE_MORE.has(problem.code)) {
          const wait = Math.min(problem.retryAfter, 5) * 1000;
          await new Promise((done) => setTimeout(done, wait));
          continue;
        }
        // Only a 401 is the server's word that there is no session. Everything else, a lost network
        // included, says nothing about it: the next request tries again.
        problem.ended = problem.status === 401;
        if (problem.ended) drop(problem);
        throw problem;
      }
    }
  }

  /** Renew the access token; all callers share one request. Throws a Problem. */
  function refresh() {
    flight ??= inTurn(renew).finally(() => {
      flight = null;
    });
    return flight;
  }

  /** Call an endpoint as this session; renews the access token once if it is no longer valid. */
  async function call(method, url, body) {
    const mine = access ?? (await refresh());
    // Another tab may log in as somebody else meanwhile. What is asked for is not asked in their
    // name, and what is answered is not shown to them.
    const check = (now) => {
      if (now?.session.sid !== mine.session.sid) throw new Problem(0, { code: "session_changed" });
      return now;
    };
    let answer;
    try {
      answer = await send(method, url, { body, token: mine.token });
    } catch (problem) {
      if (problem.code !== "access_invalid") throw problem;
      const { token } = check(access === mine ? await refresh() : access);
      answer = await send(method, url, { body, token });
    }
    check(access);
    return answer;
  }

  /** Log in with `{username, password, remember, device_name}`. Throws a Problem. */
  function login(credentials) {
    return inTurn(async () => {
      const askedAt = performance.now();
      keep(await send("POST", `${base}login/`, { body: credentials }), askedAt);
    });
  }

  /** Log out, here and at the server. Throws a Problem: then the session is still there. */
  function logout() {
    return inTurn(async () => {
      await send("POST", `${base}logout/`, { token: access?.token });
      drop();
    });
  }

  /** Seconds the access token is still good for and seconds it was issued for; null without one. */
  function timeLeft() {
    if (!access) return null;
    const left = (access.until - performance.now()) / 1000;
    return { left: Math.max(0, left), lifetime: access.lifetime };
  }

  return { login, logout, refresh, call, timeLeft, forget: () => drop() };
}
