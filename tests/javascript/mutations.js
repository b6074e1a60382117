// Breaks each guard of the module on purpose; a test must see it. `npm run mutations`, some minutes.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = readFileSync(here("../../tokenauth/static/tokenauth/tokenauth.js"), "utf8");
const OTHERS = ["axios.test.js", "package.test.js", "react.test.js"];
const TESTS = readdirSync(here("test")).filter((name) => !OTHERS.includes(name));

/** [what is broken, the code, what takes its place] */
const MUTATIONS = [
  ["no single flight", "this.#flight ??= this.#renew()", "this.#flight = this.#renew()"],
  ["flight is never over", "this.#flight = null;", ""],
  ["no re-check inside the lock", "|| (this.#access && this.#access !== seen)", ""],
  ["no lock", "if (!locks) return work();", "return work();"],
  ["no deadline for the lock", "setTimeout(() => patience.abort(), LOCK_MS)", "undefined"],
  ["a failure is repeated without the lock", "if (started) throw error;", ""],
  ["no order within a tab", "const result = this.#turn\n", "const result = Promise.resolve()\n"],
  ["the page is told inside the lock", "this.#know(session);\n    this.#announce(type", "this.#know(session);\n    this.#flush();\n    this.#announce(type"],
  ["a refresh ignores the epoch", 'if (epoch !== this.#epoch) throw this.#overtaken();\n      if (this.#flag', "if (this.#flag"],
  ["a refusal ignores the epoch", "if (!ended || epoch !== this.#epoch) throw problem;", "if (!ended) throw problem;"],
  ["a refresh ignores the flag", 'if (this.#flag.read() === "out") this.#end();\n      else ', ""],
  ["a login ignores a logout", "ends !== this.#ends || ", ""],
  ["a login ignores the flag", ' || (!older && this.#flag.read() === "out")', ""],
  ["a login is dropped for an older logout", "!older && ", ""],
  ["a second step forgets its challenge", "this.#challenge = /** @type {any} */ (problem)?.body?.challenge?.token;", ""],
  ["a second step lets the answer name the challenge", "{ ...answer, challenge: this.#challenge }", "{ challenge: this.#challenge, ...answer }"],
  ["a step-up ignores a logout", "if (epoch !== this.#epoch) throw this.#overtaken();\n      return this.#keep", "return this.#keep"],
  ["a step-up for another account", "if (session?.sid !== asked.session.sid) throw this.#overtaken();", ""],
  ["logout does not stop a refresh", "this.#epoch++;\n    this.#stop.abort();", "this.#epoch++;"],
  ["without storage a logout is forgotten", "this.#flag.forget();", ""],
  ["logout is told too late", "this.#end();\n    this.#announce(\"logout\", session?.sid);\n    this.#flush();\n    try {\n      await this.#tellLogout(token);", "try {\n      await this.#tellLogout(token);\n      this.#end();\n      this.#announce(\"logout\", session?.sid);\n      this.#flush();"],
  ["logout is not announced", 'this.#announce("logout", session?.sid);\n    this.#flush();\n    try', "this.#flush();\n    try"],
  ["logout is forgotten", 'this.#flag.write("out"); //', "//"],
  ["logout without the access token", '"logout/", { token, keepalive', '"logout/", { keepalive'],
  ["logout without keepalive", "keepalive: true });", "});"],
  ["offline logout throws", "if (!isPassing(error)) throw error;", "throw error;"],
  ["a refused logout is silent", "if (!isPassing(error)) throw error;", ""],
  ["every tab tells the logout", 'if (this.#flag.read() !== "out") return;\n        await', "await"],
  ["a hidden tab does not tell the logout", 'const flag = this.#flag.read();\n    if (flag === "out")', 'const flag = this.#flag.read();\n    if (globalThis.document?.visibilityState === "hidden") return;\n    if (flag === "out")'],
  ["a failed logout is not tried again", "this.#wakeIn(COOLDOWN_MS);\n      throw problem;", "throw problem;"],
  ["the next page does not tell the logout", 'if (this.#flag.read() === "out") this.#wake();', ""],
  ["waking ends a login under way", "if (this.#known !== null) this.#end();", "this.#end();"],
  ["a visitor is asked for", 'this.#known === undefined && this.#flag.read() !== "1"', "false"],
  ["ask is ignored", "if (ask && !this.#known)", "if (false)"],
  ["a full storage is an empty one", "localStorage.setItem(`${key} probe`, \"\");", ";"],
  ["the flag stays after the end", 'if (this.#flag.read() === "1") this.#flag.write(null);', ""],
  ["any 401 ends the session", "problem.status === 401 && NO_SESSION.includes(problem.code)", "problem.status === 401"],
  ["a network failure ends the session", "if (!ended ||", "if ((!ended && problem.status) ||"],
  ["a page is an answer", 'if (answer.data === undefined) throw ownProblem("network");', ""],
  ["anything is an answer", "if (!data?.access || !data.session?.sid || !data.expires_in)", "if (false)"],
  ["no second try of superseded", 'const ONCE_MORE = ["refresh_superseded", ', "const ONCE_MORE = ["],
  ["no second try of ambiguous", '"refresh_ambiguous", "try_again"];', '"try_again"];'],
  ["no second try of try_again", '"refresh_ambiguous", "try_again"];', '"refresh_ambiguous"];'],
  ["no back-off", "const pause = Math.max(wait, problem.retryAfter * 1000);", "const pause = problem.retryAfter * 1000;"],
  ["no jitter of the back-off", "BACKOFF_MS * 2 ** tries * (1 + Math.random() / 2)", "BACKOFF_MS * 2 ** tries"],
  ["no end of the back-off", "age(began) + pause >= PATIENCE_MS", "false"],
  ["Retry-After is ignored", "Math.max(wait, problem.retryAfter * 1000)", "wait"],
  ["Retry-After as a date is ignored", "Number.isNaN(seconds) ? (Date.parse(String(value)) - Date.now()) / 1000 : seconds", "seconds"],
  ["Retry-After without bound", "Math.min(problem.retryAfter * 1000, LONGEST_COOLDOWN_MS)", "problem.retryAfter * 1000"],
  ["no cooldown", "if (since && age(since) < Number(length)) return Promise.reject(problem);", ""],
  ["cooldown ignores Retry-After", "Math.max(COOLDOWN_MS, asked)", "COOLDOWN_MS"],
  ["no try after the cooldown", "this.#wakeIn(length);", ""],
  ["events do not end the cooldown", "if (this.#failure && age(this.#failure.since) >= this.#failure.asked) this.#failure = null;", ""],
  ["events end what the server asked for", "if (this.#failure && age(this.#failure.since) >= this.#failure.asked) this.#failure = null;", "this.#failure = null;"],
  ["the lock is held for a long Retry-After", "retryAfter * 1000 > LOCK_MS", "false"],
  ["what the page shows is not looked at", "const sid = this.#told?.sid;", "const sid = this.#known?.sid;"],
  ["another tab does not end the cooldown", "this.#failure = null;\n      if (this.#known && another)", "if (this.#known && another)"],
  ["offline backs off", "if (offline || ", "if ("],
  ["no refresh ahead of time", "this.#wakeIn(remaining(this.#access) - margin);", ""],
  ["no jitter of the margin", "(0.5 + Math.random() / 2)", "1"],
  ["margin without bound", "Math.min(LONGEST_MARGIN_MS, lifetime / 5)", "lifetime / 5"],
  ["margin of a minute for all", "Math.min(LONGEST_MARGIN_MS, lifetime / 5)", "LONGEST_MARGIN_MS"],
  ["hidden pages refresh", 'if (globalThis.document?.visibilityState === "hidden") return;', ""],
  ["no focus", '["focus", ', "["],
  ["no online", '"online", ', ""],
  ["no pageshow", ', "pageshow"]', "]"],
  ["no visibilitychange", 'globalThis.document?.addEventListener("visibilitychange", this.#wake, { signal });', ""],
  ["timers are trusted", "if (!access || remaining(access) <= 0) return this.#refresh();", "if (!access) return this.#refresh();"],
  ["only the monotonic clock", "Math.max(performance.now() - monotonic, Date.now() - wall)", "performance.now() - monotonic"],
  ["only the wall clock", "Math.max(performance.now() - monotonic, Date.now() - wall)", "Date.now() - wall"],
  ["time counts from the answer", "return { data, asked };", "return { data, asked: instant() };"],
  ["a failed refresh takes the token", "this.#refresh().catch(() => access);", "this.#refresh();\n      await renewal;"],
  ["a due token is waited for", "if (once) return renewal;", "return renewal;"],
  ["a stream goes with a token at its end", "if (once) return renewal;", ""],
  ["no timeout", "late = true;\n    abort();", "late = true;"],
  ["timeout by another name", 'throw late ? ownProblem("timeout") : error;', "throw error;"],
  ["any origin gets the token", "this.#origins.has(`${protocol}//${host}`) && ", ""],
  ["apiOrigins are ignored", "new Set([base.origin, ...origins])", "new Set([base.origin])"],
  ["a blob is ours", "`${protocol}//${host}`)", "new URL(url, this.#base).origin)"],
  ["auth endpoints are retried", '&& !AUTH_ENDPOINT.test(endpoint || "")', ""],
  ["all endpoints are left alone", "/^(login(\\/second-step)?|refresh|logout|reauthenticate)\\/?([?#]|$)/", "/./"],
  ["own Authorization is replaced", 'if (request.headers.has("Authorization")) return this.#plain(request);', ""],
  ["no retry", 'problem.code === "access_invalid" && !renewed', "false"],
  ["retry of everything", 'problem.code === "access_invalid" && !renewed', "!renewed"],
  ["retry without end", "renewed = true;\n        // If", "// If"],
  ["refresh although it changed", "this.#access === mine ? this.#refresh() : this.#usable()", "this.#refresh()"],
  ["a stream is retried", 'const once = typeof body?.getReader === "function";', "const once = false;"],
  ["nothing is retried", 'const once = typeof body?.getReader === "function";', "const once = true;"],
  ["nobody handles what a stream's renewal comes to", "if (once) renewal.catch(() => {});", "if (once) ;"],
  ["a Request's own body is not looked at", "init?.body ?? /** @type {any} */ (input).body", "init?.body"],
  ["repeated for another account", "if (sid && mine && mine.session.sid !== sid) throw this.#overtaken();", ""],
  ["an error of the refresh is not fetch's", "{ once, signal, lost: asFetch }", "{ once, signal }"],
  ["fetch is taken when used", "globalThis.fetch?.bind(globalThis)", "(/** @type {any[]} */ ...all) => globalThis.fetch(...all)"],
  ["a stranger's 401 counts", "const stranger = response.redirected && !this.#isOurs(response.url);", "const stranger = false;"],
  ["aborted is noticed too late", "if (signal.aborted) throw signal.reason;", ""],
  ["an abort does not end the wait", "if (!signal) return promise;", "return promise;"],
  ["every challenge is of an invalid token", 'error === "invalid_token" ? "access_invalid" : error', '"access_invalid"'],
  ["the challenge is ignored", 'if (code === "not_authenticated" && error)', "if (false)"],
  ["the answer is eaten", "response.clone().json()", "response.json()"],
  ["step-up is not shared", "this.#proof ??= ", "this.#proof = "],
  ["step-up only once", "this.#proof = null;", ""],
  ["step-up without end", "proved = true;", ""],
  ["a newer proof is not seen", "if (proved !== mine.session.auth_time) return true;", ""],
  ["a refused step-up is repeated", "if (good) next", "next"],
  ["onChange is told too much", "if (this.#told !== undefined && face(session) === face(this.#told)) return;", ""],
  ["onChange is not told at once", "if (this.#known !== undefined) tell(this.#known);", ""],
  ["a listener that left is told", "this.#listeners.has(tell) && tell(", "tell("],
  ["unsubscribing does nothing", "return () => void this.#listeners.delete(tell);", "return () => {};"],
  ["a listener's fault is ours", "queueMicrotask(() => {\n          throw error;\n        });", "throw error;"],
  ["login is not announced", 'return this.#keep(answer, "login");', 'return this.#keep(answer, "refresh");'],
  ["the same session is switched to", "if (type === \"login\" && another) {", 'if (type === "login") {'],
  ["a missed login stays missed", "if (this.#known && another) this.#switch();", ""],
  ["the storage is not heard", "if (this.#channel || key !== this.#flag.key) return;", "return;"],
  ["a page from the back button believes the past", 'if (flag === "1" && age(this.#gone) > AGAIN_MS) this.#switch();', ""],
  ["a storage that shows the past is believed", " && age(this.#gone) > AGAIN_MS", ""],
  ["an emptied storage is a logout", "} else if (flag !== \"1\" || !this.#access", "} else if (!this.#access"],
  ["revoking oneself changes nothing", "if (!sid || this.#access?.session.sid !== sid) return;", "return;"],
  ["revoking another is a logout", "if (!sid || this.#access?.session.sid !== sid) return;", ""],
  ["a sid leads elsewhere", '"DELETE", `sessions/${encodeURIComponent(sid)}/`', '"DELETE", `sessions/${sid}/`'],
  ["a new name is not shown", "this.#know(this.#access.session);\n      this.#flush();", ""],
  ["no credentials", 'credentials: "include", ', ""],
  ["cached", ', cache: "no-store"', ""],
  ["redirects are followed", 'redirect: "error", ', ""],
  ["no custom header", ', "X-Requested-With": "tokenauth"', ""],
  ["dispose leaves the timer", "this.#stop = new AbortController();\n    this.#failure = null;\n    clearTimeout(this.#timer);", "this.#stop = new AbortController();\n    this.#failure = null;"],
  ["dispose leaves the channel", "this.#channel?.close();", ""],
  ["dispose leaves the listeners", "this.#life.abort();\n", ""],
  ["onExchange is not told", "this.#outbox.push(() => this.#options.onExchange({ method, url, status, code }));", ""],
];

