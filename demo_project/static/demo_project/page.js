// The page of the demo: which of its views is shown, login and logout.

import { client, leave, listen, renew, wordsOfLeave } from "./auth.js";
import { loadDevices } from "./devices.js";
import { $, empty } from "./dom.js";
import { clearStory } from "./experiments.js";
import { say, warn, watchNetwork, wordsOfEnd } from "./notices.js";
import { onPress, onSubmit, run } from "./press.js";
import { loadProfile, showProof } from "./profile.js";
import { dismiss } from "./step-up.js";
import { loadProtocol } from "./token.js";

const adminSessions = $("admin").href;
let current = null; // the session that is shown

function view(name) {
  for (const id of ["waiting", "login", "session"]) $(id).hidden = id !== name;
  $("who").hidden = name !== "session";
}

// What the client tells: a session has begun, has changed, or is over.
function changed(session, problem) {
  if (session) return session.sid === current?.sid ? showProof(session.auth_time) : begun(session);
  ended(problem);
}

function begun(session) {
  const before = current;
  const typed = $("login").contains(document.activeElement);
  clear();
  current = session;
  view("session");
  showProof(session.auth_time);
  $("admin").href = `${adminSessions}${session.sid}/change/`;
  if (typed) $("hello").focus();
  if (before) say("Another tab has logged in again: this is the new session.");
  load();
}

function ended(problem) {
  const before = current;
  clear();
  view("login");
  $("login-form").elements.username.focus();
  if (wordsOfLeave()) say(wordsOfLeave());
  // Without a session there was nothing to end, and nothing to explain.
  else if (before || problem?.code === "session_ended") warn(wordsOfEnd(problem));
}

// Nothing of one session is left on the page for the next one.
function clear() {
  current = null;
  dismiss();
  empty("profile");
  $("devices").replaceChildren();
  $("email-form").reset();
  clearStory();
}

function load() {
  run(null, () => Promise.all([loadProfile(), loadDevices(), loadProtocol()]));
}

// A page that has just loaded knows nothing: the client asks the server, silently. If there is no
// answer it goes on asking, and the page says so after a second.
async function boot() {
  const patience = setTimeout(() => view("waiting"), 1000);
  try {
    await client.session();
  } catch (problem) {
    view("waiting");
    if (navigator.onLine) throw problem;
  } finally {
    clearTimeout(patience);
  }
}

onSubmit($("login-form"), async ({ username, password, device_name, remember }) => {
  await client.login({
    username: username.value,
    password: password.value,
    device_name: device_name.value,
    remember: remember.checked,
  });
  $("login-form").reset(); // the password does not stay in the document
});
onPress("logout", () => {
  const words = navigator.onLine
    ? "You are logged out."
    : "You are logged out here. The server is told as soon as there is a network.";
  return leave(words, () => client.logout());
});
onPress("retry", renew); // by a new client, which has no reason to wait

listen(changed);
watchNetwork(() => {
  if (current) load();
  else if (!$("waiting").hidden) run(null, renew);
});
run(null, boot);
