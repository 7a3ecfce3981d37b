// The functions that the handshake is made of, by WebCrypto; named as docs/signalling-protocol.md names them.

import { base32, bigEndian, concat, utf8 } from "./encoding.js";

/** @typedef {import("./encoding.js").Bytes} Bytes */

const subtle = globalThis.crypto?.subtle;
const EC = { namedCurve: "P-256" };

/** `H`: SHA-256. @type {(bytes: Bytes) => Promise<Bytes>} */
export const hash = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));

/** @param {Bytes} key */
const hmacKey = (key) => subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);

/** `HMAC` with SHA-256. @param {Bytes} key @param {Bytes} message @returns {Promise<Bytes>} */
export const authenticate = async (key, message) =>
  new Uint8Array(await subtle.sign("HMAC", await hmacKey(key), message));

/** Whether a code is the message's, in a time that tells nothing. @param {Bytes} key @param {Bytes} message @param {Bytes} code */
export const isAuthentic = async (key, message, code) => subtle.verify("HMAC", await hmacKey(key), code, message);

/** `HKDF` with SHA-256. @param {Bytes} secret @param {Bytes} salt @param {string} info @param {number} count bytes */
export async function derive(secret, salt, info, count) {
  const key = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: utf8(info) }, key, count * 8));
}

/** @param {number} number @param {Bytes} header */
const gcm = (number, header) =>
  ({ name: "AES-GCM", iv: concat(new Uint8Array(8), bigEndian(number)), additionalData: header, tagLength: 128 });

/** `AEAD`: AES-256-GCM. @param {Bytes} key @param {number} number @param {Bytes} header @param {Bytes} plain @returns {Promise<Bytes>} */
export async function seal(key, number, header, plain) {
  const sealing = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return new Uint8Array(await subtle.encrypt(gcm(number, header), sealing, plain));
}

/**
 * @param {Bytes} key @param {number} number @param {Bytes} header @param {Bytes} sealed
 * @returns {Promise<Bytes | null>} `null` unless it was sealed with this key, number and header.
 */
export async function unseal(key, number, header, sealed) {
  const opening = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await subtle.decrypt(gcm(number, header), opening, sealed));
  } catch {
    return null;
  }
}

// MARK: Keys

/**
 * A public key from outside. WebCrypto also takes compressed points, which would give one key several texts.
 * @param {Bytes | null} bytes
 * @param {"ECDSA" | "ECDH"} kind
 * @returns {Promise<CryptoKey | null>} `null` unless it is an uncompressed point of the curve.
 */
export async function publicKey(bytes, kind) {
  if (bytes?.length !== 65 || bytes[0] !== 4) return null;
  try {
    return await subtle.importKey("raw", bytes, { name: kind, ...EC }, true, kind === "ECDSA" ? ["verify"] : []);
  } catch {
    return null;
  }
}

/** @param {CryptoKey} key @returns {Promise<Bytes>} */
const raw = async (key) => new Uint8Array(await subtle.exportKey("raw", key));

/** The keys of one opening or epoch; they live in memory only. @typedef {{ key: CryptoKey, bytes: Bytes }} EphemeralKey */

/** A new key to agree on a secret with. @returns {Promise<EphemeralKey>} */
export async function ephemeralKey() {
  const pair = await subtle.generateKey({ name: "ECDH", ...EC }, false, ["deriveBits"]);
  return { key: pair.privateKey, bytes: await raw(pair.publicKey) };
}

/** `ECDH`: the 32 bytes of the common point's x. @param {EphemeralKey} own @param {Bytes} other a key that was checked */
export async function agree(own, other) {
  const point = await publicKey(other, "ECDH");
  if (!point) throw new TypeError("This is no public key.");
  return new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: point }, own.key, 256));
}

// MARK: Identities

/**
 * Who this page is: a key that signs, and never encrypts.
 * @typedef {{ key: CryptoKey, bytes: Bytes, fingerprint: string }} Identity
 */

/** What people and lists know a key by. @param {Bytes} key */
export const fingerprint = async (key) => base32(await hash(key));

/** The first 16 characters of a fingerprint, in groups: what two people compare aloud. @param {string} value */
export const shortFingerprint = (value) => (value.slice(0, 16).match(/.{4}/g) ?? []).join("-");

/** @param {CryptoKeyPair} pair @returns {Promise<Identity>} */
export async function identityOf(pair) {
  const bytes = await raw(pair.publicKey);
  return { key: pair.privateKey, bytes, fingerprint: await fingerprint(bytes) };
}

/** A new identity, whose private key nothing can read. @returns {Promise<CryptoKeyPair>} */
export const newIdentity = () => subtle.generateKey({ name: "ECDSA", ...EC }, false, ["sign", "verify"]);

/** @param {Identity} identity @param {Bytes} message @returns {Promise<Bytes>} r‖s, 64 bytes */
export const sign = async (identity, message) =>
  new Uint8Array(await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, identity.key, message));

/** Whether an identity signed a message. @param {Bytes} key @param {Bytes} signature r‖s; other forms are never valid @param {Bytes} message */
export async function isSigned(key, signature, message) {
  const verifying = await publicKey(key, "ECDSA");
  return verifying !== null && signature.length === 64
    && subtle.verify({ name: "ECDSA", hash: "SHA-256" }, verifying, signature, message);
}
