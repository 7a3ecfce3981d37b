// Tickets: a secret that lets its first holder into a share, and where the share is.

import { authenticate, derive, hash, isAuthentic } from "../basics/crypto.js";
import { base32, base64url, concat, equal, fromBase32, isUUID, join, randomBytes, text, typed, utf8, uuidText } from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { isHubName, shareUUID } from "./shares.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {{ share: string, hub: string, secret: Bytes }} Ticket */

const PREFIX = "pp1-";
const LONGEST = PREFIX.length + Math.floor(((35 + limits.hub + 4) * 8 + 4) / 5);

/** Why a text is no ticket: `problem` is form, checksum or contents. */
export class TicketProblem extends Error {
  /** @param {"form" | "checksum" | "contents"} problem */
  constructor(problem) {
    super(problem === "checksum" ? "The ticket was mistyped or cut off." : "This is no ticket.");
    this.name = "TicketProblem";
    this.problem = problem;
  }
}

/** A new ticket. @param {string} share @param {string} hub @returns {Ticket} */
export const makeTicket = (share, hub) => ({ share, hub, secret: randomBytes(16) });

/** @param {Ticket} ticket */
export async function ticketText({ share, hub, secret }) {
  const name = utf8(hub);
  const payload = concat(
    Uint8Array.of(1), shareUUID(share) ?? new Uint8Array(), secret, Uint8Array.of(name.length >> 8, name.length & 0xff), name);
  return PREFIX + base32(concat(payload, (await hash(payload)).subarray(0, 4)));
}

/**
 * Reads what somebody typed or pasted.
 * @param {string} value
 * @returns {Promise<Ticket>}
 * @throws {TicketProblem}
 */
export async function readTicket(value) {
  const plain = typed(value);
  const bytes = plain && plain.length <= LONGEST && plain.startsWith(PREFIX) ? fromBase32(plain.slice(PREFIX.length)) : null;
  if (!bytes) throw new TicketProblem("form");
  const payload = bytes.slice(0, -4);
  if (bytes.length <= 4 || !equal((await hash(payload)).subarray(0, 4), bytes.subarray(-4))) {
    throw new TicketProblem("checksum");
  }
  const uuid = payload.slice(1, 17);
  if (payload.length <= 35 || payload[0] !== 1 || payload.length !== 35 + (payload[33] << 8 | payload[34]) || !isUUID(uuid, 8)) {
    throw new TicketProblem("contents");
  }
  let hub;
  try {
    hub = text(payload.subarray(35));
  } catch {
    throw new TicketProblem("contents");
  }
  if (!isHubName(hub)) throw new TicketProblem("contents");
  return { share: "share-" + uuidText(uuid), hub, secret: payload.slice(17, 33) };
}

/** Which share a text is a ticket to, if it is one, without looking closer. @param {string} value @returns {string | null} */
export function ticketShare(value) {
  const bytes = fromBase32(typed(value)?.slice(PREFIX.length));
  return bytes && bytes.length > 35 ? "share-" + uuidText(bytes.subarray(1, 17)) : null;
}

/** What a ticket is known by, and what it proves itself with. @typedef {{ id: Bytes, key: Bytes }} TicketKeys */

/** `tid` and `kT`. @param {Ticket} ticket @returns {Promise<TicketKeys>} */
export async function ticketKeys({ share, secret }) {
  const uuid = shareUUID(share) ?? new Uint8Array();
  return {
    id: await derive(secret, uuid, "pp1 ticket id", 16),
    key: await derive(secret, uuid, "pp1 ticket key", 32),
  };
}

/**
 * What an opener shows of a ticket: its id, a code, and what the code is over.
 * @typedef {{ id: Bytes, code: Bytes, message: Bytes }} TicketProof
 */

/** @param {TicketKeys} keys @param {Bytes} message @returns {Promise<TicketProof>} */
export const proveTicket = async (keys, message) => ({ id: keys.id, code: await authenticate(keys.key, message), message });

/** What the code of an offer is over. @param {Bytes} owner @param {Bytes} transcript */
export const ticketMessage = (owner, transcript) => join("pp1 ticket", owner, transcript);

/**
 * The tickets of a share: which are good, and who redeemed them. A ticket belongs to the first key that redeems it.
 * @typedef {"none" | "good" | "wrong" | "expired" | "claimed"} TicketVerdict
 */
export class TicketBook {
  /** @type {Map<string, { keys: TicketKeys, ticket: Ticket, text: string, expiry: number, claimant: string | null }>} by id */
  entries = new Map();
  /** Those that were revoked, too. @type {Set<string>} */
  #texts = new Set();

  /**
   * Takes up a ticket.
   * @param {Ticket} ticket
   * @param {number} expiry when it ends, in milliseconds by the caller's clock; `Infinity` if it never does
   * @param {number} now
   * @param {string | null} claimant the fingerprint of who redeemed it
   * @returns {Promise<string>} its text
   */
  async add(ticket, expiry, now, claimant = null) {
    const [keys, text] = await Promise.all([ticketKeys(ticket), ticketText(ticket)]);
    if (this.entries.size >= limits.tickets) {
      for (const [id, entry] of this.entries) if (now >= entry.expiry) this.entries.delete(id);
    }
    if (this.entries.size >= limits.tickets) throw new RangeError(`A share has at most ${limits.tickets} tickets.`);
    this.entries.set(base64url(keys.id), { keys, ticket, text, expiry, claimant });
    this.#texts.add(text);
    return text;
  }

  /** Whether a ticket is, or was, one of these. @param {string} text */
  isKnown(text) {
    return this.#texts.has(text);
  }

  /**
   * What a proof is worth, shown by the identity of a fingerprint.
   * @param {TicketProof | null} proof @param {string} fingerprint @param {number} now
   * @returns {Promise<TicketVerdict>}
   */
  async verdict(proof, fingerprint, now) {
    if (!proof) return "none";
    const entry = this.entries.get(base64url(proof.id));
    if (!entry || !(await isAuthentic(entry.keys.key, proof.message, proof.code))) return "wrong";
    // Read after the wait: what is decided here is acted on in the same step.
    if (now >= entry.expiry || !this.entries.has(base64url(proof.id))) return "expired";
    return entry.claimant !== null && entry.claimant !== fingerprint ? "claimed" : "good";
  }

  /**
   * Gives a good ticket to whom it is to let in.
   * @param {TicketProof} proof @param {string} fingerprint
   * @returns {boolean} whether it is theirs: somebody else may have been faster since the verdict
   */
  claim(proof, fingerprint) {
    const entry = this.entries.get(base64url(proof.id));
    if (!entry) return false;
    entry.claimant ??= fingerprint;
    return entry.claimant === fingerprint;
  }

  /** Revokes what an identity redeemed. @param {string} fingerprint */
  forget(fingerprint) {
    for (const [id, entry] of this.entries) if (entry.claimant === fingerprint) this.entries.delete(id);
  }
}
