// Time that moves when a test says so.

// Promises and the streams of bodies need turns of the real loop; no time passes in them.
const TURNS = 12;

/** Let everything happen that needs no time. */
export async function settle() {
  for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
}

/** One time for everybody: `now` is milliseconds since it began. */
export class Clock {
  now = 0;
  #timers = [];

  setTimeout = (work, delay = 0) => {
    const timer = { at: this.now + Math.max(0, Number(delay) || 0), work };
    this.#timers.push(timer);
    return timer;
  };

  clearTimeout = (timer) => {
    this.#timers = this.#timers.filter((other) => other !== timer);
  };

  /** How many timers wait. */
  get waiting() {
    return this.#timers.length;
  }

  /** A promise that is kept after so many milliseconds. */
  after(delay) {
    return new Promise((resolve) => this.setTimeout(resolve, delay));
  }

  /** Go on by so many milliseconds, timer after timer. */
  async advance(ms) {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.clearTimeout(due);
      this.now = Math.max(this.now, due.at);
      due.work();
      await settle();
    }
    this.now = end;
  }

  /** What a promise comes to, with as much time as it needs. */
  async done(promise, atMost = 120_000) {
    let over = false;
    const end = this.now + atMost;
    const watched = promise.finally(() => (over = true));
    watched.catch(() => {});
    await settle();
    while (!over) {
      if (this.now >= end) throw new Error(`nothing came of it in ${atMost} ms`);
      const next = Math.min(...this.#timers.map(({ at }) => at), end);
      await this.advance(next - this.now);
    }
    return watched;
  }
}
