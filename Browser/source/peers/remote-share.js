// A share of another peer, kept connected.

import { fingerprint } from "../basics/crypto.js";
import { equal } from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { readAddress, shareAddress } from "../trust/shares.js";
import { readTicket, ticketKeys } from "../trust/tickets.js";
import { TunnelError } from "../tunnel/exchanges.js";
import { attemptOpening, NewEpoch } from "./attempt.js";
import { isTransient } from "./hub-databases.js";
import { Absent, Refused } from "./refusals.js";
import { bodyOf, fetchError, isLongPoll, isSafe, peerHeaders } from "./share-requests.js";
import { BackOff, pause } from "./waiting.js";

/**
 * @typedef {"signalling" | "connecting" | "connected" | "reconnecting" | "refused" | "closed"} ConnectionState
 */

/** How long a peer has to show that it lives when it seems to have started again, in milliseconds. */
const PROBE = 3000;

/**
 * A share of another peer, kept connected until it is closed or refused: its {@link fetch} sends requests to it.
 */
export class RemoteShare extends EventTarget {
  /** @type {{ connection: import("./connection.js").Connection, number: number } | null} */
  #line = null;
  /** @type {Set<() => void>} those who wait for another state */
  #waiting = new Set();
  #ending = new AbortController();
  #users = 0;
  #isAskedAbout = false;
  #key;

  /**
   * @param {import("./peer.js").Peer} peer
   * @param {{ hub: string, share: string, ticket: import("../trust/tickets.js").Ticket | null, info: any, key: string }} what
   */
  constructor(peer, { hub, share, ticket, info, key }) {
    super();
    this.peer = peer;
    this.hubName = hub;
    this.id = share;
    this.address = shareAddress(hub, share);
    this.ticket = ticket;
    this.info = info;
    this.#key = key;
    /** @type {ConnectionState} */
    this.state = "signalling";
    /** Why there is no connection. @type {Error | null} */
    this.error = null;
    /** @type {import("../trust/shares.js").ShareRecord | null} */
    this.record = null;
    this.#run();
  }

  /**
   * Opens a share by its address or a ticket.
   * @param {import("./peer.js").Peer} peer
   * @param {string} where `webrtc://…` or `pp1-…`
   * @param {{ info?: any, wait?: boolean }} [options] `info` is what the sharer's `onRemote` gets to see; with `wait: false`
   *   requests wait for the connection, and opening does not
   */
  static async open(peer, where, { info = {}, wait = true } = {}) {
    const ticket = /^\s*pp1-/i.test(where) ? await readTicket(where) : null;
    const address = ticket ?? readAddress(where.trim());
    if (!address) throw new TypeError("This is neither the address of a share nor a ticket.");
    const key = ticket ? where.trim().toLowerCase() : shareAddress(address.hub, address.share);
    let remote = peer.opened.get(key);
    if (!remote || remote.state === "refused" || remote.state === "closed") {
      remote = new RemoteShare(peer, { ...address, ticket, info, key });
      peer.opened.set(key, remote);
    }
    remote.#users += 1;
    if (wait) {
      try {
        await remote.settled();
      } catch (error) {
        remote.release();
        throw error;
      }
    }
    return remote;
  }

  /** The owner's fingerprint, once the share was found. */
  async owner() {
    return this.record && fingerprint(this.record.key);
  }

  get connection() {
    return this.#line?.connection ?? null;
  }

