// The protocol between two peers without any I/O: what came goes in, what shall be sent comes out, and time is given to it.
// The same as Sources/PeerTunnel/Machine.

import { concat } from "./encoding.js";
import {
  CANCEL, FLAG, GOODBYE, helloPayload, integer, KIND, MessageWriter, openingPayload, PayloadReader, readFrames, readHello,
  readOpening, readRequest, readResponse, reasonBytes, requestPayload, responsePayload, Violation,
} from "./frames.js";
import { tunnelLimits } from "./limits.js";

/** @typedef {import("./encoding.js").Bytes} Bytes */

/** How much of a message may stay empty rather than have the beginning of a piece in it. */
const SMALLEST_PART = 512;
const LAST_NUMBER = 2 ** 32 - 1;

/**
 * Bytes that came, copied into chunks: what is held is as much as came, however small the parts that it came in.
 */
class ByteQueue {
  constructor() {
    this.length = 0;
    /** @type {Bytes[]} full ones */
    this.full = [];
    /** @type {Bytes} */
    this.last = new Uint8Array();
    this.used = 0;
  }

  /** @param {Bytes} bytes */
  push(bytes) {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.used === this.last.length) {
        if (this.used > 0) this.full.push(this.last);
        this.last = new Uint8Array(Math.max(rest.length, SMALLEST_CHUNK));
        this.used = 0;
      }
      const part = rest.subarray(0, this.last.length - this.used);
      this.last.set(part, this.used);
      this.used += part.length;
      rest = rest.subarray(part.length);
    }
    this.length += bytes.length;
  }

  /** Takes all of them. @returns {Bytes} */
  take() {
    const all = concat(...this.full, this.last.subarray(0, this.used));
    this.length = 0;
    this.full = [];
    this.last = new Uint8Array();
    this.used = 0;
    return all;
  }
}

/** The size of chunks for small parts, in bytes: many times what a chunk takes besides. */
const SMALLEST_CHUNK = 1024;

/** What this side gives of credit: an offset that moves on as bytes are read. */
class ReceivingWindow {
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

/** At most so many events within a second, which begins with its first event. */
class RateLimit {
  /** @param {number} perSecond */
  constructor(perSecond) {
    this.perSecond = perSecond;
    this.start = -Infinity;
    this.count = 0;
  }

  /** @param {number} now */
  allows(now) {
    if (now - this.start >= 1000) {
      this.start = now;
      this.count = 0;
    }
    this.count += 1;
    return this.count <= this.perSecond;
  }

