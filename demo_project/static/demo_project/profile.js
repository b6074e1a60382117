// The profile, and a change that the server allows only after a recent proof.

import { api } from "./auth.js";
import { $, ago, date, fill } from "./dom.js";
import { say } from "./notices.js";
import { onPress, onSubmit } from "./press.js";
import { askFor } from "./step-up.js";

const { profileUrl, emailUrl } = document.body.dataset;
const FIELDS = ["username", "email", "date_joined", "session_id"];

/** Load the profile of the user and show it. */
export async function loadProfile() {
  const profile = await api("GET", profileUrl);
  for (const name of FIELDS) {
    fill("profile", name, name === "date_joined" ? date(profile[name]) : profile[name] || "none");
  }
  askFor(profile.username);
}

/** Show when the password was last given: a time of RFC 3339. */
export function showProof(time) {
  $("proved").dateTime = time;
  tick();
}

function tick() {
  const time = $("proved").dateTime;
  if (time) $("proved").textContent = ago(time);
}

onPress("load-profile", loadProfile);
onSubmit($("email-form"), async ({ email }) => {
  const stored = await api("PUT", emailUrl, { email: email.value });
  fill("profile", "email", stored.email);
  $("email-form").reset();
  say(`Your e-mail address is now ${stored.email}.`);
});
setInterval(tick, 1000);