  /** Ends this use; the last one closes it. */
  release() {
    this.#users -= 1;
    if (this.#users <= 0) this.close();
  }

  /** Ends it for all. */
  close() {
    if (this.state === "closed") return;
    this.#ending.abort(new TunnelError("aborted", "The share was closed."));
    if (this.peer.opened.get(this.#key) === this) this.peer.opened.delete(this.#key);
    this.#line?.connection.giveUp(this.#line.number);
    this.#giveUpLine("The share was closed.");
    this.#become("closed", new TunnelError("aborted", "The share was closed."));
  }

  /** @param {ConnectionState} state @param {Error | null} error */
  #become(state, error = null) {
    if (this.state === "closed") return;
    this.state = state;
    this.error = error;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    this.dispatchEvent(new Event("state"));
  }

  // MARK: Staying connected

  async #run() {
    const backOff = new BackOff();
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        this.#become("signalling");
        const line = await this.#connect(signal);
        if (signal.aborted) {
          line.connection.giveUp(line.number);
          return;
        }
        backOff.reset();
        this.#line = line;
        this.#become("connected");
        const lost = this.#lost(line);
        // Nothing waits for the hub: the line may be lost meanwhile.
        const watching = this.#watchRestarts(line).catch(() => () => {});
        const reason = await lost;
        watching.then((unwatch) => unwatch());
        if (signal.aborted) return;
        this.#line = null;
        if (!line.connection.hasEnded) line.connection.giveUp(line.number);
        this.#become("reconnecting", new TunnelError("unreachable", reason));
        continue;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof NewEpoch) continue;
        if (error instanceof Refused && error.isFinal) {
          if (this.peer.opened.get(this.#key) === this) this.peer.opened.delete(this.#key);
          this.#become("refused", error);
          return;
        }
        this.#become("reconnecting", /** @type {Error} */ (error));
      }
      await this.#pause(backOff.next(), signal);
    }
  }

