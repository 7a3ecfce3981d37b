// A connection to a peer at work: requests to its shares, and answers to its own, over one data channel.

import { CANCEL, GOODBYE, KIND, readFrames, readHello, Violation } from "./frames.js";
import { tunnelLimits } from "./limits.js";
import { TunnelMachine } from "./machine.js";

/** @typedef {import("./encoding.js").Bytes} Bytes */

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
 *
 * @typedef {(request: IncomingRequest) => Promise<OutgoingResponse>} Handler
 * @typedef {{ handler: Handler } | { refusal: string }} Decision
 */

/** One exchange: who waits for what of it. */
class Exchange {
  constructor() {
    /** @type {Error | null} */
    this.failure = null;
    /** @type {(() => void)[]} those who wait for anything to change */
    this.waiting = [];
    this.isUnwanted = false;
    /** @type {((head: import("./frames.js").ResponseHead) => void) | null} */
    this.answered = null;
    this.abort = new AbortController();
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

export class Tunnel {
  /** @type {Map<number, Exchange>} by stream */
  #exchanges = new Map();
  /** @type {Map<number, { share: string, handler: Handler }>} by the peer's number of the share */
  #handlers = new Map();
  /** @type {Map<number, (refusal: string | null) => void>} openings that wait for their answer */
  #openings = new Map();
  /** @type {Bytes[]} messages that wait until the hello is verified */
  #early = [];
  #earlyBytes = 0;
  /** @type {"none" | "checking" | "verified"} */
  #proof = "none";
  #requestsAtWork = 0;
  #blockedSince = Infinity;
  /** @type {ReturnType<typeof setInterval>} */
  #clock;
  /** @type {(reason: string) => void} */
  #end = () => {};
  /** @type {() => void} */
  #isReady = () => {};

  /**
   * @param {RTCDataChannel} channel open, and the tunnel's alone from now on
   * @param {object} side
   * @param {"opener" | "sharer"} side.role
   * @param {Bytes} side.hello this side's proof
   * @param {(proof: Bytes) => Promise<boolean>} side.verify whether the peer's is right
   * @param {{ share: string, handler: Handler } | null} [side.serving] for the sharer: what the connection was made for
   * @param {(opening: import("./frames.js").ShareOpening) => Promise<Decision>} [side.decide] whether the peer may use one more share
   * @param {(share: string) => void} [side.left] the peer does not use a share any more
   * @param {ArrayBuffer[]} [side.early] messages that came before
   */
  constructor(channel, { role, hello, verify, early = [], serving = null, decide = async () => ({ refusal: "unknown" }), left = () => {} }) {
    this.channel = channel;
    this.machine = new TunnelMachine(role, hello, performance.now());
    this.verify = verify;
    this.decide = decide;
    this.left = left;
    if (serving) this.#handlers.set(0, serving);
    /** The bytes that went and came. */
    this.statistics = { sent: 0, received: 0 };
    /** How it ended, once it has. @type {Promise<string>} */
    this.ended = new Promise((resolve) => { this.#end = resolve; });
    /** @type {string | null} */
    this.endReason = null;
    /** When the peer has proved who it is; never if it does not. @type {Promise<void>} */
    this.ready = new Promise((resolve) => { this.#isReady = resolve; });

    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = tunnelLimits.unsentChannel / 2;
    channel.onbufferedamountlow = () => this.#send();
    channel.onmessage = ({ data }) => this.#receive(data);
    channel.onclose = () => this.#finish("The connection to the peer was lost.");
    channel.onerror = () => this.#finish("The connection to the peer was lost.");
    this.#clock = setInterval(() => this.#tick(), tunnelLimits.tick);
    if (channel.readyState !== "open") this.#finish("The connection to the peer was lost.");
    else this.#send();
    for (const data of early) this.#receive(data);
  }

  /** @type {number | null} */
  get roundTrip() {
    return this.machine.roundTrip;
  }

  /** Says goodbye and ends. @param {number} code @param {string} reason */
  leave(code = GOODBYE.done, reason = "") {
    this.machine.leave(code, reason);
    this.#send();
    this.#finish("The connection to the peer was closed.");
  }

  /** Ends without a word, since nobody is there to hear it. */
  abandon() {
    this.#finish("The connection to the peer was lost.");
  }

  /** Ends unless the peer shows that it lives. @param {number} time that it has for that, in milliseconds */
  probe(time) {
    const start = performance.now();
    this.machine.ping.isDue = true;
    this.#send();
    setTimeout(() => { if (this.machine.lastReceived < start) this.abandon(); }, time);
  }

  // MARK: The channel

  #send() {
    const { channel, machine } = this;
    try {
      while (channel.readyState === "open" && channel.bufferedAmount < tunnelLimits.unsentChannel) {
        const message = machine.nextMessage(performance.now());
        if (!message) break;
        this.statistics.sent += message.bytes.length;
        channel.send(message.bytes);
        for (const number of message.writable) this.#exchanges.get(number)?.change();
      }
    } catch {
      this.#finish("The connection to the peer was lost.");
    }
  }

  /** @param {unknown} data */
  #receive(data) {
    if (this.endReason !== null) return;
    if (!(data instanceof ArrayBuffer)) {
      this.#violated(new Violation("text"));
      return;
    }
    const message = new Uint8Array(data);
    this.statistics.received += message.length;
    if (this.#proof === "verified") {
      this.#process(message);
      return;
    }
    // What a peer may send before it has more credit, and the frames around it.
    this.#earlyBytes += message.length;
    if (this.#earlyBytes > 2 * tunnelLimits.connectionCredit || this.#early.length >= tunnelLimits.earlyMessages) {
      this.#violated(new Violation("creditExceeded"));
      return;
    }
    this.#early.push(message);
    if (this.#proof === "none") {
      this.#proof = "checking";
      this.#check(message);
    }
  }

  /** Verifies the hello in the first message; nothing of it, and nothing behind it, is looked at before. @param {Bytes} message */
  async #check(message) {
    try {
      if (message.length === 0 || message.length > tunnelLimits.message) throw new Violation("badMessageLength");
      const [first] = readFrames(message);
      if (first.kind === KIND.hello && !(await this.verify(readHello(first.payload).proof))) throw new Violation("wrongProof");
    } catch (error) {
      this.#violated(error);
      return;
    }
    this.#proof = "verified";
    const early = this.#early;
    this.#early = [];
    for (const each of early) this.#process(each);
  }

  /** @param {unknown} error */
  #violated(error) {
    const violation = error instanceof Violation ? error : new Violation("internal");
    this.machine.leave(violation.goodbye, violation.rule);
    this.#send();
    this.#finish(violation.message);
  }

  /** @param {Bytes} message */
  #process(message) {
    if (this.endReason !== null) return;
    try {
      for (const event of this.machine.receive(message, performance.now())) this.#handle(event);
    } catch (error) {
      this.#violated(error);
      return;
    }
    this.#send();
  }

  #tick() {
    const now = performance.now();
    for (const event of this.machine.tick(now)) this.#handle(event);
    this.#send();
    // A channel that takes nothing is as dead as one that brings nothing.
    if (this.channel.bufferedAmount === 0) this.#blockedSince = Infinity;
    else this.#blockedSince = Math.min(this.#blockedSince, now);
    if (now - Math.max(this.#blockedSince, this.machine.lastReceived) > tunnelLimits.stall && this.#blockedSince !== Infinity) {
      this.#finish("The peer has not been heard of for too long.");
    }
  }

  /** Everything ends, and everybody who waits is told. @param {string} reason */
  #finish(reason) {
    if (this.endReason !== null) return;
    this.endReason = reason;
    clearInterval(this.#clock);
    for (const event of this.machine.end(reason)) if (event.type === "failed") this.#handle(event);
    for (const exchange of this.#exchanges.values()) exchange.fail(new TunnelError("failed", reason));
    for (const answer of this.#openings.values()) answer("unreachable");
    this.#exchanges.clear();
    this.#openings.clear();
    this.#handlers.clear();
    this.#early = [];
    // What was sent last, such as a goodbye, goes before the channel closes.
    this.channel.close();
    this.#end(reason);
  }

  /** @param {import("./machine.js").TunnelEvent} event */
  #handle(event) {
    switch (event.type) {
      case "ready": this.#isReady(); break;
      case "opening": this.#answerOpening(event.number, event.opening); break;
      case "opened":
        this.#openings.get(event.number)?.(event.refusal);
        this.#openings.delete(event.number);
        break;
      case "withdrawn":
        this.#openings.get(event.number)?.("closed");
        this.#openings.delete(event.number);
        this.withdrawals.get(event.number)?.(event.reason);
        this.withdrawals.delete(event.number);
        break;
      case "left": {
        const entry = this.#handlers.get(event.number);
        this.#handlers.delete(event.number);
        if (entry) this.left(entry.share);
        break;
      }
      case "request": this.#serve(event.number, event.head); break;
      case "response": this.#exchanges.get(event.number)?.answered?.(event.head); break;
      case "readable": this.#exchanges.get(event.number)?.change(); break;
      case "unwanted": {
        const exchange = this.#exchanges.get(event.number);
        if (exchange) {
          exchange.isUnwanted = true;
          exchange.change();
        }
        break;
      }
      case "failed":
        this.#exchanges.get(event.number)?.fail(new TunnelError(event.code, event.reason));
        this.#exchanges.delete(event.number);
        break;
      case "ended": this.#finish(event.reason); break;
    }
  }

  // MARK: Requests to the peer

  /** Who is told that a share of the peer is not given any more, by its number. @type {Map<number, (reason: string) => void>} */
  withdrawals = new Map();

  /**
   * Asks to use another share of the peer.
   * @param {import("./frames.js").ShareOpening} opening
   * @returns {Promise<{ number: number } | { refusal: string }>}
   */
  async openShare(opening) {
    if (this.endReason !== null) return { refusal: "unreachable" };
    const number = this.machine.openShare(opening);
    /** @type {Promise<string | null>} */
    const answer = new Promise((resolve) => this.#openings.set(number, resolve));
    this.#send();
    const refusal = await answer;
    return refusal === null ? { number } : { refusal };
  }

  /** Says that this side does not use a share any more. @param {number} number */
  leaveShare(number) {
    this.withdrawals.delete(number);
    this.machine.leaveShare(number);
    this.#send();
  }

  /**
   * Sends a request, and gives the response when its head is there. Its body streams at the pace of its reader.
   * @param {number} share
   * @param {TunnelRequest} request
   * @returns {Promise<Response>}
   * @throws {TunnelError} if there is no answer, and RangeError for a request that a peer would not take
   */
  async request(share, { method, target, headers, body, signal = null, progress = null }) {
    if (signal?.aborted) throw new TunnelError("aborted", "The request was aborted.");
    const length = body instanceof Blob ? body.size : (body?.length ?? 0);
    const number = this.endReason === null ? this.machine.request({ share, method, target, headers, length }, performance.now()) : null;
    if (number === null) throw new TunnelError("unreachable", this.endReason ?? "The peer does not give this share any more.");
    const exchange = new Exchange();
    this.#exchanges.set(number, exchange);
    const abort = () => this.#cancel(number, exchange, new TunnelError("aborted", "The request was aborted."), CANCEL.notWanted);
    signal?.addEventListener("abort", abort, { once: true });
    const over = () => {
      signal?.removeEventListener("abort", abort);
      this.#exchanges.delete(number);
    };

    /** @type {Promise<import("./frames.js").ResponseHead>} */
    const answer = new Promise((resolve, reject) => {
      exchange.answered = resolve;
      exchange.abort.signal.addEventListener("abort", () => reject(exchange.failure), { once: true });
    });
    // Errors while it is sent show at the answer.
    this.#pump(number, exchange, body, length, progress).catch((error) => this.#cancel(number, exchange, error, CANCEL.failed));
    let head;
    try {
      head = await answer;
    } catch (error) {
      over();
      throw error;
    }
    const hasBody = ![204, 205, 304].includes(head.status) && method !== "HEAD";
    if (!hasBody) {
      over();
      this.machine.stopReading(number, performance.now());
      this.#send();
    }
    return new Response(hasBody ? this.#stream(number, exchange, over) : null, { status: head.status, headers: head.headers });
  }

  /** The body of a response as it comes. @param {number} number @param {Exchange} exchange @param {() => void} over */
  #stream(number, exchange, over) {
    return new ReadableStream({
      pull: async (controller) => {
        try {
          const bytes = await this.#read(number, exchange);
          if (bytes) {
            controller.enqueue(bytes);
            return;
          }
          over();
          controller.close();
        } catch (error) {
          over();
          controller.error(error);
        }
      },
      cancel: () => {
        this.#cancel(number, exchange, new TunnelError("aborted", "The rest was not wanted."), CANCEL.notWanted);
        over();
      },
    }, { highWaterMark: 0 });
  }

  /** The next bytes of a body; `null` at its end. @param {number} number @param {Exchange} exchange @returns {Promise<Bytes | null>} */
  async #read(number, exchange) {
    while (true) {
      if (exchange.failure) throw exchange.failure;
      const bytes = this.machine.read(number, performance.now());
      if (bytes !== "nothing") {
        // Credit for what was read.
        this.#send();
        return bytes === "end" ? null : bytes;
      }
      await exchange.changed();
    }
  }

  /** Sends a body as the peer takes it. @param {number} number @param {Exchange} exchange @param {OutgoingResponse["body"]} body @param {number | null} length @param {((sent: number) => void) | null} progress */
  async #pump(number, exchange, body, length, progress = null) {
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
      this.#send();
      progress?.(sent);
    }
    if (length !== null && sent !== length) throw new TunnelError("failed", "A body is shorter than was said.");
    this.machine.finish(number);
    this.#send();
  }

