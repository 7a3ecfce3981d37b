// A share's document in its hub, whose number rises whenever it is written.

import { limits } from "../basics/limits.js";
import { readShare, signShare } from "../trust/shares.js";
import { HubError } from "./hub-databases.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** How often a document is written while others write the same one. */
const ATTEMPTS = 8;

export class SharePublication {
  /** That of the last record. */
  number = 0;
  /** @type {Bytes | null} */
  #epoch = null;
  #revision = "";

  /**
   * @param {import("./hub.js").Hub} hub
   * @param {import("../basics/crypto.js").Identity} identity
   * @param {{ id: string, salt: Bytes, name: string, info: any, access: string, gate: string[] }} share
   */
  constructor(hub, identity, share) {
    this.hub = hub;
    this.identity = identity;
    this.share = share;
  }

  /** Whether others find this key in it. @param {Bytes} epoch */
  has(epoch) {
    return this.#epoch !== null && this.#epoch.every((byte, index) => byte === epoch[index]);
  }

  /**
   * Writes a record whose number is higher than all before.
   * @param {Bytes} epoch @param {AbortSignal} signal the share's end: nothing is written after it
   * @returns {Promise<boolean>} whether somebody else shares the same meanwhile
   */
  async write(epoch, signal) {
    const { database } = this.hub;
    const { id } = this.share;
    let isElsewhere = false;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // Asked first: it also tells the hub's date.
      const leaves = await database.leaves(id);
      const valid = (await Promise.all(leaves.map((leaf) => readShare(leaf).catch(() => null)))).filter((read) => read?.record.id === id);
      const before = valid.reduce((highest, read) => Math.max(highest, read?.record.n ?? 0), 0);
      isElsewhere ||= this.#epoch !== null && before > this.number;
      const n = Math.max(this.number, before) + 1;
      const document = await signShare({ ...this.share, n, epoch, lease: this.hub.now() + limits.lease }, this.identity);
      signal.throwIfAborted();
      const winner = leaves.map(({ _rev }) => _rev).sort(compareRevisions).at(-1);
      // Noted first: an answer may be lost.
      const previous = this.number;
      this.number = n;
      try {
        this.#revision = (await database.put(winner ? { ...document, _rev: winner } : document)).rev;
      } catch (error) {
        if (!(error instanceof HubError && error.status === 409)) throw error;
        this.number = previous;
        continue;
      }
      this.#epoch = epoch;
      await this.hub.delete(leaves.filter(({ _rev }) => _rev !== winner));
      return isElsewhere;
    }
    throw new Error("Others keep writing the share's document.");
  }

  /** Removes it while the page is being left: there is no time to wait for an answer. */
  abandon() {
    this.hub.database.last({ _id: this.share.id, _rev: this.#revision, _deleted: true }).catch(() => {});
  }
}

/** Removes a share's document, with all its leaves. @param {import("./hub.js").Hub} hub @param {string} id */
export async function removeShare(hub, id) {
  const leaves = await hub.database.leaves(id);
  await hub.delete(leaves);
}

/** @param {string} one @param {string} other */
function compareRevisions(one, other) {
  const [left, right] = [one, other].map((rev) => Number(rev.split("-", 1)[0]));
  return left - right || (one < other ? -1 : 1);
}