  /** Waits; less long if the share's record changes meanwhile. @param {number} time @param {AbortSignal} signal */
  async #pause(time, signal) {
    const ending = new AbortController();
    const end = () => ending.abort();
    signal.addEventListener("abort", end, { once: true });
    let unsubscribe = () => {};
    try {
      const hub = await this.peer.hub(this.hubName);
      unsubscribe = await hub.subscribe({ id: this.id, take: end });
    } catch {
      // The hub is not there either.
    }
    await pause(time, ending.signal);
    unsubscribe();
    signal.removeEventListener("abort", end);
  }

  /** @param {AbortSignal} signal */
  async #connect(signal) {
    const hub = await this.peer.hub(this.hubName);
    const record = await this.peer.record(hub, this.id);
    if (!record) throw new Absent();
    this.record = record;
    this.#isAskedAbout = record.gate.includes("ask");
    const attempt = () => this.#attempt(hub, record, signal);
    // Who is asked somewhere must not hold up the other shares.
    return this.#isAskedAbout && !this.ticket ? attempt() : this.peer.inTurn(record.key, attempt);
  }

  /** @param {import("./hub.js").Hub} hub @param {import("../trust/shares.js").ShareRecord} record @param {AbortSignal} signal */
  async #attempt(hub, record, signal) {
    signal.throwIfAborted();
    for (const connection of this.peer.connectionsWith(record.key)) {
      const opening = { share: record.id, ticket: new Uint8Array(), proof: new Uint8Array() };
      if (this.ticket) {
        const proof = await connection.session.proof(await ticketKeys(this.ticket), record.id);
        opening.ticket = proof.id;
        opening.proof = proof.code;
      }
      const answer = await connection.tunnel.openShare(opening);
      if ("number" in answer) {
        connection.use();
        return { connection, number: answer.number };
      }
      // Of another instance of the same identity, it says nothing; or the connection has ended just now.
      const refused = new Refused(answer.refusal);
      if (!["unknown", "unreachable", "closed", "Too many shares are open."].includes(answer.refusal) && refused.isFinal) throw refused;
    }
    const connection = await attemptOpening(this.peer, hub, record, {
      ticket: this.ticket, info: this.info, signal, connecting: () => this.#become("connecting"),
    });
    connection.use();
    await this.peer.store.remember(connection.fingerprint, record.name).catch(() => {});
    return { connection, number: 0 };
  }

  /** @param {{ connection: import("./connection.js").Connection, number: number }} line @returns {Promise<string>} why it was lost */
  #lost({ connection, number }) {
    return new Promise((resolve) => {
      const end = (/** @type {string} */ reason) => {
        if (this.#line?.connection === connection && this.#line.number === number) this.#line = null;
        resolve(reason);
      };
      connection.tunnel.ended.then(end);
      connection.tunnel.withdrawals.set(number, (reason) => end(reason || "The peer does not give this share any more."));
      this.#giveUpLine = end;
    });
  }

  /** @type {(reason: string) => void} */
  #giveUpLine = () => {};

  /**
   * Looks whether the owner still is there when its key has changed: it may have started again, which the connection would
   * only tell after long.
   * @param {{ connection: import("./connection.js").Connection }} line
   */
  async #watchRestarts({ connection }) {
    const hub = await this.peer.hub(this.hubName);
    return hub.subscribe({
      id: this.id,
      take: async () => {
        const record = await this.peer.record(hub, this.id).catch(() => null);
        if (!record || !this.record || equal(record.epoch, this.record.epoch)) return;
        this.record = record;
        connection.tunnel.probe(PROBE);
      },
    });
  }

  // MARK: Requests

  /** @returns {Promise<void>} when the state is another one */
  #changed() {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** When it is clear whether the share can be used. @throws what prevents it */
  async settled() {
    const start = performance.now();
    while (this.state !== "connected") {
      if (this.state === "refused" || this.state === "closed" || this.error instanceof Absent) throw this.error;
      if (this.error && !isTransient(this.error)) throw this.error;
      const patience = limits.handshake + (this.#isAskedAbout ? limits.decision : 0);
      if (performance.now() - start > patience) throw this.error ?? new Error("There is no connection to the peer.");
      await Promise.race([this.#changed(), pause(1000)]);
    }
  }

  /** @param {AbortSignal | null} signal */
  async #connected(signal) {
    const end = performance.now() + limits.handshake;
    while (true) {
      if (this.#line && !this.#line.connection.hasEnded) return this.#line;
      if (this.state === "refused" || this.state === "closed") throw this.error ?? new Error("The share was closed.");
      if (signal?.aborted) throw new TunnelError("aborted", "The request was aborted.");
      const patience = this.#isAskedAbout && this.state === "signalling" ? limits.decision : 0;
      if (performance.now() > end + patience) throw this.error ?? new TunnelError("unreachable", "There is no connection to the peer.");
      await Promise.race([this.#changed(), pause(1000, signal ?? undefined)]);
    }
  }

  /**
   * Sends a request to the share, as `fetch` sends one to a server. Paths are below the share: `/_all_docs`. Requests that change
   * nothing are sent again when the connection is lost; of others it is not known then whether they were done, and it throws.
   * @param {string} path
   * @param {RequestInit & { progress?: (sent: number) => void }} [init] `progress` is told how many bytes of the body were sent
   * @returns {Promise<Response>}
   * @throws {TypeError} as `fetch` does, without an answer; `AbortError`; {@link Refused}
   */
  async fetch(path, { method = "GET", headers, body = null, signal = null, progress } = {}) {
    const request = {
      method: method.toUpperCase(), target: `/${this.id}${path}`, headers: peerHeaders(new Headers(headers)), body: await bodyOf(body), signal, progress,
    };
    while (true) {
      const line = await this.#connected(signal).catch((error) => { throw fetchError(error); });
      try {
        const response = await line.connection.tunnel.request(line.number, request);
        // Sent again like one that has no answer.
        return isLongPoll(path) ? new Response(await response.blob(), response) : response;
      } catch (error) {
        if (error instanceof RangeError) throw new TypeError(error.message);
        const { code } = error instanceof TunnelError ? error : { code: "failed" };
        if (code === "unreachable") this.#giveUpLine(/** @type {Error} */ (error).message);
        const isLost = line.connection.hasEnded || code === "unreachable";
        if (code === "aborted" || !isLost || !(isSafe(request.method, path) || code === "unreachable")) throw fetchError(error);
        // The line has to be known to be lost before the next attempt.
        await pause(0);
      }
    }
  }
}
