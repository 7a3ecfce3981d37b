// Where offers to a share arrive: everything that is checked before the gate is asked, and the gate.

import { ephemeralKey } from "../basics/crypto.js";
import { base64url, equal } from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { documentSize, Rejection } from "./shares.js";
import { readOfferHeader, readSignal, ReceivedOffer } from "./signals.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/**
 * The keys that offers are sealed to, and which offers came already. They live in memory only.
 * @typedef {{ key: import("../basics/crypto.js").EphemeralKey, end: number, seen: Set<string> }} Epoch
 */
class EpochKeys {
  /** @param {import("../basics/crypto.js").EphemeralKey} key @param {number} now */
  constructor(key, now) {
    /** @type {Epoch} */
    this.current = { key, end: now + limits.epochLife, seen: new Set() };
    /** @type {Epoch | null} */
    this.predecessor = null;
  }

  /** Replaces and drops keys whose time has come. @param {number} now */
  async advance(now) {
    if (now >= this.current.end || this.current.seen.size >= limits.epochOffers) {
      const old = this.current;
      const key = await ephemeralKey();
      this.predecessor = { ...old, end: Math.min(now, old.end) + limits.predecessorLife };
      this.current = { key, end: now + limits.epochLife, seen: new Set() };
    }
    const old = this.predecessor;
    if (old && (now >= old.end || old.seen.size >= 2 * limits.epochOffers)) this.predecessor = null;
  }

  /** @param {Bytes} key */
  find(key) {
    return [this.current, this.predecessor].find((epoch) => epoch && equal(epoch.key.bytes, key)) ?? null;
  }
}

/** How many signals a share looks at, and which openings of it are under way. */
class OfferLimiter {
  /** @type {number[]} when the last signals came */
  #arrivals = [];
  /** @type {Map<string, { remote: string, deadline: number, key: Bytes }>} by session, with the key of the offer */
  openings = new Map();

  /** @param {number} now */
  count(now) {
    if (this.openings.size >= limits.pending) throw new Rejection("rate");
    if (this.#arrivals.length >= limits.offersPerSecond) {
      if (now - this.#arrivals[0] < 1000) throw new Rejection("rate");
      this.#arrivals.shift();
    }
    this.#arrivals.push(now);
  }

  /** @param {string} sid @param {string} remote @param {Bytes} key @param {number} now */
  begin(sid, remote, key, now) {
    // What is under way goes on: another one would be one more.
    if (this.openings.has(sid)) throw new Rejection("session");
    const own = [...this.openings.values()].filter((opening) => opening.remote === remote).length;
    if (own >= limits.pendingPerIdentity) throw new Rejection("pending");
    this.openings.set(sid, { remote, deadline: now + limits.handshake, key });
  }

  /** @param {number} now */
  expire(now) {
    for (const [sid, opening] of this.openings) if (now >= opening.deadline) this.openings.delete(sid);
  }
}

/** Takes the offers to a share. Calls of {@link receive} must not overlap. */
export class OfferReception {
  /**
   * @param {string} share
   * @param {Bytes} owner
   * @param {import("../basics/crypto.js").EphemeralKey} epoch
   * @param {number} now in milliseconds of a monotonic clock, like all times here
   */
  constructor(share, owner, epoch, now) {
    this.share = share;
    this.owner = owner;
    this.epochs = new EpochKeys(epoch, now);
    this.limiter = new OfferLimiter();
  }

  /** The key to publish in the share's record. @returns {Bytes} */
  get epoch() {
    return this.epochs.current.key.bytes;
  }

  /**
   * Checks an offer, and begins its opening, which goes on until {@link end}, or until it took too long.
   * @param {unknown} document
   * @param {number} now
   * @returns {Promise<ReceivedOffer>}
   * @throws {Rejection} the first check that failed
   */
  async receive(document, now) {
    await this.advance(now);
    if (documentSize(/** @type {any} */ (document)) > limits.signal) throw new Rejection("size");
    this.limiter.count(now);
    const signal = readSignal(document);
    if (signal.role !== "opener") throw new Rejection("form", "_id");
    const header = await readOfferHeader(signal.header);
    const sid = base64url(header.sid);
    if (header.share !== this.share || signal.recipient !== this.share || signal.sender !== sid) throw new Rejection("id");
    const epoch = this.epochs.find(header.epoch);
    if (!epoch) throw new Rejection("epoch");
    const key = base64url(header.key);
    if (epoch.seen.has(key)) throw new Rejection("replay");
    let offer;
    try {
      offer = await ReceivedOffer.read(signal, header, epoch.key, this.owner);
    } catch (error) {
      // Only who can seal to the epoch made this key, so that nobody else uses it up.
      if (error instanceof Rejection && error.check !== "decryption") epoch.seen.add(key);
      throw error;
    }
    epoch.seen.add(key);
    this.limiter.begin(sid, base64url(offer.remote), header.key, now);
    return offer;
  }

  /** Gives an opening so long from now. @param {ReceivedOffer} offer @param {number} deadline */
  postpone(offer, deadline) {
    const opening = this.#opening(offer);
    if (opening) opening.deadline = deadline;
  }

  /** Ends an opening that led to a connection, was refused, or failed. @param {ReceivedOffer} offer */
  end(offer) {
    if (this.#opening(offer)) this.limiter.openings.delete(base64url(offer.sid));
  }

  /** The opening that began with an offer; none if it took too long, also when there is another one of its session by now. @param {ReceivedOffer} offer */
  #opening({ sid, key }) {
    const opening = this.limiter.openings.get(base64url(sid));
    return opening && equal(opening.key, key) ? opening : null;
  }

  /** Replaces keys whose time has come, and ends openings that took too long. @param {number} now */
  async advance(now) {
    await this.epochs.advance(now);
    this.limiter.expire(now);
  }
}

/**
 * Who is let into a share: each way that is open is enough, and without any it is open to anyone.
 * @typedef {{ allow: Set<string> | null, ticket: boolean, ask: boolean }} Gate
 */

/** The ways to publish. @param {Gate} gate @returns {import("./shares.js").ShareRecord["gate"]} */
export function gateWays({ allow, ticket, ask }) {
  /** @type {import("./shares.js").ShareRecord["gate"]} */
  const ways = [];
  if (allow) ways.push("allow");
  if (ticket) ways.push("ticket");
  if (ask) ways.push("ask");
  return ways.length > 0 ? ways : ["anyone"];
}

/**
 * Decides about a remote whose identity is verified.
 * @param {Gate} gate
 * @param {string} fingerprint
 * @param {import("./tickets.js").TicketVerdict} verdict on what it showed of a ticket
 * @returns {"anyone" | "allow" | "ticket" | "ask" | { refusal: string }}
 */
export function gateDecision({ allow, ticket, ask }, fingerprint, verdict) {
  if (!allow && !ticket && !ask) return "anyone";
  if (allow?.has(fingerprint)) return "allow";
  if (ticket && verdict === "good") return "ticket";
  if (ask) return "ask";
  if (!ticket) return { refusal: "forbidden" };
  return { refusal: { none: "forbidden", good: "forbidden", wrong: "ticket", expired: "ticket-expired", claimed: "ticket-claimed" }[verdict] };
}
