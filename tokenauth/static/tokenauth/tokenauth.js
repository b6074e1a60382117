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
const AGAIN_MS = 500;

// Worth one more try: the cookie that is held by then may be another one, the lost race won.
const ONCE_MORE = ["refresh_superseded", "refresh_ambiguous", "try_again"];
// The server's word that there is no session. A 401 of anything between here and there is not.
const NO_SESSION = ["refresh_missing", "refresh_invalid", "refresh_superseded", "session_ended"];
const STEP_UP = "insufficient_user_authentication";
const AUTH_ENDPOINT = /^(login(\/second-step)?|refresh|logout|reauthenticate)\/?([?#]|$)/;

/** @type {Record<string, string>} */
const OWN_WORDS = {
  network: "The server cannot be reached. Try again in a moment.",
  timeout: "The server does not answer. Try again in a moment.",
  session_changed: "The session is not the one that this was for. Look who is logged in.",
  disposed: "This client was disposed of. Make another with createClient().",
};

/**
 * A session as the server describes it; times are RFC 3339. `auth_time`: when its user last proved
 * who they are, and `amr` how (RFC 8176). `current`: it is the one that asked.
 * @typedef {{sid: string, client: string, device_name: string, user_agent: string,
 *   ip: string | null, created_at: string, last_seen_at: string, expires_at: string,
 *   auth_time: string, amr: string[], current: boolean}} Session
 */
/**
 * `remember` false: until the browser is closed. `client`: a name of TOKENAUTH_CLIENTS.
 * @typedef {{username: string, password: string, remember?: boolean, device_name?: string,
 *   client?: string}} Credentials
 */
/**
 * A request to one of our endpoints that is over. `status` 0: no usable answer; `code`: its error.
 * @typedef {{method: string, url: string, status: number, code: string}} Exchange
 */
/**
 * What createClient() may be given.
 * @typedef {object} Options
 * @property {string} [baseUrl] Where tokenauth.urls is mounted; relative to the page, or absolute.
 * @property {string[]} [apiOrigins] Origins beside that of `baseUrl` that get the access token.
 * @property {(problem: Problem) => boolean | Promise<boolean>} [onStepUp] A request was refused
 *   because the user's last proof is too old (RFC 9470): ask for the password, call
 *   `reauthenticate(password)`, and return true to have the request repeated, once.
 * @property {number} [timeout] Milliseconds for each request to our endpoints. With the time that
 *   a request can live at the server, it must stay within TOKENAUTH_GRACE_PERIOD.
 * @property {(exchange: Exchange) => void} [onExchange] Told of each request to our endpoints.
 */
/**
 * Is told of the session; null: it is over, by the server's word if there is a Problem.
 * @typedef {(session: Session | null, problem?: Problem) => void} Listener
 */
/** @typedef {{monotonic: number, wall: number}} Instant By both clocks, in milliseconds. */
/**
 * An access token; `lifetime`, and `margin` before its end, when it is renewed, in milliseconds.
 * @typedef {{token: string, session: Session, lifetime: number, margin: number,
 *   since: Instant}} Access
 */
/**
 * What to send. `stop` gives up; `keepalive` goes on when the page is left.
 * @typedef {{body?: object, token?: string, stop?: AbortSignal, keepalive?: boolean}} Sending
 */

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
    /** All of the body: `errors` by field, the challenge of a second factor. @type {any} */
    this.body = body;
  }
}

/**
 * Make the client of a page. It does nothing until it is used, so that a server may import it.
 * Its functions need no `this`.
 *
 * @param {Options} [options]
 * @returns {Readonly<Pick<Client, "login" | "secondStep" | "logout" | "fetch" | "session" |
 *   "reauthenticate" | "onChange" | "timeLeft" | "dispose"> & {sessions: Readonly<Pick<Client, "list" | "rename" |
 *   "revoke" | "revokeOthers" | "revokeAll">>}>}
 */
