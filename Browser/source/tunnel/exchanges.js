// Requests with their responses while they are under way, on either side.

import { joined } from "../basics/encoding.js";
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
    /** Whether all of the answer has come. */
    this.isComplete = false;
    /** Whether it is so small that it is taken as it comes. */
    this.isSmall = false;
    /** What was taken of it, and not read yet. @type {Bytes[]} */
    this.held = [];
    /** Told when all of it has come. */
    this.completed = () => {};
    this.abort = new AbortController();
  }

  /** @param {import("./frames.js").ResponseHead} head */
  answer(head) {
    this.isAnswered = true;
    this.isSmall = head.length !== null && head.length <= tunnelLimits.streamCredit;
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

  /** How many are under way. */
  get count() {
    return this.#exchanges.size;
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
    for (const exchange of this.#exchanges.values()) {
      if (!exchange.isComplete) exchange.fail(error);
      exchange.isUnwanted = true;
      exchange.change();
    }
    this.#exchanges.clear();
  }

  /**
   * Notes that there is something to read. Small answers are taken as they come, and what is left of others once all of it is
   * there, so that those that nobody reads keep no credit from the rest.
   * @param {number} number
   */
  readable(number) {
    const exchange = this.#exchanges.get(number);
    if (!exchange) return;
    const isComplete = this.machine.isReceived(number);
    if (exchange.isAnswered && (isComplete || exchange.isSmall)) {
      const bytes = this.machine.read(number, performance.now());
      if (typeof bytes !== "string") exchange.held.push(bytes);
      exchange.isComplete = isComplete;
      if (isComplete) {
        // The stream ends when that was read, too.
        this.machine.read(number, performance.now());
        exchange.completed();
      }
    }
    exchange.change();
  }

  /** The next bytes of a body; `null` at its end. @param {number} number @param {Exchange} exchange @returns {Promise<Bytes | null>} */
  async read(number, exchange) {
    while (true) {
      if (exchange.failure) throw exchange.failure;
      if (exchange.held.length > 0) return joined(exchange.held.splice(0));
      if (exchange.isComplete) return null;
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
