// The streams of a connection: their numbers, the credit that they share, and what each of them has to send.

import { ReceivingWindow } from "./credit.js";
import { CANCEL, requestPayload, responsePayload, Violation } from "./frames.js";
import { Stream } from "./stream.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

export const LAST_NUMBER = 2 ** 32 - 1;

export class StreamTable {
  /** @type {Map<number, Stream>} */
  #streams = new Map();
  highestSent = 0;
  #ownLive = 0;
  #peerLive = 0;
  /** @type {import("./frames.js").Hello | null} */
  #peer = null;

  /**
   * @param {"opener" | "sharer"} role
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   * @param {import("./pings.js").Pings} pings which know how long the way is
   * @param {number} now
   */
  constructor(role, limits, pings, now) {
    this.role = role;
    this.limits = limits;
    this.pings = pings;
    this.nextNumber = role === "opener" ? 1 : 2;
    this.highestReceived = 0;
    /** Streams whose head waits, in order. @type {number[]} */
    this.requests = [];
    /** @type {number[]} */
    this.responses = [];
    /** Streams whose body waits, in turn. @type {number[]} */
    this.ring = [];
    /** Ends that the peer is to be told: those of its streams, and those of this side's, which are told at a pace. @type {{ number: number, code: number, reason: string }[]} */
    this.cancels = [];
    /** @type {{ number: number, code: number, reason: string }[]} */
    this.pacedCancels = [];
    /** @type {number[]} */
    this.dueCredits = [];
    this.isConnectionCreditDue = false;
    /** What the peer gives all streams together, and what this side gives. */
    this.window = { sent: 0, limit: 0 };
    this.given = new ReceivingWindow(limits.connectionCredit, limits.longestConnectionCredit, now);
  }

  /** Takes what the peer allows. @param {import("./frames.js").Hello} hello */
  begin(hello) {
    this.#peer = hello;
    this.window = { sent: 0, limit: hello.connectionCredit };
  }

  /** @param {number} number */
  get(number) {
    return this.#streams.get(number);
  }