export function createClient(options = {}) {
  const client = new Client(options);
  return Object.freeze({
    login: client.login.bind(client),
    secondStep: client.secondStep.bind(client),
    logout: client.logout.bind(client),
    fetch: client.fetch.bind(client),
    session: client.session.bind(client),
    sessions: Object.freeze({
      list: client.list.bind(client),
      rename: client.rename.bind(client),
      revoke: client.revoke.bind(client),
      revokeOthers: client.revokeOthers.bind(client),
      revokeAll: client.revokeAll.bind(client),
    }),
    reauthenticate: client.reauthenticate.bind(client),
    onChange: client.onChange.bind(client),
    timeLeft: client.timeLeft.bind(client),
    dispose: client.dispose.bind(client),
  });
}

/** What createClient() hides; the names without # are what it shows. */
class Client {
  #plain = globalThis.fetch?.bind(globalThis); // now, because a page may put ours in its place
  /** @type {Required<Options>} */
  #options;
  #base = "";
  /** @type {Set<string>} */
  #origins = new Set();
  #flag = new Flag();
  /** @type {BroadcastChannel | undefined} */
  #channel;
  #life = new AbortController();

  /** @type {Access | null} */
  #access = null;
  /** Undefined: nobody knows. @type {Session | null | undefined} */
  #known;
  /** What the listeners last heard. @type {Session | null | undefined} */
  #told;
  #gone = instant();
  // What was asked in an older epoch changes nothing when it is answered: it would bring back a
  // session that is over, or put an old one in the place of a new one.
  #epoch = 0;
  #ends = 0; // the same for a login, which is only overtaken by an end
  #stop = new AbortController(); // of this epoch

