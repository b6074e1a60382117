// Two experiments: refreshes of several tabs at once, and an answer that is lost.

import { client, renew } from "./auth.js";
import { $, clock, element } from "./dom.js";
import { askOthersToRenew, onAskedToRenew, onNote } from "./exchanges.js";
import { onPress, run } from "./press.js";
import { loadProtocol } from "./token.js";

// The server loses the answer to the request that brings this cookie, and removes it.
const LOSE = "demo-lose-answer=1; path=/auth/refresh/; max-age=60; samesite=strict";

async function renewAll() {
  askOthersToRenew();
  await renew();
}

function tell(text) {
  $("story").append(element("li", "", text));
}

// A refresh token that is younger than 30 seconds is kept: there would be nothing to lose.
async function untilItRotates() {
  const { sid } = await client.session();
  const { rotates_in: wait } = await loadProtocol();
  if (!wait) return true;
  tell(`The refresh token is too young to be changed. Starting in ${clock(wait)} …`);
  await new Promise((done) => setTimeout(done, wait * 1000 + 100));
  // Whoever logged out meanwhile no longer wants to know.
  return client.timeLeft() !== null && (await client.session()).sid === sid;
}

function losses() {
  const seen = [];
  onNote(({ path, status }) => path === "/auth/refresh/" && seen.push(status));
  return seen;
}

const seen = losses();

async function lose() {
  $("story").replaceChildren();
  if (!(await untilItRotates())) return;
  const before = await loadProtocol();
  seen.length = 0;
  document.cookie = LOSE;
  while (!(await renewed()));
  const after = await loadProtocol();
  if (!client.timeLeft()) return;
  const [older, newer] = [before.rotations, after.rotations];
  tell(`The server changed refresh token no. ${older} to no. ${newer}. Its answer was lost: 504.`);
  tell(
    after.repeated_answers > before.repeated_answers
      ? `The page asked again, with no. ${older}: the same answer once more, no. ${newer}, and not a third one.`
      : `The page asked again and has no. ${newer}.`,
  );
  tell("You are still logged in.");
}

// Whether the client repeats a lost request itself depends on when it was lost.
async function renewed() {
  try {
    await renew();
    return true;
  } catch (problem) {
    if (problem.code === "answer_lost") return false;
    throw problem;
  }
}

/** Forget what the experiments have shown: another session begins. */
export function clearStory() {
  $("story")?.replaceChildren();
}

onPress("renew-all", renewAll);
onPress("lose", lose);
onAskedToRenew(() => client.timeLeft() && run(null, renew));
