// One request with its response, as one of the two sides sees it.

import { ByteQueue } from "./byte-queue.js";
import { ReceivingWindow } from "./credit.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

export class Stream {
  /**
   * @param {object} beginning
   * @param {number} beginning.number
   * @param {boolean} beginning.isOwn whether this side has opened it
   * @param {number} beginning.share
   * @param {Bytes | null} beginning.head the request's, if this side sends it
   * @param {number} beginning.credit how many bytes the peer takes to begin with
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   * @param {number} now
   */
  constructor({ number, isOwn, share, head, credit }, limits, now) {
    this.number = number;
    this.isOwn = isOwn;
    this.share = share;
    /** @type {"noHead" | "head" | "body" | "ended"} */
    this.sending = head ? "head" : "noHead";
    /** What is left of it to send. @type {Bytes} */
    this.head = head ?? new Uint8Array();
    /** @type {Bytes[]} */
    this.pieces = [];
    this.unsent = 0;
    /** Whether there will be no more pieces. */
    this.isFinished = false;
    /** What the peer gives. */
    this.window = { sent: 0, limit: credit };
    this.isInRing = false;
    this.lastSent = now;
    /** @type {"head" | "body" | "ended" | "done"} */
    this.receiving = "head";
    /** The frames of a head that is not complete. */
    this.partialHead = new ByteQueue();
    this.inbox = new ByteQueue();
    /** How many bytes the body shall have. @type {number | null} */
    this.expected = null;
    this.given = new ReceivingWindow(limits.streamCredit, limits.longestStreamCredit, now);
    this.isCreditDue = false;
    /** Whether what comes is thrown away. */
    this.isDiscarding = false;
    this.lastReceived = now;
    this.isCancelled = false;
    this.isOnWire = false;
  }

  /** Whether everything that the peer sends has come. */
  get isReceived() {
    return this.receiving === "ended" || this.receiving === "done";
  }

  get isOver() {
    return this.sending === "ended" && this.isReceived;
  }

  /** Whether a body can have more pieces. */
  get takesPieces() {
    return !this.isCancelled && !this.isFinished && this.sending !== "ended";
  }

  /** @param {Bytes} bytes @param {number} now */
  push(bytes, now) {
    if (this.unsent === 0) this.lastSent = now;
    this.pieces.push(bytes);
    this.unsent += bytes.length;
  }

  /** Takes bytes from the beginning of what there is to send. @param {number} count @returns {Bytes[]} */
  take(count) {
    /** @type {Bytes[]} */
    const taken = [];
    let rest = count;
    while (rest > 0) {
      const [first] = this.pieces;
      if (first.length <= rest) {
        taken.push(first);
        this.pieces.shift();
      } else {
        taken.push(first.subarray(0, rest));
        this.pieces[0] = first.subarray(rest);
      }
      rest -= Math.min(rest, first.length);
    }
    this.unsent -= count;
    return taken;
  }

  dropPieces() {
    this.pieces = [];
    this.unsent = 0;
  }

  /**
   * What it waits for in vain.
   * @param {{ sent: number, limit: number }} connection the window of all streams
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   * @param {number} now
   */
  stall(connection, limits, now) {
    const isBlocked = this.window.limit <= this.window.sent || connection.limit <= connection.sent;
    if (this.unsent > 0 && this.sending === "body" && now - this.lastSent > limits.stall && isBlocked) {
      return "The peer did not read for too long.";
    }
    if (this.receiving === "head" && this.isOnWire) {
      const last = Math.max(this.lastReceived, this.lastSent);
      return now - last > (this.isOwn ? limits.answer : limits.stall) ? "The peer did not answer in time." : null;
    }
    const isOwed = this.receiving === "body" && this.inbox.length === 0 && !this.isDiscarding;
    return isOwed && now - this.lastReceived > limits.stall ? "The peer did not go on for too long." : null;
  }
}
