// The page of the demo: shows what session.js does. Text reaches the document through textContent
// only, because device names and user agents are other people's input.

import { createSession } from "./session.js";

const $ = (id) => document.getElementById(id);
const { auth, profile: profileUrl } = document.body.dataset;
const adminSessions = $("admin").href;
const cells = document.querySelectorAll("dd[data-profile]");

const session = createSession({ base: auth, onChange: show, onExchange: logExchange });

const ENDED = {
  logout: "You logged out in another tab or window.",
  revoked: "This session was revoked, by an administrator or from another device. Please log in again.",
  expired: "This session has expired. Please log in again.",
  account: "Your account has changed, for example its password. Please log in again.",
  reuse: "An old copy of this session was used somewhere, so it was ended to be safe. Please log in again.",
};
const TROUBLE = {
  network: "The server cannot be reached. Try again in a moment.",
  login_failed: "That username and password do not match an active account.",
  session_changed: "Another tab has logged in again. Please try once more.",
  throttled: "Too many requests. Please wait a moment and try again.",
  try_again: "The server is busy. Please try again.",
  not_found: "That session has already ended.",
  bad_request: "The server did not accept that. Please check what you typed.",
  access_invalid: "The server refused the renewed access token. Please try again.",
};

function view(name) {
  for (const id of ["waiting", "login", "session"]) $(id).hidden = id !== name;
  $("requests").hidden = false;
}

function notify(text, bad = false) {
  const notice = $("notice");
  notice.textContent = text;
  notice.classList.toggle("bad", bad);
  notice.hidden = !text;
}

// What the session tells us: it has begun (or is another one), or it is over.
function show(current, problem) {
  for (const cell of cells) cell.textContent = "";
  $("sessions").replaceChildren();
  if (current) {
    const typed = $("login").contains(document.activeElement);
    view("session");
    $("admin").href = `${adminSessions}${current.sid}/change/`;
    if (typed) $("welcome").focus();
    return run(null, () => Promise.all([loadProfile(), loadSessions()]));
  }
  view("login");
  $("login-form").elements.username.focus();
  // Without a cookie there was no session, and nothing to explain.
  if (problem && problem.code !== "refresh_missing") {
    notify(ENDED[problem.reason] ?? "Please log in again.", true);
  }
}

function report(problem) {
  const loggedIn = session.timeLeft() !== null;
  if (problem.ended || (problem.code === "session_changed" && !loggedIn)) return; // show() told
  const text = TROUBLE[problem.code] ?? `Something went wrong (${problem.message}).`;
  notify(loggedIn && problem.status === 0 ? `${text} You are still logged in.` : text, true);
  if (problem.code === undefined) throw problem; // a fault of this page: to the console
}

// One press at a time. Not `disabled`, which would take the keyboard focus away.
async function run(button, work) {
  if (button?.ariaBusy === "true") return;
  if (button) button.ariaBusy = "true";
  try {
    await work();
  } catch (problem) {
    report(problem);
  } finally {
    if (button) button.ariaBusy = null;
  }
}

function onPress(id, work) {
  $(id).addEventListener("click", (event) => {
    notify("");
    run(event.currentTarget, work);
  });
}

async function loadProfile() {
  const profile = await session.call("GET", profileUrl);
  for (const cell of cells) {
    const value = profile[cell.dataset.profile];
    cell.textContent = cell.dataset.profile === "date_joined" ? date(value) : value || "none";
  }
}

async function loadSessions() {
  const { sessions } = await session.call("GET", `${auth}sessions/`);
  $("sessions").replaceChildren(...sessions.map(row));
  $("revoke-others").hidden = sessions.length < 2;
}