  /** @param {number} number @param {Exchange} exchange @param {Error} error @param {number} code */
  #cancel(number, exchange, error, code) {
    exchange.fail(error);
    this.machine.cancel(number, code, "", performance.now());
    this.#exchanges.delete(number);
    this.#send();
  }

  // MARK: Requests of the peer

  /** @param {number} number @param {import("./frames.js").RequestHead} head */
  async #serve(number, head) {
    const entry = this.#handlers.get(head.share);
    if (this.#requestsAtWork >= tunnelLimits.requests || !entry) {
      this.machine.cancel(number, entry ? CANCEL.refused : CANCEL.shareClosed, "", performance.now());
      return;
    }
    const exchange = new Exchange();
    this.#exchanges.set(number, exchange);
    this.#requestsAtWork += 1;
    const body = this.#body(number, exchange);
    try {
      const { status, headers, body: answer, length } = await entry.handler({
        method: head.method, target: head.target, headers: new Map(head.headers), length: head.length, body, signal: exchange.abort.signal,
      });
      const known = answer instanceof Blob ? answer.size : answer === null ? 0 : answer instanceof Uint8Array ? answer.length : (length ?? null);
      if (exchange.failure || !this.machine.respond(number, { status, headers, length: known })) {
        // A body that nobody reads must not go on.
        if (answer && "return" in answer) await /** @type {any} */ (answer).return();
        return;
      }
      // Whatever of the request was not read is not needed.
      await body.return(undefined);
      this.machine.stopReading(number, performance.now());
      await this.#pump(number, exchange, answer, known);
    } catch {
      // A peer learns that it failed, and not why.
      this.machine.cancel(number, CANCEL.failed, "", performance.now());
    } finally {
      this.#requestsAtWork -= 1;
      this.#exchanges.delete(number);
      this.#send();
    }
  }

  /** @param {number} number @param {Exchange} exchange */
  async* #body(number, exchange) {
    while (true) {
      const bytes = await this.#read(number, exchange);
      if (!bytes) return;
      yield bytes;
    }
  }

  /** @param {number} number @param {import("./frames.js").ShareOpening} opening */
  async #answerOpening(number, opening) {
    /** @type {Decision} */
    let decision = { refusal: "unknown" };
    try {
      decision = await this.decide(opening);
    } catch {
      // Refused.
    }
    if (this.endReason !== null) return;
    if ("handler" in decision) {
      // The peer may have given it up meanwhile.
      if (!this.machine.peerShares.has(number)) {
        this.left(opening.share);
        return;
      }
      this.#handlers.set(number, { share: opening.share, handler: decision.handler });
      this.machine.answerOpening(number, null);
    } else {
      this.machine.answerOpening(number, decision.refusal);
    }
    this.#send();
  }

  /** Ends the peer's use of a share: what is under way, and what would come. @param {string} share */
  withdraw(share) {
    for (const [number, entry] of this.#handlers) {
      if (entry.share !== share) continue;
      this.#handlers.delete(number);
      for (const stream of this.machine.withdrawShare(number, "This is not shared any more.", performance.now())) {
        this.#exchanges.get(stream)?.fail(new TunnelError("failed", "This is not shared any more."));
      }
    }
    this.#send();
  }
}

/** How many bytes of a file are read at a time. */
const PIECE = 256 * 1024;

/** The bytes of a body piece by piece. @param {OutgoingResponse["body"]} body @returns {AsyncGenerator<Bytes>} */
async function* pieces(body) {
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

/**
 * All bytes of a request's body.
 * @param {IncomingRequest} request
 * @param {number} limit
 * @returns {Promise<Bytes | null>} `null` if there are more than the limit
 */
export async function collect({ body, length }, limit) {
  if (length !== null && length > limit) return null;
  /** @type {Bytes[]} */
  const parts = [];
  let count = 0;
  for await (const piece of body) {
    count += piece.length;
    if (count > limit) return null;
    parts.push(piece);
  }
  const all = new Uint8Array(count);
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