  /** @param {number} now */
  wouldAllow(now) {
    return now - this.start >= 1000 || this.count < this.perSecond;
  }
}

/**
 * One request with its response, as one of the two sides sees it.
 * @typedef {object} Stream
 * @property {number} number
 * @property {boolean} isOwn whether this side has opened it
 * @property {number} share
 * @property {"noHead" | "head" | "body" | "ended"} sending
 * @property {Bytes} head what is left of it to send
 * @property {Bytes[]} pieces
 * @property {number} unsent
 * @property {boolean} isFinished whether there will be no more pieces
 * @property {{ sent: number, limit: number }} window what the peer gives
 * @property {boolean} isInRing
 * @property {number} lastSent
 * @property {"head" | "body" | "ended" | "done"} receiving
 * @property {ByteQueue} partialHead the frames of a head that is not complete
 * @property {ByteQueue} inbox
 * @property {number | null} expected how many bytes the body shall have
 * @property {ReceivingWindow} given
 * @property {boolean} isCreditDue
 * @property {boolean} isDiscarding whether what comes is thrown away
 * @property {number} lastReceived
 * @property {boolean} isCancelled
 * @property {boolean} isOnWire
 */

/** @param {Stream} stream */
const isOver = ({ sending, receiving }) => sending === "ended" && (receiving === "ended" || receiving === "done");

/**
 * @typedef {{ type: "ready" }
 *   | { type: "opening", number: number, opening: import("./frames.js").ShareOpening }
 *   | { type: "opened", number: number, refusal: string | null }
 *   | { type: "withdrawn", number: number, reason: string }
 *   | { type: "left", number: number }
 *   | { type: "request", number: number, head: import("./frames.js").RequestHead }
 *   | { type: "response", number: number, head: import("./frames.js").ResponseHead }
 *   | { type: "readable", number: number }
 *   | { type: "unwanted", number: number }
 *   | { type: "failed", number: number, code: "unreachable" | "failed" | "timeout", reason: string }
 *   | { type: "ended", reason: string }} TunnelEvent
 */

export class TunnelMachine {
  /**
   * @param {"opener" | "sharer"} role
   * @param {Bytes} hello the proof for this side's hello
   * @param {number} now in milliseconds of a monotonic clock
   * @param {typeof tunnelLimits} limits
   */
  constructor(role, hello, now, limits = tunnelLimits) {
    this.role = role;
    this.limits = limits;
    /** @type {"opening" | "open" | "leaving" | "ended"} */
    this.phase = "opening";
    /** @type {{ code: number, reason: string }} */
    this.goodbye = { code: GOODBYE.done, reason: "" };
    this.started = now;
    /** @type {Bytes | null} */
    this.pendingHello = helloPayload(limits, hello);
    /** @type {import("./frames.js").Hello | null} */
    this.peer = null;

    /** @type {Map<number, Stream>} */
    this.streams = new Map();
    this.nextNumber = role === "opener" ? 1 : 2;
    this.highestSent = 0;
    this.highestReceived = 0;
    this.ownLive = 0;
    this.peerLive = 0;
    /** @type {number[]} */
    this.requests = [];
    /** @type {number[]} */
    this.responses = [];
    /** @type {number[]} */
    this.ring = [];

    /** Shares of the peer that this side uses, and of this side that the peer uses. @type {Map<number, "opening" | "open">} */
    this.ownShares = new Map(role === "opener" ? [[0, "open"]] : []);
    /** @type {Map<number, "opening" | "open">} */
    this.peerShares = new Map(role === "sharer" ? [[0, "open"]] : []);
    this.nextShare = 1;
    this.highestShare = 0;

    /** @type {{ kind: number, flags: number, id: number, payload: Bytes }[]} */
    this.control = [];
    /** @type {Bytes | null} */
    this.pong = null;
    /** @type {{ number: number, code: number, reason: string }[]} */
    this.cancels = [];
    /** @type {{ number: number, code: number, reason: string }[]} */
    this.pacedCancels = [];
    this.sentCancels = new RateLimit(limits.cancelsSentPerSecond);
    this.receivedCancels = new RateLimit(limits.cancelsPerSecond);
    this.receivedOpenings = new RateLimit(limits.openingsPerSecond);
    /** @type {number[]} */
    this.dueCredits = [];
    this.isConnectionCreditDue = false;
    this.window = { sent: 0, limit: 0 };
    this.given = new ReceivingWindow(limits.connectionCredit, limits.longestConnectionCredit, now);

    /** @type {number | null} */
    this.roundTrip = null;
    this.ping = {
      next: 1, isDue: false, lastSent: -Infinity, receivedSince: 0,
      awaited: /** @type {{ number: number, sent: number } | null} */ (null),
    };
    this.lastReceived = now;
  }

  get isEnding() {
    return this.phase === "leaving" || this.phase === "ended";
  }

  /** @param {number} number */
  isOwn(number) {
    return (number % 2 === 1) === (this.role === "opener");
  }

  /** Says goodbye; nothing else is sent or taken any more. @param {number} code @param {string} reason */
  leave(code, reason = "") {
    if (this.isEnding) return;
    this.phase = "leaving";
    this.goodbye = { code, reason };
  }

  // MARK: Receiving

  /**
   * Takes a message of the peer. Whoever gives the first one has verified the proof in its hello before: that takes
   * WebCrypto's time, and nothing here waits.
   * @param {Bytes} message
   * @param {number} now
   * @returns {TunnelEvent[]}
   * @throws {Violation} the session is over then, and a goodbye is the next message
   */
  receive(message, now) {
    if (this.isEnding) return [];
    this.lastReceived = now;
    /** @type {TunnelEvent[]} */
    const events = [];
    try {
      if (message.length === 0 || message.length > this.limits.message) throw new Violation("badMessageLength");
      for (const frame of readFrames(message)) {
        if (this.isEnding) break;
        this.#take(frame, events, now);
      }
    } catch (error) {
      if (error instanceof Violation) this.leave(error.goodbye, error.rule);
      throw error;
    }
    return events;
  }

