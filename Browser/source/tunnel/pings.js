// Whether the peer is there, and how long the way to it and back is.

import { integer, KIND } from "./frames.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

export class Pings {
  /** How long a ping and its answer take, in milliseconds; once it is known. @type {number | null} */
  roundTrip = null;
  /** Whether one is to be sent. */
  isDue = false;
  #next = 1;
  #lastSent = -Infinity;
  #receivedSince = 0;
  /** @type {{ number: number, sent: number } | null} */
  #awaited = null;
  /** The answer that is owed to the peer. @type {Bytes | null} */
  #answer = null;

  /** @param {number} count of bytes of bodies that came */
  received(count) {
    this.#receivedSince += count;
  }

  /** Takes the peer's. @param {Bytes} payload */
  take(payload) {
    this.#answer = payload.slice();
  }

  /** Takes the answer to this side's. @param {number} number @param {number} now */
  takeAnswer(number, now) {
    if (this.#awaited?.number !== number) return;
    const sample = now - this.#awaited.sent;
    this.#awaited = null;
    this.roundTrip = this.roundTrip === null ? sample : (this.roundTrip * 7 + sample) / 8;
  }

  /** Looks whether it is time for one. @param {number} silence for how long nothing came @param {typeof import("../basics/limits.js").tunnelLimits} limits @param {number} now */
  tick(silence, limits, now) {
    const since = now - this.#lastSent;
    if ((this.#receivedSince > 0 && since >= limits.busyPing) || (silence >= limits.ping && since >= limits.ping)) this.isDue = true;
  }

  /** @param {import("./frames.js").MessageWriter} writer @param {number} now */
  write(writer, now) {
    if (this.#answer && writer.room >= 8) {
      writer.append(KIND.pong, 0, 0, this.#answer);
      this.#answer = null;
    }
    if (!this.isDue || writer.room < 8) return;
    writer.append(KIND.ping, 0, 0, integer(this.#next, 8));
    this.#awaited ??= { number: this.#next, sent: now };
    this.#next += 1;
    this.isDue = false;
    this.#lastSent = now;
    this.#receivedSince = 0;
  }
}