function row(item) {
  const node = $("session-row").content.cloneNode(true).firstElementChild;
  const field = (name) => node.querySelector(`[data-field=${name}]`);
  const button = (name) => node.querySelector(`[data-action=${name}]`);
  const form = node.querySelector("form");
  const name = item.device_name || device(item.user_agent);
  const url = `${auth}sessions/${item.sid}/`;

  node.dataset.sid = item.sid;
  node.classList.toggle("current", item.current);
  field("device").textContent = name;
  field("current").hidden = !item.current;
  const where = [item.device_name && device(item.user_agent), item.ip].filter(Boolean);
  field("where").textContent = where.join(", ");
  field("where").hidden = !where.length;
  for (const time of node.querySelectorAll("time")) {
    time.dateTime = item[time.dataset.field];
    time.textContent = time.dataset.field === "last_seen_at" ? ago(time.dateTime) : date(time.dateTime);
    time.title = new Date(time.dateTime).toLocaleString();
  }
  button("rename").setAttribute("aria-label", `Rename ${name}`);
  button("revoke").setAttribute("aria-label", `Revoke ${name}${item.current ? ", this session" : ""}`);

  const rename = (open) => {
    form.hidden = !open;
    field("actions").hidden = open;
    if (open) form.elements.device_name.value = item.device_name;
    (open ? form.elements.device_name : button("rename")).focus();
  };
  button("rename").addEventListener("click", () => rename(true));
  button("cancel").addEventListener("click", () => rename(false));
  form.addEventListener("keydown", (event) => event.key === "Escape" && rename(false));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(event.submitter, async () => {
      await session.call("PATCH", url, { device_name: form.elements.device_name.value });
      await loadSessions();
      document.querySelector(`[data-sid="${item.sid}"] [data-action=rename]`)?.focus();
    });
  });
  button("revoke").addEventListener("click", (event) =>
    run(event.currentTarget, async () => {
      await session.call("DELETE", url);
      if (item.current) return over("You revoked this session.");
      notify(`Revoked: ${name}.`);
      await loadSessions();
      $("reload").focus();
    }),
  );
  return node;
}

function over(text) {
  session.forget();
  notify(text);
}

function logExchange({ method, url, status, code }) {
  const entry = document.createElement("li");
  const answer = document.createElement("b");
  answer.textContent = status || "no answer";
  answer.className = status >= 200 && status < 300 ? "good" : "bad";
  const path = new URL(url, location.origin).pathname;
  entry.append(`${method} ${path} `, answer, code ? ` ${code}` : "");
  $("exchanges").prepend(entry);
  while ($("exchanges").children.length > 12) $("exchanges").lastElementChild.remove();
}

function tick() {
  const time = session.timeLeft();
  if (!time) return;
  const seconds = Math.ceil(time.left);
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  $("left").textContent = seconds ? clock : "expired";
  $("left").classList.toggle("bad", !seconds);
  $("lifetime").value = time.left / time.lifetime;
}

// Order matters: Edge also says Chrome, and Chrome also says Safari.
const BROWSERS = { Edg: "Edge", Firefox: "Firefox", Chrome: "Chrome", Safari: "Safari" };
const SYSTEMS = { Android: "Android", iPhone: "iOS", Windows: "Windows", "Mac OS": "macOS", Linux: "Linux" };

function device(userAgent) {
  const find = (names) => names[Object.keys(names).find((name) => userAgent.includes(name))];
  const known = [find(BROWSERS), find(SYSTEMS)].filter(Boolean);
  return known.join(" on ") || userAgent.split(/[ /]/)[0] || "Unknown device";
}

function date(value) {
  return new Date(value).toLocaleDateString(undefined, { dateStyle: "medium" });
}

function ago(value) {
  const minutes = Math.round((Date.now() - new Date(value)) / 60_000);
  if (minutes < 1) return "just now";
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  if (minutes < 60) return words.format(-minutes, "minute");
  if (minutes < 48 * 60) return words.format(-Math.round(minutes / 60), "hour");
  return words.format(-Math.round(minutes / (24 * 60)), "day");
}

$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const { username, password, device_name, remember } = form.elements;
  notify("");
  run(event.submitter, async () => {
    await session.login({
      username: username.value,
      password: password.value,
      device_name: device_name.value,
      remember: remember.checked,
    });
    form.reset(); // the password does not stay in the document
  });
});

onPress("load-profile", loadProfile);
onPress("renew", session.refresh);
onPress("reload", loadSessions);
onPress("retry", boot);
onPress("logout", async () => {
  await session.logout();
  notify("You are logged out.");
});
onPress("revoke-others", async () => {
  const { revoked } = await session.call("POST", `${auth}sessions/revoke/`, { scope: "others" });
  notify(`Revoked: ${revoked} other ${revoked === 1 ? "session" : "sessions"}.`);
  await loadSessions();
  $("reload").focus();
});
onPress("revoke-all", async () => {
  await session.call("POST", `${auth}sessions/revoke/`, { scope: "all" });
  over("You revoked all your sessions, this one included.");
});

// A page that has just loaded knows nothing: one silent refresh tells whether there is a session.
async function boot() {
  try {
    await session.refresh();
  } catch (problem) {
    if (problem.ended) return;
    view("waiting");
    if (problem.code !== "network") report(problem);
  }
}

setInterval(tick, 200);
boot();
