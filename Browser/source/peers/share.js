// Sharing a database of this page: its gate and tickets, offers, and who is connected.

import { shareHandler } from "../access/router.js";
import { ephemeralKey, fingerprint } from "../basics/crypto.js";
import { base64url, isObject } from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { gateDecision, gateWays, OfferReception } from "../trust/reception.js";
import { Rejection, shareAddress, shareID } from "../trust/shares.js";
import { readSignal, signalKind } from "../trust/signals.js";
import { makeTicket, readTicket, TicketBook, ticketKeys, ticketText } from "../trust/tickets.js";
import { exchangeCandidates } from "./candidates.js";
import { Link } from "./link.js";
import { RemoteEvent } from "./remote-event.js";
import { saltOf } from "./salts.js";
import { keepShare, restoreShare } from "./share-memory.js";
import { removeShare, SharePublication } from "./share-publication.js";
import { SignalPost } from "./signal-post.js";
import { Sweeper } from "./sweeping.js";
import { BackOff, pause, within } from "./waiting.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./connection.js").Connection} Connection */

/** Signals that wait for their turn; what comes beyond them is dropped. */
const WAITING = 1024;

/**
 * @typedef {object} ShareOptions
 * @property {string} [name] what others see in their lists; the database's own unless given
 * @property {any} [info] more for them to see, at most 2 KiB
 * @property {"read-only" | "read-write" | "inbox"} [access] everything behind a gate, and reading where there is none, unless given
 * @property {string[]} [allow] fingerprints that are let in
 * @property {boolean | { lifetime: number }} [ticket] whether tickets let in, and how long the first one does, in milliseconds; it is
 *   then in {@link Share.ticket}
 * @property {(event: RemoteEvent) => unknown} [onRemote] decides about those who have no other way in
 * @property {boolean} [queries] whether remotes may use `_find`
 * @property {boolean} [designDocuments] whether remotes may write design documents
 */

/**
 * A database that this page shares. Events: `joined`, `left`, `refused`, `ticketreused`, `sharedelsewhere`, `hublost`, `hubfound`, each
 * with a `detail`.
 */
export class Share extends EventTarget {
  /** @type {Set<Connection>} */
  #connections = new Set();
  /** @type {Map<string, (signal: import("../trust/signals.js").Signal) => void>} where further candidates go, by session */
  #inboxes = new Map();
  #ending = new AbortController();
  #line = Promise.resolve();
  #waiting = 0;
  /** @type {SharePublication} */
  #publication;
  /** @type {Sweeper} */
  #sweeper;
  #unsubscribe = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewal;
  #isHubLost = false;
  /** @type {number | undefined} how long the first ticket lets in */
  #lifetime;
  /** @type {Promise<void> | null} */
  #stopping = null;
  /** @type {OfferReception} */
  #reception;

  /** @param {import("./peer.js").Peer} peer @param {import("./hub.js").Hub} hub @param {any} pouch @param {Bytes} salt @param {string} id @param {ShareOptions} options */
  constructor(peer, hub, pouch, salt, id, options) {
    super();
    this.peer = peer;
    this.hub = hub;
    this.pouch = pouch;
    this.salt = salt;
    this.id = id;
    this.name = options.name ?? pouch.name;
    this.info = options.info ?? {};
    this.onRemote = options.onRemote ?? null;
    /** @type {import("../trust/reception.js").Gate} */
    this.gate = {
      allow: options.allow ? new Set(options.allow.map((each) => each.toLowerCase().replaceAll(/[- ]/g, ""))) : null,
      ticket: Boolean(options.ticket), ask: this.onRemote !== null,
    };
    this.#lifetime = typeof options.ticket === "object" ? options.ticket.lifetime : undefined;
    const ways = gateWays(this.gate);
    this.access = options.access ?? (ways.includes("anyone") ? "read-only" : "read-write");
    this.grant = { access: this.access, queries: options.queries === true, designDocuments: options.designDocuments === true };
    this.#publication = new SharePublication(hub, peer.identity, { id, salt, name: this.name, info: this.info, access: this.access, gate: ways });
    this.#sweeper = new Sweeper(hub, id);
    this.book = new TicketBook();
    /** What others open it by. */
    this.dbname = shareAddress(hub.name, id);
    /** The first ticket, if tickets let in. @type {string | null} */
    this.ticket = null;
  }