  /** @param {{ kind: number, flags: number, id: number, payload: Bytes }} frame @param {TunnelEvent[]} events @param {number} now */
  #take(frame, events, now) {
    if (!this.peer && frame.kind !== KIND.hello && frame.kind !== KIND.goodbye) throw new Violation("helloExpected");
    const reader = new PayloadReader(frame.payload);
    switch (frame.kind) {
      case KIND.hello:
        if (this.peer) throw new Violation("secondHello");
        this.peer = readHello(frame.payload);
        this.phase = "open";
        this.window = { sent: 0, limit: this.peer.connectionCredit };
        this.ping.isDue = true;
        events.push({ type: "ready" });
        break;
      case KIND.open: this.#takeOpen(frame, events, now); break;
      case KIND.opened: {
        const code = reader.integer(1);
        if (this.ownShares.get(frame.id) !== "opening") break;
        if (code === 0) this.ownShares.set(frame.id, "open");
        else this.ownShares.delete(frame.id);
        events.push({ type: "opened", number: frame.id, refusal: code === 0 ? null : reader.reason() });
        break;
      }
      case KIND.close:
        if (frame.flags & FLAG.yours) {
          if (this.ownShares.delete(frame.id)) events.push({ type: "withdrawn", number: frame.id, reason: reader.reason() });
        } else if (this.peerShares.delete(frame.id)) {
          events.push({ type: "left", number: frame.id });
        }
        break;
      case KIND.request: this.#takeRequest(frame, events, now); break;
      case KIND.response: this.#takeResponse(frame, events, now); break;
      case KIND.data: this.#takeData(frame, events, now); break;
      case KIND.cancel: this.#takeCancel(frame, reader, events, now); break;
      case KIND.credit: this.#takeCredit(frame, reader, now); break;
      case KIND.ping:
        if (frame.payload.length !== 8) throw new Violation("malformedFrame");
        this.pong = frame.payload.slice();
        break;
      case KIND.pong: this.#takePong(reader, now); break;
      case KIND.goodbye: {
        const code = reader.integer(2);
        const taken = reader.integer(4);
        const reason = reader.reason();
        events.push(...this.end(reason || `The peer has closed the connection (${code}).`, taken));
        break;
      }
      default: break;
    }
  }

