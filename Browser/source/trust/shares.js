// Shares: ids that commit to their owner's key, records that the owner signs, and addresses.

import { hash, isSigned, publicKey, sign } from "../basics/crypto.js";
import {
  base64url, byteLength, depth, equal, fromBase64url, fromUUIDText, isInfo, isObject, isUUID, join, markUUID, parseObject,
  utf8, uuidText,
} from "../basics/encoding.js";
import { limits } from "../basics/limits.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/**
 * Why something from outside was not accepted: the first check that failed. Nothing is ever answered to it.
 */
export class Rejection extends Error {
  /** @param {string} check its name in docs/signalling-protocol.md @param {string} [member] what is wrong */
  constructor(check, member) {
    super(member ? `${check} (${member})` : check);
    this.name = "Rejection";
    this.check = check;
  }
}

export const SHARE_TYPE = "com.stemstorage.peerpouch.share";
const ACCESS = ["read-only", "read-write", "inbox"];
const WAYS = ["allow", "ticket", "ask", "anyone"];

/**
 * What a sharer says of a share.
 * @typedef {object} ShareRecord
 * @property {string} id the share's id, the `_id` of its document
 * @property {Bytes} key the owner's
 * @property {Bytes} salt
 * @property {number} n rises with every record
 * @property {Bytes} epoch the key that offers are sealed to
 * @property {string} name it never identifies
 * @property {any} info it never identifies
 * @property {"read-only" | "read-write" | "inbox"} access
 * @property {("allow" | "ticket" | "ask" | "anyone")[]} gate
 * @property {number} lease until when the sharer lives, in seconds since 1970 by the hub's clock
 */

/** The id of a share of this owner. @param {Bytes} owner @param {Bytes} salt */
export async function shareID(owner, salt) {
  const digest = await hash(join("pp1 share", owner, salt));
  return "share-" + uuidText(markUUID(digest, 8));
}

/** The UUID in a share's id. @param {unknown} id @returns {Bytes | null} `null` if it is none. */
export function shareUUID(id) {
  if (typeof id !== "string" || !id.startsWith("share-")) return null;
  const uuid = fromUUIDText(id.slice(6));
  return uuid && isUUID(uuid, 8) ? uuid : null;
}

/** How large a document is, as bounds of signals and shares count it. @param {Record<string, unknown>} document */
export function documentSize(document) {
  const members = Object.entries(document).filter(([name]) => !name.startsWith("_"));
  return byteLength(JSON.stringify(Object.fromEntries(members)));
}

/**
 * A document of a hub that can be looked at.
 * @param {unknown} document
 * @param {number} limit its size
 * @param {string} type
 * @returns {Record<string, any>} its member `peerpouch`
 * @throws {Rejection} size or form
 */
