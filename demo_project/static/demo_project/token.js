// The access token's countdown, and what the server says about the refresh token.

import { api, client, renew } from "./auth.js";
import { $, clock, fill } from "./dom.js";
import { onNote } from "./exchanges.js";
import { onPress } from "./press.js";

const { protocolUrl } = document.body.dataset;
// After these the server may say something else.
const CHANGES = new Set(["/auth/refresh/", "/auth/reauthenticate/"]);

/**
 * Ask the server about the refresh token and show it.
 *
 * @returns {Promise<{rotations: number, repeated_answers: number, rotates_in: number}>} rotates_in:
 *   seconds until the next refresh rotates, 0 if it would now
 */
export async function loadProtocol() {
  const state = await api("GET", protocolUrl, undefined, false);
  rotatesAt = performance.now() + state.rotates_in * 1000;
  fill("protocol", "rotations", state.rotations);
  fill("protocol", "repeated_answers", state.repeated_answers);
  tick();
  return state;
}

let rotatesAt = 0;

function tick() {
  const time = client.timeLeft();
  if (!time) return;
  $("left").textContent = time.left > 0 ? clock(time.left) : "expired";
  $("life").setAttribute("stroke-dashoffset", 100 - (100 * time.left) / time.lifetime);
  const wait = (rotatesAt - performance.now()) / 1000;
  $("rotates").textContent = wait > 0 ? `kept for ${Math.ceil(wait)} s more` : "changed by the next refresh";
}

// A refresh in any tab may have changed what the server says about the session of all of them.
onNote(({ path, status }) => {
  if (status === 200 && CHANGES.has(path) && client.timeLeft()) loadProtocol().catch(() => {});
});
onPress("renew", renew);
setInterval(tick, 250);
