// A program that uses the module with its types. It is compiled, never run.

import {
  createClient,
  Problem,
  type Credentials,
  type Exchange,
  type Options,
  type Session,
} from "../../../tokenauth/static/tokenauth/tokenauth.js";

const options: Options = {
  baseUrl: "/auth/",
  apiOrigins: ["https://api.example.com"],
  onStepUp: async (problem: Problem) => problem.code !== "",
  timeout: 10_000,
  onExchange: ({ method, url, status, code }: Exchange) => console.log(method, url, status, code),
};
const client = createClient(options);
const credentials: Credentials = { username: "ada", password: "secret", remember: false };

export async function use(): Promise<Session | null> {
  const session: Session = await client.login(credentials);
  const response: Response = await client.fetch(new URL("/api/", location.href), { method: "POST" });
  const list: Session[] = await client.sessions.list();
  const renamed: Session = await client.sessions.rename(session.sid, "kitchen");
  const many: number = (await client.sessions.revokeOthers()) + (await client.sessions.revokeAll());
  await client.sessions.revoke(renamed.sid);
  const proved: Session = await client.reauthenticate("secret");
  const stop: () => void = client.onChange((now: Session | null, problem?: Problem) => {
    console.log(now?.device_name ?? problem?.reason, many, list.length, response.ok, proved.auth_time);
  });
  stop();
  const left: number | undefined = client.timeLeft()?.left;
  try {
    await client.logout();
  } catch (error) {
    if (error instanceof Problem) console.log(error.status, error.retryAfter, error.body, left);
  }
  client.dispose();
  const plain: typeof fetch = client.fetch;
  await plain("/api/");
  return client.session({ ask: true });
}

// What the types must refuse.
// @ts-expect-error no such option
createClient({ base: "/auth/" });
// @ts-expect-error a password is needed
void client.login({ username: "ada" });
// @ts-expect-error nobody reaches what is inside
void client.call;
// @ts-expect-error the session may be null
client.onChange((session) => console.log(session.sid));
// @ts-expect-error the client cannot be changed
client.fetch = fetch;
