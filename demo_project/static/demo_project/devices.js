// The list of the user's sessions: named, renamed, revoked.

import { client, forPresent, leave } from "./auth.js";
import { $, ago, date } from "./dom.js";
import { say } from "./notices.js";
import { onPress, onSubmit, run } from "./press.js";

// Order matters: Edge also says Chrome, and Chrome also says Safari.
const BROWSERS = { Edg: "Edge", Firefox: "Firefox", Chrome: "Chrome", Safari: "Safari" };
const SYSTEMS = { Android: "Android", iPhone: "iOS", Windows: "Windows", "Mac OS": "macOS", Linux: "Linux" };

function device(userAgent) {
  const find = (names) => names[Object.keys(names).find((name) => userAgent.includes(name))];
  const known = [find(BROWSERS), find(SYSTEMS)].filter(Boolean);
  return known.join(" on ") || userAgent.split(/[ /]/)[0] || "Unknown device";
}

/** Load the sessions of the user and list them, this one first. */
export async function loadDevices() {
  const sessions = await forPresent(() => client.sessions.list());
  sessions.sort((a, b) => b.current - a.current);
  $("devices").replaceChildren(...sessions.map(row));
  $("revoke-others").hidden = sessions.length < 2;
}

function row(item) {
  const node = $("device-row").content.cloneNode(true).firstElementChild;
  const field = (name) => node.querySelector(`[data-field=${name}]`);
  const name = item.device_name || device(item.user_agent);

  node.dataset.sid = item.sid;
  node.classList.toggle("current", item.current);
  if (/Android|iPhone|Mobile/.test(item.user_agent)) field("icon").setAttribute("href", "#icon-phone");
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
  makeRenamable(node, item, name);
  makeRevocable(node, item, name);
  return node;
}

function makeRenamable(node, item, name) {
  const form = node.querySelector("form");
  const input = form.elements.device_name;
  const button = node.querySelector("[data-action=rename]");
  const open = (yes) => {
    form.hidden = !yes;
    node.querySelector("[data-field=actions]").hidden = yes;
    if (yes) input.value = item.device_name;
    (yes ? input : button).focus();
  };
  button.setAttribute("aria-label", `Rename ${name}`);
  button.addEventListener("click", () => open(true));
  form.querySelector("[data-action=cancel]").addEventListener("click", () => open(false));
  form.addEventListener("keydown", (event) => event.key === "Escape" && open(false));
  onSubmit(form, async () => {
    await client.sessions.rename(item.sid, input.value);
    await loadDevices();
    say(`Renamed: ${input.value || device(item.user_agent)}.`);
    document.querySelector(`[data-sid="${item.sid}"] [data-action=rename]`)?.focus();
  });
}

function makeRevocable(node, item, name) {
  const button = node.querySelector("[data-action=revoke]");
  button.setAttribute("aria-label", `Revoke ${name}${item.current ? ", this session" : ""}`);
  button.addEventListener("click", () =>
    run(button, async () => {
      const revoke = () => client.sessions.revoke(item.sid);
      if (item.current) return leave("You revoked this session.", revoke);
      await revoke();
      say(`Revoked: ${name}.`);
      await loadDevices();
      $("reload").focus(); // the button that was pressed is gone
    }),
  );
}

onPress("reload", loadDevices);
onPress("revoke-others", async () => {
  const revoked = await client.sessions.revokeOthers();
  say(`Signed out of ${revoked} other ${revoked === 1 ? "device" : "devices"}.`);
  await loadDevices();
  $("reload").focus();
});
onPress("revoke-all", () =>
  leave("You are signed out everywhere.", () => client.sessions.revokeAll()),
);