  /** @type {Promise<Access | null> | null} */
  #flight = null;
  /** @type {Promise<boolean> | null} */
  #proof = null;
  /** Of the newest login that was refused with one. @type {string | undefined} */
  #challenge;
  /** A failure, and for how long to rest: `asked` for by the server. Milliseconds.
   * @type {{problem: Problem, since: Instant, length: number, asked: number} | null} */
  #failure = null;
  #telling = false;
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Set<Listener>} */
  #listeners = new Set();
  /** @type {(() => unknown)[]} */
  #outbox = [];

  /** @param {Options} options */
  constructor(options) {
    const { baseUrl = "/auth/", apiOrigins = [], timeout = TIMEOUT_MS } = options;
    const { onStepUp = () => false, onExchange = () => {} } = options;
    this.#options = { baseUrl, apiOrigins, timeout, onStepUp, onExchange };
  }

  // -- What a page calls ----------------------------------------------------------------------

  /**
   * Log in.
   * @param {Credentials} credentials
   * @throws {Problem} For example `login_failed`, `throttled`, `network`; `mfa_required`: ask for
   *   what `body.challenge` says, and call `secondStep()`.
   */
  async login(credentials) {
    this.#start();
    try {
      return await this.#enter("login/", credentials);
    } catch (problem) {
      this.#challenge = /** @type {any} */ (problem)?.body?.challenge?.token;
      throw problem;
    }
  }

  /**
   * Complete the login that was refused with `mfa_required`.
   * @param {object} answer What the server's second step reads, for example `{code: "123456"}`.
   * @throws {Problem} `login_failed`: the answer is not right; after five, or five minutes, only a
   *   new login helps.
   */
  async secondStep(answer) {
    this.#start();
    return this.#enter("login/second-step/", { ...answer, challenge: this.#challenge });
  }

  /** @param {string} path @param {object} body */
  #enter(path, body) {
    return this.#inTurn(async () => {
      const ends = this.#ends;
      const older = this.#flag.read() === "out"; // a logout that this login comes after
      const answer = await this.#tokens(path, { body });
      if (ends !== this.#ends || (!older && this.#flag.read() === "out")) throw this.#overtaken();
      this.#begin(); // a refresh that is under way belongs to the time before
      this.#flag.write("1");
      return this.#keep(answer, "login");
    });
  }

  /**
   * Log out: here and in all tabs at once, then at the server; if that cannot be reached, when the
   * network is back, or from the next page.
   * @throws {Problem} The server will not do it, for example `csrf_failed`.
   */
  async logout() {
    this.#start();
    const { token, session } = this.#access ?? {};
    this.#flag.write("out"); // first of all: it is not forgotten, whatever happens now
    this.#end();
    this.#announce("logout", session?.sid);
    this.#flush();
    try {
      await this.#tellLogout(token);
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }

  /**
   * Who is logged in, or null. Asks the server, unless nobody has ever logged in here.
   * @param {{ask?: boolean}} [options] `ask`: even then. For the page that a login by other means
   *   (a social login, a link in a mail) leads to.
   * @returns {Promise<Session | null>}
   * @throws {Problem} It cannot be known, for example without a network.
   */
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

  /**
   * `window.fetch`, with the access token for the origins of `baseUrl` and `apiOrigins`.
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   * @throws {TypeError} As `fetch`. Also if no access token could be had: `cause` is the Problem.
   * @throws {Problem} `session_changed`: it is not repeated in somebody else's name.
   */
  async fetch(input, init) {
    this.#start();
    if (!this.#isOurs(/** @type {any} */ (input)?.url ?? input)) return this.#plain(input, init);
    const body = init?.body ?? /** @type {any} */ (input).body;
    // Made before anything is waited for: what is sent is what there was when it was asked.
    const request = new Request(input, init);
    if (request.headers.has("Authorization")) return this.#plain(request);
    // What was read from a stream is gone. (Firefox sends no streams, and shows no Request's body.)
    const once = typeof body?.getReader === "function";
    const { signal } = request;
    if (signal.aborted) throw signal.reason;
    const answer = await this.#carry(
      async (token) => {
        const copy = once ? request : request.clone();
        // Browsers drop it when a redirect leads to another origin (Fetch, "HTTP-redirect fetch").
        if (token) copy.headers.set("Authorization", `Bearer ${token}`);
        const response = await this.#plain(copy);
        const stranger = response.redirected && !this.#isOurs(response.url);
        return { result: response, problem: stranger ? null : await refusal(response) };
      },
      { once, signal, lost: asFetch },
    );
    return answer.result;
  }

  /**
   * The user's active sessions, the newest first.
   * @returns {Promise<Session[]>}
   * @throws {Problem}
   */
  async list() {
    return (await this.#call("GET", "sessions/")).sessions;
  }

  /**
   * Give the device of a session a name.
   * @param {string} sid @param {string} deviceName
   * @returns {Promise<Session>}
   * @throws {Problem}
   */
  async rename(sid, deviceName) {
    const path = `sessions/${encodeURIComponent(sid)}/`;
    const renamed = await this.#call("PATCH", path, { device_name: deviceName });
    if (this.#access?.session.sid === sid) {
      this.#access.session = { ...this.#access.session, device_name: renamed.device_name };
      this.#know(this.#access.session);
      this.#flush();
    }
    return renamed;
  }

  /**
   * End a session.
   * @param {string} sid
   * @returns {Promise<void>}
   * @throws {Problem} For example `not_found`: it has already ended.
   */
  async revoke(sid) {
    await this.#call("DELETE", `sessions/${encodeURIComponent(sid)}/`);
    this.#endOwn(sid);
  }

  /**
   * End the user's other sessions; returns how many.
   * @returns {Promise<number>}
   * @throws {Problem}
   */
  async revokeOthers() {
    return (await this.#call("POST", "sessions/revoke/", { scope: "others" })).revoked;
  }

  /**
   * End all of the user's sessions, this one too; returns how many.
   * @returns {Promise<number>}
   * @throws {Problem}
   */
  async revokeAll() {
    this.#start();
    const sid = (await this.#usable())?.session.sid;
    const { revoked } = await this.#call("POST", "sessions/revoke/", { scope: "all" });
    this.#endOwn(sid);
    return revoked;
  }

  /**
   * Prove again who the user is (step-up by password).
   * @param {string} password
   * @throws {Problem} For example `login_failed`.
   */
  async reauthenticate(password) {
    this.#start();
    const asked = await this.#usable();
    if (!asked) throw new Problem(401, { code: "not_authenticated" });
    return this.#inTurn(async () => {
      const { token, session } = this.#access ?? {};
      // A password that was typed for one account is not tried on another.
      if (session?.sid !== asked.session.sid) throw this.#overtaken();
      const epoch = this.#epoch;
      const answer = await this.#tokens("reauthenticate/", { body: { password }, token });
      if (epoch !== this.#epoch) throw this.#overtaken();
      return this.#keep(answer, "refresh");
    });
  }

  /**
   * Be told of the session when it has begun or changed, and null when it is over, with the Problem
   * if it was the server who ended it. At once, if it is already known.
   * @param {Listener} listener
   * @returns {() => void} Stop it.
   */
  onChange(listener) {
    this.#start();
    /** @type {Listener} */
    const tell = (session, problem) => listener(session, problem); // the same one may come twice
    this.#listeners.add(tell);
    if (this.#known !== undefined) tell(this.#known);
    return () => void this.#listeners.delete(tell);
  }

  /** Seconds for which the access token is still good, and was issued; null without one. */
  timeLeft() {
    this.#live();
    if (!this.#access) return null;
    const left = Math.max(0, remaining(this.#access)) / 1000;
    return { left, lifetime: this.#access.lifetime / 1000 };
  }

  /** Give up timers, listeners and the channel between tabs. Later calls throw. */
  dispose() {
    this.#life.abort();
    this.#begin();
    this.#ends++;
    this.#access = null;
    this.#known = undefined;
    this.#listeners.clear();
    this.#channel?.close();
  }

  // -- Beginning and end ----------------------------------------------------------------------

  #live() {
    if (this.#life.signal.aborted) throw ownProblem("disposed");
  }

  #start() {
    this.#live();
    if (this.#base) return;
    const page = globalThis.document?.baseURI ?? globalThis.location?.href;
    const base = new URL(this.#options.baseUrl.replace(/\/?$/, "/"), page);
    this.#base = base.href;
    const origins = this.#options.apiOrigins.map((url) => new URL(url, page).origin);
    this.#origins = new Set([base.origin, ...origins]);
    this.#flag.open(`tokenauth ${base.pathname}`);
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

  /** Whatever is under way belongs to the past. */
  #begin() {
    this.#epoch++;
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#failure = null;
    clearTimeout(this.#timer);
  }

  /** There is no session. @param {Problem} [problem] */
  #end(problem) {
    this.#begin();
    this.#ends++;
    this.#gone = instant();
    this.#access = null;
    this.#know(null, problem);
  }

  /** There is another session; which, the server will say. */
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

  /** @param {{data: any, asked: Instant}} answer @param {string} type What other tabs are told. */
  #keep({ data, asked }, type) {
    const { access: token, expires_in: seconds, session } = data;
    const lifetime = seconds * 1000;
    // Pages that were opened together need not come back together.
    const margin = Math.min(LONGEST_MARGIN_MS, lifetime / 5) * (0.5 + Math.random() / 2);
    this.#access = { token, session, lifetime, margin, since: asked };
    this.#failure = null;
    if (!this.#flag.read()) this.#flag.write("1");
    this.#know(session);
    this.#announce(type, session.sid);
    this.#wakeIn(remaining(this.#access) - margin);
    return /** @type {Session} */ (session);
  }

  /** @param {Session | null} session @param {Problem} [problem] */
  #know(session, problem) {
    this.#known = session;
    if (this.#told !== undefined && face(session) === face(this.#told)) return;
    this.#told = session;
    for (const tell of this.#listeners) {
      this.#outbox.push(() => this.#listeners.has(tell) && tell(session, problem));
    }
  }

  /** Tell the page what has happened. Never while we hold the lock that all tabs wait for. */
  #flush() {
    for (let tell; (tell = this.#outbox.shift()); ) {
      try {
        tell();
      } catch (error) {
        // The page's own fault: to its console, and not to whoever waits for us.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #overtaken() {
    return ownProblem(this.#life.signal.aborted ? "disposed" : "session_changed");
  }

  // -- Between tabs ---------------------------------------------------------------------------

  /** @param {string} type @param {string} [sid] */
  #announce(type, sid) {
    if (!this.#life.signal.aborted) this.#channel?.postMessage({ type, sid });
  }

  /** @param {{type?: string, sid?: string}} message */
  #hear({ type, sid }) {
    const another = this.#access?.session.sid !== sid;
    if (type === "logout") {
      this.#flag.forget();
      this.#end(); // whichever session it was: all tabs share the cookie that is gone
    }
    if (type === "refresh") {
      this.#failure = null;
      if (this.#known && another) this.#switch();
    }
    if (type === "login" && another) {
      this.#flag.write("1"); // the storage may still show the past
      this.#switch();
    }
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
   * Login, refresh, step-up and logout write the same cookie: one at a time, here and in all tabs.
   * @template T @param {() => Promise<T>} work @returns {Promise<T>}
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
    if (this.#life.signal.aborted) return;
    const flag = this.#flag.read();
    if (flag === "out") {
      if (this.#known !== null) this.#end();
      this.#flush();
      if (!this.#telling) this.#tellLogout().catch(() => {});
      return;
    }
    if (globalThis.document?.visibilityState === "hidden") return;
    if (this.#failure && age(this.#failure.since) >= this.#failure.asked) this.#failure = null;
    if (this.#known === null) {
      // For a moment after a logout elsewhere, the storage may still show the time before.
      if (flag === "1" && age(this.#gone) > AGAIN_MS) this.#switch();
    } else if (flag !== "1" || !this.#access || remaining(this.#access) <= this.#access.margin) {
      this.#refreshQuietly();
    } else {
      // Browsers cut a delay to whole milliseconds, so a timer may come a fraction too early.
      this.#wakeIn(remaining(this.#access) - this.#access.margin);
    }
  };

  /** @param {number} delay Milliseconds. */
  #wakeIn(delay) {
    clearTimeout(this.#timer);
    if (this.#life.signal.aborted) return;
    // Chromium cuts what is less than a millisecond, and would wake us before there is work.
    this.#timer = setTimeout(this.#wake, Math.min(Math.ceil(Math.max(0, delay)) + 1, 2 ** 31 - 1));
  }

  /**
   * An access token to use, renewed if need be; null: nobody is logged in.
   * @param {boolean} [once] There will be no second try: with the best token there is.
   */
  async #usable(once) {
    const access = this.#access;
    if (!access || remaining(access) <= 0) return this.#refresh();
    if (remaining(access) <= access.margin) {
      const renewal = this.#refresh().catch(() => access); // still good, whatever went wrong
      if (once) return renewal;
    }
    return access;
  }

  #refreshQuietly() {
    this.#refresh().catch(() => {});
  }

  /** A new access token; whoever needs one shares the request. @returns {Promise<Access | null>} */
  #refresh() {
    if (this.#known === undefined && this.#flag.read() !== "1") {
      this.#end();
      this.#flush();
    }
    if (this.#known === null) return Promise.resolve(null);
    const { problem, since, length } = this.#failure ?? {};
    if (since && age(since) < Number(length)) return Promise.reject(problem);
    this.#flight ??= this.#renew().finally(() => {
      this.#flight = null;
    });
    return this.#flight;
  }

  async #renew() {
    const seen = this.#access;
    const began = instant();
    for (let tries = 0; ; tries++) {
      this.#live();
      const epoch = this.#epoch;
      try {
        return await this.#inTurn(() => this.#attempt(epoch, seen));
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (this.#known === null) return null;
        if (epoch !== this.#epoch) continue; // the new session is asked for afresh
        // Not a word about the session: it goes on.
        const wait = BACKOFF_MS * 2 ** tries * (1 + Math.random() / 2);
        const pause = Math.max(wait, problem.retryAfter * 1000);
        const offline = globalThis.navigator?.onLine === false;
        if (offline || !isPassing(problem) || age(began) + pause >= PATIENCE_MS) {
          throw this.#fail(problem);
        }
        await sleep(pause, this.#stop.signal);
      }
    }
  }

  /**
   * One refresh, in turn. No tab is ever told another's token, so each asks for its own; all but
   * the first of them are answered within the grace, without another rotation.
   * @param {number} epoch @param {Access | null} seen
   */
  async #attempt(epoch, seen) {
    if (this.#known === null || (this.#access && this.#access !== seen)) return this.#access;
    if (epoch !== this.#epoch) throw this.#overtaken();
    try {
      const answer = await this.#tokens("refresh/", { stop: this.#stop.signal });
      if (epoch !== this.#epoch) throw this.#overtaken();
      if (this.#flag.read() === "out") this.#end();
      else this.#keep(answer, "refresh");
    } catch (error) {
      const problem = /** @type {Problem} */ (error);
      const ended = problem.status === 401 && NO_SESSION.includes(problem.code);
      if (!ended || epoch !== this.#epoch) throw problem;
      if (this.#flag.read() === "1") this.#flag.write(null);
      this.#end(problem);
    }
    return this.#access;
  }

  /** Ask no more for a while. @param {Problem} problem */
  #fail(problem) {
    const asked = Math.min(problem.retryAfter * 1000, LONGEST_COOLDOWN_MS);
    const length = Math.max(COOLDOWN_MS, asked);
    this.#failure = { problem, since: instant(), length, asked };
    this.#wakeIn(length);
    return problem;
  }

  /** Tell the server of a logout, unless somebody has logged in since. @param {string} [token] */
  async #tellLogout(token) {
    this.#telling = true;
    try {
      await this.#inTurn(async () => {
        if (this.#flag.read() !== "out") return;
        await this.#ask("logout/", { token, keepalive: true });
        if (this.#flag.read() === "out") this.#flag.write(null);
      });
    } catch (problem) {
      this.#wakeIn(COOLDOWN_MS);
      throw problem;
    } finally {
      this.#telling = false;
    }
  }

  // -- Requests -------------------------------------------------------------------------------

  /** Whether a request gets the access token. @param {string | URL} url */
  #isOurs(url) {
    try {
      const { protocol, host, href } = new URL(url, globalThis.document?.baseURI ?? this.#base);
      const endpoint = href.startsWith(this.#base) && href.slice(this.#base.length);
      return this.#origins.has(`${protocol}//${host}`) && !AUTH_ENDPOINT.test(endpoint || "");
    } catch {
      return false; // fetch itself will say what is wrong with it
    }
  }

  /**
   * Send with the access token; again if that was refused, and again after a step-up, once each.
   * Never in the name of another session than the one it was asked for.
   * @template T
   * @param {(token?: string) => Promise<{result: T, problem: Problem | null}>} send
   * @param {{once?: boolean, signal?: AbortSignal, lost?: (problem: Problem) => never}} [how]
   */
  async #carry(send, { once, signal, lost } = {}) {
    /** @param {Promise<Access | null>} access */
    const wait = (access) => unlessAborted(access.catch(lost), signal);
    const sid = this.#told?.sid; // whom the page believes to be logged in
    let mine = await wait(this.#usable(once));
    let renewed = false;
    let proved = false;
    for (;;) {
      if (sid && mine && mine.session.sid !== sid) throw this.#overtaken();
      const answer = await send(mine?.token);
      const { problem } = answer;
      if (!mine || !problem) return answer;
      let next;
      if (problem.code === "access_invalid" && !renewed) {
        renewed = true;
        // If it was renewed meanwhile, there is no need to ask again.
        const renewal = this.#access === mine ? this.#refresh() : this.#usable();
        if (once) renewal.catch(() => {});
        else next = await wait(renewal);
      } else if (problem.code === STEP_UP && !proved && !once) {
        proved = true;
        const good = await unlessAborted(this.#prove(mine, problem), signal);
        if (good) next = await wait(this.#usable());
      }
      if (!next) return answer;
      mine = next;
    }
  }

  /** Have a step-up; all who need one share it. @param {Access} mine @param {Problem} problem */
  async #prove(mine, problem) {
    const proved = this.#access?.session.auth_time ?? mine.session.auth_time;
    if (proved !== mine.session.auth_time) return true;
    this.#proof ??= Promise.resolve(problem)
      .then(this.#options.onStepUp)
      .finally(() => {
        this.#proof = null;
      });
    return this.#proof;
  }

  /**
   * Call one of our endpoints as the present session.
   * @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>}
   */
  async #call(method, path, body) {
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

  /** @param {string} path @param {Sending} sending */
  async #tokens(path, sending) {
    const asked = instant(); // before, so that we never believe in it longer than the server does
    const data = await this.#ask(path, sending);
    if (!data?.access || !data.session?.sid || !data.expires_in) throw ownProblem("network");
    return { data, asked };
  }

  /** @param {string} path @param {Sending} sending */
  async #ask(path, sending) {
    try {
      return await this.#exchange("POST", path, sending);
    } catch (error) {
      const { code, retryAfter } = /** @type {Problem} */ (error);
      if (!ONCE_MORE.includes(code) || retryAfter * 1000 > LOCK_MS) throw error;
      await sleep(Math.max(AGAIN_MS, retryAfter * 1000), sending.stop);
      return this.#exchange("POST", path, sending);
    }
  }

  /**
   * A request to one of our endpoints.
   * @param {string} method @param {string} path @param {Sending} sending
   */
  async #exchange(method, path, { body, token, stop, keepalive }) {
    const url = this.#base + path;
    const headers = new Headers({ Accept: "application/json", "X-Requested-With": "tokenauth" });
    if (body) headers.set("Content-Type", "application/json");
    if (token) headers.set("Authorization", `Bearer ${token}`);
    /** @type {RequestInit} */
    const init = { method, headers, keepalive, credentials: "include", cache: "no-store" };
    if (body) init.body = JSON.stringify(body);
    let status = 0;
    let code = "";
    try {
      const answer = await within(this.#options.timeout, stop, async (signal) =>
        read(await this.#plain(url, { ...init, redirect: "error", signal })),
      );
      if (!answer.ok) throw new Problem(answer.status, answer.data, answer.retryAfter);
      // 200 with a page in it: some network wants its own login first. It says nothing about ours.
      if (answer.data === undefined) throw ownProblem("network");
      status = answer.status;
      return answer.data;
    } catch (error) {
      const problem = error instanceof Problem ? error : ownProblem("network");
      ({ status, code } = problem);
      throw problem;
    } finally {
      this.#outbox.push(() => this.#options.onExchange({ method, url, status, code }));
    }
  }
}

/**
 * Whether somebody has logged in here: "1"; "out": and out, which the server has yet to be told.
 * No secret, and shared by all tabs. Without storage it lives as long as the page, which asks.
 */
class Flag {
  key = "";
  #blind = false;
  /** @type {string | null} */
  #value = "1";

  /** @param {string} key */
  open(key) {
    this.key = key;
    try {
      // A full storage has nothing in it either, and says so only when it is written to.
      if (!localStorage.getItem(key)) localStorage.setItem(`${key} probe`, "");
      localStorage.removeItem(`${key} probe`);
    } catch {
      this.#blind = true;
    }
  }

  read() {
    try {
      if (!this.#blind) return localStorage.getItem(this.key);
    } catch {
      this.#blind = true;
    }
    return this.#value;
  }

  /** Where there is no storage, other tabs can only tell. */
  forget() {
    this.#value = null;
  }

  /** @param {string | null} value */
  write(value) {
    this.#value = value;
    try {
      if (value) localStorage.setItem(this.key, value);
      else localStorage.removeItem(this.key);
    } catch {
      this.#blind = true;
    }
  }
}

/** @param {string} code */
function ownProblem(code) {
  return new Problem(0, { code });
}

/** In the words of fetch, by which libraries know it. @param {Problem} problem @returns {never} */
function asFetch(problem) {
  if (problem.code === "disposed") throw problem;
  throw new TypeError("Failed to fetch", { cause: problem });
}

/** Whether it may soon be different. @param {unknown} error */
function isPassing(error) {
  if (!(error instanceof Problem)) return false;
  const { code, status } = error;
  return code === "network" || code === "timeout" || status === 429 || status >= 500;
}

/** What a page shows of a session. @param {Session | null | undefined} session */
function face(session) {
  return session && [session.sid, session.auth_time, session.device_name].join(" ");
}

/** @returns {Instant} */
function instant() {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** Milliseconds since then. One clock may stop in sleep, the other be set. @param {Instant} then */
function age({ monotonic, wall }) {
  return Math.max(performance.now() - monotonic, Date.now() - wall);
}

/** Milliseconds for which it is still good. @param {Access} access */
function remaining({ lifetime, since }) {
  return lifetime - age(since);
}

/** @param {number} ms @param {AbortSignal} [stop] Wakes early. @returns {Promise<void>} */
function sleep(ms, stop) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      stop?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    stop?.addEventListener("abort", wake);
  });
}

/**
 * The caller's abort ends their own waiting, and not what others wait for too.
 * @template T @param {Promise<T>} promise @param {AbortSignal} [signal] @returns {Promise<T>}
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
 * Work that is aborted when it takes too long, so that no answer comes in late with an old cookie.
 * @template T @param {number} ms @param {AbortSignal | undefined} stop
 * @param {(signal: AbortSignal) => Promise<T>} work @returns {Promise<T>}
 */
async function within(ms, stop, work) {
  const control = new AbortController();
  const abort = () => control.abort();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort();
  }, ms);
  if (stop?.aborted) abort();
  stop?.addEventListener("abort", abort);
  try {
    return await work(control.signal);
  } catch (error) {
    throw late ? ownProblem("timeout") : error;
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener("abort", abort);
  }
}

/**
 * Work under a lock that all tabs of this origin share. A tab that hangs must not hold up the
 * others: after a while they go on without it.
 * @template T @param {string} name @param {() => Promise<T>} work @returns {Promise<T>}
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

/** An answer to its end. `data` is undefined for what is not JSON. @param {Response} response */
async function read(response) {
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

/** @param {string | null} value Retry-After: seconds, or a date (RFC 9110 section 10.2.3). */
function secondsUntil(value) {
  const seconds = Number(value ?? 0);
  const wait = Number.isNaN(seconds) ? (Date.parse(String(value)) - Date.now()) / 1000 : seconds;
  return wait > 0 ? wait : 0;
}

/**
 * Why there is a 401: the code of our servers, else that of the challenge (RFC 6750 section 3.1).
 * @param {Response} response
 */
async function refusal(response) {
  if (response.status !== 401) return null;
  const json = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
  const body = json ? await response.clone().json().catch(() => null) : null;
  const error = /\berror="?(\w+)/.exec(response.headers.get("WWW-Authenticate") ?? "")?.[1];
  let code = body?.code ?? "not_authenticated";
  if (code === "not_authenticated" && error) {
    code = error === "invalid_token" ? "access_invalid" : error;
  }
  return new Problem(401, { ...body, code });
}