  /** @param {PayloadReader} reader @param {number} now */
  #takePong(reader, now) {
    const number = reader.long();
    reader.finish();
    const { awaited } = this.ping;
    if (awaited?.number !== number) return;
    this.ping.awaited = null;
    const sample = now - awaited.sent;
    this.roundTrip = this.roundTrip === null ? sample : (this.roundTrip * 7 + sample) / 8;
  }

  /** @param {{ id: number, payload: Bytes }} frame @param {TunnelEvent[]} events @param {number} now */
  #takeOpen(frame, events, now) {
    if (!this.receivedOpenings.allows(now)) throw new Violation("tooOften");
    const opening = readOpening(frame.payload);
    if (frame.id <= this.highestShare) throw new Violation("wrongStreamNumber");
    this.highestShare = frame.id;
    if (this.peerShares.size > this.limits.shares) {
      this.answerOpening(frame.id, "Too many shares are open.");
    } else {
      this.peerShares.set(frame.id, "opening");
      events.push({ type: "opening", number: frame.id, opening });
    }
  }

  /** @param {{ id: number, flags: number, payload: Bytes }} frame @param {TunnelEvent[]} events @param {number} now */
  #takeRequest(frame, events, now) {
    const number = frame.id;
    if (number === 0 || this.isOwn(number)) throw new Violation("wrongStreamNumber");
    if (number > this.highestReceived) {
      if (this.peerLive >= this.limits.streams) throw new Violation("tooManyStreams");
      this.highestReceived = number;
      this.peerLive += 1;
      this.streams.set(number, { ...this.#makeStream(number, false, 0, now), isOnWire: true });
    }
    const payload = this.#completeHead(frame, now);
    const stream = this.streams.get(number);
    if (!payload || !stream) return;
    const head = readRequest(payload);
    if (this.peerShares.get(head.share) !== "open") {
      if (head.share > this.highestShare) throw new Violation("unknownStream");
      this.cancel(number, CANCEL.shareClosed, "", now);
      return;
    }
    stream.share = head.share;
    stream.expected = head.length;
    stream.receiving = "body";
    events.push({ type: "request", number, head });
    this.#endBody(stream, frame.flags, events);
  }

  /** @param {{ id: number, flags: number, payload: Bytes }} frame @param {TunnelEvent[]} events @param {number} now */
  #takeResponse(frame, events, now) {
    const number = frame.id;
    if (number === 0 || !this.isOwn(number) || number > this.highestSent) throw new Violation("unknownStream");
    const payload = this.#completeHead(frame, now);
    const stream = this.streams.get(number);
    if (!payload || !stream) return;
    const head = readResponse(payload);
    stream.expected = head.length;
    stream.receiving = "body";
    events.push({ type: "response", number, head });
    this.#endBody(stream, frame.flags, events);
  }

  /**
   * Puts the frames of a head together.
   * @param {{ id: number, flags: number, payload: Bytes }} frame @param {number} now
   * @returns {Bytes | null} the head once it is complete; `null` before, and for streams that are no more
   */
  #completeHead(frame, now) {
    const stream = this.streams.get(frame.id);
    if (!stream || stream.isCancelled) return null;
    if (stream.receiving !== "head") throw new Violation("unexpectedFrame");
    if (stream.partialHead.length + frame.payload.length > this.limits.head) throw new Violation("headTooLarge");
    stream.lastReceived = now;
    stream.partialHead.push(frame.payload);
    return frame.flags & FLAG.more ? null : stream.partialHead.take();
  }

  /** @param {{ id: number, flags: number, payload: Bytes }} frame @param {TunnelEvent[]} events @param {number} now */
  #takeData(frame, events, now) {
    const count = frame.payload.length;
    this.#checkKnown(frame.id);
    this.given.receive(count);
    this.ping.receivedSince += count;
    const stream = this.streams.get(frame.id);
    if (!stream || stream.isCancelled) {
      this.#consumeOfConnection(count, now);
      return;
    }
    if (stream.receiving !== "body") throw new Violation("unexpectedFrame");
    stream.given.receive(count);
    if (stream.expected !== null && stream.given.received > stream.expected) throw new Violation("wrongBodyLength");
    stream.lastReceived = now;
    if (stream.isDiscarding) {
      this.#consume(stream, count, now);
    } else if (count > 0) {
      const wasEmpty = stream.inbox.length === 0;
      stream.inbox.push(frame.payload);
      if (wasEmpty && !(frame.flags & FLAG.end)) events.push({ type: "readable", number: frame.id });
    }
    this.#endBody(stream, frame.flags, events);
  }

  /** @param {Stream} stream @param {number} flags @param {TunnelEvent[]} events */
  #endBody(stream, flags, events) {
    if (!(flags & FLAG.end) || stream.isCancelled) return;
    if (stream.expected !== null && stream.given.received !== stream.expected) throw new Violation("wrongBodyLength");
    stream.receiving = stream.isDiscarding ? "done" : "ended";
    events.push({ type: "readable", number: stream.number });
    this.#removeIfOver(stream);
  }

  /** @param {{ id: number }} frame @param {PayloadReader} reader @param {TunnelEvent[]} events @param {number} now */
  #takeCancel(frame, reader, events, now) {
    const code = reader.integer(2);
    this.#checkKnown(frame.id);
    if (!this.isOwn(frame.id) && !this.receivedCancels.allows(now)) throw new Violation("tooOften");
    const stream = this.streams.get(frame.id);
    if (!stream) return;
    if (stream.isOwn && (stream.receiving === "ended" || stream.receiving === "done") && !stream.isCancelled) {
      // The answer is complete: only the rest of the request is not wanted.
      stream.pieces = [];
      stream.unsent = 0;
      stream.isFinished = true;
      stream.sending = "ended";
      events.push({ type: "unwanted", number: frame.id });
      this.#removeIfOver(stream);
      return;
    }
    this.#remove(stream, now);
    if (stream.isCancelled || (!stream.isOwn && stream.receiving === "head")) return;
    /** @type {[code: "unreachable" | "failed" | "timeout", reason: string]} */
    const [kind, reason] =
      code === CANCEL.refused ? ["unreachable", "The peer has too much to do to look at the request."]
      : code === CANCEL.shareClosed ? ["unreachable", "The peer does not give this share any more."]
      : code === CANCEL.stalled ? ["timeout", "The peer says that the exchange has stalled."]
      : ["failed", reader.reason() || "The peer could not go on with its answer."];
    events.push({ type: "failed", number: frame.id, code: kind, reason });
  }

  /** @param {{ id: number }} frame @param {PayloadReader} reader @param {number} now */
  #takeCredit(frame, reader, now) {
    const limit = reader.long();
    reader.finish();
    if (frame.id === 0) {
      this.window.limit = Math.max(this.window.limit, limit);
      return;
    }
    this.#checkKnown(frame.id);
    const stream = this.streams.get(frame.id);
    if (!stream || limit <= stream.window.limit) return;
    stream.window.limit = limit;
    stream.lastSent = now;
  }

  /** @param {number} number */
  #checkKnown(number) {
    if (number === 0 || number > (this.isOwn(number) ? this.highestSent : this.highestReceived)) throw new Violation("unknownStream");
  }

  // MARK: Shares

  /** Asks to use another share of the peer. @param {import("./frames.js").ShareOpening} opening @returns {number} */
  openShare(opening) {
    const number = this.nextShare++;
    this.ownShares.set(number, "opening");
    this.control.push({ kind: KIND.open, flags: 0, id: number, payload: openingPayload(opening) });
    return number;
  }

  /** Answers a peer's opening. @param {number} number @param {string | null} refusal */
  answerOpening(number, refusal) {
    if (this.peerShares.has(number)) {
      if (refusal === null) this.peerShares.set(number, "open");
      else this.peerShares.delete(number);
    }
    const payload = concat(integer(refusal === null ? 0 : 1, 1), reasonBytes(refusal ?? ""));
    this.control.push({ kind: KIND.opened, flags: 0, id: number, payload });
  }

  /** Says that this side does not use a share any more. @param {number} number */
  leaveShare(number) {
    if (this.ownShares.delete(number)) this.control.push({ kind: KIND.close, flags: 0, id: number, payload: new Uint8Array() });
  }

  /** Says that a share is not given any more, and ends its requests. @param {number} number @param {string} reason @param {number} now @returns {number[]} the streams that are over */
  withdrawShare(number, reason, now) {
    if (!this.peerShares.delete(number)) return [];
    this.control.push({ kind: KIND.close, flags: FLAG.yours, id: number, payload: reasonBytes(reason) });
    const over = [...this.streams.values()].filter((stream) => !stream.isOwn && stream.share === number && !stream.isCancelled);
    for (const stream of over) this.cancel(stream.number, CANCEL.failed, reason, now);
    return over.map((stream) => stream.number);
  }

  // MARK: Streams

  /** @param {number} number @param {boolean} isOwn @param {number} share @param {number} now @returns {Stream} */
  #makeStream(number, isOwn, share, now) {
    const { streamCredit, longestStreamCredit } = this.limits;
    return {
      number, isOwn, share, sending: "noHead", head: new Uint8Array(), pieces: [], unsent: 0, isFinished: false,
      window: { sent: 0, limit: this.peer?.streamCredit ?? 0 }, isInRing: false, lastSent: now, receiving: "head",
      partialHead: new ByteQueue(), inbox: new ByteQueue(), expected: null,
      given: new ReceivingWindow(streamCredit, longestStreamCredit, now), isCreditDue: false, isDiscarding: false,
      lastReceived: now, isCancelled: false, isOnWire: false,
    };
  }

  /**
   * Opens a stream with a request. It waits while the peer allows no more streams.
   * @param {import("./frames.js").RequestHead} head
   * @param {number} now
   * @returns {number | null} `null` if the share is not open or the session over
   * @throws {RangeError} for a head that a peer would not take
   */
  request(head, now) {
    if (this.isEnding || this.ownShares.get(head.share) !== "open") return null;
    if (this.nextNumber > LAST_NUMBER) {
      this.leave(GOODBYE.numbersUsedUp);
      return null;
    }
    const payload = requestPayload(head);
    const number = this.nextNumber;
    this.nextNumber += 2;
    this.streams.set(number, { ...this.#makeStream(number, true, head.share, now), sending: "head", head: payload });
    this.requests.push(number);
    return number;
  }

  /**
   * Answers a request.
   * @param {number} number
   * @param {import("./frames.js").ResponseHead} head
   * @returns {boolean} `false` if the stream is no more
   * @throws {RangeError} for a head that a peer would not take; the stream can still be answered
   */
  respond(number, head) {
    const stream = this.streams.get(number);
    if (!stream || stream.sending !== "noHead" || stream.isCancelled) return false;
    stream.head = responsePayload(head);
    stream.sending = "head";
    this.responses.push(number);
    return true;
  }

  /** Adds a piece to a body. @param {number} number @param {Bytes} bytes @param {number} now @returns {number | null} how many bytes wait now; `null` if the stream takes none */
  write(number, bytes, now) {
    const stream = this.streams.get(number);
    if (!stream || stream.isCancelled || stream.isFinished || stream.sending === "ended") return null;
    if (bytes.length === 0) return stream.unsent;
    if (stream.unsent === 0) stream.lastSent = now;
    stream.pieces.push(bytes);
    stream.unsent += bytes.length;
    this.#enterRing(stream);
    return stream.unsent;
  }

  /** Says that a body is complete. @param {number} number */
  finish(number) {
    const stream = this.streams.get(number);
    if (!stream || stream.isCancelled) return;
    stream.isFinished = true;
    this.#enterRing(stream);
  }

  /** How many bytes of a stream wait to be sent; `null` if it takes none any more. @param {number} number */
  unsent(number) {
    const stream = this.streams.get(number);
    return !stream || stream.isCancelled || stream.isFinished || stream.sending === "ended" ? null : stream.unsent;
  }

  /** @param {Stream} stream */
  #enterRing(stream) {
    if (stream.isInRing || stream.sending !== "body" || (stream.unsent === 0 && !stream.isFinished)) return;
    stream.isInRing = true;
    this.ring.push(stream.number);
  }

  /**
   * Takes all bytes of a stream that are there, and gives the peer credit for others.
   * @param {number} number @param {number} now
   * @returns {Bytes | "end" | "nothing"}
   */
  read(number, now) {
    const stream = this.streams.get(number);
    if (!stream) return "end";
    if (stream.inbox.length === 0) {
      if (stream.receiving === "head" || stream.receiving === "body") return "nothing";
      stream.receiving = "done";
      this.#removeIfOver(stream);
      return "end";
    }
    const bytes = stream.inbox.take();
    stream.lastReceived = now;
    this.#consume(stream, bytes.length, now);
    return bytes;
  }

  /** @param {Stream} stream @param {number} count @param {number} now */
  #consume(stream, count, now) {
    const isDue = stream.given.consume(count, now, this.roundTrip);
    if (isDue && stream.receiving === "body" && !stream.isDiscarding && !stream.isCreditDue) {
      stream.isCreditDue = true;
      this.dueCredits.push(stream.number);
      this.given.widen(stream.given.size * 2);
    }
    this.#consumeOfConnection(count, now);
  }

  /** @param {number} count @param {number} now */
  #consumeOfConnection(count, now) {
    if (this.given.consume(count, now, this.roundTrip)) this.isConnectionCreditDue = true;
  }

  /** Says that nobody wants the rest of what the other side sends. @param {number} number @param {number} now */
  stopReading(number, now) {
    const stream = this.streams.get(number);
    if (!stream || stream.isCancelled || stream.isDiscarding) return;
    this.#discard(stream, now);
    if (stream.receiving === "ended") stream.receiving = "done";
    else if (stream.receiving !== "done" && stream.sending === "ended") this.cancel(number, CANCEL.notWanted, "", now);
    this.#removeIfOver(stream);
  }

  /** @param {Stream} stream @param {number} now */
  #discard(stream, now) {
    stream.isDiscarding = true;
    const unread = stream.inbox.take().length;
    if (unread > 0) this.#consumeOfConnection(unread, now);
  }

  /** Ends a stream before its time. @param {number} number @param {number} code @param {string} reason @param {number} now */
  cancel(number, code, reason, now) {
    const stream = this.streams.get(number);
    if (!stream || stream.isCancelled) return;
    if (!stream.isOnWire) {
      this.#remove(stream, now);
      return;
    }
    this.#discard(stream, now);
    stream.isCancelled = true;
    stream.pieces = [];
    stream.unsent = 0;
    (stream.isOwn ? this.pacedCancels : this.cancels).push({ number, code, reason });
  }

  /** @param {Stream} stream */
  #removeIfOver(stream) {
    if (!isOver(stream) || stream.isCancelled) return;
    this.#countOut(stream);
    if (stream.receiving === "done" || stream.isDiscarding) this.streams.delete(stream.number);
  }

  /** @param {Stream} stream @param {number} now */
  #remove(stream, now) {
    this.streams.delete(stream.number);
    this.#countOut(stream);
    if (stream.inbox.length > 0) this.#consumeOfConnection(stream.inbox.length, now);
  }

  /** @param {Stream} stream */
  #countOut(stream) {
    if (!stream.isOnWire) return;
    stream.isOnWire = false;
    if (stream.isOwn) this.ownLive -= 1;
    else this.peerLive -= 1;
  }

  // MARK: Sending

  /**
   * The next message: as many frames as fit, in their order of precedence.
   * @param {number} now
   * @returns {{ bytes: Bytes, writable: number[] } | null} with the streams that can take more bytes
   */
  nextMessage(now) {
    if (this.phase === "ended") return null;
    const writer = new MessageWriter(Math.min(this.limits.message, this.peer?.message ?? this.limits.frame));
    /** @type {number[]} */
    const writable = [];
    if (this.pendingHello) {
      writer.append(KIND.hello, 0, 0, this.pendingHello);
      this.pendingHello = null;
    }
    if (this.phase === "leaving") {
      const { code, reason } = this.goodbye;
      writer.append(KIND.goodbye, 0, 0, integer(code, 2), integer(this.highestReceived, 4), reasonBytes(reason));
      this.phase = "ended";
    } else if (this.phase === "open") {
      this.#writeControl(writer, now);
      this.#writeCancels(writer, now);
      while (this.responses.length > 0 && this.#writeHead(KIND.response, this.responses[0], writer, now)) this.responses.shift();
      this.#writeRequests(writer, now);
      this.#writeBodies(writer, writable, now);
    }
    return writer.length > 0 ? { bytes: writer.bytes(), writable } : null;
  }

  /** @param {MessageWriter} writer @param {number} now */
  #writeControl(writer, now) {
    if (this.pong && writer.room >= 8) {
      writer.append(KIND.pong, 0, 0, this.pong);
      this.pong = null;
    }
    if (this.ping.isDue && writer.room >= 8) {
      writer.append(KIND.ping, 0, 0, integer(this.ping.next, 8));
      this.ping.awaited ??= { number: this.ping.next, sent: now };
      this.ping = { ...this.ping, next: this.ping.next + 1, isDue: false, lastSent: now, receivedSince: 0 };
    }
    while (this.control.length > 0 && writer.room >= this.control[0].payload.length) {
      const { kind, flags, id, payload } = /** @type {TunnelMachine["control"][0]} */ (this.control.shift());
      writer.append(kind, flags, id, payload);
    }
    if (this.isConnectionCreditDue && writer.room >= 8) {
      this.isConnectionCreditDue = false;
      writer.append(KIND.credit, 0, 0, integer(this.given.limit, 8));
    }
    while (this.dueCredits.length > 0 && writer.room >= 8) {
      const stream = this.streams.get(/** @type {number} */ (this.dueCredits.shift()));
      if (!stream?.isCreditDue) continue;
      stream.isCreditDue = false;
      if (stream.receiving === "body" && !stream.isDiscarding) writer.append(KIND.credit, 0, stream.number, integer(stream.given.limit, 8));
    }
  }

  /** @param {MessageWriter} writer @param {number} now */
  #writeCancels(writer, now) {
    const room = 2 + this.limits.reason;
    while (this.cancels.length > 0 && writer.room >= room) {
      this.#writeCancel(/** @type {any} */ (this.cancels.shift()), writer, now);
    }
    while (this.pacedCancels.length > 0 && writer.room >= room) {
      const stream = this.streams.get(this.pacedCancels[0].number);
      // What was answered completely meanwhile needs none.
      if (stream && !isOver(stream)) {
        if (!this.sentCancels.wouldAllow(now)) return;
        this.sentCancels.allows(now);
      }
      this.#writeCancel(/** @type {any} */ (this.pacedCancels.shift()), writer, now);
    }
  }

  /** @param {{ number: number, code: number, reason: string }} cancel @param {MessageWriter} writer @param {number} now */
  #writeCancel({ number, code, reason }, writer, now) {
    const stream = this.streams.get(number);
    if (!stream) return;
    this.#remove(stream, now);
    if (!isOver(stream)) writer.append(KIND.cancel, 0, number, integer(code, 2), reasonBytes(reason));
  }

  /** @param {MessageWriter} writer @param {number} now */
  #writeRequests(writer, now) {
    while (this.requests.length > 0) {
      const stream = this.streams.get(this.requests[0]);
      if (stream && stream.sending === "head" && !stream.isCancelled) {
        if (!stream.isOnWire && this.ownLive >= (this.peer?.streams ?? 0)) return;
        if (!this.#writeHead(KIND.request, stream.number, writer, now)) return;
      }
      this.requests.shift();
    }
  }

  /** Writes a head, or as much of it as there is room for. @param {number} kind @param {number} number @param {MessageWriter} writer @param {number} now @returns {boolean} whether all of it was written */
  #writeHead(kind, number, writer, now) {
    const stream = this.streams.get(number);
    if (!stream || stream.isCancelled) return true;
    while (stream.head.length > 0) {
      const count = Math.min(stream.head.length, writer.room);
      if (count !== stream.head.length && count < SMALLEST_PART) return false;
      if (!stream.isOnWire) {
        stream.isOnWire = true;
        stream.window.limit = this.peer?.streamCredit ?? 0;
        this.ownLive += 1;
        this.highestSent = number;
      }
      const isLast = count === stream.head.length;
      const isWhole = isLast && stream.isFinished && stream.unsent === 0;
      writer.append(kind, isWhole ? FLAG.end : isLast ? 0 : FLAG.more, number, stream.head.subarray(0, count));
      stream.head = stream.head.subarray(count);
      stream.lastSent = now;
      if (isLast) stream.sending = isWhole ? "ended" : "body";
    }
    if (stream.sending === "ended") this.#sentEnd(stream, now);
    else this.#enterRing(stream);
    return true;
  }

  /** @param {Stream} stream @param {number} now */
  #sentEnd(stream, now) {
    // It is answered, and the rest of the request is not wanted.
    if (!stream.isOwn && stream.isDiscarding && !isOver(stream)) this.cancel(stream.number, CANCEL.notWanted, "", now);
    else this.#removeIfOver(stream);
  }

  /** @param {MessageWriter} writer @param {number[]} writable @param {number} now */
  #writeBodies(writer, writable, now) {
    let idle = 0;
    while (idle < this.ring.length && writer.room >= 0) {
      const number = /** @type {number} */ (this.ring.shift());
      const stream = this.streams.get(number);
      if (!stream) continue;
      const room = Math.min(stream.window.limit - stream.window.sent, this.window.limit - this.window.sent);
      const hasData = stream.sending === "body" && (stream.unsent === 0 ? stream.isFinished : room > 0);
      if (!hasData) {
        if (stream.sending === "body" && stream.unsent > 0) {
          // It waits for credit, in line.
          this.ring.push(number);
          idle += 1;
        } else {
          stream.isInRing = false;
        }
        continue;
      }
      const wanted = Math.min(stream.unsent, Math.max(room, 0), this.limits.frame - 8);
      if (wanted > writer.room && writer.room < SMALLEST_PART) {
        this.ring.unshift(number);
        return;
      }
      const count = Math.min(wanted, writer.room);
      const isLast = stream.isFinished && stream.unsent === count;
      writer.append(KIND.data, isLast ? FLAG.end : 0, number, ...takePieces(stream, count));
      stream.window.sent += count;
      this.window.sent += count;
      stream.lastSent = now;
      idle = 0;
      if (!stream.isFinished && stream.unsent < this.limits.unsentStream) writable.push(number);
      if (isLast) {
        stream.sending = "ended";
        stream.isInRing = false;
        this.#sentEnd(stream, now);
      } else if (stream.unsent > 0 || stream.isFinished) {
        this.ring.push(number);
      } else {
        stream.isInRing = false;
      }
    }
  }

  // MARK: Time

  /** Looks at the clock: what waits for too long ends, and a ping is sent when it is time. @param {number} now @returns {TunnelEvent[]} */
  tick(now) {
    if (this.isEnding) return [];
    const { limits, ping } = this;
    if (this.phase === "opening" ? now - this.started > limits.hello : now - this.lastReceived > limits.silence) {
      this.leave(GOODBYE.silence);
      return [{ type: "ended", reason: "The peer has not been heard of for too long." }];
    }
    if (this.phase === "opening") return [];
    const sincePing = now - ping.lastSent;
    if ((ping.receivedSince > 0 && sincePing >= limits.busyPing) || (now - this.lastReceived >= limits.ping && sincePing >= limits.ping)) {
      ping.isDue = true;
    }
    /** @type {TunnelEvent[]} */
    const events = [];
    for (const stream of [...this.streams.values()]) {
      const reason = stream.isCancelled ? null : this.#stall(stream, now);
      if (!reason) continue;
      events.push({ type: "failed", number: stream.number, code: "timeout", reason });
      this.cancel(stream.number, CANCEL.stalled, "", now);
    }
    return events;
  }

  /** What a stream waits for in vain. @param {Stream} stream @param {number} now */
  #stall(stream, now) {
    const { limits } = this;
    const isBlocked = stream.window.limit <= stream.window.sent || this.window.limit <= this.window.sent;
    if (stream.unsent > 0 && stream.sending === "body" && now - stream.lastSent > limits.stall && isBlocked) {
      return "The peer did not read for too long.";
    }
    if (stream.receiving === "head" && stream.isOnWire) {
      const last = Math.max(stream.lastReceived, stream.lastSent);
      return now - last > (stream.isOwn ? limits.answer : limits.stall) ? "The peer did not answer in time." : null;
    }
    const isOwed = stream.receiving === "body" && stream.inbox.length === 0 && !stream.isDiscarding;
    return isOwed && now - stream.lastReceived > limits.stall ? "The peer did not go on for too long." : null;
  }

  /**
   * Ends the session at once, as the other side does, or the channel.
   * @param {string} reason
   * @param {number | null} taken the highest number of this side's streams that the peer has looked at, if it says so
   * @returns {TunnelEvent[]}
   */
  end(reason, taken = null) {
    if (this.phase === "ended" && this.streams.size === 0) return [];
    this.phase = "ended";
    /** @type {TunnelEvent[]} */
    const events = [];
    for (const stream of [...this.streams.values()].sort((one, other) => one.number - other.number)) {
      if (stream.isCancelled || stream.receiving === "done" || stream.receiving === "ended") continue;
      const isUntouched = stream.isOwn && (!stream.isOnWire || (taken !== null && stream.number > taken));
      events.push({ type: "failed", number: stream.number, code: isUntouched ? "unreachable" : "failed", reason });
    }
    events.push({ type: "ended", reason });
    return events;
  }
}

/** Takes bytes from the beginning of what a stream has to send. @param {Stream} stream @param {number} count @returns {Bytes[]} */
function takePieces(stream, count) {
  /** @type {Bytes[]} */
  const taken = [];
  let rest = count;
  while (rest > 0) {
    const [first] = stream.pieces;
    if (first.length <= rest) {
      taken.push(first);
      stream.pieces.shift();
    } else {
      taken.push(first.subarray(0, rest));
      stream.pieces[0] = first.subarray(rest);
    }
    rest -= Math.min(rest, first.length);
  }
  stream.unsent -= count;
  return taken;
}
