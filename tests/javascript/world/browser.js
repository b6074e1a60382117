// A browser with tabs. Each tab runs the module with globals of its own; storage, cookies, locks
// and channels are the browser's. They do what the standards say, as far as the module can see it.

import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";

// mutations.js has the tests run on broken ones.
const MODULE = process.env.TOKENAUTH_MODULE ?? new URL("../../../tokenauth/static/tokenauth/tokenauth.js", import.meta.url);
const { code } = transformSync(readFileSync(MODULE, "utf8"), { format: "cjs", target: "node18" });

/** Web Locks, exclusive mode (https://w3c.github.io/web-locks/). */
class Locks {
  #held = new Map();
  #queues = new Map();

  request(name, { signal }, callback) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      const request = { callback, resolve, reject, signal };
      request.abort = () => {
        queue.splice(queue.indexOf(request), 1);
        reject(signal.reason);
      };
      signal?.addEventListener("abort", request.abort);
      queue.push(request);
      this.#next(name);
    });
  }

  isHeld(name) {
    return this.#held.has(name);
  }

  /** A tab that never lets go. Returns what lets go after all. */
  hang(name) {
    let free;
    this.request(name, {}, () => new Promise((resolve) => (free = resolve)));
    return () => free();
  }

  #next(name) {
    const request = this.#held.has(name) ? undefined : this.#queues.get(name)?.shift();
    if (!request) return;
    this.#held.set(name, request);
    request.signal?.removeEventListener("abort", request.abort);
    // The steps run as a task of their own, never inside request().
    setImmediate(async () => {
      try {
        request.resolve(await request.callback({ name, mode: "exclusive" }));
      } catch (error) {
        request.reject(error);
      }
      this.#held.delete(name);
      this.#next(name);
    });
  }
}

/** BroadcastChannel: to all others of that name, as a task of its own, as a copy. */
function channels(sent) {
  const open = new Set();
  return class {
    static open = open;
    onmessage = null;

    constructor(name) {
      this.name = name;
      open.add(this);
    }

    postMessage(data) {
      if (!open.has(this)) throw new DOMException("closed", "InvalidStateError");
      sent.push(structuredClone(data));
      for (const other of open) {
        if (other === this || other.name !== this.name) continue;
        const copy = structuredClone(data);
        setImmediate(() => open.has(other) && other.onmessage?.({ data: copy }));
      }
    }

    close() {
      open.delete(this);
    }
  };
}

/** localStorage, as one tab sees it. Other tabs get the event. */
class Storage {
  #browser;
  #tab;

  constructor(browser, tab) {
    this.#browser = browser;
    this.#tab = tab;
  }

  getItem(key) {
    return this.#browser.stored.get(key) ?? null;
  }

  setItem(key, value) {
    if (this.#browser.full) throw new DOMException("full", "QuotaExceededError");
    this.#change(key, String(value));
  }

  removeItem(key) {
    this.#change(key, null);
  }

  #change(key, newValue) {
    const oldValue = this.getItem(key);
    if (newValue === oldValue) return;
    if (newValue === null) this.#browser.stored.delete(key);
    else this.#browser.stored.set(key, newValue);
    for (const tab of this.#browser.tabs) {
      if (tab === this.#tab) continue;
      const event = Object.assign(new Event("storage"), { key, oldValue, newValue });
      setImmediate(() => tab.window.dispatchEvent(event));
    }
  }
}

/** A profile: what all tabs share. `sent` holds every message between them. */
export class Browser {
  tabs = new Set();
  stored = new Map();
  cookie = ""; // the refresh cookie
  full = false;
  offline = false;
  sent = [];
  locks = new Locks();
  Channel = channels(this.sent);

  /** @param server @param clock @param page where the tabs are */
  constructor(server, clock, page = "https://app.test/") {
    Object.assign(this, { server, clock, page });
  }

  /** A new tab. `without` names what this browser lacks: "locks", "channel", "storage". */
  open({ without = [], random = () => 0.5 } = {}) {
    const tab = new Tab(this, without, random);
    this.tabs.add(tab);
    return tab;
  }
}

class Tab {
  window = new EventTarget();
  document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  #alive = [];
  console = []; // what nobody caught
  asleep = 0; // milliseconds that performance.now() has missed
  wallOffset = 0;

  constructor(browser, without, random) {
    this.browser = browser;
    this.document.baseURI = browser.page;
    const { clock } = browser;
    const now = () => 1_700_000_000_000 + clock.now + this.wallOffset;
    const page = browser.page;
    const globals = {
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      performance: { now: () => clock.now - this.asleep },
      Date: class extends Date {
        static now = now;
      },
      Math: Object.assign(Object.create(Math), { random }),
      Request: class extends Request {
        constructor(input, init) {
          super(input?.url ? input : new URL(input, page), init);
        }
      },
      fetch: (input, init) => this.fetch(input, init),
      queueMicrotask: (work) => queueMicrotask(() => this.#run(work)),
      addEventListener: this.window.addEventListener.bind(this.window),
      document: this.document,
      navigator: { locks: browser.locks },
      BroadcastChannel: browser.Channel,
      localStorage: new Storage(browser, this),
    };
    Object.defineProperty(globals.navigator, "onLine", { get: () => !browser.offline });
    if (without.includes("locks")) delete globals.navigator.locks;
    if (without.includes("channel")) globals.BroadcastChannel = undefined;
    if (without.includes("storage")) globals.localStorage = undefined;
    const names = Object.keys(globals);
    const module = { exports: {} };
    new Function("module", "globalThis", ...names, code)(
      module,
      globals,
      ...names.map((name) => globals[name]),
    );
    Object.assign(this, module.exports, { globals });
  }

  #run(work) {
    try {
      work();
    } catch (error) {
      this.console.push(error.message);
    }
  }

  /** A client of the endpoints at /auth/. */
  client(options) {
    return this.createClient(options);
  }

  /** window.fetch */
  async fetch(input, init) {
    this.seen = [input, init];
    const request = new this.globals.Request(input, init);
    // As a browser does: in Node the abort of a signal does not reach a Request that nobody keeps.
    this.#alive.push(input, request);
    return this.browser.server.receive(request, this.browser, this);
  }

  /** An event of the window, or of the document. */
  fire(type) {
    const target = type === "visibilitychange" ? this.document : this.window;
    target.dispatchEvent(new Event(type));
  }

  /** Hide or show the tab. */
  show(state) {
    this.document.visibilityState = state;
    this.fire("visibilitychange");
  }
}
