// The protocol between two peers without any I/O: what came goes in, what shall be sent comes out, and time is given to it.
// The same as Sources/PeerTunnel/Machine.

import { tunnelLimits } from "../basics/limits.js";
import {
  CANCEL, GOODBYE, helloPayload, integer, KIND, MessageWriter, PayloadReader, readFrames, readHello, reasonBytes, Violation,
} from "./frames.js";
import { Pings } from "./pings.js";
import { Receiver } from "./receiving.js";
import { Sender } from "./sending.js";
import { ShareTable } from "./share-table.js";
import { LAST_NUMBER, StreamTable } from "./streams.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./events.js").TunnelEvent} TunnelEvent */
/** @typedef {import("./frames.js").Frame} Frame */

export class TunnelMachine {
  /** @type {{ code: number, reason: string }} */
  #goodbye = { code: GOODBYE.done, reason: "" };
  /** @type {Bytes | null} */
  #pendingHello;
  /** @type {import("./frames.js").Hello | null} */
  #peer = null;
  #started;

  /**
   * @param {"opener" | "sharer"} role
   * @param {Bytes} hello the proof for this side's hello
   * @param {number} now in milliseconds of a monotonic clock
   * @param {typeof tunnelLimits} limits
   */
  constructor(role, hello, now, limits = tunnelLimits) {
    this.limits = limits;
    /** @type {"opening" | "open" | "leaving" | "ended"} */
    this.phase = "opening";
    this.lastReceived = now;
    this.pings = new Pings();
    this.shares = new ShareTable(role, limits);
    this.streams = new StreamTable(role, limits, this.pings, now);
    this.receiver = new Receiver(this, limits);
    this.sender = new Sender(this, limits);
    this.#started = now;
    this.#pendingHello = helloPayload(limits, hello);
  }

  get isEnding() {
    return this.phase === "leaving" || this.phase === "ended";
  }

