// The frames of the tunnel and the heads in them, as docs/wire-protocol.md has them.

import { byteLength, concat, joined, text, utf8 } from "../basics/encoding.js";
import { tunnelLimits } from "../basics/limits.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

export const KIND = Object.freeze({
  hello: 0x01, open: 0x02, opened: 0x03, close: 0x04, request: 0x10, response: 0x11, data: 0x12, cancel: 0x13, credit: 0x14,
  ping: 0x20, pong: 0x21, goodbye: 0x22,
});
export const FLAG = Object.freeze({ end: 1, more: 2, yours: 4 });
export const CANCEL = Object.freeze({ notWanted: 0, failed: 1, stalled: 2, refused: 3, shareClosed: 4 });
export const GOODBYE = Object.freeze({
  done: 0, violation: 1, silence: 2, wrongProof: 3, unsupportedVersion: 4, notShared: 5, numbersUsedUp: 6,
});

const HEADER = 8;
export const LONGEST_PAYLOAD = tunnelLimits.frame - HEADER;
/** Lengths of bodies that are not known, and offsets of credit, are beyond what JavaScript counts: this stands for them. */
export const UNKNOWN = null;

/** What a peer did that the protocol does not allow. It ends the session. */
export class Violation extends Error {
  /** @param {string} rule */
  constructor(rule) {
    super(`The peer does not keep to the protocol (${rule}).`);
    this.name = "Violation";
    this.rule = rule;
  }

  get goodbye() {
    return GOODBYE[/** @type {"wrongProof" | "unsupportedVersion"} */ (this.rule)] ?? GOODBYE.violation;
  }
}

/** @typedef {{ kind: number, flags: number, id: number, payload: Bytes }} Frame */

/**
 * The frames of a message.
 * @param {Bytes} message
 * @returns {Generator<Frame>}
 * @throws {Violation}
 */
export function* readFrames(message) {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  let offset = 0;
  while (offset < message.length) {
    if (message.length - offset < HEADER) throw new Violation("truncatedFrame");
    const length = view.getUint16(offset + 2);
    if (length > LONGEST_PAYLOAD) throw new Violation("frameTooLong");
    const start = offset + HEADER;
    if (message.length - start < length) throw new Violation("truncatedFrame");
    yield {
      kind: message[offset], flags: message[offset + 1], id: view.getUint32(offset + 4),
      payload: message.subarray(start, start + length),
    };
    offset = start + length;
  }
}

/** Puts frames into a message. */
export class MessageWriter {
  /** @param {number} limit how long the message may get */
  constructor(limit) {
    this.limit = limit;
    this.length = 0;
    /** @type {Uint8Array[]} */
    this.parts = [];
  }

  /** How many bytes of payload another frame can have; negative if none fits. */
  get room() {
    return Math.min(this.limit - this.length - HEADER, LONGEST_PAYLOAD);
  }

  /** @param {number} kind @param {number} flags @param {number} id @param {...Uint8Array} payload fits into {@link room} */
  append(kind, flags, id, ...payload) {
    const header = new Uint8Array(HEADER);
    const view = new DataView(header.buffer);
    const length = payload.reduce((sum, part) => sum + part.length, 0);
    header[0] = kind;
    header[1] = flags;
    view.setUint16(2, length);
    view.setUint32(4, id);
    this.parts.push(header, ...payload);
    this.length += HEADER + length;
  }

  bytes() {
    return joined(this.parts);
  }
}

/** Takes a payload apart. Whatever is missing makes the frame malformed. */
export class PayloadReader {
  /** @param {Bytes} payload */
  constructor(payload) {
    this.rest = payload;
  }

  /** @param {number} count */
  bytes(count) {
    if (this.rest.length < count) throw new Violation("malformedFrame");
    const taken = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return taken;
  }

  /** @param {1 | 2 | 4} size */
  integer(size) {
    let value = 0;
    for (const byte of this.bytes(size)) value = value * 256 + byte;
    return value;
  }

  /** Eight bytes, rounded where JavaScript does not count exactly. */
  long() {
    const high = this.integer(4);
    return high * 2 ** 32 + this.integer(4);
  }

  short() {
    return this.bytes(this.integer(1));
  }

  finish() {
    if (this.rest.length > 0) throw new Violation("malformedFrame");
  }

  /** The rest as a reason for people. */
  reason() {
    return new TextDecoder().decode(this.rest.subarray(0, tunnelLimits.reason));
  }
}

/** @param {number} value @param {1 | 2 | 4 | 8} size @returns {Bytes} */
export function integer(value, size) {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  if (size === 1) view.setUint8(0, value);
  else if (size === 2) view.setUint16(0, value);
  else if (size === 4) view.setUint32(0, value);
  else {
    view.setUint32(0, Math.floor(value / 2 ** 32));
    view.setUint32(4, value % 2 ** 32);
  }
  return bytes;
}

/** @param {string} value @returns {Bytes} */
export const reasonBytes = (value) => utf8(value).subarray(0, tunnelLimits.reason);

/** @param {Uint8Array} part */
const short = (part) => concat(integer(part.length, 1), part);
/** @param {Uint8Array} part */
const long = (part) => concat(integer(part.length, 2), part);

/** UTF-8 that must be some. @param {Uint8Array} bytes */
function strictText(bytes) {
  try {
    return text(bytes);
  } catch {
    throw new Violation("malformedFrame");
  }
}

// MARK: Hello and shares

/** @typedef {{ message: number, streams: number, streamCredit: number, connectionCredit: number, proof: Bytes }} Hello */

