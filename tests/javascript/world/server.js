// A server that keeps the contract: the endpoints of tokenauth by PROTOCOL section 2, and an API.

const GRACE_MS = 30_000;
const PASSWORD = "right";
const RECENT_MS = 60_000;
const CODE = "123456";

const json = (status, body, headers = {}) =>
  new Response(status === 204 ? null : JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });

const bearer = (code, why) =>
  json(401, { detail: code, code }, { "WWW-Authenticate": why ? `Bearer error="${why}"` : "Bearer" });

const refused = (status, code, more = {}) => json(status, { detail: code, code, ...more });

/** What can happen to a request; give one to `server.next()`. */
export const faults = {
  /** Any answer, and the server never sees the request. */
  answer: (status, body, headers) => () => ({ response: json(status, body, headers) }),
  /** An answer that is a page. */
  page: (status) => () => ({
    response: new Response("<h1>Hello</h1>", { status, headers: { "Content-Type": "text/html" } }),
  }),
  /** The request does not get there. */
  unreachable: () => () => {
    throw new TypeError("Failed to fetch");
  },
  /** It gets there, and the answer does not get back. */
  lost: () => async (handle) => {
    await handle();
    throw new TypeError("Failed to fetch");
  },
  /** It takes its time. */
  slow: (ms, clock) => async (handle) => {
    const answer = await handle();
    await clock.after(ms);
    return answer;
  },
};

/** The endpoints at https://app.test/auth/ and an API on every host. */
export class Server {
  /** Every request that was made. */
  requests = [];
  sessions = new Map();
  rotations = 0;
  latency = 20;
  accessLifetime = 300;
  /** Whether a login needs a second step. */
  twoSteps = false;
  #challenges = new Map();
  #tokens = new Map();
  #faults = [];
  #open = new Map();
  /** The most requests to an endpoint that were open at the same time. */
  most = new Map();

  constructor(clock) {
    this.clock = clock;
  }

  /** Have something happen to the next request whose path ends like this. */
  next(end, ...what) {
    for (const fault of what) this.#faults.push({ end, fault });
  }

  /** The paths asked for since the last look, with their method. */
  log() {
    const seen = this.requests.slice(this.looked ?? 0);
    this.looked = this.requests.length;
    return seen.map(({ method, path }) => `${method} ${path}`);
  }

  /** How often a path that ends like this was asked for. */
  count(end) {
    return this.requests.filter(({ path }) => path.endsWith(end)).length;
  }

  /** From now on a request that is aborted is answered all the same: no client can rely on more. */
  ignoreAborts() {
    const { receive } = this;
    this.receive = (request, ...rest) => receive.call(this, new Request(request, { signal: null }), ...rest);
  }

  async receive(request, browser, tab) {
    const url = new URL(request.url);
    const { method, headers, credentials, cache, redirect, keepalive, signal } = request;
    const page = new URL(browser.page);
    const cookies = credentials === "include" || (credentials === "same-origin" && url.origin === page.origin);
    const body = await request.text();
    const record = {
      tab, signal, method, origin: url.origin, path: url.pathname, headers: new Headers(headers), body,
      credentials, cache, redirect, keepalive, at: this.clock.now,
      cookie: cookies && url.pathname.startsWith("/auth/") ? browser.cookie : "",
    };
    this.requests.push(record);
    this.#count(record.path, 1);
    try {
      if (browser.offline) throw new TypeError("Failed to fetch");
      const answer = await unlessAborted(signal, this.#pass(record));
      if (answer.cookie !== undefined) browser.cookie = answer.cookie;
      return answer.response;
    } finally {
      this.#count(record.path, -1);
    }
  }

  #count(path, by) {
    const open = (this.#open.get(path) ?? 0) + by;
    this.#open.set(path, open);
    this.most.set(path, Math.max(open, this.most.get(path) ?? 0));
  }

  async #pass(record) {
    const at = this.#faults.findIndex(({ end }) => record.path.endsWith(end));
    const fault = at < 0 ? (handle) => handle() : this.#faults.splice(at, 1)[0].fault;
    return fault(async () => {
      await this.clock.after(this.latency / 2);
      const answer = this.#handle(record);
      await this.clock.after(this.latency / 2);
      return answer;
    }, record);
  }

