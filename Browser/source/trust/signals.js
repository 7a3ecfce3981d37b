// Signals: what goes between two peers by way of a hub. Offers, answers and further candidates, each sealed and signed.

import { agree, authenticate, derive, ephemeralKey, hash, isAuthentic, isSigned, publicKey, seal, sign, unseal } from "../basics/crypto.js";
import { descriptionMembers, readCandidates, readDescription } from "./descriptions.js";
import {
  base64url, byteLength, concat, equal, fromBase64url, fromUUIDText, isInfo, join, parseObject, randomBytes, randomUUID, split, text,
  utf8,
} from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { documentSize, ownPart, Rejection, shareUUID } from "./shares.js";
import { proveTicket, ticketMessage } from "./tickets.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("../basics/crypto.js").Identity} Identity */
/** @typedef {import("../basics/crypto.js").EphemeralKey} EphemeralKey */
/** @typedef {import("./descriptions.js").Description} Description */
/** @typedef {"sharer" | "opener"} Role */

export const SIGNAL_TYPE = "com.stemstorage.peerpouch.signal";
const SIGNAL_PREFIX = { opener: "p-signal-", sharer: "s-signal-" };
const DIRECTION = { opener: "OS", sharer: "SO" };
/** @param {Role} role @returns {Role} */
const otherRole = (role) => (role === "sharer" ? "opener" : "sharer");

/**
 * A signal as it was read; nothing of it is verified.
 * @typedef {{ role: Role, sender: string, recipient: string, header: Bytes, sealed: Bytes }} Signal
 */

/** @param {unknown} document @returns {Signal} @throws {Rejection} size or form */
export function readSignal(document) {
  const { h, c } = ownPart(document, limits.signal, SIGNAL_TYPE);
  const { _id, sender, recipient } = /** @type {any} */ (document);
  const role = /** @type {Role[]} */ (["sharer", "opener"]).find((each) => typeof _id === "string" && _id.startsWith(SIGNAL_PREFIX[each]));
  if (!role || !fromUUIDText(_id.slice(SIGNAL_PREFIX[role].length))) throw new Rejection("form", "_id");
  for (const end of [sender, recipient]) {
    if (typeof end !== "string" || byteLength(end) > 64) throw new Rejection("form", "sender");
  }
  const [header, sealed] = [fromBase64url(h), fromBase64url(c)];
  if (!header || !sealed) throw new Rejection("form", "h");
  return { role, sender, recipient, header, sealed };
}

/** What a signal says it is for. @param {Signal} signal @returns {"offer" | "answer" | "more" | null} */
export function signalKind({ header }) {
  for (const kind of /** @type {const} */ (["offer", "answer", "more"])) {
    const label = join(`pp1 ${kind}`);
    if (equal(header.subarray(0, label.length), label)) return kind;
  }
  return null;
}

/**
 * @param {Role} role @param {string} share @param {Bytes} sid @param {Bytes} header @param {Bytes} sealed
 * @throws {RangeError} if the document would be too large to be read
 */
function signalDocument(role, share, sid, header, sealed) {
  const ends = [base64url(sid), share];
  const [sender, recipient] = role === "opener" ? ends : ends.reverse();
  const document = {
    _id: SIGNAL_PREFIX[role] + randomUUID(), type: SIGNAL_TYPE, sender, recipient, data: null, info: {},
    peerpouch: { v: 1, h: base64url(header), c: base64url(sealed) },
  };
  if (documentSize(document) > limits.signal) throw new RangeError("The signal is too large.");
  return document;
}

/** Whether a signal goes between a session and a share. @param {Signal} signal @param {Bytes} sid @param {string} share */
function isBetween({ role, sender, recipient }, sid, share) {
  const ends = role === "opener" ? [sender, recipient] : [recipient, sender];
  return ends[0] === base64url(sid) && ends[1] === share;
}

// MARK: Headers

/** @param {Bytes} header @returns {Promise<{ share: string, epoch: Bytes, key: Bytes, sid: Bytes }>} @throws {Rejection} form */
export async function readOfferHeader(header) {
  const parts = split(header, 5);
  if (!parts || !equal(parts[0], utf8("pp1 offer"))) throw new Rejection("form", "h");
  const [, id, epoch, key, sid] = parts;
  let share;
  try {
    share = text(id);
  } catch {
    throw new Rejection("form", "h");
  }
  if (!shareUUID(share) || sid.length !== 16 || !(await publicKey(epoch, "ECDH")) || !(await publicKey(key, "ECDH"))) {
    throw new Rejection("form", "h");
  }
  return { share, epoch, key, sid };
}

/** @param {Bytes} sid @param {Role} role @param {number} number */
const moreHeader = (sid, role, number) => join("pp1 more", sid, DIRECTION[role], number);

