// Answers to what a peer asks of this side's shares.

import { abandon, lengthOf } from "./bodies.js";
import { TunnelError } from "./exchanges.js";
import { CANCEL } from "./frames.js";
import { tunnelLimits } from "../basics/limits.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {(request: import("./exchanges.js").IncomingRequest) => Promise<import("./exchanges.js").OutgoingResponse>} Handler */
/** @typedef {{ handler: Handler } | { refusal: string }} Decision */

export class ServedShares {
  /** @type {Map<number, { share: string, handler: Handler }>} by the peer's number of the share */
  #handlers = new Map();
  /** Shares that the peer asks for, by its number. @type {Map<number, string>} */
  #deciding = new Map();
  /** Shares that the peer has. @type {Set<string>} */
  #given = new Set();
  #requestsAtWork = 0;

  /**
   * @param {import("./exchanges.js").ExchangeTable} exchanges
   * @param {object} side
   * @param {{ share: string, handler: Handler } | null} side.serving what the connection was made for
   * @param {(opening: import("./frames.js").ShareOpening) => Promise<Decision>} side.decide whether the peer may use one more
   * @param {(share: string) => void} side.left the peer does not use one any more
   */
  constructor(exchanges, { serving, decide, left }) {
    this.exchanges = exchanges;
    this.machine = exchanges.machine;
    this.decide = decide;
    this.left = left;
    if (serving) this.#give(0, serving);
  }

  clear() {
    this.#handlers.clear();
  }

  /** @param {number} number @param {{ share: string, handler: Handler }} entry */
  #give(number, entry) {
    this.#handlers.set(number, entry);
    this.#given.add(entry.share);
  }

  /** Tells that the peer does not use a share any more, unless it has it by another number too. @param {string} share */
  #leaveIfUnused(share) {
    const isUsed = [...this.#handlers.values()].some((each) => each.share === share) || [...this.#deciding.values()].includes(share);
    if (!isUsed && this.#given.delete(share)) this.left(share);
  }

  // MARK: Shares

  /** @param {number} number @param {import("./frames.js").ShareOpening} opening */
  async answerOpening(number, opening) {
    /** @type {Decision} */
    let decision = { refusal: "unknown" };
    this.#deciding.set(number, opening.share);
    try {
      decision = await this.decide(opening);
    } catch {
      // Refused.
    }
    this.#deciding.delete(number);
    if (this.machine.isEnding) return;
    if ("handler" in decision) {
      this.#give(number, { share: opening.share, handler: decision.handler });
      // The peer may have given it up meanwhile.
      if (this.machine.shares.isWanted(number)) this.machine.answerOpening(number, null);
      else this.giveUp(number);
    } else {
      this.machine.answerOpening(number, decision.refusal);
      this.#leaveIfUnused(opening.share);
    }
    this.exchanges.send();
  }

  /** The peer does not use a share any more. @param {number} number */
  giveUp(number) {
    const entry = this.#handlers.get(number);
    this.#handlers.delete(number);
    if (entry) this.#leaveIfUnused(entry.share);
  }

  /** Ends the peer's use of a share: what is under way, and what would come. @param {string} share */
  withdraw(share) {
    const reason = "This is not shared any more.";
    this.#given.delete(share);
    for (const [number, entry] of this.#handlers) {
      if (entry.share !== share) continue;
      this.#handlers.delete(number);
      for (const stream of this.machine.withdrawShare(number, reason, performance.now())) {
        this.exchanges.get(stream)?.fail(new TunnelError("failed", reason));
      }
    }
    this.exchanges.send();
  }

  // MARK: Requests

  /** @param {number} number @param {import("./frames.js").RequestHead} head */
  async answer(number, head) {
    const { exchanges, machine } = this;
    const entry = this.#handlers.get(head.share);
    if (this.#requestsAtWork >= tunnelLimits.requests || !entry) {
      machine.cancel(number, entry ? CANCEL.refused : CANCEL.shareClosed, "", performance.now());
      return;
    }
    const exchange = exchanges.begin(number);
    this.#requestsAtWork += 1;
    const body = this.#body(number, exchange);
    /** @type {import("./exchanges.js").OutgoingResponse | null} */
    let answer = null;
    try {
      answer = await entry.handler({
        method: head.method, target: head.target, headers: new Map(head.headers), length: head.length, body, signal: exchange.abort.signal,
      });
      const { status, headers } = answer;
      const length = lengthOf(answer.body) ?? answer.length ?? null;
      if (exchange.failure || !machine.respond(number, { status, headers, length })) return;
      // Whatever of the request was not read is not needed.
      await body.return(undefined);
      machine.stopReading(number, performance.now());
      await exchanges.pump(number, exchange, answer.body, length);
    } catch {
      // A peer learns that it failed, and not why.
      machine.cancel(number, CANCEL.failed, "", performance.now());
    } finally {
      abandon(answer?.body ?? null).catch(() => {});
      this.#requestsAtWork -= 1;
      exchanges.delete(number);
      exchanges.send();
    }
  }

  /** @param {number} number @param {import("./exchanges.js").Exchange} exchange */
  async* #body(number, exchange) {
    for (let bytes = await this.exchanges.read(number, exchange); bytes; bytes = await this.exchanges.read(number, exchange)) yield bytes;
  }
}
