// The dialog that asks for the password when the server wants a recent proof (RFC 9470).

import { $ } from "./dom.js";
import { words } from "./notices.js";

const dialog = $("step-up");
const form = $("step-up-form");
const { password, username } = form.elements;

let asking = null;

/**
 * Ask for the password until it is right, or nobody wants to any longer: for the client's
 * `onStepUp`. Whoever asks meanwhile gets the same answer.
 *
 * @param {(password: string) => Promise<object>} prove throws a Problem if it is not right
 * @returns {Promise<boolean>} whether it was
 */
export function askPassword(prove) {
  asking ??= ask(prove).finally(() => {
    asking = null;
  });
  return asking;
}

function ask(prove) {
  return new Promise((answer) => {
    let proved = false;
    const submit = async (event) => {
      event.preventDefault();
      const button = event.submitter;
      if (button.ariaBusy === "true") return;
      button.ariaBusy = "true";
      $("step-up-alert").textContent = "";
      try {
        await prove(password.value);
        proved = true;
        dialog.close();
      } catch (problem) {
        $("step-up-alert").textContent =
          problem.code === "login_failed" ? "That is not your password." : words(problem);
        password.select();
        password.focus();
      } finally {
        button.ariaBusy = null;
      }
    };
    form.addEventListener("submit", submit);
    dialog.addEventListener(
      "close",
      () => {
        form.removeEventListener("submit", submit);
        form.reset(); // the password does not stay in the document
        $("step-up-alert").textContent = "";
        answer(proved);
      },
      { once: true },
    );
    dialog.showModal();
    password.focus();
  });
}

/** Close the dialog, as by Cancel: whoever was asked is logged out. */
export function dismiss() {
  if (dialog.open) dialog.close();
}

/** Tell password managers whose password the dialog asks for. */
export function askFor(name) {
  username.value = name;
  username.defaultValue = name;
}

$("step-up-cancel").addEventListener("click", dismiss);
