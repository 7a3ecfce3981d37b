// A connection to a peer at work: requests to its shares, and answers to its own, over one data channel.

import { joined } from "../basics/encoding.js";
import { lengthOf } from "./bodies.js";
import { ExchangeTable, TunnelError } from "./exchanges.js";
import { CANCEL, GOODBYE, KIND, readFrames, readHello, Violation } from "./frames.js";
import { TunnelMachine } from "./machine.js";
import { ServedShares } from "./serving.js";
import { tunnelLimits } from "../basics/limits.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** Ends the bodies that nobody can read any more. @type {FinalizationRegistry<{ exchanges: ExchangeTable, number: number }>} */
const dropped = new FinalizationRegistry(({ exchanges, number }) => {
  if (exchanges.get(number)) exchanges.cancel(number, new TunnelError("aborted", "Nobody reads the rest."), CANCEL.notWanted);
});

export class Tunnel {
  /** @type {Map<number, (refusal: string | null) => void>} openings that wait for their answer */
  #openings = new Map();
  /** @type {Bytes[]} messages that wait until the hello is verified */
  #early = [];
  #earlyBytes = 0;
  /** @type {"none" | "checking" | "verified"} */
  #proof = "none";
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
   * @param {{ share: string, handler: import("./serving.js").Handler } | null} [side.serving] for the sharer: what the connection was made for
   * @param {(opening: import("./frames.js").ShareOpening) => Promise<import("./serving.js").Decision>} [side.decide] whether the peer may use one more share
   * @param {(share: string) => void} [side.left] the peer does not use a share any more
   * @param {ArrayBuffer[]} [side.early] messages that came before
   */
  constructor(channel, { role, hello, verify, early = [], serving = null, decide = async () => ({ refusal: "unknown" }), left = () => {} }) {
    this.channel = channel;
    this.machine = new TunnelMachine(role, hello, performance.now());
    this.verify = verify;
    this.exchanges = new ExchangeTable(this.machine, () => this.#send());
    this.served = new ServedShares(this.exchanges, { serving, decide, left });
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
    return this.machine.pings.roundTrip;
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
    this.machine.pings.isDue = true;
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
        for (const number of message.writable) this.exchanges.get(number)?.change();
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
    const events = this.machine.tick(now);
    // A goodbye goes before the end that it tells of.
    this.#send();
    for (const event of events) this.#handle(event);
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
    this.exchanges.failAll(new TunnelError("failed", reason));
    for (const answer of this.#openings.values()) answer("unreachable");
    this.#openings.clear();
    this.served.clear();
    this.#early = [];
    // What was sent last, such as a goodbye, goes before the channel closes.
    this.channel.close();
    this.#end(reason);
  }

  /** @param {import("./events.js").TunnelEvent} event */
  #handle(event) {
    switch (event.type) {
      case "ready": this.#isReady(); break;
      case "opening": this.served.answerOpening(event.number, event.opening); break;
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
      case "left": this.served.giveUp(event.number); break;
      case "request": this.served.answer(event.number, event.head); break;
      case "response": this.exchanges.get(event.number)?.answer(event.head); break;
      case "readable": this.exchanges.readable(event.number); break;
      case "unwanted": {
        const exchange = this.exchanges.get(event.number);
        if (exchange) {
          exchange.isUnwanted = true;
          exchange.change();
        }
        break;
      }
      case "failed":
        this.exchanges.fail(event.number, new TunnelError(event.code, event.reason));
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
   * @param {import("./exchanges.js").TunnelRequest} request
   * @returns {Promise<Response>}
   * @throws {TunnelError} if there is no answer, and RangeError for a request that a peer would not take
   */
  async request(share, { method, target, headers, body, signal = null, progress = null }) {
    if (signal?.aborted) throw new TunnelError("aborted", "The request was aborted.");
    const length = lengthOf(body);
    const number = this.endReason === null ? this.machine.request({ share, method, target, headers, length }, performance.now()) : null;
    if (number === null) throw new TunnelError("unreachable", this.endReason ?? "The peer does not give this share any more.");
    const { exchanges } = this;
    const exchange = exchanges.begin(number);
    const abort = () => exchanges.cancel(number, new TunnelError("aborted", "The request was aborted."), CANCEL.notWanted);
    signal?.addEventListener("abort", abort, { once: true });
    const over = () => {
      signal?.removeEventListener("abort", abort);
      // The rest of the request may still be on its way.
      sending.then(() => exchanges.delete(number));
    };
    // What was read later needs nothing of this: a signal may be there for long, and is not to keep what nobody reads.
    exchange.completed = over;

    /** @type {Promise<import("./frames.js").ResponseHead>} */
    const answer = new Promise((resolve, reject) => {
      exchange.onAnswer = resolve;
      exchange.abort.signal.addEventListener("abort", () => reject(exchange.failure), { once: true });
    });
    // Errors while it is sent show at the answer.
    const sending = exchanges.pump(number, exchange, body, length, progress).catch((error) => exchanges.cancel(number, error, CANCEL.failed));
    let head;
    try {
      head = await answer;
    } catch (error) {
      over();
      throw error;
    }
    const hasBody = ![204, 205, 304].includes(head.status) && method !== "HEAD";
    const init = { status: head.status, headers: responseHeaders(head.headers) };
    if (hasBody && !exchange.isComplete) return new Response(this.#stream(number, exchange, over), init);
    over();
    if (hasBody) return new Response(joined(exchange.held), init);
    this.machine.stopReading(number, performance.now());
    this.#send();
    return new Response(null, init);
  }

  /** The body of a response as it comes. @param {number} number @param {import("./exchanges.js").Exchange} exchange @param {() => void} over */
  #stream(number, exchange, over) {
    /** @type {UnderlyingSource<Bytes>} */
    const source = {
      pull: async (controller) => {
        try {
          const bytes = await this.exchanges.read(number, exchange);
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
        this.exchanges.cancel(number, new TunnelError("aborted", "The rest was not wanted."), CANCEL.notWanted);
        over();
      },
    };
    dropped.register(source, { exchanges: this.exchanges, number });
    return new ReadableStream(source, { highWaterMark: 0 });
  }

  // MARK: Requests of the peer

  /** Ends the peer's use of a share: what is under way, and what would come. @param {string} share */
  withdraw(share) {
    this.served.withdraw(share);
  }
}

/** The headers that a browser can show: of others than Latin-1 it makes errors. @param {import("./frames.js").Headers} headers */
function responseHeaders(headers) {
  const shown = new Headers();
  for (const [name, value] of headers) {
    if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) shown.append(name, value);
  }
  return shown;
}
