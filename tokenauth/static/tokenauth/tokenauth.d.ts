/**
 * Make the client of a page. It does nothing until it is used, so that a server may import it.
 * Its functions need no `this`.
 *
 * @param {Options} [options]
 * @returns {Readonly<Pick<Client, "login" | "secondStep" | "logout" | "fetch" | "session" |
 *   "reauthenticate" | "onChange" | "timeLeft" | "dispose"> & {sessions: Readonly<Pick<Client, "list" | "rename" |
 *   "revoke" | "revokeOthers" | "revokeAll">>}>}
 */
export function createClient(options?: Options): Readonly<Pick<Client, "login" | "secondStep" | "logout" | "fetch" | "session" | "reauthenticate" | "onChange" | "timeLeft" | "dispose"> & {
    sessions: Readonly<Pick<Client, "list" | "rename" | "revoke" | "revokeOthers" | "revokeAll">>;
}>;
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
    constructor(status: number, body: any, retryAfter?: number);
    status: number;
    /** The server's code, or "network", "timeout", "session_changed", "disposed". @type {string} */
    code: string;
    /** Why a session ended: "logout", "revoked", "expired", "account", "reuse". @type {string} */
    reason: string;
    retryAfter: number;
    /** All of the body: `errors` by field, the challenge of a second factor. @type {any} */
    body: any;
}
/**
 * A session as the server describes it; times are RFC 3339. `auth_time`: when its user last proved
 * who they are, and `amr` how (RFC 8176). `current`: it is the one that asked.
 */
export type Session = {
    sid: string;
    client: string;
    device_name: string;
    user_agent: string;
    ip: string | null;
    created_at: string;
    last_seen_at: string;
    expires_at: string;
    auth_time: string;
    amr: string[];
    current: boolean;
};
/**
 * `remember` false: until the browser is closed. `client`: a name of TOKENAUTH_CLIENTS.
 */
export type Credentials = {
    username: string;
    password: string;
    remember?: boolean;
    device_name?: string;
    client?: string;
};
/**
 * A request to one of our endpoints that is over. `status` 0: no usable answer; `code`: its error.
 */
export type Exchange = {
    method: string;
    url: string;
    status: number;
    code: string;
};
/**
 * What createClient() may be given.
 */
export type Options = {
    /**
     * Where tokenauth.urls is mounted; relative to the page, or absolute.
     */
    baseUrl?: string | undefined;
    /**
     * Origins beside that of `baseUrl` that get the access token.
     */
    apiOrigins?: string[] | undefined;
    /**
     * A request was refused
     * because the user's last proof is too old (RFC 9470): ask for the password, call
     * `reauthenticate(password)`, and return true to have the request repeated, once.
     */
    onStepUp?: ((problem: Problem) => boolean | Promise<boolean>) | undefined;
    /**
     * Milliseconds for each request to our endpoints. With the time that
     * a request can live at the server, it must stay within TOKENAUTH_GRACE_PERIOD.
     */
    timeout?: number | undefined;
    /**
     * Told of each request to our endpoints.
     */
    onExchange?: ((exchange: Exchange) => void) | undefined;
};
/**
 * Is told of the session; null: it is over, by the server's word if there is a Problem.
 */
export type Listener = (session: Session | null, problem?: Problem) => void;
/**
 * By both clocks, in milliseconds.
 */
export type Instant = {
    monotonic: number;
    wall: number;
};
/**
 * An access token; `lifetime`, and `margin` before its end, when it is renewed, in milliseconds.
 */
export type Access = {
    token: string;
    session: Session;
    lifetime: number;
    margin: number;
    since: Instant;
};
/**
 * What to send. `stop` gives up; `keepalive` goes on when the page is left.
 */
export type Sending = {
    body?: object;
    token?: string;
    stop?: AbortSignal;
    keepalive?: boolean;
};
/** What createClient() hides; the names without # are what it shows. */
declare class Client {
    /** @param {Options} options */
    constructor(options: Options);
    /**
     * Log in.
     * @param {Credentials} credentials
     * @throws {Problem} For example `login_failed`, `throttled`, `network`; `mfa_required`: ask for
     *   what `body.challenge` says, and call `secondStep()`.
     */
    login(credentials: Credentials): Promise<Session>;
    /**
     * Complete the login that was refused with `mfa_required`.
     * @param {object} answer What the server's second step reads, for example `{code: "123456"}`.
     * @throws {Problem} `login_failed`: the answer is not right; after five, or five minutes, only a
     *   new login helps.
     */
    secondStep(answer: object): Promise<Session>;
    /**
     * Log out: here and in all tabs at once, then at the server; if that cannot be reached, when the
     * network is back, or from the next page.
     * @throws {Problem} The server will not do it, for example `csrf_failed`.
     */
    logout(): Promise<void>;
    /**
     * Who is logged in, or null. Asks the server, unless nobody has ever logged in here.
     * @param {{ask?: boolean}} [options] `ask`: even then. For the page that a login by other means
     *   (a social login, a link in a mail) leads to.
     * @returns {Promise<Session | null>}
     * @throws {Problem} It cannot be known, for example without a network.
     */
    session({ ask }?: {
        ask?: boolean;
    }): Promise<Session | null>;
    /**
     * `window.fetch`, with the access token for the origins of `baseUrl` and `apiOrigins`.
     * @param {RequestInfo | URL} input
     * @param {RequestInit} [init]
     * @returns {Promise<Response>}
     * @throws {TypeError} As `fetch`. Also if no access token could be had: `cause` is the Problem.
     * @throws {Problem} `session_changed`: it is not repeated in somebody else's name.
     */
    fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
    /**
     * The user's active sessions, the newest first.
     * @returns {Promise<Session[]>}
     * @throws {Problem}
     */
    list(): Promise<Session[]>;
    /**
     * Give the device of a session a name.
     * @param {string} sid @param {string} deviceName
     * @returns {Promise<Session>}
     * @throws {Problem}
     */
    rename(sid: string, deviceName: string): Promise<Session>;
    /**
     * End a session.
     * @param {string} sid
     * @returns {Promise<void>}
     * @throws {Problem} For example `not_found`: it has already ended.
     */
    revoke(sid: string): Promise<void>;
    /**
     * End the user's other sessions; returns how many.
     * @returns {Promise<number>}
     * @throws {Problem}
     */
    revokeOthers(): Promise<number>;
    /**
     * End all of the user's sessions, this one too; returns how many.
     * @returns {Promise<number>}
     * @throws {Problem}
     */
    revokeAll(): Promise<number>;
    /**
     * Prove again who the user is (step-up by password).
     * @param {string} password
     * @throws {Problem} For example `login_failed`.
     */
    reauthenticate(password: string): Promise<Session>;
    /**
     * Be told of the session when it has begun or changed, and null when it is over, with the Problem
     * if it was the server who ended it. At once, if it is already known.
     * @param {Listener} listener
     * @returns {() => void} Stop it.
     */
    onChange(listener: Listener): () => void;
    /** Seconds for which the access token is still good, and was issued; null without one. */
    timeLeft(): {
        left: number;
        lifetime: number;
    } | null;
    /** Give up timers, listeners and the channel between tabs. Later calls throw. */
    dispose(): void;
    #private;
}
export {};
