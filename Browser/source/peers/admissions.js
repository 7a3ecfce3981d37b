// Who wants into a share: offers by way of the hub, and openings over connections that are there. Nothing exists of a remote
// before the gate has let it in.

import { ephemeralKey, fingerprint } from "../basics/crypto.js";
import { base64url, isObject } from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { gateDecision, OfferReception } from "../trust/reception.js";
import { Rejection } from "../trust/shares.js";
import { readSignal, signalKind } from "../trust/signals.js";
import { GOODBYE } from "../tunnel/frames.js";
import { exchangeCandidates } from "./candidates.js";
import { Link } from "./link.js";
import { RemoteEvent } from "./remote-event.js";
import { SignalPost } from "./signal-post.js";
import { within } from "./waiting.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {{ id: string, verdict: import("../trust/tickets.js").TicketVerdict, decision: ReturnType<typeof gateDecision> }} Judgement */

/**
 * What is asked of a share about remotes, and told.
 * @typedef {object} Host
 * @property {string} id
 * @property {import("./peer.js").Peer} peer
 * @property {import("./hub.js").Hub} hub
 * @property {import("../trust/reception.js").Gate} gate
 * @property {import("../trust/tickets.js").TicketBook} book
 * @property {((event: RemoteEvent) => unknown) | null} onRemote
 * @property {(type: string, detail?: Record<string, any>) => void} tell
 * @property {() => Promise<void>} keep
 * @property {(connection: Connection, attached?: Promise<unknown>) => import("../tunnel/serving.js").Handler} handler answers nothing before
 *   it is clear whether the connection is attached, and nothing if it is not
 * @property {(connection: Connection) => void} attach
 */

/** Signals that wait for their turn; what comes beyond them is dropped. */
const WAITING = 1024;

export class Admissions {
  /** @type {Map<string, (signal: import("../trust/signals.js").Signal) => void>} where further candidates go, by session */
  #inboxes = new Map();
  /** Openings that were taken up, by session; those over connections have keys of their own. @type {Map<unknown, { id: string, ending: AbortController }>} */
  #underWay = new Map();
  /** How often the program is being asked about an identity. @type {Map<string, number>} */
  #questions = new Map();
  #line = Promise.resolve();
  #waiting = 0;
  #reception;
  #signal;

  /** @param {Host} share @param {OfferReception} reception @param {AbortSignal} signal the share's end */
  constructor(share, reception, signal) {
    this.share = share;
    this.peer = share.peer;
    this.hub = share.hub;
    this.#reception = reception;
    this.#signal = signal;
  }

  /** @param {Host} share @param {AbortSignal} signal the share's end */
  static async open(share, signal) {
    const reception = new OfferReception(share.id, share.peer.identity.bytes, await ephemeralKey(), performance.now());
    return new Admissions(share, reception, signal);
  }

  /** The key to publish. */
  get epoch() {
    return this.#reception.epoch;
  }

  /** Replaces the key when its time has come. */
  advance() {
    this.#line = this.#line.then(() => this.#reception.advance(performance.now()));
    return this.#line;
  }

  /** Ends what an identity has under way. @param {string} identity its fingerprint */
  cancel(identity) {
    for (const { id, ending } of this.#underWay.values()) if (id === identity) ending.abort();
  }

  /** Takes a signal. What is not valid is ignored, not answered. @param {Record<string, any>} doc */
  take(doc) {
    let signal;
    let kind;
    try {
      signal = readSignal(doc);
      kind = signalKind(signal);
    } catch {
      return;
    }
    if (kind === "more") this.#inboxes.get(signal.sender)?.(signal);
    if (kind !== "offer" || this.#waiting >= WAITING) return;
    // One after the other: whether an offer came before is decided by the one that is looked at first.
    this.#waiting += 1;
    this.#line = this.#line.then(() => this.#receive(doc)).catch(() => {}).finally(() => { this.#waiting -= 1; });
  }

  /** @param {Record<string, any>} doc */
  async #receive(doc) {
    if (this.#signal.aborted) return;
    let offer;
    try {
      offer = await this.#reception.receive(doc, performance.now());
    } catch (error) {
      if (error instanceof Rejection) return;
      throw error;
    }
    const sid = base64url(offer.sid);
    // Who asks for the same session again, while it is being decided about, gets nothing for it.
    if (this.#underWay.has(sid)) return;
    const judged = await this.#judge(offer.remote, offer.ticket);
    const ending = new AbortController();
    this.#underWay.set(sid, { id: judged.id, ending });
    // What follows may take long, and others must not wait for it.
    this.#proceed(offer, judged, ending).catch(() => {}).finally(() => {
      this.#underWay.delete(sid);
      this.#reception.end(offer);
    });
  }

  /**
   * What the gate says. A ticket that lets in is claimed at once.
   * @param {Bytes} remote @param {import("../trust/tickets.js").TicketProof | null} proof
   */
  async #judge(remote, proof, isConnected = false) {
    const id = await fingerprint(remote);
    const { book, gate } = this.share;
    if (!isConnected && !this.peer.hasRoom(remote)) return { id, verdict: /** @type {const} */ ("none"), decision: { refusal: "busy" } };
    const verdict = await book.verdict(proof, id, performance.now());
    if (verdict === "claimed") this.share.tell("ticketreused", { identity: id });
    const decision = gateDecision(gate, id, verdict);
    if (decision === "ticket" && proof) {
      if (!book.claim(proof, id)) return { id, verdict, decision: { refusal: "ticket-claimed" } };
      this.share.keep().catch(() => {});
    }
    return { id, verdict, decision };
  }