// MARK: Keys

/** `K` @param {Bytes} agreement `Z` @param {Bytes} header */
const offerKey = async (agreement, header) => derive(agreement, await hash(header), "pp1 offer", 32);

/**
 * @typedef {{ answer: Bytes, sharer: Bytes, opener: Bytes, binding: Bytes }} SessionKeys `kA`, `kSO`, `kOS`, `kB`
 * @param {Bytes} agreements `Z ‖ ECDH(F, E)` @param {Bytes} transcript `tO` @param {Bytes} header the answer's
 * @returns {Promise<SessionKeys>}
 */
async function sessionKeys(agreements, transcript, header) {
  const keys = await derive(agreements, await hash(join(transcript, header)), "pp1 session", 128);
  return { answer: keys.slice(0, 32), sharer: keys.slice(32, 64), opener: keys.slice(64, 96), binding: keys.slice(96) };
}

/** @param {Bytes} owner @param {Bytes} transcript @param {Bytes} code */
const offerMessage = (owner, transcript, code) => join("pp1 offer sig", owner, transcript, code);
/** @param {Bytes} opener @param {Bytes} offer `tO` @param {Bytes} answer `tA` */
const answerMessage = (opener, offer, answer) => join("pp1 answer sig", opener, offer, answer);

// MARK: The opener's side

/** An offer that this side made, waiting for its answer. To change anything a new one is made, with a new key. */
export class OutgoingOffer {
  /**
   * @param {object} parts
   * @param {import("./shares.js").ShareRecord} parts.record verified
   * @param {Identity} parts.identity
   * @param {Description} parts.description
   * @param {any} [parts.info] what the sharer's `onRemote` gets to see
   * @param {import("./tickets.js").TicketKeys | null} [parts.ticket]
   * @param {EphemeralKey} [parts.key] a fresh one unless given, which only tests do
   * @param {Bytes} [parts.sid] likewise
   */
  static async make({ record, identity, description, info = {}, ticket = null, key, sid = randomBytes(16) }) {
    if (!isInfo(info)) throw new RangeError(`An info has at most ${limits.info} bytes of JSON.`);
    const offer = new OutgoingOffer();
    offer.record = record;
    offer.identity = identity;
    offer.sid = sid;
    offer.key = key ?? (await ephemeralKey());
    offer.candidates = description.candidates.length;
    const header = join("pp1 offer", record.id, record.epoch, offer.key.bytes, sid);
    offer.agreement = await agree(offer.key, record.epoch);
    const body = offerBody(identity, description, info, ticket);
    offer.transcript = await hash(join(header, body));
    const proof = ticket && (await proveTicket(ticket, ticketMessage(record.key, offer.transcript)));
    const code = proof?.code ?? new Uint8Array();
    const signature = await sign(identity, offerMessage(record.key, offer.transcript, code));
    const sealed = await seal(await offerKey(offer.agreement, header), 0, header, join(body, code, signature));
    offer.document = signalDocument("opener", record.id, sid, header, sealed);
    return offer;
  }

  /** `H(c)` */
  async digest() {
    return hash(fromBase64url(this.document.peerpouch.c) ?? new Uint8Array());
  }

  /**
   * Opens an answer.
   * @param {Signal} signal
   * @returns {Promise<{ session: Session, description: Description } | { refusal: string }>}
   * @throws {Rejection} why it is none to this offer; then the wait for a valid one goes on
   */
  async open(signal) {
    const parts = signal.role === "sharer" ? split(signal.header, 4) : null;
    if (!parts || !equal(parts[0], utf8("pp1 answer")) || parts[1].length !== 16 || parts[2].length !== 32
      || !(await publicKey(parts[3], "ECDH"))) throw new Rejection("form", "h");
    const [, sid, offered, key] = parts;
    const share = this.record.id;
    if (!equal(sid, this.sid) || !isBetween(signal, this.sid, share)) throw new Rejection("id");
    if (!equal(offered, await this.digest())) throw new Rejection("offer");
    const keys = await sessionKeys(concat(this.agreement, await agree(this.key, key)), this.transcript, signal.header);
    const plain = await unseal(keys.answer, 0, signal.header, signal.sealed);
    if (!plain) throw new Rejection("decryption");
    const contents = split(plain, 2);
    if (!contents) throw new Rejection("body", "parts");
    const [body, signature] = contents;
    const said = readAnswer(body);
    const answered = await hash(join(signal.header, body));
    if (!(await isSigned(this.record.key, signature, answerMessage(this.identity.bytes, this.transcript, answered)))) {
      throw new Rejection("signature");
    }
    if ("refusal" in said) return said;
    const session = await Session.make({
      sid: this.sid, share, role: "opener", remote: this.record.key, keys, transcripts: [this.transcript, answered],
      candidates: { own: this.candidates, remote: said.description.candidates.length },
    });
    return { session, description: said.description };
  }
}

