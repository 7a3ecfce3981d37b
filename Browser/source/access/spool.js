// Bytes that become a file, most of which the browser keeps outside of the page's memory.

import { tooLarge } from "./answers.js";

/** How many bytes are in the page's memory before the browser keeps them elsewhere. */
const HELD = 4 << 20;

export class Spool {
  /** @type {BlobPart[]} */
  #parts = [];
  #held = 0;
  size = 0;

  /** @param {Uint8Array<ArrayBuffer>} piece */
  push(piece) {
    this.size += piece.length;
    this.#held += piece.length;
    this.#parts.push(piece);
    if (this.#held < HELD) return;
    this.#parts = [new Blob(this.#parts)];
    this.#held = 0;
  }

  /** @param {string} type */
  blob(type) {
    return new Blob(this.#parts, { type });
  }
}

/** The bytes of a request's body as a file. @param {import("./requests.js").IncomingRequest} request @param {number} limit @param {string} type @returns {Promise<Blob>} */
export async function readFile({ body, length }, limit, type) {
  const problem = () => tooLarge("The attachment is too large for this peer.", "attachment_too_large");
  if (length !== null && length > limit) throw problem();
  const spool = new Spool();
  for await (const piece of body) {
    spool.push(piece);
    if (spool.size > limit) throw problem();
  }
  return spool.blob(type);
}
