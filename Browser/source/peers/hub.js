// A hub: the database where peers find each other, and one feed of it for everybody in this page who waits for something.

import { BackOff, pause } from "./waiting.js";

/** @typedef {import("./hub-databases.js").Change} Change */
/** @typedef {import("./hub-databases.js").Doc} Doc */
/**
 * A hub as this page uses it. All who wait for changes share one request, since browsers open few connections to one
 * server.
 */
export class Hub {
  /** @type {Set<{ recipient?: string, id?: string, shares?: boolean, take: (change: Change) => void, lost?: (error: unknown) => void }>} */
  #subscribers = new Set();
  /** @type {string | number | null} */
  #position = null;
  #restart = new AbortController();
  #isRunning = false;
  /** Documents that are to be deleted. @type {Doc[]} */
  #read = [];
  #deleting = Promise.resolve();

  /** @param {string} name by which others, or this page later, can open it @param {import("./hub-databases.js").HubDatabase} database */
  constructor(name, database) {
    this.name = name;
    this.database = database;
  }

  /**
   * Has changes told from now on; what is written when this is done is among them. What is deleted is told by its id only.
   * @param {{ recipient?: string, id?: string, shares?: boolean, take: (change: Change) => void, lost?: (error: unknown) => void }} subscriber
   * @returns {Promise<() => void>} ends it
   */
  async subscribe(subscriber) {
    if (this.#position === null) {
      const position = await this.database.position();
      this.#position ??= position;
    }
    this.#subscribers.add(subscriber);
    this.#restart.abort();
    if (!this.#isRunning) this.#run();
    return () => {
      this.#subscribers.delete(subscriber);
      // A request that asks for too much does no harm, but the last one is to end.
      if (this.#subscribers.size === 0) this.#restart.abort();
    };
  }

  async #run() {
    this.#isRunning = true;
    const backOff = new BackOff();
    while (this.#subscribers.size > 0) {
      this.#restart = new AbortController();
      const { signal } = this.#restart;
      const all = [...this.#subscribers];
      const wanted = {
        recipients: all.flatMap(({ recipient }) => recipient ?? []), ids: all.flatMap(({ id }) => id ?? []), shares: all.some(({ shares }) => shares),
      };
      try {
        const { changes, position } = await this.database.changes(/** @type {string | number} */ (this.#position), wanted, signal);
        backOff.reset();
        this.#position = position;
        for (const change of changes) this.#tell(change);
      } catch (error) {
        if (signal.aborted) continue;
        for (const { lost } of this.#subscribers) lost?.(error);
        await pause(backOff.next(), signal);
      }
    }
    this.#isRunning = false;
    // The next one begins where the hub is then.
    this.#position = null;
  }

  /** @param {Change} change */
  #tell(change) {
    for (const { recipient, id, shares, take } of [...this.#subscribers]) {
      const isFor = (recipient !== undefined && !change.deleted && change.doc?.recipient === recipient)
        || (id !== undefined && change.id === id) || (shares && change.id.startsWith("share-"));
      if (!isFor) continue;
      try {
        take(change);
      } catch (error) {
        // One that fails must not take the rest from the others.
        console.error(error);
      }
    }
  }

  /** Seconds since 1970 by the hub's clock. */
  now() {
    return this.database.date();
  }

  /** Deletes signals that were read, many at a time. What cannot be deleted is swept by the sharer later. @param {Doc[]} documents @returns {Promise<void>} */
  async delete(documents) {
    if (documents.length === 0) return;
    this.#read.push(...documents.map(({ _id, _rev }) => ({ _id, _rev, _deleted: true })));
    this.#deleting = this.#deleting.then(async () => {
      const all = this.#read;
      this.#read = [];
      if (all.length > 0) await this.database.bulk(all);
    }).catch(() => {});
    await this.#deleting;
  }
}
