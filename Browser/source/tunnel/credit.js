// How much a peer may send before it is told that more was read.

import { Violation } from "./frames.js";

/** What this side gives of credit: an offset that moves on as bytes are read. */
export class ReceivingWindow {
  /** @param {number} size @param {number} largest @param {number} now */
  constructor(size, largest, now) {
    this.size = size;
    this.largest = Math.max(size, largest);
    this.received = 0;
    this.consumed = 0;
    this.limit = size;
    this.epoch = { start: now, consumed: 0 };
  }

  /** @param {number} count */
  receive(count) {
    this.received += count;
    if (this.received > this.limit) throw new Violation("creditExceeded");
  }

  /** Notes that bytes were read. @returns whether new credit should be told */
  consume(/** @type {number} */ count, /** @type {number} */ now, /** @type {number | null} */ roundTrip) {
    this.consumed += count;
    if (this.consumed + this.size - this.limit < this.size / 2) return false;
    const read = this.consumed - this.epoch.consumed;
    // Doubled when it was read through in less than four round-trip times: then credit was what the transfer waited for.
    if (roundTrip !== null && read > 0 && this.size < this.largest && ((now - this.epoch.start) * this.size) / read < 4 * roundTrip) {
      this.size = Math.min(this.size * 2, this.largest);
    }
    this.epoch = { start: now, consumed: this.consumed };
    this.limit = this.consumed + this.size;
    return true;
  }

  /** @param {number} size */
  widen(size) {
    this.size = Math.max(this.size, Math.min(size, this.largest));
  }
}
