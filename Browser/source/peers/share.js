// Sharing a database of this page: its record, its tickets, and who is connected.

import { shareHandler } from "../access/router.js";
import { base64url, isObject } from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { gateWays } from "../trust/reception.js";
import { shareAddress, shareID } from "../trust/shares.js";
import { makeTicket, readTicket, TicketBook, ticketKeys } from "../trust/tickets.js";
import { Admissions } from "./admissions.js";
import { saltOf } from "./salts.js";
import { keepShare, restoreShare } from "./share-memory.js";
import { removeShare, SharePublication } from "./share-publication.js";
import { Sweeper } from "./sweeping.js";
import { BackOff, pause } from "./waiting.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./connection.js").Connection} Connection */

/**
 * @typedef {object} ShareOptions
 * @property {string} [name] what others see in their lists; the database's own unless given
 * @property {any} [info] more for them to see, at most 2 KiB
 * @property {"read-only" | "read-write" | "inbox"} [access] everything behind a gate, and reading where there is none, unless given
 * @property {string[]} [allow] fingerprints that are let in
 * @property {boolean | { lifetime: number }} [ticket] whether tickets let in, and how long the first one does, in milliseconds; it is
 *   then in {@link Share.ticket}
 * @property {(event: import("./remote-event.js").RemoteEvent) => unknown} [onRemote] decides about those who have no other way in
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
  /** @type {Admissions} */
  #admissions;
  #ending = new AbortController();
  /** The record that is being written. @type {Promise<unknown>} */
  #publishing = Promise.resolve();
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

  /** @param {import("./peer.js").Peer} peer @param {import("./hub.js").Hub} hub @param {any} pouch @param {Bytes} salt @param {string} id @param {ShareOptions} options */
  constructor(peer, hub, pouch, salt, id, options) {
    super();
    this.peer = peer;
    this.hub = hub;
    this.pouch = pouch;
    this.id = id;
    this.name = options.name ?? publicName(pouch);
    this.info = options.info ?? {};
    this.onRemote = options.onRemote ?? null;
    /** @type {import("../trust/reception.js").Gate} */
    this.gate = {
      allow: options.allow ? new Set(options.allow.map(plainFingerprint)) : null,
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
    this.#publication.number = await restoreShare(this.peer.store, this);
    if (this.gate.ticket) {
      const kept = [...this.book.entries.values()].find(({ claimant, expiry, ticket }) =>
        claimant === null && expiry === Infinity && ticket.hub === this.hub.name);
      this.ticket = kept && !this.#lifetime ? kept.text : await this.makeTicket({ lifetime: this.#lifetime });
    }
    this.#admissions = await Admissions.open(this, this.#ending.signal);
    this.#unsubscribe = await this.hub.subscribe({
      recipient: this.id,
      take: ({ doc }) => doc && this.#take(doc),
      lost: (error) => this.#hubLost(error),
    });
    await this.#publish();
    this.#ending.signal.throwIfAborted();
    if (gateWays(this.gate).includes("anyone")) console.info(`Everybody who can read the hub may open “${this.name}” (${this.access}).`);
    this.#renewLater();
    this.#sweeper.sweep().catch(() => {});
    // The page may go without a word; what can be said is that it goes.
    globalThis.addEventListener?.("pagehide", this.#leave);
  }

  /** @param {string} type @param {Record<string, any>} detail */
  tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {unknown} error */
  #hubLost(error) {
    if (!this.#isHubLost) this.tell("hublost", { reason: /** @type {any} */ (error)?.message ?? String(error) });
    this.#isHubLost = true;
  }

  /** @param {Record<string, any>} doc a signal */
  #take(doc) {
    this.hub.delete([doc]);
    if (this.#isHubLost) this.tell("hubfound");
    this.#isHubLost = false;
    this.#admissions.take(doc);
  }

  // MARK: Tickets

  /**
   * Makes a ticket, which lets its first holder in.
   * @param {{ lifetime?: number }} [options] in milliseconds; it does not end unless given
   * @returns {Promise<string>}
   */
  async makeTicket({ lifetime = Infinity } = {}) {
    if (!this.gate.ticket) throw new TypeError("This share takes no tickets.");
    const text = await this.book.add(makeTicket(this.id, this.hub.name), performance.now() + lifetime, performance.now());
    await this.keep();
    return text;
  }

  /** Revokes a ticket. @param {string} value */
  async revoke(value) {
    const { id } = await ticketKeys(await readTicket(value));
    this.book.entries.delete(base64url(id));
    await this.keep();
  }

  /** Has tickets and claims outlive the page. */
  keep() {
    return keepShare(this.peer.store, this, this.#publication.number);
  }

  /** Forgets an identity: revokes what it claimed, and drops it. @param {string} id its fingerprint */
  async forget(id) {
    this.gate.allow?.delete(id);
    this.book.forget(id);
    this.disconnect(id);
    await this.keep();
  }

  // MARK: The record

  async #publish() {
    const writing = this.#publication.write(this.#admissions.epoch, this.#ending.signal);
    this.#publishing = writing.catch(() => {});
    if (await writing) this.tell("sharedelsewhere");
    await this.keep();
  }

  /** Writes the record anew when a third of the lease is left, and looks after epochs every minute. */
  #renewLater() {
    const renewal = performance.now() + (limits.lease * 1000 * 2) / 3;
    const backOff = new BackOff();
    const look = async () => {
      await this.#admissions.advance();
      if (performance.now() >= renewal || !this.#publication.has(this.#admissions.epoch)) {
        try {
          await this.#publish();
          if (this.#isHubLost) this.tell("hubfound");
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

  // MARK: Remotes

  /** Those who use it now. */
  get remotes() {
    return [...this.#connections].map(({ fingerprint: identity, info, since, tunnel }) =>
      ({ identity, info, since, ...tunnel.statistics, roundTrip: tunnel.roundTrip }));
  }

  /** @param {Connection} connection */
  isUsedBy(connection) {
    return this.#connections.has(connection);
  }

  /**
   * What answers a remote's requests: those of whom is connected, and of nobody else.
   * @param {Connection} connection @param {Promise<unknown>} [attached] when it is clear whether it is
   * @returns {import("../tunnel/serving.js").Handler}
   */
  handler(connection, attached) {
    const { fingerprint: identity, quota } = connection;
    const handle = shareHandler(this.pouch, { id: this.id, grant: this.grant, fingerprint: identity, quota });
    return async (request) => {
      await attached;
      return this.#connections.has(connection) ? handle(request) : { status: 404, headers: [], body: null };
    };
  }

  /** A remote that was let in uses the share from now on. @param {Connection} connection */
  attach(connection) {
    connection.serves(this.id);
    if (this.#ending.signal.aborted) {
      connection.withdraw(this.id);
      return;
    }
    if (this.#connections.has(connection)) return;
    this.#connections.add(connection);
    const name = isObject(connection.info) ? connection.info.name : "";
    // Of those that nobody has decided about, none becomes known.
    if (!gateWays(this.gate).includes("anyone")) this.peer.store.remember(connection.fingerprint, name).catch(() => {});
    this.tell("joined", { identity: connection.fingerprint, info: connection.info });
    connection.tunnel.ended.then(() => this.detach(connection));
  }

  /** A remote does not use the share any more. @param {Connection} connection */
  detach(connection) {
    if (this.#connections.delete(connection)) this.tell("left", { identity: connection.fingerprint, info: connection.info });
  }

  /** @param {Connection} connection */
  #drop(connection) {
    connection.withdraw(this.id);
    this.detach(connection);
  }

  /** Drops an identity; it may come again. @param {string} identity its fingerprint */
  disconnect(identity) {
    this.#admissions?.cancel(identity);
    for (const connection of this.#connections) if (connection.fingerprint === identity) this.#drop(connection);
  }

  /**
   * What a remote is told that wants to use this share over a connection which is there.
   * @param {import("../tunnel/frames.js").ShareOpening} opening @param {Connection} connection
   * @returns {Promise<import("../tunnel/serving.js").Decision>}
   */
  decide(opening, connection) {
    return this.#admissions.decide(opening, connection);
  }

  // MARK: The end

  #leave = () => {
    this.#publication.abandon();
    this.stop().catch(() => {});
  };

  /** Ends the sharing: removes the record, and drops who is connected. */
  stop() {
    this.#stopping ??= this.#stop().catch((error) => {
      // The hub may be back the next time.
      this.#stopping = null;
      throw error;
    });
    return this.#stopping;
  }

  async #stop() {
    globalThis.removeEventListener?.("pagehide", this.#leave);
    this.#ending.abort();
    clearTimeout(this.#renewal);
    this.#unsubscribe();
    this.peer.shares.delete(this.key);
    for (const connection of this.#connections) this.#drop(connection);
    await this.#publishing;
    await removeShare(this.hub, this.id);
  }
}

/** @param {string} text */
const plainFingerprint = (text) => text.toLowerCase().replaceAll(/[- ]/g, "");

/** What a database is called in lists unless it is said: PouchDB's names may be URLs with passwords, addresses, or tickets. @param {any} pouch @returns {string} */
function publicName({ name, adapter }) {
  if (adapter === "webrtc" || /^(?:webrtc:|\s*pp1-)/i.test(name)) return "database";
  if (!/^https?:/i.test(name)) return name;
  const part = new URL(name).pathname.split("/").filter(Boolean).at(-1) ?? "database";
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
