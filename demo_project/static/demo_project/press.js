// A press of a button: one at a time, and whatever goes wrong is said.

import { client } from "./auth.js";
import { $ } from "./dom.js";
import { say, warn, words } from "./notices.js";

/** Do `work` for `button` (or null) and say what goes wrong. */
export async function run(button, work) {
  // Not `disabled`, which would take the keyboard focus away.
  if (button?.ariaBusy === "true") return;
  if (button) button.ariaBusy = "true";
  try {
    await work();
  } catch (problem) {
    report(problem, button);
  } finally {
    if (button) button.ariaBusy = null;
  }
}

/** Do `work` whenever the button of this id is pressed. */
export function onPress(id, work) {
  $(id)?.addEventListener("click", (event) => {
    say("");
    run(event.currentTarget, work);
  });
}

/** Do `work(form.elements, button)` whenever this form is sent. */
export function onSubmit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("");
    run(event.submitter, () => work(form.elements));
  });
}

function report(problem, button) {
  if (problem.code === "disposed") return; // the client was replaced, and the page loads again
  const loggedIn = client.timeLeft() !== null;
  // A session that has ended was announced when it ended.
  if (problem.status === 401 && !loggedIn && problem.code !== "login_failed") return;
  // That another one has begun, too; only a login is overtaken by what was never shown.
  if (problem.code === "session_changed" && button?.form?.id !== "login-form") return;
  const unanswered = !problem.status || problem.status >= 500;
  warn(unanswered && loggedIn ? `${words(problem)} You are still logged in.` : words(problem));
  if (problem.code === undefined) throw problem; // a fault of this page: to the console
}