  get all() {
    return [...this.#streams.values()].sort((one, other) => one.number - other.number);
  }

  /** @param {number} number */
  isOwn(number) {
    return (number % 2 === 1) === (this.role === "opener");
  }

  /** Whether the peer allows one more. */
  get hasRoom() {
    return this.#ownLive < (this.#peer?.streams ?? 0);
  }

  /** Refuses the number of a stream that there never was. @param {number} number @throws {Violation} */
  checkKnown(number) {
    if (number === 0 || number > (this.isOwn(number) ? this.highestSent : this.highestReceived)) throw new Violation("unknownStream");
  }

  /** @param {number} number @param {boolean} isOwn @param {number} share @param {Bytes | null} head @param {number} now */
  #make(number, isOwn, share, head, now) {
    const stream = new Stream({ number, isOwn, share, head, credit: this.#peer?.streamCredit ?? 0 }, this.limits, now);
    this.#streams.set(number, stream);
    return stream;
  }

  /** Opens a stream with a request. @param {import("./frames.js").RequestHead} head @param {number} now @throws {RangeError} */
  request(head, now) {
    const payload = requestPayload(head);
    const number = this.nextNumber;
    this.nextNumber += 2;
    this.#make(number, true, head.share, payload, now);
    this.requests.push(number);
    return number;
  }

  /** Takes a stream that the peer opens. @param {number} number @param {number} now @throws {Violation} */
  accept(number, now) {
    if (this.#peerLive >= this.limits.streams) throw new Violation("tooManyStreams");
    this.highestReceived = number;
    this.#peerLive += 1;
    this.#make(number, false, 0, null, now).isOnWire = true;
  }

  /** Notes that the peer gets to know of a stream. @param {Stream} stream */
  launch(stream) {
    stream.isOnWire = true;
    stream.window.limit = this.#peer?.streamCredit ?? 0;
    this.#ownLive += 1;
    this.highestSent = stream.number;
  }

  /** @param {number} number @param {import("./frames.js").ResponseHead} head @returns {boolean} @throws {RangeError} */
  respond(number, head) {
    const stream = this.get(number);
    if (!stream || stream.sending !== "noHead" || stream.isCancelled) return false;
    stream.head = responsePayload(head);
    stream.sending = "head";
    this.responses.push(number);
    return true;
  }

  // MARK: Bodies

  /** @param {number} number @param {Bytes} bytes @param {number} now @returns {number | null} */
  write(number, bytes, now) {
    const stream = this.get(number);
    if (!stream?.takesPieces) return null;
    if (bytes.length > 0) {
      stream.push(bytes, now);
      this.enterRing(stream);
    }
    return stream.unsent;
  }

  /** @param {number} number */
  finish(number) {
    const stream = this.get(number);
    if (!stream || stream.isCancelled) return;
    stream.isFinished = true;
    this.enterRing(stream);
  }

  /** @param {Stream} stream */
  enterRing(stream) {
    if (stream.isInRing || stream.sending !== "body" || (stream.unsent === 0 && !stream.isFinished)) return;
    stream.isInRing = true;
    this.ring.push(stream.number);
  }

  /** @param {number} number @param {number} now @returns {Bytes | "end" | "nothing"} */
  read(number, now) {
    const stream = this.get(number);
    if (!stream) return "end";
    if (stream.inbox.length === 0) {
      if (!stream.isReceived) return "nothing";
      stream.receiving = "done";
      this.removeIfOver(stream);
      return "end";
    }
    const bytes = stream.inbox.take();
    stream.lastReceived = now;
    this.consume(stream, bytes.length, now);
    return bytes;
  }

  /** Notes that bytes of a stream were read. @param {Stream} stream @param {number} count @param {number} now */
  consume(stream, count, now) {
    const isDue = stream.given.consume(count, now, this.pings.roundTrip);
    if (isDue && stream.receiving === "body" && !stream.isDiscarding && !stream.isCreditDue) {
      stream.isCreditDue = true;
      this.dueCredits.push(stream.number);
      this.given.widen(stream.given.size * 2);
    }
    this.consumeOfConnection(count, now);
  }

  /** @param {number} count @param {number} now */
  consumeOfConnection(count, now) {
    if (this.given.consume(count, now, this.pings.roundTrip)) this.isConnectionCreditDue = true;
  }

  // MARK: The end of a stream

  /** @param {number} number @param {number} now */
  stopReading(number, now) {
    const stream = this.get(number);
    if (!stream || stream.isCancelled || stream.isDiscarding) return;
    this.#discard(stream, now);
    if (stream.receiving === "ended") stream.receiving = "done";
    else if (stream.receiving !== "done" && stream.sending === "ended") this.cancel(number, CANCEL.notWanted, "", now);
    this.removeIfOver(stream);
  }

  /** @param {Stream} stream @param {number} now */
  #discard(stream, now) {
    stream.isDiscarding = true;
    const unread = stream.inbox.take().length;
    if (unread > 0) this.consumeOfConnection(unread, now);
  }

  /** Ends a stream before its time. @param {number} number @param {number} code @param {string} reason @param {number} now */
  cancel(number, code, reason, now) {
    const stream = this.get(number);
    if (!stream || stream.isCancelled) return;
    if (!stream.isOnWire) {
      this.remove(stream, now);
      return;
    }
    this.#discard(stream, now);
    stream.isCancelled = true;
    stream.dropPieces();
    (stream.isOwn ? this.pacedCancels : this.cancels).push({ number, code, reason });
  }

  /** @param {Stream} stream @param {number} now */
  sentEnd(stream, now) {
    // It is answered, and the rest of the request is not wanted.
    if (!stream.isOwn && stream.isDiscarding && !stream.isOver) this.cancel(stream.number, CANCEL.notWanted, "", now);
    else this.removeIfOver(stream);
  }

  /** @param {Stream} stream */
  removeIfOver(stream) {
    if (!stream.isOver || stream.isCancelled) return;
    this.#countOut(stream);
    if (stream.receiving === "done" || stream.isDiscarding) this.#streams.delete(stream.number);
  }

  /** @param {Stream} stream @param {number} now */
  remove(stream, now) {
    this.#streams.delete(stream.number);
    this.#countOut(stream);
    if (stream.inbox.length > 0) this.consumeOfConnection(stream.inbox.length, now);
  }

  /** @param {Stream} stream */
  #countOut(stream) {
    if (!stream.isOnWire) return;
    stream.isOnWire = false;
    if (stream.isOwn) this.#ownLive -= 1;
    else this.#peerLive -= 1;
  }
}
