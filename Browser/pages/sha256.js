// SHA-256 (FIPS 180-4) of what comes piece by piece: browsers' own takes all of it at once.

// Signed words: those that JavaScript counts fastest.
const K = new Int32Array(64);
const START = new Int32Array(8);
// The first 32 bits of the fractional parts of the cube roots, and of the square roots, of the first primes.
for (let prime = 2, count = 0; count < 64; prime++) {
  let isPrime = true;
  for (let factor = 2; factor * factor <= prime; factor++) if (prime % factor === 0) isPrime = false;
  if (!isPrime) continue;
  if (count < 8) START[count] = (prime ** (1 / 2) % 1) * 2 ** 32;
  K[count++] = (prime ** (1 / 3) % 1) * 2 ** 32;
}

export class SHA256 {
  #state = START.slice();
  #words = new Int32Array(64);
  #block = new Uint8Array(64);
  #used = 0;
  #length = 0;

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.#length += bytes.length;
    let offset = 0;
    if (this.#used > 0) {
      offset = Math.min(64 - this.#used, bytes.length);
      this.#block.set(bytes.subarray(0, offset), this.#used);
      this.#used += offset;
      if (this.#used < 64) return;
      this.#mix(this.#block, 0);
      this.#used = 0;
    }
    for (; offset + 64 <= bytes.length; offset += 64) this.#mix(bytes, offset);
    this.#block.set(bytes.subarray(offset));
    this.#used = bytes.length - offset;
  }

  /** The digest in hexadecimal; nothing can be added then. */
  finish() {
    const length = this.#length;
    const padding = new Uint8Array((this.#used < 56 ? 64 : 128) - this.#used);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(padding.length - 4, (length * 8) >>> 0);
    this.update(padding);
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** @param {Uint8Array} bytes @param {number} offset */
  #mix(bytes, offset) {
    const w = this.#words;
    for (let index = 0; index < 16; index++) {
      const at = offset + index * 4;
      w[index] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let index = 16; index < 64; index++) {
      const x = w[index - 15];
      const y = w[index - 2];
      const small = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const large = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[index] = (w[index - 16] + small + w[index - 7] + large) | 0;
    }
    // One by one: taking an array apart costs more than the rest.
    const state = this.#state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let index = 0; index < 64; index++) {
      const one = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + one + ((e & f) ^ (~e & g)) + K[index] + w[index]) | 0;
      const zero = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (zero + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/** The digest of a blob, read piece by piece. @param {Blob} blob */
export async function sha256(blob) {
  const hash = new SHA256();
  const step = 1 << 20;
  for (let offset = 0; offset < blob.size; offset += step) hash.update(new Uint8Array(await blob.slice(offset, offset + step).arrayBuffer()));
  return hash.finish();
}
