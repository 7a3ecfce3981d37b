// Requests with their responses while they are under way, on either side.

import { pieces } from "./bodies.js";
import { tunnelLimits } from "../basics/limits.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./machine.js").TunnelMachine} TunnelMachine */

/** Why a request had no answer. `code`: unreachable (it was not looked at), failed, timeout, aborted. */
export class TunnelError extends Error {
  /** @param {"unreachable" | "failed" | "timeout" | "aborted"} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "TunnelError";
    this.code = code;
  }
}

/**
 * @typedef {object} TunnelRequest
 * @property {string} method
 * @property {string} target path and query
 * @property {[string, string][]} headers
 * @property {Blob | Bytes | null} body
 * @property {AbortSignal | null} [signal]
 * @property {((sent: number) => void) | null} [progress] is told how many bytes of the body went into the connection
 *
 * @typedef {object} IncomingRequest what a handler gets
 * @property {string} method
 * @property {string} target
 * @property {Map<string, string>} headers
 * @property {number | null} length of the body; `null` if it is not known
 * @property {AsyncGenerator<Bytes>} body to be read once, or not at all
 * @property {AbortSignal} signal aborted when nobody waits for the answer any more
 *
 * @typedef {object} OutgoingResponse
 * @property {number} status
 * @property {[string, string][]} headers
 * @property {Bytes | Blob | AsyncIterable<Bytes> | null} body
 * @property {number | null} [length] of an iterable body; `null` if it is not known
 */

/** One exchange: who waits for what of it. */
export class Exchange {
  constructor() {
    /** @type {Error | null} */
    this.failure = null;
    /** @type {(() => void)[]} those who wait for anything to change */
    this.waiting = [];
    this.isUnwanted = false;
    this.isAnswered = false;
    /** @type {((head: import("./frames.js").ResponseHead) => void) | null} */
    this.onAnswer = null;
    /** What was left of the answer when all of it had come. @type {Bytes | null} */
    this.rest = null;
    this.abort = new AbortController();
  }

  /** @param {import("./frames.js").ResponseHead} head */
  answer(head) {
    this.isAnswered = true;
    this.onAnswer?.(head);
  }

  change() {
    const { waiting } = this;
    this.waiting = [];
    for (const wake of waiting) wake();
  }

  /** @returns {Promise<void>} */
  changed() {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** @param {Error} error */
  fail(error) {
    this.failure ??= error;
    this.abort.abort(this.failure);
    this.change();
  }
}

export class ExchangeTable {
  /** @type {Map<number, Exchange>} by stream */
  #exchanges = new Map();

  /** @param {TunnelMachine} machine @param {() => void} send sends what the machine has to say */
  constructor(machine, send) {
    this.machine = machine;
    this.send = send;
  }

  /** Begins one. @param {number} number */
  begin(number) {
    const exchange = new Exchange();
    this.#exchanges.set(number, exchange);
    return exchange;
  }

  /** @param {number} number */
  get(number) {
    return this.#exchanges.get(number);
  }

  /** @param {number} number */
  delete(number) {
    this.#exchanges.delete(number);
  }

  /** @param {number} number @param {Error} error */
  fail(number, error) {
    this.#exchanges.get(number)?.fail(error);
    this.#exchanges.delete(number);
  }

  /** Fails all but those whose answer is complete: that can be read on. @param {Error} error */
  failAll(error) {
    for (const exchange of this.#exchanges.values()) if (exchange.rest === null) exchange.fail(error);
    this.#exchanges.clear();
  }

  /**
   * Notes that there is something to read. The rest of an answer is taken once all of it is there, so that one that nobody reads
   * keeps no credit from the others.
   * @param {number} number
   */
  readable(number) {
    const exchange = this.#exchanges.get(number);
    if (exchange?.isAnswered && this.machine.isReceived(number)) {
      const rest = this.machine.read(number, performance.now());
      exchange.rest = typeof rest === "string" ? new Uint8Array() : rest;
      this.machine.read(number, performance.now());
    }
    exchange?.change();
  }

  /** The next bytes of a body; `null` at its end. @param {number} number @param {Exchange} exchange @returns {Promise<Bytes | null>} */
  async read(number, exchange) {
    while (true) {
      if (exchange.failure) throw exchange.failure;
      if (exchange.rest) {
        const { rest } = exchange;
        exchange.rest = new Uint8Array();
        return rest.length > 0 ? rest : null;
      }
      const bytes = this.machine.read(number, performance.now());
      if (bytes !== "nothing") {
        // Credit for what was read.
        this.send();
        return bytes === "end" ? null : bytes;
      }
      await exchange.changed();
    }
  }

  /** Sends a body as the peer takes it. @param {number} number @param {Exchange} exchange @param {import("./bodies.js").Body} body @param {number | null} length @param {((sent: number) => void) | null} progress */
  async pump(number, exchange, body, length, progress = null) {
    let sent = 0;
    for await (const piece of pieces(body)) {
      sent += piece.length;
      if (length !== null && sent > length) throw new TunnelError("failed", "A body is longer than was said.");
      while (true) {
        if (exchange.failure) return;
        const unsent = this.machine.unsent(number);
        if (unsent === null || exchange.isUnwanted) return;
        if (unsent < tunnelLimits.unsentStream) break;
        await exchange.changed();
      }
      this.machine.write(number, piece, performance.now());
      this.send();
      progress?.(sent);
    }
    if (length !== null && sent !== length) throw new TunnelError("failed", "A body is shorter than was said.");
    this.machine.finish(number);
    this.send();
  }

  /** Ends one before its time. @param {number} number @param {Error} error @param {number} code what the peer is told */
  cancel(number, error, code) {
    this.fail(number, error);
    this.machine.cancel(number, code, "", performance.now());
    this.send();
  }
}
