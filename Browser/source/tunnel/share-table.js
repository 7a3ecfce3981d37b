// The shares that go over a connection: those of the peer that this side uses, and those of this side that the peer uses.

import { concat } from "../basics/encoding.js";
import { FLAG, integer, KIND, openingPayload, readOpening, reasonBytes, Violation } from "./frames.js";
import { RateLimit } from "./rate-limit.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./events.js").TunnelEvent} TunnelEvent */
/** @typedef {import("./frames.js").Frame} Frame */

export class ShareTable {
  /** @type {Map<number, "opening" | "open">} */
  #own;
  /** @type {Map<number, "opening" | "open">} */
  #peers;
  #next = 1;
  /** @type {RateLimit} */
  #openings;
  /** Frames that wait to be sent; openings wait for their pace, too. @type {Frame[]} */
  #outbox = [];
  /** @type {Frame[]} */
  #asked = [];
  /** @type {RateLimit} */
  #pace;

  /** @param {"opener" | "sharer"} role @param {typeof import("../basics/limits.js").tunnelLimits} limits */
  constructor(role, limits) {
    this.limits = limits;
    // The connection was made for number 0.
    this.#own = new Map(role === "opener" ? [[0, "open"]] : []);
    this.#peers = new Map(role === "sharer" ? [[0, "open"]] : []);
    this.#openings = new RateLimit(limits.openingsPerSecond);
    this.#pace = new RateLimit(limits.openingsSentPerSecond);
    /** Of the numbers that the peer has opened. */
    this.highest = 0;
  }

  /** Whether this side may send requests to a share. @param {number} number */
  isUsed(number) {
    return this.#own.get(number) === "open";
  }

  /** Whether the peer may send requests to a share. @param {number} number */
  isServed(number) {
    return this.#peers.get(number) === "open";
  }

  /** Whether the peer still wants a share, or has it. @param {number} number */
  isWanted(number) {
    return this.#peers.has(number);
  }

  // MARK: What the peer says

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now @throws {Violation} */
  takeOpen(frame, events, now) {
    if (!this.#openings.allows(now)) throw new Violation("tooOften");
    const opening = readOpening(frame.payload);
    if (frame.id <= this.highest) throw new Violation("wrongStreamNumber");
    this.highest = frame.id;
    if (this.#peers.size > this.limits.shares) {
      this.answer(frame.id, "Too many shares are open.");
    } else {
      this.#peers.set(frame.id, "opening");
      events.push({ type: "opening", number: frame.id, opening });
    }
  }

  /** @param {Frame} frame @param {import("./frames.js").PayloadReader} reader @param {TunnelEvent[]} events @throws {Violation} */
  takeOpened(frame, reader, events) {
    const code = reader.integer(1);
    if (this.#own.get(frame.id) !== "opening") return;
    if (code === 0) this.#own.set(frame.id, "open");
    else this.#own.delete(frame.id);
    events.push({ type: "opened", number: frame.id, refusal: code === 0 ? null : reader.reason() });
  }

  /** @param {Frame} frame @param {import("./frames.js").PayloadReader} reader @param {TunnelEvent[]} events */
  takeClose(frame, reader, events) {
    if (frame.flags & FLAG.yours) {
      if (this.#own.delete(frame.id)) events.push({ type: "withdrawn", number: frame.id, reason: reader.reason() });
    } else if (this.#peers.delete(frame.id)) {
      events.push({ type: "left", number: frame.id });
    }
  }

  // MARK: What this side says

  /** @param {import("./frames.js").ShareOpening} opening @returns {number} */
  open(opening) {
    const number = this.#next++;
    this.#own.set(number, "opening");
    this.#asked.push({ kind: KIND.open, flags: 0, id: number, payload: openingPayload(opening) });
    return number;
  }

  /** @param {number} number @param {string | null} refusal */
  answer(number, refusal) {
    if (this.#peers.has(number)) {
      if (refusal === null) this.#peers.set(number, "open");
      else this.#peers.delete(number);
    }
    this.#say(KIND.opened, number, concat(integer(refusal === null ? 0 : 1, 1), reasonBytes(refusal ?? "")));
  }

  /** @param {number} number */
  leave(number) {
    if (!this.#own.delete(number)) return;
    const index = this.#asked.findIndex(({ id }) => id === number);
    // What the peer was not asked for yet, it need not be told of.
    if (index >= 0) this.#asked.splice(index, 1);
    else this.#say(KIND.close, number, new Uint8Array());
  }

  /** @param {number} number @param {string} reason @returns {boolean} whether the peer used it */
  withdraw(number, reason) {
    const wasUsed = this.#peers.delete(number);
    if (wasUsed) this.#say(KIND.close, number, reasonBytes(reason), FLAG.yours);
    return wasUsed;
  }

  /** @param {number} kind @param {number} id @param {Bytes} payload @param {number} flags */
  #say(kind, id, payload, flags = 0) {
    this.#outbox.push({ kind, flags, id, payload });
  }

  /** @param {import("./frames.js").MessageWriter} writer @param {number} now */
  write(writer, now) {
    while (this.#asked.length > 0 && writer.room >= this.#asked[0].payload.length && this.#pace.wouldAllow(now)) {
      this.#pace.allows(now);
      this.#append(this.#asked, writer);
    }
    while (this.#outbox.length > 0 && writer.room >= this.#outbox[0].payload.length) this.#append(this.#outbox, writer);
  }

  /** @param {Frame[]} waiting @param {import("./frames.js").MessageWriter} writer */
  #append(waiting, writer) {
    const { kind, flags, id, payload } = /** @type {Frame} */ (waiting.shift());
    writer.append(kind, flags, id, payload);
  }
}