  // MARK: Messages

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

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now */
  #take(frame, events, now) {
    if (frame.kind === KIND.hello) {
      if (this.#peer) throw new Violation("secondHello");
      this.#peer = readHello(frame.payload);
      this.phase = "open";
      this.streams.begin(this.#peer);
      this.pings.isDue = true;
      events.push({ type: "ready" });
    } else if (frame.kind === KIND.goodbye) {
      const reader = new PayloadReader(frame.payload);
      const code = reader.integer(2);
      const taken = reader.integer(4);
      const reason = reader.reason();
      events.push(...this.end(reason || `The peer has closed the connection (${code}).`, taken));
    } else {
      if (!this.#peer) throw new Violation("helloExpected");
      this.receiver.take(frame, events, now);
    }
  }

  /**
   * The next message: as many frames as fit, in their order of precedence.
   * @param {number} now
   * @returns {{ bytes: Bytes, writable: number[] } | null} with the streams that can take more bytes
   */
  nextMessage(now) {
    if (this.phase === "ended") return null;
    const writer = new MessageWriter(Math.min(this.limits.message, this.#peer?.message ?? this.limits.frame));
    /** @type {number[]} */
    let writable = [];
    if (this.#pendingHello) {
      writer.append(KIND.hello, 0, 0, this.#pendingHello);
      this.#pendingHello = null;
    }
    if (this.phase === "leaving") {
      const { code, reason } = this.#goodbye;
      writer.append(KIND.goodbye, 0, 0, integer(code, 2), integer(this.streams.highestReceived, 4), reasonBytes(reason));
      this.phase = "ended";
    } else if (this.phase === "open") {
      writable = this.sender.write(writer, now);
    }
    return writer.length > 0 ? { bytes: writer.bytes(), writable } : null;
  }

  // MARK: Shares

  /** Asks to use another share of the peer. @param {import("./frames.js").ShareOpening} opening @returns {number} */
  openShare(opening) {
    return this.shares.open(opening);
  }

  /** Answers a peer's opening. @param {number} number @param {string | null} refusal */
  answerOpening(number, refusal) {
    this.shares.answer(number, refusal);
  }

  /** Says that this side does not use a share any more. @param {number} number */
  leaveShare(number) {
    this.shares.leave(number);
  }

  /** Says that a share is not given any more, and ends its requests. @param {number} number @param {string} reason @param {number} now @returns {number[]} the streams that are over */
  withdrawShare(number, reason, now) {
    if (!this.shares.withdraw(number, reason)) return [];
    const over = this.streams.all.filter((stream) => !stream.isOwn && stream.share === number && !stream.isCancelled);
    for (const stream of over) this.streams.cancel(stream.number, CANCEL.failed, reason, now);
    return over.map((stream) => stream.number);
  }

  // MARK: Streams

  /**
   * Opens a stream with a request. It waits while the peer allows no more streams.
   * @param {import("./frames.js").RequestHead} head
   * @param {number} now
   * @returns {number | null} `null` if the share is not open or the session over
   * @throws {RangeError} for a head that a peer would not take
   */
  request(head, now) {
    if (this.isEnding || !this.shares.isUsed(head.share)) return null;
    if (this.streams.nextNumber > LAST_NUMBER) {
      this.leave(GOODBYE.numbersUsedUp);
      return null;
    }
    return this.streams.request(head, now);
  }

  /**
   * Answers a request.
   * @param {number} number
   * @param {import("./frames.js").ResponseHead} head
   * @returns {boolean} `false` if the stream is no more
   * @throws {RangeError} for a head that a peer would not take; the stream can still be answered
   */
  respond(number, head) {
    return this.streams.respond(number, head);
  }

  /** Adds a piece to a body. @param {number} number @param {Bytes} bytes @param {number} now @returns {number | null} how many bytes wait now; `null` if the stream takes none */
  write(number, bytes, now) {
    return this.streams.write(number, bytes, now);
  }

  /** Says that a body is complete. @param {number} number */
  finish(number) {
    this.streams.finish(number);
  }

  /** How many bytes of a stream wait to be sent; `null` if it takes none any more. @param {number} number */
  unsent(number) {
    const stream = this.streams.get(number);
    return stream?.takesPieces ? stream.unsent : null;
  }

  /** Whether everything that the peer sends on a stream is there. @param {number} number */
  isReceived(number) {
    return this.streams.get(number)?.isReceived ?? true;
  }

  /**
   * Takes all bytes of a stream that are there, and gives the peer credit for others.
   * @param {number} number @param {number} now
   * @returns {Bytes | "end" | "nothing"}
   */
  read(number, now) {
    return this.streams.read(number, now);
  }

  /** Says that nobody wants the rest of what the other side sends. @param {number} number @param {number} now */
  stopReading(number, now) {
    this.streams.stopReading(number, now);
  }

  /** Ends a stream before its time. @param {number} number @param {number} code @param {string} reason @param {number} now */
  cancel(number, code, reason, now) {
    this.streams.cancel(number, code, reason, now);
  }

  // MARK: Time, and the end

  /** Looks at the clock: what waits for too long ends, and a ping is sent when it is time. @param {number} now @returns {TunnelEvent[]} */
  tick(now) {
    if (this.isEnding) return [];
    const { limits, streams } = this;
    const silence = now - this.lastReceived;
    if (this.phase === "opening" ? now - this.#started > limits.hello : silence > limits.silence) {
      this.leave(GOODBYE.silence);
      return [{ type: "ended", reason: "The peer has not been heard of for too long." }];
    }
    if (this.phase === "opening") return [];
    this.pings.tick(silence, limits, now);
    /** @type {TunnelEvent[]} */
    const events = [];
    for (const stream of streams.all) {
      const reason = stream.isCancelled ? null : stream.stall(streams.window, limits, now);
      if (!reason) continue;
      events.push({ type: "failed", number: stream.number, code: "timeout", reason });
      streams.cancel(stream.number, CANCEL.stalled, "", now);
    }
    return events;
  }

  /** Says goodbye; nothing else is sent or taken any more. @param {number} code @param {string} reason */
  leave(code, reason = "") {
    if (this.isEnding) return;
    this.phase = "leaving";
    this.#goodbye = { code, reason };
  }

  /**
   * Ends the session at once, as the other side does, or the channel.
   * @param {string} reason
   * @param {number | null} taken the highest number of this side's streams that the peer has looked at, if it says so
   * @returns {TunnelEvent[]}
   */
  end(reason, taken = null) {
    const streams = this.streams.all;
    if (this.phase === "ended" && streams.length === 0) return [];
    this.phase = "ended";
    /** @type {TunnelEvent[]} */
    const events = [];
    for (const stream of streams) {
      if (stream.isCancelled || stream.isReceived) continue;
      const isUntouched = stream.isOwn && (!stream.isOnWire || (taken !== null && stream.number > taken));
      events.push({ type: "failed", number: stream.number, code: isUntouched ? "unreachable" : "failed", reason });
    }
    events.push({ type: "ended", reason });
    return events;
  }
}