  get key() {
    return `${this.hub.name} ${this.id}`;
  }

  /**
   * Begins to share; others find it when this is done.
   * @param {import("./peer.js").Peer} peer
   * @param {import("./hub.js").Hub} hub
   * @param {any} pouch
   * @param {ShareOptions} options
   */
  static async start(peer, hub, pouch, options) {
    const salt = await saltOf(pouch);
    const id = await shareID(peer.identity.bytes, salt);
    const share = new Share(peer, hub, pouch, salt, id, options);
    if (peer.shares.has(share.key)) throw new Error("This database is shared on this hub already.");
    peer.shares.set(share.key, share);
    try {
      await share.#begin();
    } catch (error) {
      peer.shares.delete(share.key);
      share.#ending.abort();
      share.#unsubscribe();
      throw error;
    }
    return share;
  }

  async #begin() {
    this.#publication.number = await restoreShare(this.peer.store, this.id, this.book);
    if (this.gate.ticket) {
      const [kept] = [...this.book.entries.values()].filter(({ claimant, expiry }) => claimant === null && expiry === Infinity);
      this.ticket = kept && !this.#lifetime ? await ticketText(kept.ticket) : await this.makeTicket({ lifetime: this.#lifetime });
    }
    this.#reception = new OfferReception(this.id, this.peer.identity.bytes, await ephemeralKey(), performance.now());
    this.#unsubscribe = await this.hub.subscribe({
      recipient: this.id,
      take: ({ doc }) => doc && this.#take(doc),
      lost: (error) => this.#hubLost(error),
    });
    await this.#publish();
    this.#renewLater();
    this.#sweeper.sweep().catch(() => {});
    // The page may go without a word; what can be said is that it goes.
    globalThis.addEventListener?.("pagehide", this.#leave);
  }

  /** @param {string} type @param {Record<string, any>} detail */
  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {unknown} error */
  #hubLost(error) {
    if (!this.#isHubLost) this.#tell("hublost", { reason: /** @type {any} */ (error)?.message ?? String(error) });
    this.#isHubLost = true;
  }

  // MARK: Tickets

  /**
   * Makes a ticket, which lets its first holder in.
   * @param {{ lifetime?: number }} [options] in milliseconds; it does not end unless given
   * @returns {Promise<string>}
   */
  async makeTicket({ lifetime = Infinity } = {}) {
    const ticket = makeTicket(this.id, this.hub.name);
    await this.book.add(ticket, performance.now() + lifetime, performance.now());
    await this.#keep();
    return ticketText(ticket);
  }

  /** Revokes a ticket. @param {string} value */
  async revoke(value) {
    const { id } = await ticketKeys(await readTicket(value));
    this.book.entries.delete(base64url(id));
    await this.#keep();
  }

  /** So that both outlive the page. */
  #keep() {
    return keepShare(this.peer.store, this.id, this.#publication.number, this.book);
  }

  /** Forgets an identity: revokes what it claimed, and drops it. @param {string} id its fingerprint */
  async forget(id) {
    this.book.forget(id);
    await this.#keep();
    for (const connection of this.#connections) if (connection.fingerprint === id) this.#drop(connection);
  }

  // MARK: The record

  async #publish() {
    if (await this.#publication.write(this.#reception.epoch)) this.#tell("sharedelsewhere");
    await this.#keep();
  }

  /** Writes the record anew when a third of the lease is left, and looks after epochs every minute. */
  #renewLater() {
    const renewal = performance.now() + (limits.lease * 1000 * 2) / 3;
    const backOff = new BackOff();
    const look = async () => {
      await this.#reception.advance(performance.now());
      if (performance.now() >= renewal || !this.#publication.has(this.#reception.epoch)) {
        try {
          await this.#publish();
          if (this.#isHubLost) this.#tell("hubfound");
          this.#isHubLost = false;
          this.#sweeper.sweep().catch(() => {});
          this.#renewLater();
          return;
        } catch (error) {
          this.#hubLost(error);
          await pause(backOff.next(), this.#ending.signal);
        }
      }
      if (!this.#ending.signal.aborted) this.#renewal = setTimeout(look, 10_000);
    };
    if (!this.#ending.signal.aborted) this.#renewal = setTimeout(look, 10_000);
  }

  // MARK: Offers

  /** Takes a signal. What is not valid is ignored, not answered. @param {Record<string, any>} doc */
  #take(doc) {
    this.hub.delete([doc]);
    if (this.#isHubLost) this.#tell("hubfound");
    this.#isHubLost = false;
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
    if (this.#ending.signal.aborted) return;
    let offer;
    try {
      offer = await this.#reception.receive(doc, performance.now());
    } catch (error) {
      if (error instanceof Rejection) return;
      throw error;
    }
    const decision = await this.#judge(offer.remote, offer.ticket);
    // What follows may take long, and others must not wait for it.
    this.#proceed(offer, decision).catch(() => {}).finally(() => this.#reception.end(offer.sid));
  }

  /**
   * What the gate says. A ticket that lets in is claimed at once.
   * @param {Bytes} remote @param {import("../trust/tickets.js").TicketProof | null} proof
   */
  async #judge(remote, proof, isConnected = false) {
    const id = await fingerprint(remote);
    if (!isConnected && !this.peer.hasRoom(remote)) return { id, verdict: /** @type {const} */ ("none"), decision: { refusal: "busy" } };
    const verdict = await this.book.verdict(proof, id, performance.now());
    if (verdict === "claimed") this.#tell("ticketreused", { identity: id });
    const decision = gateDecision(this.gate, id, verdict);
    if (decision === "ticket" && proof) {
      if (!this.book.claim(proof, id)) return { id, verdict, decision: { refusal: "ticket-claimed" } };
      this.#keep().catch(() => {});
    }
    return { id, verdict, decision };
  }

  /** @param {import("../trust/signals.js").ReceivedOffer} offer @param {Awaited<ReturnType<Share["#judge"]>>} judged */
  async #proceed(offer, { id, verdict, decision }) {
    let refusal = typeof decision === "string" ? null : decision.refusal;
    if (decision === "ask") {
      this.#reception.postpone(offer.sid, performance.now() + limits.decision);
      if (!(await this.#ask(id, offer.info, verdict))) refusal = "forbidden";
      this.#reception.postpone(offer.sid, performance.now() + limits.handshake);
    }
    if (this.#ending.signal.aborted) refusal = "closed";
    const post = new SignalPost(this.hub);
    if (refusal !== null) {
      this.#tell("refused", { identity: id, refusal });
      // The opener deletes what it reads; if it is gone, this is swept.
      await post.write(await offer.refuse(this.peer.identity, refusal), AbortSignal.timeout(limits.handshake));
      return;
    }
    await this.#open(offer, post);
  }

  /** Asks the program about a remote. @param {string} id @param {any} info @param {import("../trust/tickets.js").TicketVerdict} verdict */
  async #ask(id, info, verdict) {
    if (!this.onRemote) return false;
    const name = isObject(info) && typeof info.name === "string" ? info.name : "";
    const event = new RemoteEvent(id, info, verdict, await this.peer.store.standing(id, name));
    try {
      await within(Promise.resolve(this.onRemote(event)), limits.decision, "Nobody has decided in time.");
    } catch {
      return false;
    }
    return !event.defaultPrevented;
  }

  /** Makes the connection to a remote that was let in. @param {import("../trust/signals.js").ReceivedOffer} offer @param {SignalPost} post */
  async #open(offer, post) {
    const sid = base64url(offer.sid);
    const link = new Link(this.peer.iceServers);
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), limits.handshake);
    const end = () => ending.abort();
    this.#ending.signal.addEventListener("abort", end, { once: true });
    const aborted = new Promise((_, reject) => ending.signal.addEventListener("abort", () => reject(new Error("The opening took too long.")), { once: true }));
    aborted.catch(() => {});
    /** Those that come before there is a connection wait. @type {import("../trust/signals.js").Signal[]} */
    const early = [];
    let inbox = (/** @type {import("../trust/signals.js").Signal} */ signal) => {
      if (early.length < limits.furtherSignals) early.push(signal);
    };
    this.#inboxes.set(sid, inbox);
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
        this.peer.connect(channel, link, session, offer.info, (made) => this.#handler(made)), aborted,
      ]));
      connection.serves(this.id);
      this.#attach(connection);
    } catch (error) {
      link.close();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#ending.signal.removeEventListener("abort", end);
      if (this.#inboxes.get(sid) === inbox) this.#inboxes.delete(sid);
      ending.abort();
      post.clear();
    }
  }

  // MARK: Remotes

  /** Those who use it now. */
  get remotes() {
    return [...this.#connections].map(({ fingerprint: identity, info, since, tunnel }) =>
      ({ identity, info, since, ...tunnel.statistics, roundTrip: tunnel.roundTrip }));
  }

  /** @param {Connection} connection */
  #handler(connection) {
    return shareHandler(this.pouch, { id: this.id, grant: this.grant, fingerprint: connection.fingerprint, quota: connection.quota });
  }

  /** @param {Connection} connection */
  #attach(connection) {
    if (this.#ending.signal.aborted) {
      connection.withdraw(this.id);
      return;
    }
    if (this.#connections.has(connection)) return;
    this.#connections.add(connection);
    const name = isObject(connection.info) ? connection.info.name : "";
    this.peer.store.remember(connection.fingerprint, name).catch(() => {});
    this.#tell("joined", { identity: connection.fingerprint, info: connection.info });
    connection.tunnel.ended.then(() => this.detach(connection));
  }

  /** A remote does not use the share any more. @param {Connection} connection */
  detach(connection) {
    if (this.#connections.delete(connection)) this.#tell("left", { identity: connection.fingerprint, info: connection.info });
  }

  /** @param {Connection} connection */
  #drop(connection) {
    connection.withdraw(this.id);
    this.detach(connection);
  }

  /** Drops an identity; it may come again. @param {string} identity its fingerprint */
  disconnect(identity) {
    for (const connection of this.#connections) if (connection.fingerprint === identity) this.#drop(connection);
  }

  /**
   * What a remote is told that wants to use this share over a connection which is there.
   * @param {import("../tunnel/frames.js").ShareOpening} opening @param {Connection} connection
   * @returns {Promise<import("../tunnel/serving.js").Decision>}
   */
  async decide({ ticket, proof }, connection) {
    const shown = connection.session.shownProof(ticket, proof, this.id);
    const { id, verdict, decision } = await this.#judge(connection.remote, shown, true);
    let refusal = typeof decision === "string" ? null : decision.refusal;
    if (decision === "ask" && !(await this.#ask(id, connection.info, verdict))) refusal = "forbidden";
    if (this.#ending.signal.aborted) refusal = "closed";
    if (refusal !== null) {
      this.#tell("refused", { identity: id, refusal });
      return { refusal };
    }
    connection.serves(this.id);
    this.#attach(connection);
    return { handler: this.#handler(connection) };
  }

  // MARK: The end

  #leave = () => {
    this.#publication.abandon();
    this.stop().catch(() => {});
  };

  /** Ends the sharing: removes the record, and drops who is connected. */
  stop() {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop() {
    globalThis.removeEventListener?.("pagehide", this.#leave);
    this.#ending.abort();
    clearTimeout(this.#renewal);
    this.#unsubscribe();
    this.peer.shares.delete(this.key);
    for (const connection of this.#connections) this.#drop(connection);
    await removeShare(this.hub, this.id);
  }
}
