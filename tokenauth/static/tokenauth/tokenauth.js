// The browser's side of tokenauth: one module, no dependency. How to use it: docs/browser.md.
//
// The refresh token is in an HttpOnly cookie that no script can read. The access token is in a
// private field of an object that only the closure of createClient() reaches: never in storage, an
// event, a message to another tab, a URL or a log.
//
// The server decides everything. Locks and messages between tabs save requests and time; without
// them it is still right.

// The server's guarantee rests on this one: a client that gives up later could present a refresh
// token so late that it looks stolen (10 s here + 20 s for the request <= TOKENAUTH_GRACE_PERIOD).
const TIMEOUT_MS = 10_000;
const LOCK_MS = 5_000;
const BACKOFF_MS = 200;
const PATIENCE_MS = 30_000;
const COOLDOWN_MS = 60_000;
const LONGEST_COOLDOWN_MS = 300_000;
const LONGEST_MARGIN_MS = 60_000;

// Worth exactly one more try, with the cookie that the browser holds by then.
const ONCE_MORE = new Set(["refresh_superseded", "refresh_ambiguous"]);
// The server's word that there is no session. A 401 of anything between here and there is not.
const ENDED = new Set(["refresh_missing", "refresh_invalid", "refresh_superseded", "session_ended"]);
const STEP_UP = "insufficient_user_authentication";
const AUTH_ENDPOINT = /^(login|refresh|logout|reauthenticate)\/?$/;

/** @type {Record<string, string>} */
const OWN_WORDS = {
  network: "The server cannot be reached. Try again in a moment.",
  timeout: "The server does not answer. Try again in a moment.",
  session_changed: "Another session has begun, or this one has ended. Look who is logged in, then ask again.",
  disposed: "This client was disposed of. Make another with createClient().",
};

/**
 * @typedef {object} Session A session, as the server describes it. Times are RFC 3339.
 * @property {string} sid
 * @property {string} client
 * @property {string} device_name
 * @property {string} user_agent
 * @property {string | null} ip
 * @property {string} created_at
 * @property {string} last_seen_at
 * @property {string} expires_at
 * @property {string} auth_time When the user last proved who they are.
 * @property {string[]} amr How (RFC 8176).
 * @property {boolean} current Whether it is the session that asked.
 */

/**
 * @typedef {object} Credentials
 * @property {string} username
 * @property {string} password
 * @property {boolean} [remember] false: until the browser is closed.
 * @property {string} [device_name]
 * @property {string} [client] A name of TOKENAUTH_CLIENTS whose transport is the cookie.
 */

/**
 * @typedef {object} Exchange A request to one of our endpoints that is over. Never holds a token.
 * @property {string} method
 * @property {string} url
 * @property {number} status 0: no usable answer.
 * @property {string} code The code of the error; "" if there is none.
 */

/**
 * @typedef {object} Options
 * @property {string} [baseUrl] Where tokenauth.urls is mounted; relative to the page, or absolute.
 * @property {string[]} [apiOrigins] Origins beside that of `baseUrl` that get the access token.
 * @property {(problem: Problem) => Promise<boolean>} [onStepUp] A request was refused because the
 *   user's last proof is too old (RFC 9470). Ask for the password, call `reauthenticate(password)`,
 *   and return true to have the request repeated, once.
 * @property {number} [timeout] Milliseconds for each request to our endpoints. The protocol
 *   rests on it: at most TOKENAUTH_GRACE_PERIOD minus the time that a request can live at the server.
 * @property {(exchange: Exchange) => void} [onExchange] Told after each request to our endpoints.
 */

/** @typedef {(session: Session | null, problem?: Problem) => void} Listener */

/**
 * @typedef {object} Access The access token and what is known with it.
 * @property {string} token
 * @property {Session} session
 * @property {number} lifetime Milliseconds.
 * @property {number} margin Milliseconds before its end at which it is renewed.
 * @property {Instant} since
 */

/** @typedef {{monotonic: number, wall: number}} Instant */

