// Bytes and their texts, as docs/signalling-protocol.md writes them: base64url, base32, UUIDs, L(x, …), strict JSON.

import { limits } from "./limits.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const encoder = new TextEncoder();
// A byte order mark is a character like others, which JSON does not allow.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @type {(text: string) => Bytes} */
export const utf8 = (text) => encoder.encode(text);

/** The text of UTF-8. @type {(bytes: Uint8Array) => string} @throws {TypeError} if it is none. */
export const text = (bytes) => decoder.decode(bytes);

/** How many bytes a text has in UTF-8. @type {(text: string) => number} */
export const byteLength = (value) => encoder.encode(value).length;

/** @type {(count: number) => Bytes} */
export const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));

/** Puts parts together, however many. @type {(parts: Uint8Array[]) => Bytes} */
export function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** @type {(...parts: Uint8Array[]) => Bytes} */
export const concat = (...parts) => joined(parts);

/** Whether two lists of bytes, neither of them secret, are the same. @type {(one: Uint8Array, other: Uint8Array) => boolean} */
export const equal = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);

/** @type {(value: number) => Bytes} */
export function bigEndian(value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/**
 * `L(x, …)`: each part as its length in four big-endian bytes, then its bytes. Text is UTF-8, an integer four bytes.
 * @param {...(string | number | Uint8Array)} parts
 * @returns {Bytes}
 */
export function join(...parts) {
  return concat(...parts.flatMap((part) => {
    const bytes = typeof part === "string" ? utf8(part) : typeof part === "number" ? bigEndian(part) : part;
    return [bigEndian(bytes.length), bytes];
  }));
}

/**
 * Takes joined parts apart again.
 * @param {Uint8Array} bytes
 * @param {number} count
 * @returns {Bytes[] | null} `null` unless the bytes are exactly that many parts.
 */
export function split(bytes, count) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts = [];
  let offset = 0;
  while (parts.length < count) {
    if (bytes.length - offset < 4) return null;
    const length = view.getUint32(offset);
    offset += 4;
    if (bytes.length - offset < length) return null;
    parts.push(bytes.slice(offset, offset + length));
    offset += length;
  }
  return offset === bytes.length ? parts : null;
}

// MARK: Texts of bytes

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** @param {Uint8Array} bytes @param {number} width bits of a character @param {string} alphabet */
function encodeGroups(bytes, width, alphabet) {
  const mask = (1 << width) - 1;
  let characters = "";
  let bits = 0;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= width) {
      bits -= width;
      characters += alphabet[(buffer >> bits) & mask];
    }
  }
  if (bits > 0) characters += alphabet[(buffer << (width - bits)) & mask];
  return characters;
}

/**
 * @param {unknown} characters @param {number} width @param {string} alphabet
 * @returns {Bytes | null} `null` if a character has no value, could be left out, or has bits that say nothing.
 */
function decodeGroups(characters, width, alphabet) {
  if (typeof characters !== "string") return null;
  const bytes = new Uint8Array(Math.floor((characters.length * width) / 8));
  let count = 0;
  let bits = 0;
  let buffer = 0;
  for (const character of characters) {
    const value = alphabet.indexOf(character);
    if (value < 0) return null;
    buffer = ((buffer << width) | value) & 0xffff;
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      bytes[count++] = buffer >> bits;
    }
  }
  return bits < width && (buffer & ((1 << bits) - 1)) === 0 ? bytes : null;
}

/** Base64 for URLs, without padding. @type {(bytes: Uint8Array) => string} */
export const base64url = (bytes) => encodeGroups(bytes, 6, BASE64URL);
/** `null` for everything but the one text that a value has. @type {(text: unknown) => Bytes | null} */
export const fromBase64url = (value) => decodeGroups(value, 6, BASE64URL);
/** Base32 in lower case, without padding. @type {(bytes: Uint8Array) => string} */
export const base32 = (bytes) => encodeGroups(bytes, 5, BASE32);
/** `null` for everything but the one text that a value has. @type {(text: unknown) => Bytes | null} */
export const fromBase32 = (value) => decodeGroups(value, 5, BASE32);

/**
 * What people type or paste, in lower case and without white space around.
 * @param {unknown} value
 * @returns {string | null} `null` if it is not ASCII: other letters may become ASCII in lower case.
 */
export function typed(value) {
  return typeof value === "string" && /^[\0-\x7f]*$/.test(value) ? value.trim().toLowerCase() : null;
}

/** The text of a UUID. @param {Uint8Array} bytes sixteen of them */
export function uuidText(bytes) {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** @param {string} value @returns {Bytes | null} `null` unless it is as {@link uuidText} writes it. */
export function fromUUIDText(value) {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(value)) return null;
  return Uint8Array.from(value.replaceAll("-", "").match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

/** Sets version and variant of a UUID. @param {Uint8Array} bytes @param {number} version */
export function markUUID(bytes, version) {
  const marked = bytes.slice(0, 16);
  marked[6] = (version << 4) | (marked[6] & 0x0f);
  marked[8] = 0x80 | (marked[8] & 0x3f);
  return marked;
}

/** @param {Uint8Array} bytes @param {number} version */
export const isUUID = (bytes, version) => bytes.length === 16 && bytes[6] >> 4 === version && bytes[8] >> 6 === 2;

/** A random UUID's text. */
export const randomUUID = () => uuidText(markUUID(randomBytes(16), 4));

// MARK: JSON

/**
 * How deep a value is nested; a bare value is 0 deep.
 * @param {unknown} value
 * @returns {number} `Infinity` if a text in it has half a surrogate pair.
 */
export function depth(value) {
  if (typeof value === "string") return wellFormed(value) ? 0 : Infinity;
  if (typeof value !== "object" || value === null) return 0;
  let deepest = 0;
  for (const [name, member] of Object.entries(value)) {
    if (!wellFormed(name)) return Infinity;
    deepest = Math.max(deepest, depth(member));
  }
  return deepest + 1;
}

/** @param {string} value */
const wellFormed = (value) => !/\p{Surrogate}/u.test(value);

/**
 * How deep a JSON text is nested, by counting its brackets: before it is parsed, and whatever it is.
 * @param {string} json
 */
export function textDepth(json) {
  let level = 0;
  let deepest = 0;
  for (let index = 0; index < json.length; index++) {
    switch (json.charCodeAt(index)) {
      case 0x22: index = endOfString(json, index); break;
      case 0x5b: case 0x7b: deepest = Math.max(deepest, ++level); break;
      case 0x5d: case 0x7d: level--; break;
      default: break;
    }
  }
  return deepest;
}

/** Where the closing quote is. Texts may be long: patterns would need a stack as deep. @param {string} json @param {number} start */
function endOfString(json, start) {
  for (let quote = json.indexOf('"', start + 1); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (json.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote;
  }
  return json.length;
}

/**
 * A JSON object from outside.
 * @param {Uint8Array} bytes
 * @returns {Record<string, unknown> | null} `null` if it is no UTF-8, no object, or nested too deep.
 */
export function parseObject(bytes) {
  try {
    const json = text(bytes);
    if (textDepth(json) > limits.depth) return null;
    const value = JSON.parse(json);
    return isObject(value) && depth(value) <= limits.depth ? value : null;
  } catch {
    return null;
  }
}

/** @param {unknown} value @returns {value is Record<string, any>} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a value may be the `info` of a share or of an opener. @param {unknown} value */
export function isInfo(value) {
  return value !== undefined && depth(value) < limits.depth && byteLength(JSON.stringify(value)) <= limits.info;
}
