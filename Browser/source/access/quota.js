// What all requests of one connection share: how much of it is under way, and in memory, at a time.

import { utf8 } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { lengthOf } from "../tunnel/bodies.js";
import { Allowance } from "./allowance.js";
import { Problem } from "./answers.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("../tunnel/exchanges.js").IncomingRequest} IncomingRequest */
/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */

/** @typedef {"feeds" | "lists" | "documents" | "bodies"} Kind */

/**
 * A request, and what it takes of its connection's quota while it is looked at and until its answer was read.
 * @typedef {IncomingRequest & { take: (kind: Kind, units?: number) => Promise<void> }} CountedRequest
 */

/** An answer that has attachments in it is as large as several without. */
export const WITH_ATTACHMENTS = 8;

/** How much of a body the tunnel gets at a time: a place is given back when the last of it is on its way. */
const PORTION = 64 * 1024;

export class Quota {
  /** @type {Record<Kind, Allowance>} */
  #allowances = {
    feeds: new Allowance(accessLimits.feeds), lists: new Allowance(accessLimits.lists), documents: new Allowance(accessLimits.documents),
    bodies: new Allowance(accessLimits.bodiesInMemory),
  };

  /**
   * Answers a request, which waits while the connection has too much under way.
   * @param {IncomingRequest} request
   * @param {(request: CountedRequest) => Promise<OutgoingResponse>} work
   * @returns {Promise<OutgoingResponse>} its body has the request's places until it was read, or given up
   */
  async answer(request, work) {
    /** @type {Set<() => void>} */
    const places = new Set();
    const release = () => { for (const place of places) place(); };
    /** @param {Kind} kind @param {number} units */
    const take = async (kind, units = 1) => {
      // Feeds are for as long as the peer likes: others would wait in vain.
      const place = kind === "feeds" ? this.#allowances.feeds.takeNow() : await this.#allowances[kind].take(units, request.signal);
      if (!place) throw new Problem(429, "too_many_requests", `There are ${accessLimits.feeds} live feeds on this connection already.`);
      places.add(place);
    };
    try {
      const answer = await work({ ...request, take });
      const { body } = answer;
      if (body === null || body instanceof Blob || (body instanceof Uint8Array && body.length <= accessLimits.smallBody)) {
        release();
        return answer;
      }
      return { ...answer, body: keeping(body, release), length: lengthOf(body) ?? answer.length ?? null };
    } catch (error) {
      release();
      throw error;
    }
  }
}

/**
 * The same bytes, and something that is done when they were read, or given up.
 * @param {Bytes | AsyncIterable<Bytes>} content @param {() => void} release
 * @returns {AsyncIterableIterator<Bytes>}
 */
function keeping(content, release) {
  const bytes = inPieces(content);
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

/** @param {Bytes | AsyncIterable<Bytes>} content @returns {AsyncGenerator<Bytes>} */
async function* inPieces(content) {
  if (content instanceof Uint8Array) {
    for (let offset = 0; offset < content.length; offset += PORTION) yield content.subarray(offset, offset + PORTION);
  } else {
    for await (const part of content) yield* inPieces(part);
  }
}

/** JSON that is made while it is read. @type {(parts: AsyncGenerator<string>) => OutgoingResponse} */
export const streamed = (parts) => ({ status: 200, headers: [["content-type", "application/json"]], body: inBytes(parts), length: null });

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