/** A request that did not succeed. */
export class Problem extends Error {
  /**
   * @param {number} status The status of the answer; 0: there was no usable one.
   * @param {any} body The server's body of the error.
   * @param {number} [retryAfter] Seconds after which to try again; 0: the server did not say.
   */
  constructor(status, body, retryAfter = 0) {
    const { code = "", detail = "", reason = "" } = Object(body);
    super(String(detail || OWN_WORDS[code] || code || `HTTP ${status}`));
    this.name = "Problem";
    this.status = status;
    /** The server's code, or "network", "timeout", "session_changed", "disposed". @type {string} */
    this.code = code;
    /** Why a session ended: "logout", "revoked", "expired", "account", "reuse". @type {string} */
    this.reason = reason;
    this.retryAfter = retryAfter;
    /** The whole body: `errors` by field, the challenge of a second factor. @type {any} */
    this.body = body;
  }
}

/**
 * Make the client of a page. It does nothing until it is used, so it may be made on a server.
 *
 * @param {Options} [options]
 */
export function createClient(options = {}) {
  const client = new Client(options);
  return Object.freeze({
    /**
     * Log in.
     * @param {Credentials} credentials
     * @returns {Promise<Session>}
     * @throws {Problem} For example `login_failed`, `mfa_required`, `throttled`, `network`.
     */
    login: (credentials) => client.login(credentials),
    /**
     * Log out: here and in all tabs at once, then at the server. If the server cannot be reached,
     * it is told later: when the network is back, or by the next page.
     * @returns {Promise<void>}
     * @throws {Problem} The server refused to listen, for example `csrf_failed`.
     */
    logout: () => client.logout(),
    /**
     * `window.fetch` with the access token for the origin of `baseUrl` and `apiOrigins`; any other
     * request is left alone.
     * @param {RequestInfo | URL} input
     * @param {RequestInit} [init]
     * @returns {Promise<Response>}
     * @throws {TypeError} As `fetch`; also if a token was needed and could not be had: its `cause`
     *   is the Problem.
     * @throws {Problem} `session_changed`: not repeated in the name of somebody else.
     */
    fetch: (input, init) => client.fetch(input, init),
    /**
     * Who is logged in; null: nobody. The first call asks the server, unless nobody has ever
     * logged in here.
     * @param {{ask?: boolean}} [options] `ask`: ask the server in any case. For the page that a login
     *   by other means (social login, magic link) leads to.
     * @returns {Promise<Session | null>}
     * @throws {Problem} It cannot be known, for example without a network.
     */
    session: (options) => client.session(options),
    /** The user's sessions. All throw Problem. */
    sessions: Object.freeze({
      /** @returns {Promise<Session[]>} The active ones, the newest first. */
      list: async () => (await client.call("GET", "sessions/")).sessions,
      /** @param {string} sid @param {string} deviceName @returns {Promise<Session>} */
      rename: (sid, deviceName) => client.rename(sid, deviceName),
      /** @param {string} sid @returns {Promise<void>} */
      revoke: (sid) => client.revoke(`sessions/${encodeURIComponent(sid)}/`, sid),
      /** @returns {Promise<number>} How many were ended. */
      revokeOthers: async () =>
        (await client.call("POST", "sessions/revoke/", { scope: "others" })).revoked,
      /** @returns {Promise<number>} How many were ended, this one included. */
      revokeAll: () => client.revokeAll(),
    }),
    /**
     * Prove again who the user is (step-up by password).
     * @param {string} password
     * @returns {Promise<Session>}
     * @throws {Problem} For example `login_failed`.
     */
    reauthenticate: (password) => client.reauthenticate(password),
    /**
     * Be told of the session when it has begun or changed, and null when it is over, with the
     * Problem if it was the server who ended it. At once, if it is already known.
     * @param {Listener} listener
     * @returns {() => void} Stop it.
     */
    onChange: (listener) => client.onChange(listener),
    /**
     * Seconds for which the access token is still good, and for which it was issued.
     * @returns {{left: number, lifetime: number} | null}
     */
    timeLeft: () => client.timeLeft(),
    /** Give up timers, listeners and the channel. Later calls throw. */
    dispose: () => client.dispose(),
  });
}

