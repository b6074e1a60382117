// Two experiments: refreshes of several tabs at once, and an answer that is lost.

import { client, renew } from "./auth.js";
import { $, clock, element } from "./dom.js";
import { askOthersToRenew, onAskedToRenew } from "./exchanges.js";
import { onPress, run } from "./press.js";
import { loadProtocol } from "./token.js";

// The server loses the answer to the request that brings this cookie, and removes it.
const LOSE = "demo-lose-answer=1; path=/auth/refresh/; max-age=60; samesite=strict";

let giveUp = () => {};

async function renewAll() {
  askOthersToRenew();
  await renew();
}

function tell(text) {
  $("story").append(element("li", "", text));
}

// A refresh token that is younger than 30 seconds is kept: there would be nothing to lose.
async function untilItRotates() {
  const { rotates_in: wait } = await loadProtocol();
  if (!wait) return true;
  tell(`The refresh token is too young to be changed. Starting in ${clock(wait)} …`);
  return new Promise((answer) => {
    setTimeout(() => answer(true), wait * 1000 + 100);
    giveUp = () => answer(false);
  });
}

async function lose() {
  clearStory();
  if (!(await untilItRotates())) return;
  const before = await loadProtocol();
  document.cookie = LOSE;
  await renew(); // the client repeats what got no answer
  const after = await loadProtocol();
  const [older, newer] = [before.rotations, after.rotations];
  tell(`The server changed refresh token no. ${older} to no. ${newer}. Its answer was lost: 504.`);
  tell(
    after.repeated_answers > before.repeated_answers
      ? `The page asked again, with no. ${older}: the same answer once more, no. ${newer}, and not a third one.`
      : `The page asked again and has no. ${newer}.`,
  );
  tell("You are still logged in.");
}

/** Forget the experiment that was shown, or is waiting: this session is over. */
export function clearStory() {
  giveUp();
  $("story")?.replaceChildren();
}

onPress("renew-all", renewAll);
onPress("lose", lose);
onAskedToRenew(() => client.timeLeft() && run(null, renew));
