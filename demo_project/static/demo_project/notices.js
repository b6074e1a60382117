// What the page says to the person: one message at a time, read out by screen readers, and the
// notice that there is no network.

import { $ } from "./dom.js";

const ENDED = {
  logout: "This session was logged out, in another tab or window.",
  revoked: "This session was revoked, by an administrator or from another device. Please log in again.",
  expired: "This session has expired. Please log in again.",
  account: "Your account has changed, for example its password. Please log in again.",
  reuse: "An old copy of this session was used somewhere, so it was ended to be safe. Please log in again.",
};

const TROUBLE = {
  network: "The server cannot be reached.",
  timeout: "The server did not answer in time.",
  login_failed: "That username and password do not match an active account.",
  mfa_required: "This account needs a second factor, which this page does not ask for.",
  session_changed: "Another tab has logged in or out meanwhile. Please try once more.",
  throttled: "Too many requests.",
  try_again: "The server is busy.",
  not_found: "That session has already ended.",
  bad_request: "The server did not accept that. Please check what you typed.",
  csrf_failed: "The server does not believe that this page is its own. Please reload it.",
  access_invalid: "The server refused the renewed access token. Please try again.",
  insufficient_user_authentication: "Nothing was changed: that needs your password.",
};

/** Say that something went well; "" says nothing any longer. */
export function say(text) {
  $("alert").textContent = "";
  $("status").textContent = text;
}

/** Say that something went wrong, at once. */
export function warn(text) {
  $("status").textContent = "";
  $("alert").textContent = text;
}

for (const button of document.querySelectorAll(".dismiss")) {
  button.addEventListener("click", () => {
    button.previousElementSibling.textContent = "";
    document.querySelector("main").focus(); // the button is gone
  });
}

/** Give the words for the end of a session; `problem` is the server's, if it was the server. */
export function wordsOfEnd(problem) {
  if (!problem) return "You were logged out in another tab.";
  return ENDED[problem.reason] ?? "Please log in again.";
}

/** Give the words for a Problem, a Refusal, or a request that failed. */
export function words(problem) {
  const known = TROUBLE[problem.code] ?? problem.message;
  const wait = problem.retryAfter ? ` Please try again in ${Math.ceil(problem.retryAfter)} seconds.` : "";
  return `${known}${wait}`;
}

/** Show the notice while the browser has no network; `back` is called when it has one again. */
export function watchNetwork(back) {
  const show = () => {
    $("offline").textContent = navigator.onLine
      ? ""
      : "You are offline. You stay logged in; whatever needs the server has to wait.";
  };
  addEventListener("offline", show);
  addEventListener("online", () => {
    show();
    back();
  });
  show();
}