export function ownPart(document, limit, type) {
  // What is too deep to be looked at is too deep.
  let level = Infinity;
  try {
    level = depth(document);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  if (!isObject(document) || level > limits.depth) throw new Rejection("form");
  if (documentSize(document) > limit) throw new Rejection("size");
  if (document._deleted || document.type !== type) throw new Rejection("form", "type");
  const { peerpouch } = document;
  if (!isObject(peerpouch) || peerpouch.v !== 1) throw new Rejection("form", "peerpouch");
  return peerpouch;
}

/** @param {ShareRecord} record */
const encodedRecord = (record) => utf8(JSON.stringify({
  id: record.id, key: base64url(record.key), salt: base64url(record.salt), n: record.n, epoch: base64url(record.epoch),
  name: record.name, info: record.info, access: record.access, gate: WAYS.filter((way) => record.gate.includes(/** @type {any} */ (way))),
  lease: record.lease,
}));

/** @param {unknown} value @param {number} least */
const isInteger = (value, least) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= least;

/**
 * @param {Bytes} bytes
 * @returns {Promise<ShareRecord>}
 * @throws {Rejection} body or id
 */
async function readRecord(bytes) {
  const json = parseObject(bytes);
  /** @param {boolean} isRight @param {string} member */
  const check = (isRight, member) => { if (!isRight) throw new Rejection("body", member); };
  if (!json) throw new Rejection("body", "json");
  check(typeof json.id === "string" && byteLength(json.id) <= 64, "id");
  const [key, salt, epoch] = [json.key, json.salt, json.epoch].map(fromBase64url);
  if (!key || !(await publicKey(key, "ECDSA"))) throw new Rejection("body", "key");
  if (salt?.length !== 16) throw new Rejection("body", "salt");
  if (!epoch || !(await publicKey(epoch, "ECDH"))) throw new Rejection("body", "epoch");
  check(ACCESS.includes(/** @type {string} */ (json.access)), "access");
  check(isInteger(json.n, 1), "n");
  check(typeof json.name === "string" && byteLength(json.name) <= limits.name, "name");
  check(isInfo(json.info), "info");
  check(isGate(json.gate), "gate");
  check(isInteger(json.lease, 0), "lease");
  const record = /** @type {ShareRecord} */ ({ ...json, key, salt, epoch });
  if ((await shareID(key, salt)) !== record.id) throw new Rejection("id");
  return record;
}

/** @param {unknown} gate */
const isGate = (gate) => Array.isArray(gate) && gate.length > 0 && gate.every((way) => WAYS.includes(way))
  && new Set(gate).size === gate.length && (gate.length === 1 || !gate.includes("anyone"));

/**
 * Reads and verifies a share document.
 * @param {unknown} document
 * @returns {Promise<{ record: ShareRecord, bytes: Bytes }>}
 * @throws {Rejection} size, form, body, id or signature, in this order
 */
export async function readShare(document) {
  const { r, g } = ownPart(document, limits.shareDocument, SHARE_TYPE);
  const [bytes, signature] = [fromBase64url(r), fromBase64url(g)];
  if (!bytes) throw new Rejection("form", "r");
  if (signature?.length !== 64) throw new Rejection("form", "g");
  if (bytes.length > limits.record) throw new Rejection("size");
  const record = await readRecord(bytes);
  if (/** @type {any} */ (document)._id !== record.id) throw new Rejection("id");
  if (!(await isSigned(record.key, signature, join("pp1 record", bytes)))) throw new Rejection("signature");
  return { record, bytes };
}

/**
 * Signs a record.
 * @param {Omit<ShareRecord, "id" | "key">} record
 * @param {import("../basics/crypto.js").Identity} identity
 * @returns {Promise<Record<string, any>>} the document to write into the hub, without a revision
 */
export async function signShare(record, identity) {
  if (byteLength(record.name) > limits.name) throw new RangeError(`A name has at most ${limits.name} bytes.`);
  if (!isInfo(record.info)) throw new RangeError(`An info has at most ${limits.info} bytes of JSON.`);
  if (!isGate(record.gate) || !ACCESS.includes(record.access)) throw new RangeError("There is no such gate or access.");
  const id = await shareID(identity.bytes, record.salt);
  const bytes = encodedRecord({ ...record, id, key: identity.bytes });
  const signature = await sign(identity, join("pp1 record", bytes));
  return {
    _id: id, type: SHARE_TYPE, name: record.name, info: record.info,
    peerpouch: { v: 1, r: base64url(bytes), g: base64url(signature) },
  };
}

/**
 * Which record of a share holds: the highest that was ever seen. A hub can hold back a newer one, but never bring back an
 * older one.
 */
export class RecordMemory {
  /** @type {Map<string, number>} the one not met for longest first */
  #highest = new Map();

  /**
   * The record that holds among the leaves of a share's document.
   * @param {unknown[]} leaves
   * @param {string} id
   * @returns {Promise<ShareRecord>}
   * @throws {Rejection}
   */
  async choose(leaves, id) {
    /** @type {{ record: ShareRecord, bytes: Bytes } | undefined} */
    let chosen;
    let rejection = new Rejection("form", "leaves");
    let isFirst = true;
    for (const leaf of leaves) {
      try {
        const read = await readShare(leaf);
        if (read.record.id !== id) throw new Rejection("id");
        if (!chosen || isReplaced(chosen, read)) chosen = read;
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        if (isFirst) rejection = error;
        isFirst = false;
      }
    }
    if (!chosen) throw rejection;
    if (chosen.record.n < (this.#highest.get(id) ?? 1)) throw new Rejection("number");
    this.#highest.delete(id);
    this.#highest.set(id, chosen.record.n);
    if (this.#highest.size > limits.rememberedShares) {
      const [oldest] = this.#highest.keys();
      this.#highest.delete(oldest);
    }
    return chosen.record;
  }
}

/** @typedef {{ record: ShareRecord, bytes: Bytes }} Signed @type {(one: Signed, other: Signed) => boolean} */
function isReplaced(one, other) {
  if (one.record.n !== other.record.n) return one.record.n < other.record.n;
  if (equal(one.bytes, other.bytes)) return false;
  const place = one.bytes.findIndex((byte, index) => byte !== other.bytes[index]);
  return place >= 0 ? one.bytes[place] < (other.bytes[place] ?? -1) : one.bytes.length < other.bytes.length;
}

// MARK: Addresses

/**
 * Whether a text may be the name of a hub in addresses and tickets: short, without control characters, and without a user
 * or password.
 * @param {string} hub
 */
export function isHubName(hub) {
  if (hub === "" || byteLength(hub) > limits.hub || /[\0-\x1f\x7f-\x9f]|\p{Surrogate}/u.test(hub)) return false;
  const start = hub.indexOf("://");
  return start < 0 || !/^[^/?#\\]*@/.test(hub.slice(start + 3));
}

/** `webrtc://<hub>/<share>` @param {string} hub @param {string} share */
export const shareAddress = (hub, share) => `webrtc://${encodeURIComponent(hub)}/${encodeURIComponent(share)}`;

/** @param {unknown} address @returns {{ hub: string, share: string } | null} */
export function readAddress(address) {
  const match = typeof address === "string" ? /^webrtc:\/\/([^/]*)\/([^/]*)$/.exec(address) : null;
  if (!match) return null;
  try {
    const [hub, share] = match.slice(1).map(decodeURIComponent);
    return isHubName(hub) && shareUUID(share) ? { hub, share } : null;
  } catch {
    return null;
  }
}
