// What goes into the next message to the peer, in the order of precedence.

import { FLAG, integer, KIND, reasonBytes } from "./frames.js";
import { RateLimit } from "./rate-limit.js";

/** @typedef {import("./frames.js").MessageWriter} MessageWriter */
/** @typedef {import("./stream.js").Stream} Stream */

/** How much of a message may stay empty rather than have the beginning of a piece in it. */
const SMALLEST_PART = 512;

export class Sender {
  /** @type {RateLimit} */
  #cancels;

  /**
   * @param {object} parts
   * @param {import("./streams.js").StreamTable} parts.streams
   * @param {import("./share-table.js").ShareTable} parts.shares
   * @param {import("./pings.js").Pings} parts.pings
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   */
  constructor({ streams, shares, pings }, limits) {
    this.streams = streams;
    this.shares = shares;
    this.pings = pings;
    this.limits = limits;
    this.#cancels = new RateLimit(limits.cancelsSentPerSecond);
  }

  /** Writes as many frames as fit. @param {MessageWriter} writer @param {number} now @returns {number[]} the streams that can take more bytes */
  write(writer, now) {
    const { responses } = this.streams;
    this.pings.write(writer, now);
    this.shares.write(writer, now);
    this.#writeCredit(writer);
    this.#writeCancels(writer, now);
    while (responses.length > 0 && this.#writeHead(KIND.response, responses[0], writer, now)) responses.shift();
    this.#writeRequests(writer, now);
    return this.#writeBodies(writer, now);
  }

  /** @param {MessageWriter} writer */
  #writeCredit(writer) {
    const { streams } = this;
    if (streams.isConnectionCreditDue && writer.room >= 8) {
      streams.isConnectionCreditDue = false;
      writer.append(KIND.credit, 0, 0, integer(streams.given.limit, 8));
    }
    while (streams.dueCredits.length > 0 && writer.room >= 8) {
      const stream = streams.get(/** @type {number} */ (streams.dueCredits.shift()));
      if (!stream?.isCreditDue) continue;
      stream.isCreditDue = false;
      if (stream.receiving === "body" && !stream.isDiscarding) writer.append(KIND.credit, 0, stream.number, integer(stream.given.limit, 8));
    }
  }

  // MARK: Ends

  /** @param {MessageWriter} writer @param {number} now */
  #writeCancels(writer, now) {
    const { cancels, pacedCancels } = this.streams;
    const room = 2 + this.limits.reason;
    while (cancels.length > 0 && writer.room >= room) this.#writeCancel(/** @type {any} */ (cancels.shift()), writer, now);
    while (pacedCancels.length > 0 && writer.room >= room) {
      const stream = this.streams.get(pacedCancels[0].number);
      // What was answered completely meanwhile needs none.
      if (stream && !stream.isOver) {
        if (!this.#cancels.wouldAllow(now)) return;
        this.#cancels.allows(now);
      }
      this.#writeCancel(/** @type {any} */ (pacedCancels.shift()), writer, now);
    }
  }

  /** @param {{ number: number, code: number, reason: string }} cancel @param {MessageWriter} writer @param {number} now */
  #writeCancel({ number, code, reason }, writer, now) {
    const stream = this.streams.get(number);
    if (!stream) return;
    this.streams.remove(stream, now);
    if (!stream.isOver) writer.append(KIND.cancel, 0, number, integer(code, 2), reasonBytes(reason));
  }

  // MARK: Heads

  /** @param {MessageWriter} writer @param {number} now */
  #writeRequests(writer, now) {
    const { requests } = this.streams;
    while (requests.length > 0) {
      const stream = this.streams.get(requests[0]);
      if (stream && stream.sending === "head" && !stream.isCancelled) {
        if (!stream.isOnWire && !this.streams.hasRoom) return;
        if (!this.#writeHead(KIND.request, stream.number, writer, now)) return;
      }
      requests.shift();
    }
  }

  /** Writes a head, or as much of it as there is room for. @param {number} kind @param {number} number @param {MessageWriter} writer @param {number} now @returns {boolean} whether all of it was written */
  #writeHead(kind, number, writer, now) {
    const stream = this.streams.get(number);
    if (!stream || stream.isCancelled) return true;
    while (stream.head.length > 0) {
      const count = Math.min(stream.head.length, writer.room);
      if (count !== stream.head.length && count < SMALLEST_PART) return false;
      if (!stream.isOnWire) this.streams.launch(stream);
      const isLast = count === stream.head.length;
      const isWhole = isLast && stream.isFinished && stream.unsent === 0;
      writer.append(kind, isWhole ? FLAG.end : isLast ? 0 : FLAG.more, number, stream.head.subarray(0, count));
      stream.head = stream.head.subarray(count);
      stream.lastSent = now;
      if (isLast) stream.sending = isWhole ? "ended" : "body";
    }
    if (stream.sending === "ended") this.streams.sentEnd(stream, now);
    else this.streams.enterRing(stream);
    return true;
  }

  // MARK: Bodies

  /** Writes a piece of each body in turn. @param {MessageWriter} writer @param {number} now @returns {number[]} the streams that can take more bytes */
  #writeBodies(writer, now) {
    const { ring } = this.streams;
    /** @type {number[]} */
    const writable = [];
    let idle = 0;
    while (idle < ring.length && writer.room >= 0) {
      const number = /** @type {number} */ (ring.shift());
      const stream = this.streams.get(number);
      if (!stream) continue;
      const room = this.#room(stream);
      if (stream.sending !== "body" || (stream.unsent === 0 && !stream.isFinished)) {
        stream.isInRing = false;
        continue;
      }
      if (stream.unsent > 0 && room <= 0) {
        // It waits for credit, in line.
        ring.push(number);
        idle += 1;
        continue;
      }
      const wanted = Math.min(stream.unsent, Math.max(room, 0), this.limits.frame - 8);
      if (wanted > writer.room && writer.room < SMALLEST_PART) {
        ring.unshift(number);
        break;
      }
      idle = 0;
      this.#writeData(stream, Math.min(wanted, writer.room), writer, now);
      if (!stream.isFinished && stream.unsent < this.limits.unsentStream) writable.push(number);
      if (stream.sending === "body" && (stream.unsent > 0 || stream.isFinished)) ring.push(number);
      else stream.isInRing = false;
    }
    return writable;
  }

  /** How many bytes the peer takes of a stream now. @param {Stream} stream */
  #room(stream) {
    const { window } = this.streams;
    return Math.min(stream.window.limit - stream.window.sent, window.limit - window.sent);
  }

  /** @param {Stream} stream @param {number} count @param {MessageWriter} writer @param {number} now */
  #writeData(stream, count, writer, now) {
    const isLast = stream.isFinished && stream.unsent === count;
    writer.append(KIND.data, isLast ? FLAG.end : 0, stream.number, ...stream.take(count));
    stream.window.sent += count;
    this.streams.window.sent += count;
    stream.lastSent = now;
    if (!isLast) return;
    stream.sending = "ended";
    this.streams.sentEnd(stream, now);
  }
}