/** Whether some test fails on this module. All of them in one process, which is fast. */
function isSeen(module) {
  const env = { ...process.env, TOKENAUTH_MODULE: module };
  const program = TESTS.map((name) => `await import("./test/${name}");`).join("");
  const options = { env, cwd: here("."), timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--input-type=module", "-e", program], options, (error) => resolve(Boolean(error)));
  });
}

const scratch = mkdtempSync(join(tmpdir(), "mutations-"));
const wanted = process.argv.slice(2).join(" ");
const survivors = [];
const chosen = MUTATIONS.filter(([name]) => name.includes(wanted));
for (const [what, from, to] of chosen) {
  const parts = source.split(from);
  if (parts.length !== 2) {
    survivors.push(`${what}: its code is there ${parts.length - 1} times`);
    continue;
  }
  const module = join(scratch, "tokenauth.mjs");
  writeFileSync(module, parts.join(to));
  if (!(await isSeen(module))) survivors.push(what);
  process.stdout.write(survivors.at(-1)?.startsWith(what) ? "!" : ".");
}
rmSync(scratch, { recursive: true });
process.stdout.write(`\n${chosen.length - survivors.length} of ${chosen.length} seen\n${survivors.join("\n")}\n`);
process.exitCode = survivors.length ? 1 : 0;
