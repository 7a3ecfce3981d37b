// The signals that this page leaves in a hub.

import { HubError, isTransient } from "./hub-databases.js";
import { BackOff, pause } from "./waiting.js";

/** @typedef {import("./hub-databases.js").Doc} Doc */
/** @typedef {import("./hub.js").Hub} Hub */
/** The signals that one opening writes into a hub, which are deleted when it has ended. */
export class SignalPost {
  /** @type {Doc[]} */
  #written = [];

  /** @param {Hub} hub */
  constructor(hub) {
    this.hub = hub;
  }

  /** Writes a signal, again and again while the hub cannot be reached. @param {Doc} document @param {AbortSignal} signal ends that */
  async write(document, signal) {
    const backOff = new BackOff();
    while (true) {
      signal.throwIfAborted();
      try {
        const { rev } = await this.hub.database.put(document);
        this.#written.push({ _id: document._id, _rev: rev });
        return;
      } catch (error) {
        // Ids are random: it is there since an attempt of which no answer came.
        if (error instanceof HubError && error.status === 409) return;
        if (!isTransient(error)) throw error;
        await pause(backOff.next(), signal);
      }
    }
  }

  async clear() {
    const written = this.#written;
    this.#written = [];
    await this.hub.delete(written);
  }
}