/** @param {Identity} identity @param {Description} description @param {any} info @param {import("./tickets.js").TicketKeys | null} ticket */
export function offerBody(identity, description, info, ticket) {
  const json = JSON.stringify({
    key: base64url(identity.bytes), ...descriptionMembers(description), info,
    ...(ticket ? { tid: base64url(ticket.id) } : {}),
  });
  const bytes = utf8(json);
  const padding = new Uint8Array((limits.padding - (bytes.length % limits.padding)) % limits.padding).fill(0x20);
  return concat(bytes, padding);
}

/** @param {Bytes} bytes @returns {{ description: Description } | { refusal: string }} @throws {Rejection} body */
function readAnswer(bytes) {
  const json = parseObject(bytes);
  if (!json) throw new Rejection("body", "json");
  if (json.ok === true) return { description: readDescription(json) };
  if (json.ok !== false) throw new Rejection("body", "ok");
  if (typeof json.error !== "string" || byteLength(json.error) > limits.refusal) throw new Rejection("body", "error");
  return { refusal: json.error };
}

// MARK: The sharer's side

/** An offer that passed every check but the gate's. Nothing was allocated or answered for it yet. */
export class ReceivedOffer {
  /**
   * Decrypts and verifies an offer whose header was checked.
   * @param {Signal} signal
   * @param {{ share: string, epoch: Bytes, key: Bytes, sid: Bytes }} header
   * @param {EphemeralKey} epoch
   * @param {Bytes} owner
   * @throws {Rejection} decryption, body or signature
   */
  static async read(signal, header, epoch, owner) {
    const offer = new ReceivedOffer();
    offer.agreement = await agree(epoch, header.key);
    const plain = await unseal(await offerKey(offer.agreement, signal.header), 0, signal.header, signal.sealed);
    if (!plain) throw new Rejection("decryption");
    const parts = split(plain, 3);
    if (!parts) throw new Rejection("body", "parts");
    const [body, code, signature] = parts;
    if (body.length % limits.padding !== 0) throw new Rejection("body", "padding");
    const json = parseObject(body);
    if (!json) throw new Rejection("body", "json");
    const key = fromBase64url(json.key);
    if (!key || !(await publicKey(key, "ECDSA"))) throw new Rejection("body", "key");
    offer.description = readDescription(json);
    if (!isInfo(json.info)) throw new Rejection("body", "info");
    const tid = Object.hasOwn(json, "tid") ? fromBase64url(json.tid) : undefined;
    if (tid !== undefined && tid?.length !== 16) throw new Rejection("body", "tid");
    if (code.length !== (tid ? 32 : 0)) throw new Rejection("body", "mac");
    offer.transcript = await hash(join(signal.header, body));
    if (!(await isSigned(key, signature, offerMessage(owner, offer.transcript, code)))) throw new Rejection("signature");
    offer.owner = owner;
    offer.share = header.share;
    offer.sid = header.sid;
    /** Who wants in; verified. */
    offer.remote = key;
    /** What it says of itself; it never identifies. */
    offer.info = json.info;
    /** @type {import("./tickets.js").TicketProof | null} */
    offer.ticket = tid ? { id: tid, code, message: ticketMessage(owner, offer.transcript) } : null;
    offer.key = header.key;
    offer.digest = await hash(signal.sealed);
    return offer;
  }

  /**
   * Lets the remote in.
   * @param {Identity} identity the owner's @param {Description} description @param {EphemeralKey} [key] only tests give one
   */
  async accept(identity, description, key) {
    const body = utf8(JSON.stringify({ ok: true, ...descriptionMembers(description) }));
    const { document, keys, answered } = await this.#answer(body, identity, key);
    const session = await Session.make({
      sid: this.sid, share: this.share, role: "sharer", remote: this.remote, keys, transcripts: [this.transcript, answered],
      candidates: { own: description.candidates.length, remote: this.description.candidates.length },
    });
    return { document, session };
  }

  /** Tells the remote that it is not let in. @param {Identity} identity @param {string} refusal */
  async refuse(identity, refusal) {
    return (await this.#answer(utf8(JSON.stringify({ ok: false, error: refusal })), identity)).document;
  }

  /** @param {Bytes} body @param {Identity} identity @param {EphemeralKey} [key] */
  async #answer(body, identity, key) {
    const own = key ?? (await ephemeralKey());
    const header = join("pp1 answer", this.sid, this.digest, own.bytes);
    const keys = await sessionKeys(concat(this.agreement, await agree(own, this.key)), this.transcript, header);
    const answered = await hash(join(header, body));
    const signature = await sign(identity, answerMessage(this.remote, this.transcript, answered));
    const sealed = await seal(keys.answer, 0, header, join(body, signature));
    return { document: signalDocument("sharer", this.share, this.sid, header, sealed), keys, answered };
  }
}

