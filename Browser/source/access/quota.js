// How much may be under way for one connection: what holds documents while a peer reads on, and bodies that were read.

import { utf8 } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { lengthOf, pieces } from "../tunnel/bodies.js";
import { Problem } from "./answers.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {() => void} Release gives back what was taken; more than once is the same as once */

/** Units that are taken and given back; those who find too few wait in line. */
class Allowance {
  #free;
  /** @type {{ units: number, resolve: () => void }[]} */
  #waiting = [];

  /** @param {number} total */
  constructor(total) {
    this.total = total;
    this.#free = total;
  }

  /** Takes units if they are free. @param {number} units @returns {Release | null} */
  takeNow(units = 1) {
    if (this.#waiting.length > 0 || this.#free < units) return null;
    this.#free -= units;
    return this.#release(units);
  }

  /** Takes units, as soon as those who came before have theirs. More than there are count as all of them. @param {AbortSignal} signal @param {number} units @returns {Promise<Release>} */
  async take(signal, units = 1) {
    const count = Math.min(units, this.total);
    const release = this.takeNow(count);
    if (release) return release;
    /** @type {Promise<void>} */
    const turn = new Promise((resolve, reject) => {
      const waiter = { units: count, resolve };
      this.#waiting.push(waiter);
      signal.addEventListener("abort", () => {
        const index = this.#waiting.indexOf(waiter);
        if (index < 0) return;
        this.#waiting.splice(index, 1);
        this.#serve();
        reject(signal.reason);
      }, { once: true });
    });
    signal.throwIfAborted();
    await turn;
    return this.#release(count);
  }

  /** @param {number} units @returns {Release} */
  #release(units) {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#free += units;
      this.#serve();
    };
  }

  #serve() {
    while (this.#waiting.length > 0 && this.#waiting[0].units <= this.#free) {
      const { units, resolve } = /** @type {{ units: number, resolve: () => void }} */ (this.#waiting.shift());
      this.#free -= units;
      resolve();
    }
  }
}

/** What is under way over a connection, whatever share it is of. */
export class Quota {
  #feeds = new Allowance(accessLimits.feeds);
  #lists = new Allowance(accessLimits.lists);
  #documents = new Allowance(accessLimits.documents);
  #bodies = new Allowance(accessLimits.bodiesInMemory);

  /** Takes memory for a body, once it is free. @param {number} bytes @param {AbortSignal} signal */
  body(bytes, signal) {
    return this.#bodies.take(signal, bytes);
  }

  /**
   * An answer that is made when there is a place for it, which it keeps until it was read, or given up.
   * @param {AbortSignal} signal @param {() => Promise<OutgoingResponse>} make @returns {Promise<OutgoingResponse>}
   */
  async answer(signal, make) {
    const release = await this.#documents.take(signal);
    try {
      return held(await make(), release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** A list that is read for the peer when there is a place for it. @param {AsyncGenerator<string>} parts of JSON @param {AbortSignal} signal */
  async list(parts, signal) {
    return streamed(parts, await this.#lists.take(signal));
  }

  /** A feed that goes on. Nobody waits for the end of another. @param {AsyncGenerator<string>} parts of JSON */
  feed(parts) {
    const release = this.#feeds.takeNow();
    if (!release) throw new Problem(429, "too_many_requests", `There are ${accessLimits.feeds} feeds on this connection already.`);
    return streamed(parts, release);
  }
}

/** @param {AsyncGenerator<string>} parts @param {Release} release @returns {OutgoingResponse} */
const streamed = (parts, release) =>
  ({ status: 200, headers: [["content-type", "application/json"]], body: releasing(inBytes(parts), release), length: null });

/** @param {OutgoingResponse} answer @param {Release} release @returns {OutgoingResponse} */
function held(answer, release) {
  const { body } = answer;
  const length = lengthOf(body);
  if (length !== null) {
    // A file is read from the disk as it is sent.
    if (length > 0 && body instanceof Uint8Array) return { ...answer, body: releasing(pieces(body), release), length };
    release();
    return answer;
  }
  return { ...answer, body: releasing(pieces(body), release) };
}

/** The same bytes; what they hold is given back at their end. @param {AsyncGenerator<Bytes>} bytes @param {Release} release @returns {AsyncIterableIterator<Bytes>} */
function releasing(bytes, release) {
  /** @type {AsyncIterableIterator<Bytes>} */
  const body = {
    [Symbol.asyncIterator]: () => body,
    next: async () => {
      try {
        const step = await bytes.next();
        if (step.done) release();
        return step;
      } catch (error) {
        release();
        throw error;
      }
    },
    return: async () => {
      release();
      await bytes.return(undefined);
      return { done: true, value: undefined };
    },
  };
  return body;
}

/** Texts as bytes, several of them together. @param {AsyncGenerator<string>} parts */
async function* inBytes(parts) {
  let waiting = "";
  for await (const part of parts) {
    waiting += part;
    // What is short and may be the last for long, such as a heartbeat, goes at once.
    if (waiting.length < 16 * 1024 && part.length > 1 && part.startsWith(",")) continue;
    yield utf8(waiting);
    waiting = "";
  }
  if (waiting !== "") yield utf8(waiting);
}