/** @param {typeof tunnelLimits} limits @param {Bytes} proof */
export const helloPayload = (limits, proof) => concat(
  utf8("PPT"), integer(1, 1), integer(limits.message, 4), integer(limits.streams, 4), integer(limits.streamCredit, 8),
  integer(limits.connectionCredit, 8), short(proof));

/** @param {Bytes} payload @returns {Hello} @throws {Violation} */
export function readHello(payload) {
  const reader = new PayloadReader(payload);
  const magic = reader.bytes(3);
  if (magic[0] !== 0x50 || magic[1] !== 0x50 || magic[2] !== 0x54 || reader.integer(1) !== 1) {
    throw new Violation("unsupportedVersion");
  }
  const hello = {
    message: reader.integer(4), streams: reader.integer(4), streamCredit: reader.long(), connectionCredit: reader.long(),
    proof: reader.short().slice(),
  };
  if (hello.message < tunnelLimits.frame || hello.proof.length > tunnelLimits.proof) throw new Violation("malformedFrame");
  return hello;
}

/** A peer's wish to use a share. @typedef {{ share: string, ticket: Bytes, proof: Bytes }} ShareOpening */

/** @param {ShareOpening} opening */
export const openingPayload = ({ share, ticket, proof }) => concat(short(utf8(share)), short(ticket), short(proof));

/** @param {Bytes} payload @returns {ShareOpening} @throws {Violation} */
export function readOpening(payload) {
  const reader = new PayloadReader(payload);
  const share = reader.short();
  const [ticket, proof] = [reader.short().slice(), reader.short().slice()];
  reader.finish();
  const { shareID } = tunnelLimits;
  if (share.length > shareID || ticket.length > shareID || proof.length > tunnelLimits.proof) throw new Violation("malformedFrame");
  return { share: strictText(share), ticket, proof };
}

// MARK: Heads

/**
 * @typedef {[name: string, value: string][]} Headers names in lower case
 * @typedef {{ share: number, method: string, target: string, headers: Headers, length: number | null }} RequestHead
 * @typedef {{ status: number, headers: Headers, length: number | null }} ResponseHead
 */

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** @param {number | null} length */
const bodyLength = (length) => (length === UNKNOWN ? new Uint8Array(8).fill(0xff) : integer(length, 8));

/** @param {PayloadReader} reader */
function readBodyLength(reader) {
  const bytes = reader.bytes(8);
  if (bytes.every((byte) => byte === 0xff)) return UNKNOWN;
  if (bytes[0] > 0x7f) throw new Violation("malformedFrame");
  return new PayloadReader(bytes).long();
}

/** @param {Headers} headers */
function headersPayload(headers) {
  if (headers.length > tunnelLimits.headers) throw new RangeError("There are too many headers for a peer.");
  return concat(integer(headers.length, 1), ...headers.flatMap(([name, value]) => {
    const [key, content] = [utf8(name.toLowerCase()), utf8(value)];
    if (key.length > 255 || content.length > tunnelLimits.head) throw new RangeError("The headers are too long for a peer.");
    return [short(key), long(content)];
  }));
}

/** @param {PayloadReader} reader @returns {Headers} */
function readHeaders(reader) {
  const count = reader.integer(1);
  if (count > tunnelLimits.headers) throw new Violation("headTooLarge");
  /** @type {Headers} */
  const headers = [];
  for (let index = 0; index < count; index++) {
    const name = strictText(reader.short());
    const value = strictText(reader.bytes(reader.integer(2)));
    if (!TOKEN.test(name) || /[\0\r\n]/.test(value)) throw new Violation("malformedFrame");
    headers.push([name.toLowerCase(), value]);
  }
  reader.finish();
  return headers;
}

/** @param {string} target */
const pathOf = (target) => target.split("?", 1)[0];

/** @param {Bytes} payload */
function bounded(payload) {
  if (payload.length > tunnelLimits.head) throw new RangeError("The request or its answer is too long for a peer.");
  return payload;
}

/** @param {RequestHead} head @throws {RangeError} for what a peer would not take */
export function requestPayload({ share, method, target, headers, length }) {
  if (byteLength(pathOf(target)) > tunnelLimits.path || byteLength(target) > tunnelLimits.head) {
    throw new RangeError("The request's path is too long for a peer.");
  }
  return bounded(concat(
    integer(share, 4), bodyLength(length), short(utf8(method)), long(utf8(target)), headersPayload(headers)));
}

/** @param {Bytes} payload @returns {RequestHead} @throws {Violation} */
export function readRequest(payload) {
  const reader = new PayloadReader(payload);
  const share = reader.integer(4);
  const length = readBodyLength(reader);
  const method = strictText(reader.short());
  const target = strictText(reader.bytes(reader.integer(2)));
  if (!TOKEN.test(method)) throw new Violation("malformedFrame");
  if (byteLength(pathOf(target)) > tunnelLimits.path) throw new Violation("headTooLarge");
  return { share, method, target, headers: readHeaders(reader), length };
}

/** @param {ResponseHead} head @throws {RangeError} for what a peer would not take */
export const responsePayload = ({ status, headers, length }) =>
  bounded(concat(integer(status, 2), bodyLength(length), headersPayload(headers)));

/** @param {Bytes} payload @returns {ResponseHead} @throws {Violation} */
export function readResponse(payload) {
  const reader = new PayloadReader(payload);
  const status = reader.integer(2);
  if (status < 200 || status > 599) throw new Violation("malformedFrame");
  return { status, length: readBodyLength(reader), headers: readHeaders(reader) };
}
