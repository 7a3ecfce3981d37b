// The bodies of requests and responses as they go through the tunnel.

import { ByteQueue } from "./byte-queue.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./exchanges.js").IncomingRequest} IncomingRequest */
/** @typedef {Bytes | Blob | AsyncIterable<Bytes> | null} Body */

/** How many bytes of a file are read at a time. */
const PIECE = 256 * 1024;

/** The bytes of a body piece by piece. @param {Body} body @returns {AsyncGenerator<Bytes>} */
export async function* pieces(body) {
  if (body === null) return;
  if (body instanceof Uint8Array) {
    if (body.length > 0) yield body;
  } else if (body instanceof Blob) {
    for (let offset = 0; offset < body.size; offset += PIECE) {
      yield new Uint8Array(await body.slice(offset, offset + PIECE).arrayBuffer());
    }
  } else {
    yield* body;
  }
}

/** How long a body is; `null` if it is not known. @param {Body} body @returns {number | null} */
export function lengthOf(body) {
  if (body === null) return 0;
  if (body instanceof Blob) return body.size;
  return body instanceof Uint8Array ? body.length : null;
}

/** Ends a body that nobody reads: it must not go on. @param {Body} body */
export async function abandon(body) {
  if (body && "return" in body) await /** @type {any} */ (body).return();
}

/**
 * All bytes of a request's body.
 * @param {IncomingRequest} request
 * @param {number} limit
 * @returns {Promise<Bytes | null>} `null` if there are more than the limit
 */
export async function collect({ body, length }, limit) {
  if (length !== null && length > limit) return null;
  const bytes = new ByteQueue();
  for await (const piece of body) {
    if (bytes.length + piece.length > limit) return null;
    bytes.push(piece);
  }
  return bytes.take();
}
