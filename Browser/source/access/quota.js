// How much may be under way for one connection: what holds documents while a peer reads on.

import { utf8 } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { Problem } from "./answers.js";

/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */

/** @typedef {"feeds" | "lists" | "documents"} Kind */

/** What is under way over a connection, whatever share it is of. */
export class Quota {
  /** @type {Record<Kind, number>} */
  #counts = { feeds: 0, lists: 0, documents: 0 };

  /** @param {Kind} kind @returns {() => void} gives the place back */
  #take(kind) {
    if (this.#counts[kind] >= accessLimits[kind]) {
      throw new Problem(429, "too_many_requests", `There are ${accessLimits[kind]} ${kind} under way on this connection already.`);
    }
    this.#counts[kind] += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#counts[kind] -= 1;
      isHeld = false;
    };
  }

  /**
   * Has a place while something is done.
   * @template Value @param {Kind} kind @param {() => Promise<Value>} work @returns {Promise<Value>}
   */
  async within(kind, work) {
    const release = this.#take(kind);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /**
   * An answer that has a place until it was read, or given up.
   * @param {"lists" | "feeds"} kind @param {AsyncGenerator<string>} parts of JSON @returns {OutgoingResponse}
   */
  stream(kind, parts) {
    const release = this.#take(kind);
    const bytes = inBytes(parts);
    /** @type {AsyncIterableIterator<import("../basics/encoding.js").Bytes>} */
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
    return { status: 200, headers: [["content-type", "application/json"]], body, length: null };
  }
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