// MARK: What follows the answer

/**
 * The keys and counters of an opening: seals further candidates, proves over the connection that both ends of it are those
 * that signalled, and proves tickets for more shares over it.
 */
export class Session {
  /**
   * @param {object} parts
   * @param {Bytes} parts.sid
   * @param {string} parts.share
   * @param {Role} parts.role
   * @param {Bytes} parts.remote the other side's identity; verified
   * @param {SessionKeys} parts.keys
   * @param {[Bytes, Bytes]} parts.transcripts `tO` and `tA`
   * @param {{ own: number, remote: number }} parts.candidates
   */
  static async make({ sid, share, role, remote, keys, transcripts, candidates }) {
    const session = new Session();
    session.sid = sid;
    session.share = share;
    session.role = role;
    session.remote = remote;
    session.keys = keys;
    /** `T` */
    session.transcript = await hash(join(...transcripts));
    session.own = { number: 0, candidates: candidates.own };
    session.other = { number: 0, candidates: candidates.remote };
    return session;
  }

  /** How many more candidates may be told. */
  get room() {
    return this.own.number < limits.furtherSignals ? limits.candidates - this.own.candidates : 0;
  }

  /** Seals candidates that were found after the description. @param {string[]} candidates at most {@link room} */
  async seal(candidates) {
    if (candidates.length === 0 || candidates.length > this.room) throw new RangeError("An opening names no more candidates.");
    // Counted before anything waits: two calls must not use one number.
    const number = ++this.own.number;
    this.own.candidates += candidates.length;
    const header = moreHeader(this.sid, this.role, number);
    const body = utf8(JSON.stringify({ cands: candidates }));
    const sealed = await seal(this.keys[this.role], number, header, body);
    return signalDocument(this.role, this.share, this.sid, header, sealed);
  }

  /**
   * Opens candidates that the other side found later. Numbers must rise. Not to be called again before it is done.
   * @param {Signal} signal
   * @returns {Promise<string[]>}
   * @throws {Rejection} form, id, order, decryption or body, in this order
   */
  async open(signal) {
    const from = otherRole(this.role);
    const parts = split(signal.header, 4);
    if (!parts || !equal(parts[0], utf8("pp1 more")) || parts[1].length !== 16 || parts[3].length !== 4) {
      throw new Rejection("form", "h");
    }
    const number = new DataView(parts[3].buffer).getUint32(0);
    if (signal.role !== from || !isBetween(signal, this.sid, this.share)
      || !equal(signal.header, moreHeader(this.sid, from, number))) throw new Rejection("id");
    if (number <= this.other.number || number > limits.furtherSignals) throw new Rejection("order");
    const body = await unseal(this.keys[from], number, signal.header, signal.sealed);
    if (!body) throw new Rejection("decryption");
    const json = parseObject(body);
    if (!json) throw new Rejection("body", "json");
    const candidates = readCandidates(json);
    if (candidates.length === 0 || this.other.candidates + candidates.length > limits.candidates) {
      throw new Rejection("body", "cands");
    }
    this.other.number = number;
    this.other.candidates += candidates.length;
    return candidates;
  }

  /** @param {Role} role */
  #helloMessage(role) {
    return join("pp1 hello", role, this.transcript);
  }

  /** What this side's first frame carries. */
  hello() {
    return authenticate(this.keys.binding, this.#helloMessage(this.role));
  }

  /** Whether the other side's first frame carries what it must. @param {Bytes} code */
  isHello(code) {
    return isAuthentic(this.keys.binding, this.#helloMessage(otherRole(this.role)), code);
  }

  /** @param {string} share @param {Role} requester */
  #openMessage(share, requester) {
    return join("pp1 open", share, this.transcript, requester);
  }

  /** Proves a ticket for another share of the other side over this connection. @param {import("./tickets.js").TicketKeys} keys @param {string} share */
  proof(keys, share) {
    return proveTicket(keys, this.#openMessage(share, this.role));
  }

  /**
   * What the other side showed of a ticket to open a share of this side.
   * @param {Bytes} id @param {Bytes} code @param {string} share
   * @returns {import("./tickets.js").TicketProof | null}
   */
  shownProof(id, code, share) {
    if (id.length !== 16 || code.length !== 32) return null;
    return { id, code, message: this.#openMessage(share, otherRole(this.role)) };
  }
}