  /** @param {import("../trust/signals.js").ReceivedOffer} offer @param {Judgement} judged @param {AbortController} ending */
  async #proceed(offer, { id, verdict, decision }, ending) {
    let refusal = typeof decision === "string" ? null : decision.refusal;
    if (decision === "ask") {
      this.#reception.postpone(offer, performance.now() + limits.decision);
      refusal = await this.#ask(id, offer.info, verdict);
      this.#reception.postpone(offer, performance.now() + limits.handshake);
    }
    if (this.#signal.aborted) refusal = "closed";
    else if (ending.signal.aborted) refusal = "forbidden";
    const post = new SignalPost(this.hub);
    const release = refusal === null ? this.peer.takePlace(offer.remote) : null;
    if (!release) refusal ??= "busy";
    if (refusal !== null) {
      this.share.tell("refused", { identity: id, refusal });
      // The opener deletes what it reads; if it is gone, this is swept.
      await post.write(await offer.refuse(this.peer.identity, refusal), AbortSignal.timeout(limits.handshake));
      return;
    }
    try {
      await this.#open(offer, post, ending);
    } finally {
      release?.();
    }
  }

  /** Asks the program about a remote. @param {string} id @param {any} info @param {import("../trust/tickets.js").TicketVerdict} verdict @returns {Promise<string | null>} the refusal */
  async #ask(id, info, verdict) {
    const count = this.#questions.get(id) ?? 0;
    if (count >= limits.pendingPerIdentity) return "busy";
    this.#questions.set(id, count + 1);
    try {
      return (await this.#isWelcome(id, info, verdict)) ? null : "forbidden";
    } finally {
      const left = (this.#questions.get(id) ?? 1) - 1;
      if (left > 0) this.#questions.set(id, left);
      else this.#questions.delete(id);
    }
  }

  /** @param {string} id @param {any} info @param {import("../trust/tickets.js").TicketVerdict} verdict */
  async #isWelcome(id, info, verdict) {
    const { onRemote } = this.share;
    if (!onRemote) return false;
    const name = isObject(info) && typeof info.name === "string" ? info.name : "";
    const event = new RemoteEvent(id, info, verdict, await this.peer.store.standing(id, name));
    try {
      await within(Promise.resolve(onRemote(event)), limits.decision, "Nobody has decided in time.");
    } catch {
      return false;
    }
    return !event.defaultPrevented;
  }

  /** Makes the connection to a remote that was let in. @param {import("../trust/signals.js").ReceivedOffer} offer @param {SignalPost} post @param {AbortController} ending */
  async #open(offer, post, ending) {
    const sid = base64url(offer.sid);
    const link = new Link(this.peer.iceServers);
    const timer = setTimeout(() => ending.abort(), limits.handshake);
    const end = () => ending.abort();
    this.#signal.addEventListener("abort", end, { once: true });
    const aborted = new Promise((_, reject) => ending.signal.addEventListener("abort", () => reject(new Error("The opening took too long.")), { once: true }));
    aborted.catch(() => {});
    /** Those that come before there is a connection wait. @type {import("../trust/signals.js").Signal[]} */
    const early = [];
    let inbox = (/** @type {import("../trust/signals.js").Signal} */ signal) => {
      if (early.length < limits.furtherSignals) early.push(signal);
    };
    this.#inboxes.set(sid, inbox);
    /** @type {(value?: unknown) => void} */
    let attached = () => {};
    const isAttached = new Promise((resolve) => { attached = resolve; });
    /** @type {Connection | null} */
    let made = null;
    const serve = (/** @type {Connection} */ connection) => {
      made = connection;
      return this.share.handler(connection, isAttached);
    };
    try {
      const { document, session } = await offer.accept(this.peer.identity, await link.describe(offer.description));
      await post.write(document, ending.signal);
      const exchange = exchangeCandidates(link, session, post, ending.signal);
      for (const signal of early) exchange.take(signal);
      // A new offer of the same session may have taken this one's place.
      if (this.#inboxes.get(sid) === inbox) this.#inboxes.set(sid, exchange.take);
      inbox = exchange.take;
      const channel = /** @type {RTCDataChannel} */ (await Promise.race([exchange.channel, aborted]));
      const connection = /** @type {Connection} */ (await Promise.race([
        this.peer.connect(channel, link, session, offer.info, serve), aborted,
      ]));
      this.share.attach(connection);
    } catch (error) {
      // @ts-ignore: it may have been made.
      made?.tunnel.leave(GOODBYE.notShared);
      link.close();
      throw error;
    } finally {
      attached();
      clearTimeout(timer);
      this.#signal.removeEventListener("abort", end);
      if (this.#inboxes.get(sid) === inbox) this.#inboxes.delete(sid);
      ending.abort();
      post.clear();
    }
  }

  /**
   * What a remote is told that wants to use this share over a connection which is there.
   * @param {import("../tunnel/frames.js").ShareOpening} opening @param {Connection} connection
   * @returns {Promise<import("../tunnel/serving.js").Decision>}
   */
  async decide({ ticket, proof }, connection) {
    const shown = connection.session.shownProof(ticket, proof, this.share.id);
    const ending = new AbortController();
    this.#underWay.set(ending, { id: connection.fingerprint, ending });
    try {
      const { id, verdict, decision } = await this.#judge(connection.remote, shown, true);
      let refusal = typeof decision === "string" ? null : decision.refusal;
      if (decision === "ask") refusal = await this.#ask(id, connection.info, verdict);
      if (this.#signal.aborted) refusal = "closed";
      else if (ending.signal.aborted) refusal ??= "forbidden";
      if (refusal === null) {
        this.share.attach(connection);
        return { handler: this.share.handler(connection) };
      }
      this.share.tell("refused", { identity: id, refusal });
      return { refusal };
    } finally {
      this.#underWay.delete(ending);
    }
  }
}
