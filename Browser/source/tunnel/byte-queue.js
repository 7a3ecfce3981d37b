// Bytes that came and were not read yet.

import { joined } from "../basics/encoding.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** The size of chunks for small parts, in bytes: many times what a chunk takes besides. */
const SMALLEST_CHUNK = 1024;

/**
 * Bytes that came, copied into chunks: what is held is as much as came, however small the parts that it came in.
 */
export class ByteQueue {
  constructor() {
    this.length = 0;
    /** @type {Bytes[]} full ones */
    this.full = [];
    /** @type {Bytes} */
    this.last = new Uint8Array();
    this.used = 0;
  }

  /** @param {Bytes} bytes */
  push(bytes) {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.used === this.last.length) {
        if (this.used > 0) this.full.push(this.last);
        this.last = new Uint8Array(Math.max(rest.length, SMALLEST_CHUNK));
        this.used = 0;
      }
      const part = rest.subarray(0, this.last.length - this.used);
      this.last.set(part, this.used);
      this.used += part.length;
      rest = rest.subarray(part.length);
    }
    this.length += bytes.length;
  }

  /** Takes all of them. @returns {Bytes} */
  take() {
    const all = joined([...this.full, this.last.subarray(0, this.used)]);
    this.length = 0;
    this.full = [];
    this.last = new Uint8Array();
    this.used = 0;
    return all;
  }
}
