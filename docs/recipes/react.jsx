// The browser's client of tokenauth in React: a provider, and a hook.

import { createContext, useContext, useMemo, useSyncExternalStore } from "react";

const SessionContext = createContext(null);
const UNKNOWN = { session: undefined, problem: undefined };

/** What useSyncExternalStore needs: the client's session as a value that changes. */
function storeOf(client) {
  let now = UNKNOWN;
  const subscribe = (notify) => {
    const set = (session, problem) => {
      now = { session, problem };
      notify();
    };
    const stop = client.onChange(set);
    // It tells the listeners who is logged in. Only that nobody can know is told here.
    client.session().catch((problem) => now.session === undefined && set(undefined, problem));
    return stop;
  };
  return { subscribe, snapshot: () => now };
}

/**
 * Gives the session to all that is inside of it.
 *
 * @param {object} props
 * @param props.client The client, made once and outside of all components: it belongs to the page,
 *   and outlives what is mounted, which under StrictMode is done twice.
 * @param props.children
 */
export function SessionProvider({ client, children }) {
  const store = useMemo(() => storeOf(client), [client]);
  const now = useSyncExternalStore(store.subscribe, store.snapshot, () => UNKNOWN);
  const value = useMemo(() => ({ client, ...now }), [client, now]);
  return <SessionContext.Provider value={value}>{children}</SessionContext.Provider>;
}

/**
 * The session, and the client to do something about it.
 *
 * @returns `{ session, problem, client }`. `session`: undefined while nobody knows, null when nobody is
 *   logged in. `problem`: why the server ended it, or why nobody knows.
 */
export function useSession() {
  const value = useContext(SessionContext);
  if (!value) throw new Error("Put the component inside of <SessionProvider client={client}>.");
  return value;
}
