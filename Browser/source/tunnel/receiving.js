// The frames of a peer that has said hello: what each changes, and what the program is told of it.

import { cancellation } from "./events.js";
import { CANCEL, FLAG, KIND, PayloadReader, readRequest, readResponse, Violation } from "./frames.js";
import { RateLimit } from "./rate-limit.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./events.js").TunnelEvent} TunnelEvent */
/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./stream.js").Stream} Stream */

export class Receiver {
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
    this.#cancels = new RateLimit(limits.cancelsPerSecond);
  }

  /** Takes any frame but hello and goodbye; those that are not known are skipped. @param {Frame} frame @param {TunnelEvent[]} events @param {number} now @throws {Violation} */
  take(frame, events, now) {
    const reader = new PayloadReader(frame.payload);
    switch (frame.kind) {
      case KIND.open: this.shares.takeOpen(frame, events, now); break;
      case KIND.opened: this.shares.takeOpened(frame, reader, events); break;
      case KIND.close: this.shares.takeClose(frame, reader, events); break;
      case KIND.request: this.#request(frame, events, now); break;
      case KIND.response: this.#response(frame, events, now); break;
      case KIND.data: this.#data(frame, events, now); break;
      case KIND.cancel: this.#cancel(frame, reader, events, now); break;
      case KIND.credit: this.#credit(frame, reader, now); break;
      case KIND.ping:
        if (frame.payload.length !== 8) throw new Violation("malformedFrame");
        this.pings.take(frame.payload);
        break;
      case KIND.pong: {
        const number = reader.long();
        reader.finish();
        this.pings.takeAnswer(number, now);
        break;
      }
      default: break;
    }
  }

  // MARK: Heads

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now */
  #request(frame, events, now) {
    const { streams, shares } = this;
    const number = frame.id;
    if (number === 0 || streams.isOwn(number)) throw new Violation("wrongStreamNumber");
    if (number > streams.highestReceived) streams.accept(number, now);
    const payload = this.#completeHead(frame, now);
    const stream = streams.get(number);
    if (!payload || !stream) return;
    const head = readRequest(payload);
    if (!shares.isServed(head.share)) {
      if (head.share > shares.highest) throw new Violation("unknownStream");
      streams.cancel(number, CANCEL.shareClosed, "", now);
      return;
    }
    stream.share = head.share;
    events.push({ type: "request", number, head });
    this.#beginBody(stream, head.length, frame.flags, events);
  }

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now */
  #response(frame, events, now) {
    const number = frame.id;
    if (!this.streams.isOwn(number)) throw new Violation("unknownStream");
    this.streams.checkKnown(number);
    const payload = this.#completeHead(frame, now);
    const stream = this.streams.get(number);
    if (!payload || !stream) return;
    const head = readResponse(payload);
    events.push({ type: "response", number, head });
    this.#beginBody(stream, head.length, frame.flags, events);
  }

  /**
   * Puts the frames of a head together.
   * @param {Frame} frame @param {number} now
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

  // MARK: Bodies

  /** @param {Stream} stream @param {number | null} length @param {number} flags @param {TunnelEvent[]} events */
  #beginBody(stream, length, flags, events) {
    stream.expected = length;
    stream.receiving = "body";
    this.#endBody(stream, flags, events);
  }

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now */
  #data(frame, events, now) {
    const { streams } = this;
    const count = frame.payload.length;
    streams.checkKnown(frame.id);
    streams.given.receive(count);
    this.pings.received(count);
    const stream = streams.get(frame.id);
    if (!stream || stream.isCancelled) {
      streams.consumeOfConnection(count, now);
      return;
    }
    if (stream.receiving !== "body") throw new Violation("unexpectedFrame");
    stream.given.receive(count);
    if (stream.expected !== null && stream.given.received > stream.expected) throw new Violation("wrongBodyLength");
    stream.lastReceived = now;
    if (stream.isDiscarding) {
      streams.consume(stream, count, now);
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
    this.streams.removeIfOver(stream);
  }

  // MARK: Ends and credit

  /** @param {Frame} frame @param {PayloadReader} reader @param {TunnelEvent[]} events @param {number} now */
  #cancel(frame, reader, events, now) {
    const { streams } = this;
    const code = reader.integer(2);
    streams.checkKnown(frame.id);
    if (!streams.isOwn(frame.id) && !this.#cancels.allows(now)) throw new Violation("tooOften");
    const stream = streams.get(frame.id);
    if (!stream) return;
    if (stream.isOwn && stream.isReceived && !stream.isCancelled) {
      // The answer is complete: only the rest of the request is not wanted.
      stream.dropPieces();
      stream.isFinished = true;
      stream.sending = "ended";
      events.push({ type: "unwanted", number: frame.id });
      streams.removeIfOver(stream);
      return;
    }
    streams.remove(stream, now);
    if (stream.isCancelled || (!stream.isOwn && stream.receiving === "head")) return;
    events.push(cancellation(frame.id, code, reader.reason()));
  }

  /** @param {Frame} frame @param {PayloadReader} reader @param {number} now */
  #credit(frame, reader, now) {
    const limit = reader.long();
    reader.finish();
    if (frame.id === 0) {
      this.streams.window.limit = Math.max(this.streams.window.limit, limit);
      return;
    }
    this.streams.checkKnown(frame.id);
    const stream = this.streams.get(frame.id);
    if (!stream || limit <= stream.window.limit) return;
    stream.window.limit = limit;
    stream.lastSent = now;
  }
}
