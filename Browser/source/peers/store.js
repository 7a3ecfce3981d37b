// What a browser keeps for this origin: its identity, the shares' salts and tickets, and whom it has dealt with.

import { identityOf, newIdentity } from "../basics/crypto.js";

const NAME = "peerpouch";
/** How many identities are remembered, and names of each; the one not met for longest makes room. */
const KNOWN = 4096;
const NAMES = 8;

/** @template Value @param {IDBRequest<Value>} request @returns {Promise<Value>} */
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/**
 * How an identity and its name look beside what is known: `name` was seen with these other keys.
 * @typedef {"known" | "new" | { others: string[] }} Standing
 */

/** Values by name, in IndexedDB, so that private keys can be kept that nothing can read. */
export class Store {
  /** @param {IDBDatabase | null} database `null` keeps everything in memory */
  constructor(database) {
    this.database = database;
    /** @type {Map<string, any>} */
    this.memory = new Map();
  }

  /** @param {string} name of the store; others than the usual one make several peers of one origin, for tests */
  static async open(name = NAME) {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("values");
    return new Store(await done(request));
  }

  /** @param {string} key @returns {Promise<any>} */
  async get(key) {
    if (!this.database) return this.memory.get(key);
    return done(this.database.transaction("values").objectStore("values").get(key));
  }

  /** @param {string} prefix @returns {Promise<string[]>} the keys that begin so */
  async keys(prefix) {
    const all = this.database ? await done(this.database.transaction("values").objectStore("values").getAllKeys()) : [...this.memory.keys()];
    return all.map(String).filter((key) => key.startsWith(prefix));
  }

  /** @param {string} key @param {unknown} value */
  async set(key, value) {
    if (!this.database) {
      this.memory.set(key, value);
      return;
    }
    await done(this.database.transaction("values", "readwrite").objectStore("values").put(value, key));
  }

  /** Reads, changes and writes in one transaction, whatever other pages do. @param {string} key @param {(value: any) => any} change */
  async update(key, change) {
    if (!this.database) {
      const changed = change(this.memory.get(key));
      this.memory.set(key, changed);
      return changed;
    }
    const values = this.database.transaction("values", "readwrite").objectStore("values");
    return new Promise((resolve, reject) => {
      const reading = values.get(key);
      reading.onerror = () => reject(reading.error);
      reading.onsuccess = () => {
        let changed;
        try {
          changed = change(reading.result);
        } catch (error) {
          reject(error);
          return;
        }
        const writing = values.put(changed, key);
        writing.onerror = () => reject(writing.error);
        writing.onsuccess = () => resolve(changed);
      };
    });
  }

  /** The identity of this origin in this profile; a new one at the first use. @returns {Promise<import("../basics/crypto.js").Identity>} */
  async identity() {
    const kept = await this.get("identity");
    if (kept) return identityOf(kept);
    const made = await newIdentity();
    const pair = await this.update("identity", (present) => present ?? made);
    // A lost key is a lost identity; browsers that ask do not hold anything up.
    if (this.database) navigator.storage?.persist?.().catch(() => {});
    return identityOf(pair);
  }

  /** Remembers an identity that was let in, or whose share was opened. @param {string} fingerprint @param {unknown} name */
  remember(fingerprint, name) {
    return this.update("known", (known = []) => {
      const before = known.find((/** @type {any} */ entry) => entry.fingerprint === fingerprint);
      const others = known.filter((/** @type {any} */ entry) => entry !== before);
      let names = before?.names ?? [];
      if (typeof name === "string" && name !== "") names = [...names.filter((/** @type {string} */ each) => each !== name), name.slice(0, 128)];
      return [...others, { fingerprint, names: names.slice(-NAMES), met: Math.floor(Date.now() / 1000) }].slice(-KNOWN);
    });
  }

  /** @param {string} fingerprint @param {string} name @returns {Promise<Standing>} */
  async standing(fingerprint, name) {
    const known = (await this.get("known")) ?? [];
    const own = known.find((/** @type {any} */ entry) => entry.fingerprint === fingerprint);
    if (own?.names.includes(name)) return "known";
    const others = known.filter((/** @type {any} */ entry) => entry !== own && entry.names.includes(name));
    if (others.length > 0) return { others: others.map((/** @type {any} */ entry) => entry.fingerprint) };
    return own ? "known" : "new";
  }
}
