// What others left behind in a hub.

import { readShare, SHARE_TYPE } from "../trust/shares.js";

/** How long a signal must have been in the hub before it is swept, in milliseconds; and a lease be over, in seconds. */
const SIGNAL_AGE = 5 * 60 * 1000;
const SHARE_GONE = 24 * 60 * 60;

export class Sweeper {
  /** @type {Map<string, number>} signals that were there, and since when */
  #seen = new Map();

  /** @param {import("./hub.js").Hub} hub @param {string} id the share's */
  constructor(hub, id) {
    this.hub = hub;
    this.id = id;
  }

  /** Deletes signals from or to the share that nobody took, and records of sharers that are gone. */
  async sweep() {
    const { database } = this.hub;
    const now = performance.now();
    /** @type {Map<string, number>} */
    const present = new Map();
    const old = [];
    for (const prefix of ["p-signal-", "s-signal-"]) {
      for (const { id, leaves: [doc] } of await database.list(prefix)) {
        if (doc?.sender !== this.id && doc?.recipient !== this.id) continue;
        const since = this.#seen.get(id) ?? now;
        present.set(id, since);
        if (this.#seen.has(id) && now - since >= SIGNAL_AGE) old.push(doc);
      }
    }
    this.#seen = present;
    // A clock that is wrong must not sweep away what lives.
    const shares = database.knowsDate() ? await database.list("share-") : [];
    for (const { id, leaves: [doc] } of shares) {
      if (id === this.id || doc?.type !== SHARE_TYPE) continue;
      const read = await readShare(doc).catch(() => null);
      if (read && read.record.lease + SHARE_GONE < this.hub.now()) old.push(doc);
    }
    await this.hub.delete(old);
  }
}