  #handle({ method, path, headers, body, cookie }) {
    const endpoint = path.startsWith("/auth/") ? path.slice(6) : "api";
    const data = endpoint !== "api" && body ? JSON.parse(body) : {};
    const token = headers.get("Authorization")?.replace("Bearer ", "");
    if (endpoint === "login/") return this.#login(data, cookie);
    if (endpoint === "login/second-step/") return this.#secondStep(data, cookie);
    if (endpoint === "refresh/") return this.#refresh(cookie);
    if (endpoint === "logout/") return this.#logout(cookie, token);
    const access = this.#check(token);
    if (!access) return { response: token ? bearer("access_invalid", "invalid_token") : bearer("not_authenticated") };
    if (endpoint === "reauthenticate/") return this.#reauthenticate(access, data);
    if (endpoint.startsWith("sessions/")) return this.#sessions(method, endpoint.slice(9), access.session, data);
    const { user, authTime } = access.session;
    if (path === "/api/sensitive/" && this.clock.now - access.authTime > RECENT_MS) {
      const code = "insufficient_user_authentication";
      return { response: bearer(code, code) };
    }
    return { response: json(200, { user, method, body, type: headers.get("Content-Type"), authTime }) };
  }

  // -- The endpoints --------------------------------------------------------------------------

  #login(credentials, cookie) {
    if (credentials.password !== PASSWORD) return { response: refused(401, "login_failed") };
    if (!this.twoSteps) return this.#begin(credentials, cookie);
    const token = `challenge-${this.#challenges.size + 1}`;
    this.#challenges.set(token, credentials);
    return { response: refused(401, "mfa_required", { challenge: { token, expires_in: 300 } }) };
  }

  #secondStep({ challenge, code }, cookie) {
    const credentials = this.#challenges.get(challenge);
    if (!credentials || code !== CODE) return { response: refused(401, "login_failed") };
    return this.#begin(credentials, cookie);
  }

  #begin({ username: user, device_name: deviceName = "" }, cookie) {
    this.end(cookie.split(".")[0], "replaced");
    const session = {
      sid: `s${this.sessions.size + 1}`, user, deviceName, generation: 0, floor: 0,
      rotatedAt: this.clock.now, authTime: this.clock.now, ended: "",
    };
    this.sessions.set(session.sid, session);
    return this.#issue(session, true);
  }

  #refresh(cookie) {
    if (!cookie) return { response: refused(401, "refresh_missing") };
    const [sid, n] = cookie.split(".");
    const session = this.sessions.get(sid);
    if (!session) return { response: refused(401, "refresh_invalid") };
    if (session.ended) return { response: refused(401, "session_ended", { reason: session.ended }) };
    const fresh = this.clock.now - session.rotatedAt < GRACE_MS;
    if (Number(n) === session.generation) {
      if (fresh) return this.#issue(session, false);
      session.generation++;
      session.rotatedAt = this.clock.now;
      this.rotations++;
      return this.#issue(session, true);
    }
    if (Number(n) < session.floor) return { response: refused(401, "refresh_superseded") };
    if (Number(n) === session.generation - 1 && fresh) return this.#issue(session, true);
    session.ended = "reuse";
    return { response: refused(401, "session_ended", { reason: "reuse" }) };
  }

  #logout(cookie, token) {
    this.end(cookie.split(".")[0], "logout");
    this.end(this.#tokens.get(token)?.session.sid, "logout");
    return { response: json(204), cookie: "" };
  }

  #reauthenticate({ session }, { password }) {
    if (password !== PASSWORD) return { response: refused(401, "login_failed") };
    session.generation += 2;
    session.floor = session.generation;
    session.rotatedAt = session.authTime = this.clock.now;
    return this.#issue(session, true);
  }

  #sessions(method, path, own, data) {
    const living = [...this.sessions.values()].filter(({ user, ended }) => user === own.user && !ended);
    if (method === "GET") return { response: json(200, { sessions: living.map((s) => this.describe(s)) }) };
    if (path === "revoke/") {
      const gone = living.filter((session) => data.scope === "all" || session !== own);
      for (const { sid } of gone) this.end(sid, "revoked");
      const cookie = own.ended ? "" : undefined;
      return { response: json(200, { revoked: gone.length }), cookie };
    }
    const session = living.find(({ sid }) => `${sid}/` === path);
    if (!session) return { response: refused(404, "not_found") };
    if (method === "PATCH") {
      session.deviceName = data.device_name;
      return { response: json(200, this.describe(session)) };
    }
    this.end(session.sid, "revoked");
    return { response: json(204), cookie: own.ended ? "" : undefined };
  }

  // -- Tokens ---------------------------------------------------------------------------------

  #issue(session, withCookie) {
    const access = `access-${this.#tokens.size + 1}`;
    const expires = this.clock.now + this.accessLifetime * 1000;
    const { generation, authTime } = session;
    this.#tokens.set(access, { session, generation, authTime, expires });
    const body = { access, token_type: "Bearer", expires_in: this.accessLifetime, session: this.describe(session) };
    return { response: json(200, body), cookie: withCookie ? `${session.sid}.${generation}` : undefined };
  }

  #check(token) {
    const found = this.#tokens.get(token);
    if (!found || found.session.ended || found.expires <= this.clock.now) return null;
    return found.generation >= found.session.floor ? found : null;
  }

  /** End a session. */
  end(sid, reason = "revoked") {
    const session = this.sessions.get(sid);
    if (session) session.ended ||= reason;
  }

  /** No access token that is out is accepted any longer. */
  forgetAccess() {
    for (const token of this.#tokens.values()) token.expires = 0;
  }

  /** The session object of the contract, as much of it as matters. */
  describe({ sid, deviceName, authTime }) {
    return { sid, client: "browser", device_name: deviceName, auth_time: new Date(authTime).toISOString() };
  }
}

function unlessAborted(signal, promise) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
    promise.then(resolve, reject);
  });
}