/** What createClient() hides. */
class Client {
  // Taken now, because a page may put our own fetch in its place.
  #plain = globalThis.fetch?.bind(globalThis);
  /** @type {Required<Options>} */
  #options;
  #base = "";
  /** @type {Set<string>} */
  #origins = new Set();
  /** @type {Flag} */
  #flag = /** @type {any} */ (null);
  /** @type {BroadcastChannel | null} */
  #channel = null;
  #life = new AbortController();

  /** @type {Access | null} */
  #access = null;
  /** Undefined: not known. @type {Session | null | undefined} */
  #known;
  /** What the listeners last heard of. @type {Session | null | undefined} */
  #told;
  // Whatever was asked under an older number must not change anything when it is answered: a late
  // answer would bring back a session that is over, or put an old one in place of a new one.
  #epoch = 0;
  #ends = 0; // as #epoch, for a login: only the end of a session overtakes it
  #stop = new AbortController(); // of this epoch

  /** @type {Promise<Access | null> | null} */
  #flight = null;
  /** @type {Promise<boolean> | null} */
  #stepping = null;
  /** @type {{problem: Problem, since: Instant, length: number} | null} */
  #failure = null;
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Set<Listener>} */
  #listeners = new Set();
  /** @type {(() => void)[]} */
  #outbox = [];

  /** @param {Options} options */
  constructor({
    baseUrl = "/auth/",
    apiOrigins = [],
    onStepUp = async () => false,
    timeout = TIMEOUT_MS,
    onExchange = () => {},
  }) {
    this.#options = { baseUrl, apiOrigins, onStepUp, timeout, onExchange };
  }

  // -- What a page calls ----------------------------------------------------------------------

  /** @param {Credentials} credentials */
  async login(credentials) {
    this.#start();
    return this.#inTurn(async () => {
      const ends = this.#ends;
      const pending = this.#flag.read() === "out"; // an older logout, which a login is newer than
      const answer = await this.#tokens("login/", { body: credentials });
      if (ends !== this.#ends || (!pending && this.#flag.read() === "out")) throw this.#overtaken();
      this.#begin(); // a refresh that is under way belongs to the time before
      this.#flag.write("1");
      return this.#keep(answer, "login");
    });
  }

  async logout() {
    this.#start();
    const { token, session } = this.#access ?? {};
    this.#flag.write("out"); // first of all: whatever happens now, it is not forgotten
    this.#end();
    this.#announce("logout", session?.sid);
    this.#flush();
    try {
      await this.#tellLogout(token);
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
  }

  /** @param {{ask?: boolean}} [options] */
  async session({ ask = false } = {}) {
    this.#start();
    if (ask && !this.#known) {
      this.#flag.write("1");
      this.#known = undefined;
    }
    try {
      return (await this.#usable())?.session ?? null;
    } catch (problem) {
      if (this.#known) return this.#known;
      throw problem;
    }
  }

  /** @param {RequestInfo | URL} input @param {RequestInit} [init] */
  async fetch(input, init) {
    this.#start();
    if (!this.#isOurs(/** @type {any} */ (input)?.url ?? input)) return this.#plain(input, init);
    const body = init?.body ?? /** @type {any} */ (input).body;
    // Made before anything is waited for: what is sent is what there was when it was asked.
    const request = new Request(input, init);
    if (request.headers.has("Authorization")) return this.#plain(request);
    // What was read from a stream is gone. (Firefox shows no body of a Request, and sends no streams.)
    const once = typeof body?.getReader === "function";
    const { signal } = request;
    if (signal.aborted) throw signal.reason;
    /** @param {string | undefined} token */
    const send = async (token) => {
      const copy = once ? request : request.clone();
      // Browsers leave it out when a redirect leads to another origin (Fetch, "HTTP-redirect fetch").
      if (token) copy.headers.set("Authorization", `Bearer ${token}`);
      const response = await this.#plain(copy);
      const stranger = response.redirected && !this.#isOurs(response.url);
      return { result: response, problem: stranger ? null : await refusal(response) };
    };
    /** @param {Problem} problem @returns {never} */
    const lost = (problem) => {
      if (problem.code === "disposed") throw problem;
      throw new TypeError(problem.message, { cause: problem });
    };
    return (await this.#carry(send, { once, signal, lost })).result;
  }

  /**
   * Call one of our endpoints as the present session.
   * @param {string} method @param {string} path @param {object} [body]
   * @returns {Promise<any>}
   */
  async call(method, path, body) {
    this.#start();
    const { result, problem } = await this.#carry(async (token) => {
      try {
        return { result: await this.#exchange(method, path, { body, token }), problem: null };
      } catch (error) {
        return { result: null, problem: /** @type {Problem} */ (error) };
      } finally {
        this.#flush();
      }
    });
    if (problem) throw problem;
    return result;
  }

  /** @param {string} sid @param {string} deviceName */
  async rename(sid, deviceName) {
    const path = `sessions/${encodeURIComponent(sid)}/`;
    const session = await this.call("PATCH", path, { device_name: deviceName });
    if (this.#access?.session.sid === sid) {
      this.#access.session = { ...this.#access.session, device_name: session.device_name };
      this.#know(this.#access.session);
      this.#flush();
    }
    return session;
  }

  /** @param {string} path @param {string} sid */
  async revoke(path, sid) {
    await this.call("DELETE", path);
    this.#endOwn(sid);
  }

  async revokeAll() {
    const sid = (await this.#usable())?.session.sid;
    const { revoked } = await this.call("POST", "sessions/revoke/", { scope: "all" });
    this.#endOwn(sid);
    return revoked;
  }

  /** @param {string} password */
  async reauthenticate(password) {
    this.#start();
    const asked = await this.#usable();
    if (!asked) throw new Problem(401, { code: "not_authenticated" });
    return this.#inTurn(async () => {
      const epoch = this.#epoch;
      const access = this.#access;
      // A password that was typed for one account is not tried on another.
      if (access?.session.sid !== asked.session.sid) throw this.#overtaken();
      const options = { body: { password }, token: access.token };
      const answer = await this.#tokens("reauthenticate/", options);
      if (epoch !== this.#epoch) throw this.#overtaken();
      return this.#keep(answer, "refresh");
    });
  }

  /** @param {Listener} listener */
  onChange(listener) {
    this.#start();
    /** @type {Listener} */
    const own = (session, problem) => listener(session, problem); // the same one may come twice
    this.#listeners.add(own);
    if (this.#known !== undefined) own(this.#known);
    return () => void this.#listeners.delete(own);
  }

  timeLeft() {
    this.#live();
    if (!this.#access) return null;
    const { lifetime } = this.#access;
    return { left: Math.max(0, remaining(this.#access)) / 1000, lifetime: lifetime / 1000 };
  }

  dispose() {
    this.#life.abort();
    this.#begin();
    this.#ends++;
    this.#access = null;
    this.#known = undefined;
    this.#listeners.clear();
    this.#channel?.close();
  }

  // -- What begins and ends -------------------------------------------------------------------

  #live() {
    if (this.#life.signal.aborted) throw own("disposed");
  }

  #start() {
    this.#live();
    if (this.#base) return;
    const page = globalThis.document?.baseURI ?? globalThis.location?.href;
    const { baseUrl, apiOrigins } = this.#options;
    const base = new URL(baseUrl.replace(/\/?$/, "/"), page);
    this.#base = base.href;
    this.#origins = new Set([base.origin, ...apiOrigins.map((url) => new URL(url, page).origin)]);
    this.#flag = new Flag(`tokenauth ${base.pathname}`);
    try {
      this.#channel = new BroadcastChannel(`tokenauth ${this.#base}`);
      this.#channel.onmessage = ({ data }) => this.#hear(Object(data));
    } catch {
      // An old browser, or a frame without an origin: the storage event has to do.
    }
    const { signal } = this.#life;
    for (const type of ["focus", "online", "pageshow"]) {
      globalThis.addEventListener?.(type, this.#wake, { signal });
    }
    globalThis.document?.addEventListener("visibilitychange", this.#wake, { signal });
    globalThis.addEventListener?.("storage", (event) => this.#hearStorage(event), { signal });
    if (this.#flag.read() === "out") this.#wake();
  }

  /** What is under way belongs to the past. */
  #begin() {
    this.#epoch++;
    this.#stop.abort();
    this.#stop = new AbortController();
    clearTimeout(this.#timer);
    this.#failure = null;
  }

  /** There is no session. @param {Problem} [problem] */
  #end(problem) {
    this.#begin();
    this.#ends++;
    this.#access = null;
    this.#know(null, problem);
  }

  /** Another tab has logged in: who it is, the server will say. */
  #switch() {
    this.#begin();
    this.#access = null;
    this.#known = undefined;
    this.#refreshQuietly();
  }

  /** This session was ended at our own request. @param {string | undefined} sid */
  #endOwn(sid) {
    if (!sid || this.#access?.session.sid !== sid) return;
    this.#flag.write(null);
    this.#end();
    this.#announce("logout", sid);
    this.#flush();
  }

  /** @param {Session | null} session @param {Problem} [problem] */
  #know(session, problem) {
    this.#known = session;
    if (this.#told !== undefined && face(session) === face(this.#told)) return;
    this.#told = session;
    for (const listener of this.#listeners) {
      this.#outbox.push(() => this.#listeners.has(listener) && listener(session, problem));
    }
  }

  /** Tell the page. Never while we hold the lock for which all other tabs wait. */
  #flush() {
    for (let tell; (tell = this.#outbox.shift()); ) {
      try {
        tell();
      } catch (error) {
        queueMicrotask(() => {
          throw error; // a fault of the page: to its console, and to nobody who waits for us
        });
      }
    }
  }

  /** @param {{data: any, asked: Instant}} answer @param {string} type */
  #keep({ data, asked }, type) {
    const { access: token, expires_in: seconds, session } = data;
    const lifetime = seconds * 1000;
    // Pages that were opened together need not come back together.
    const margin = Math.min(LONGEST_MARGIN_MS, lifetime / 5) * (0.5 + Math.random() / 2);
    this.#access = { token, session, lifetime, margin, since: asked };
    this.#failure = null;
    if (this.#flag.read() !== "1") this.#flag.write("1");
    this.#know(session);
    this.#announce(type, session.sid);
    this.#wakeIn(remaining(this.#access) - margin);
    return session;
  }

  #overtaken() {
    return own(this.#life.signal.aborted ? "disposed" : "session_changed");
  }

  // -- Between tabs ---------------------------------------------------------------------------

  /** @param {string} type @param {string} [sid] */
  #announce(type, sid) {
    if (!this.#life.signal.aborted) this.#channel?.postMessage({ type, sid });
  }

  /** @param {{type?: string, sid?: string}} message */
  #hear({ type, sid }) {
    // All tabs share the cookie, so whichever session was meant: it is gone.
    if (type === "logout") this.#end();
    if (type === "login" || (type === "refresh" && this.#known)) {
      this.#failure = null;
      if (this.#access?.session.sid !== sid) this.#switch();
    }
    if (type === "refresh") this.#failure = null;
    this.#flush();
  }

  /** @param {StorageEvent} event */
  #hearStorage({ key, newValue }) {
    if (this.#channel || key !== this.#flag.key) return;
    if (newValue === "out") this.#end();
    if (newValue === "1" && !this.#known) this.#switch();
    this.#flush();
  }

  /**
   * Login, refresh, step-up and logout write the same cookie: one at a time, in this tab and in all.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #inTurn(work) {
    const result = this.#turn
      .then(() => locked(`tokenauth ${this.#base}`, work))
      .finally(() => this.#flush());
    this.#turn = result.catch(() => {});
    return result;
  }

  // -- Staying logged in ----------------------------------------------------------------------

  /** Timers cannot be trusted (sleep, throttling), nor messages (a page from the back button). */
  #wake = () => {
    if (this.#life.signal.aborted || globalThis.document?.visibilityState === "hidden") return;
    const flag = this.#flag.read();
    this.#failure = null;
    if (flag === "out") {
      this.#end();
      this.#flush();
      this.#tellLogout().catch(() => {});
    } else if (this.#known === null) {
      if (flag === "1") this.#switch();
    } else if (flag !== "1" || !this.#access || remaining(this.#access) <= this.#access.margin) {
      this.#refreshQuietly();
    }
  };

  /** @param {number} delay Milliseconds. */
  #wakeIn(delay) {
    clearTimeout(this.#timer);
    if (this.#life.signal.aborted) return;
    this.#timer = setTimeout(this.#wake, Math.min(Math.max(0, delay), 2 ** 31 - 1));
  }

  /** An access token to use, renewed if need be; null: nobody is logged in. */
  async #usable(once = false) {
    const access = this.#access;
    if (!access || remaining(access) <= 0) return this.#refresh();
    if (remaining(access) <= access.margin) {
      const renewal = this.#refresh().catch(() => access); // still valid, whatever went wrong
      if (once) return renewal; // no second try: with the best token there is
    }
    return access;
  }

  #refreshQuietly() {
    this.#refresh().catch(() => {});
  }

  /** A new access token; all callers share one request. @returns {Promise<Access | null>} */
  #refresh() {
    if (this.#known === undefined && this.#flag.read() !== "1") {
      this.#end();
      this.#flush();
    }
    if (this.#known === null) return Promise.resolve(null);
    const { problem, since, length } = this.#failure ?? { length: 0 };
    if (problem && age(since) < length) return Promise.reject(problem);
    this.#flight ??= this.#renew().finally(() => {
      this.#flight = null;
    });
    return this.#flight;
  }

  async #renew() {
    const seen = this.#access;
    const began = instant();
    let epoch = this.#epoch;
    let again = true;
    for (let tries = 0; ; ) {
      try {
        return await this.#inTurn(() => this.#attempt(epoch, seen, again));
      } catch (error) {
        this.#live();
        const problem = /** @type {Problem} */ (error);
        if (epoch !== this.#epoch) {
          // The other session is asked for afresh.
          epoch = this.#epoch;
          again = true;
        } else if (again && ONCE_MORE.has(problem.code)) {
          again = false;
        } else {
          const wait = BACKOFF_MS * 2 ** tries++ * (1 + Math.random() / 2);
          const pause = Math.max(wait, problem.retryAfter * 1000);
          const patient = age(began) + pause < PATIENCE_MS && globalThis.navigator?.onLine !== false;
          if (!patient || !isUnknown(problem)) throw this.#fail(problem);
          await sleep(pause, this.#stop.signal);
        }
      }
    }
  }

  /**
   * One request, inside the lock.
   * @param {number} epoch @param {Access | null} seen @param {boolean} again
   */
  async #attempt(epoch, seen, again) {
    this.#live();
    if (this.#known === null || (this.#access && this.#access !== seen)) return this.#access;
    if (epoch !== this.#epoch) throw this.#overtaken();
    try {
      const answer = await this.#tokens("refresh/", { stop: this.#stop.signal });
      if (epoch !== this.#epoch) throw this.#overtaken();
      if (this.#flag.read() === "out") this.#end();
      else this.#keep(answer, "refresh");
    } catch (error) {
      const { code, status } = /** @type {Problem} */ (error);
      const ended = status === 401 && ENDED.has(code) && !(again && ONCE_MORE.has(code));
      if (!ended || epoch !== this.#epoch) throw error;
      if (this.#flag.read() === "1") this.#flag.write(null);
      this.#end(/** @type {Problem} */ (error));
    }
    return this.#access;
  }

  /** Ask no more for a while. @param {Problem} problem */
  #fail(problem) {
    const length = Math.max(COOLDOWN_MS, Math.min(problem.retryAfter * 1000, LONGEST_COOLDOWN_MS));
    this.#failure = { problem, since: instant(), length };
    this.#wakeIn(length);
    return problem;
  }

  /** Tell the server of a logout, unless somebody has logged in since. @param {string} [token] */
  async #tellLogout(token) {
    try {
      await this.#inTurn(async () => {
        if (this.#flag.read() !== "out") return;
        await this.#exchange("POST", "logout/", { token, keepalive: true });
        if (this.#flag.read() === "out") this.#flag.write(null);
      });
    } catch (problem) {
      this.#wakeIn(COOLDOWN_MS);
      throw problem;
    }
  }

  // -- Requests -------------------------------------------------------------------------------

  /** Whether a request to this URL gets the access token. @param {string | URL} url */
  #isOurs(url) {
    try {
      const { protocol, host, href, pathname } = new URL(url, globalThis.document?.baseURI ?? this.#base);
      const path = href.startsWith(this.#base) ? pathname.slice(new URL(this.#base).pathname.length) : "";
      return this.#origins.has(`${protocol}//${host}`) && !AUTH_ENDPOINT.test(path);
    } catch {
      return false; // fetch itself will say what is wrong with it
    }
  }

  /**
   * Send a request with the access token; once more if the token was refused, and once more after a
   * step-up. Never in the name of another session than the one it was asked for.
   * @template T
   * @param {(token?: string) => Promise<{result: T, problem: Problem | null}>} send
   * @param {{once?: boolean, signal?: AbortSignal, lost?: (problem: Problem) => never}} [how]
   */
  async #carry(send, { once = false, signal, lost } = {}) {
    /** @param {Promise<Access | null>} access */
    const wait = (access) => unlessAborted(access.catch(lost), signal);
    let mine = await wait(this.#usable(once));
    let renewed = false;
    let proved = false;
    for (;;) {
      const answer = await send(mine?.token);
      const code = answer.problem?.code;
      if (!mine) return answer;
      if (code === "access_invalid" && !renewed) {
        renewed = true;
        // Renewed meanwhile: no need to ask again.
        const access = this.#access === mine ? this.#refresh() : this.#usable();
        if (once) {
          access.catch(() => {});
          return answer;
        }
        if (!(await wait(access))) return answer;
      } else if (code === STEP_UP && !proved && !once) {
        proved = true;
        const problem = /** @type {Problem} */ (answer.problem);
        if (!(await unlessAborted(this.#prove(mine, problem), signal))) return answer;
      } else {
        return answer;
      }
      const next = await wait(this.#usable());
      if (!next) return answer;
      if (next.session.sid !== mine.session.sid) throw this.#overtaken();
      mine = next;
    }
  }

  /** Ask for the step-up; all refused requests share it. @param {Access} mine @param {Problem} problem */
  async #prove(mine, problem) {
    if (this.#access && this.#access.session.auth_time !== mine.session.auth_time) return true;
    this.#stepping ??= this.#options.onStepUp(problem).finally(() => {
      this.#stepping = null;
    });
    return this.#stepping;
  }

  /** @param {string} path @param {ExchangeOptions} options */
  async #tokens(path, options) {
    const asked = instant(); // before the request, so that we never believe longer than the server
    const data = await this.#exchange("POST", path, options);
    if (!data?.access || !data.session?.sid) throw own("network");
    return { data, asked };
  }

  /**
   * @typedef {object} ExchangeOptions
   * @property {object} [body] @property {string} [token] @property {AbortSignal} [stop]
   * @property {boolean} [keepalive] Go on when the page is left.
   */

  /**
   * A request to one of our endpoints.
   * @param {string} method @param {string} path @param {ExchangeOptions} options
   */
  async #exchange(method, path, { body, token, stop, keepalive }) {
    const { onExchange, timeout } = this.#options;
    const url = this.#base + path;
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", "X-Requested-With": "tokenauth" };
    if (body) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    /** @type {RequestInit} */
    const init = { method, headers, keepalive, credentials: "include", cache: "no-store", redirect: "error" };
    if (body) init.body = JSON.stringify(body);
    /** @param {number} status @param {string} [code] */
    const report = (status, code = "") => {
      this.#outbox.push(() => onExchange({ method, url, status, code }));
    };
    try {
      const { status, ok, data, retryAfter } = await within(timeout, stop, (signal) =>
        read(this.#plain(url, { ...init, signal })),
      );
      if (!ok) throw new Problem(status, data, retryAfter);
      // 200 with a page in it: some network wants its own login first. It says nothing about ours.
      if (data === undefined) throw own("network");
      report(status);
      return data;
    } catch (error) {
      const problem = error instanceof Problem ? error : own("network");
      report(problem.status, problem.code);
      throw problem;
    }
  }
}

/**
 * Whether somebody has logged in here: "1"; "out": and out, which the server has yet to be told.
 * No secret, and shared by all tabs. Without storage it lives as long as the page, which then asks.
 */
class Flag {
  #blind = false;
  /** @type {string | null} */
  #own = "1";

  /** @param {string} key */
  constructor(key) {
    this.key = key;
  }

  /** @returns {string | null} */
  read() {
    if (!this.#blind) {
      try {
        return localStorage.getItem(this.key);
      } catch {
        this.#blind = true;
      }
    }
    return this.#own;
  }

  /** @param {string | null} value */
  write(value) {
    this.#own = value;
    try {
      if (value) localStorage.setItem(this.key, value);
      else localStorage.removeItem(this.key);
    } catch {
      this.#blind = true;
    }
  }
}

/** A Problem of our own. @param {string} code */
function own(code) {
  return new Problem(0, { code });
}

/** Whether this says nothing about the session, and may be different soon. @param {unknown} error */
function isUnknown(error) {
  if (!(error instanceof Problem)) return false;
  return error.status >= 500 || ["network", "timeout", "throttled"].includes(error.code) || error.status === 429;
}

/** What a listener can see of a session. @param {Session | null | undefined} session */
function face(session) {
  return session && `${session.sid} ${session.auth_time} ${session.device_name}`;
}

/** @returns {Instant} */
function instant() {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** Milliseconds since. In some browsers the one stops in sleep; the other may be set back. @param {Instant} since */
function age({ monotonic, wall }) {
  return Math.max(performance.now() - monotonic, Date.now() - wall);
}

/** Milliseconds for which it is still good. @param {Access} access */
function remaining({ lifetime, since }) {
  return lifetime - age(since);
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function sleep(ms, signal) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", wake);
  });
}

/**
 * The caller's abort ends their waiting, and not what others wait for.
 * @template T
 * @param {Promise<T>} promise @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
function unlessAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/**
 * Work that is aborted when it takes too long.
 * @template T
 * @param {number} ms @param {AbortSignal | undefined} stop @param {(signal: AbortSignal) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function within(ms, stop, work) {
  const control = new AbortController();
  const abort = () => control.abort();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort();
  }, ms);
  stop?.addEventListener("abort", abort);
  try {
    return await work(control.signal);
  } catch (error) {
    throw late ? own("timeout") : error;
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener("abort", abort);
  }
}

/**
 * Work under a lock that all tabs of this origin share. A tab that hangs must not hold up the others:
 * after a while they go on without it.
 * @template T
 * @param {string} name @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function locked(name, work) {
  const locks = globalThis.navigator?.locks;
  if (!locks) return work();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), LOCK_MS);
  let started = false;
  try {
    return await locks.request(name, { signal: patience.signal }, () => {
      started = true;
      clearTimeout(timer);
      return work();
    });
  } catch (error) {
    if (started) throw error;
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

/** An answer, read to its end. `data`: undefined for what is not JSON. @param {Promise<Response>} promise */
async function read(promise) {
  const response = await promise;
  const { status, ok, headers } = response;
  const text = await response.text();
  let data;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    // A page of a proxy, or of a network that wants its own login.
  }
  return { status, ok, data, retryAfter: secondsUntil(headers.get("Retry-After")) };
}

/** Seconds until a Retry-After, a number or a date (RFC 9110 section 10.2.3). @param {string | null} value */
function secondsUntil(value) {
  const seconds = Number(value ?? 0);
  const wait = Number.isNaN(seconds) ? (Date.parse(String(value)) - Date.now()) / 1000 : seconds;
  return wait > 0 ? wait : 0;
}

/**
 * Why a 401 was given: the code of our servers, else that of the challenge (RFC 6750 section 3.1).
 * @param {Response} response
 */
async function refusal(response) {
  if (response.status !== 401) return null;
  const json = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
  const body = json ? await response.clone().json().catch(() => null) : null;
  const error = /\berror="?(\w+)/.exec(response.headers.get("WWW-Authenticate") ?? "")?.[1];
  let code = body?.code ?? "not_authenticated";
  if (code === "not_authenticated" && error) code = error === "invalid_token" ? "access_invalid" : error;
  return new Problem(401, { ...body, code });
}
