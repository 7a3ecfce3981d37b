// Who this page is among peers: its identity, its hubs, its connections, and what it shares.

import { base64url, equal } from "../basics/encoding.js";
import { fingerprint } from "../basics/crypto.js";
import { GOODBYE } from "../tunnel/frames.js";
import { Connection } from "./connection.js";
import { Hub } from "./hub.js";
import { HTTPHub, hubName } from "./hub-databases.js";
import { limits } from "../basics/limits.js";
import { RecordMemory, Rejection } from "../trust/shares.js";
import { forgetClaims } from "./share-memory.js";
import { Store } from "./store.js";
import { Tunnel } from "../tunnel/tunnel.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

export class Peer {
  /** @type {Map<string, Hub>} by name */
  #hubs = new Map();
  /** @type {Set<Connection>} */
  connections = new Set();
  /** Shares of this page that run, by hub and id. @type {Map<string, import("./share.js").Share>} */
  shares = new Map();
  /** Shares of others that are open, by address and ticket. @type {Map<string, import("./remote-share.js").RemoteShare>} */
  opened = new Map();
  /** @type {Map<string, Promise<unknown>>} openings by owner, which wait for each other */
  #lines = new Map();
  /** Who the connections are with that are being made for shares of this page. @type {Bytes[]} */
  #places = [];
  records = new RecordMemory();

  /**
   * @param {import("../basics/crypto.js").Identity} identity
   * @param {Store} store
   * @param {{ iceServers?: RTCIceServer[], openHub?: ((name: string) => Hub | Promise<Hub>) | null }} options
   */
  constructor(identity, store, { iceServers = [], openHub = null } = {}) {
    this.identity = identity;
    this.store = store;
    this.iceServers = iceServers;
    this.openHub = openHub;
    if (store.database) {
      // Other pages of this origin are the same peer.
      this.#others = new BroadcastChannel(`peerpouch ${store.database.name}`);
      this.#others.onmessage = ({ data }) => { if (typeof data?.forget === "string") this.#drop(data.forget).catch(() => {}); };
    }
  }

  /** @type {BroadcastChannel | null} */
  #others = null;

  /**
   * A peer with the identity of this origin.
   * @param {{ name?: string, memory?: boolean, iceServers?: RTCIceServer[], openHub?: any }} [options] `memory` makes one that
   *   keeps nothing, and `name` one beside the usual
   */
  static async make({ name, memory = false, ...options } = {}) {
    if (!globalThis.crypto?.subtle) {
      throw new Error("Browsers have cryptography only for pages by HTTPS or from localhost. Put a proxy with TLS in front of the server.");
    }
    const store = memory ? new Store(null) : await Store.open(name);
    return new Peer(await store.identity(), store, options);
  }

  // MARK: Hubs

  /** A hub that is used by this name from now on. @param {Hub} hub */
  addHub(hub) {
    const present = this.#hubs.get(hub.name);
    if (present) return present;
    this.#hubs.set(hub.name, hub);
    return hub;
  }

  /** The hub that an address names. @param {string} name */
  async hub(name) {
    const known = this.#hubs.get(name);
    if (known) return known;
    if (this.openHub) return this.addHub(await this.openHub(name));
    if (!/^https?:/.test(name)) throw new Error(`The hub ${name} is not open in this page.`);
    const database = new HTTPHub((path, init) => fetch(`${name}/${path}`, { ...init, credentials: "include" }));
    return this.addHub(new Hub(hubName(name), database));
  }

  /**
   * The record that holds of a share.
   * @param {Hub} hub @param {string} share
   * @returns {Promise<import("../trust/shares.js").ShareRecord | null>} `null` if there is none that is valid
   */
  async record(hub, share) {
    return this.believe(await hub.database.leaves(share), share);
  }

  /** @param {any[]} leaves @param {string} share */
  async believe(leaves, share) {
    try {
      return await this.records.choose(leaves, share);
    } catch (error) {
      if (error instanceof Rejection) return null;
      throw error;
    }
  }

  // MARK: Connections

  /** Connections to an identity, those made last first. @param {Bytes} remote */
  connectionsWith(remote) {
    return [...this.connections].reverse().filter((each) => equal(each.remote, remote) && !each.hasEnded);
  }

  /** Whether there is room for one more connection that an identity opens. @param {Bytes} remote */
  hasRoom(remote) {
    const own = this.#places.filter((each) => equal(each, remote)).length;
    return this.connections.size + this.#places.length < limits.connections && this.connectionsWith(remote).length + own < limits.connectionsPerIdentity;
  }

  /** Takes a place for a connection that is being made. @param {Bytes} remote @returns {(() => void) | null} gives it back */
  takePlace(remote) {
    if (!this.hasRoom(remote)) return null;
    const place = remote.slice();
    this.#places.push(place);
    return () => { this.#places = this.#places.filter((each) => each !== place); };
  }

  /**
   * Who is connected to what, for people: `uses` are the names of their shares that this page has open, `gives` those of its own
   * that they use.
   */
  describeConnections() {
    return [...this.connections].map((connection) => ({
      identity: connection.fingerprint, isOwn: connection.session.role === "opener", since: connection.since,
      ...connection.tunnel.statistics, roundTrip: connection.tunnel.roundTrip,
      uses: [...this.opened.values()].filter((each) => each.connection === connection).map((each) => each.record?.name ?? each.id),
      gives: [...this.shares.values()].filter((each) => each.isUsedBy(connection)).map((each) => each.name),
    }));
  }

  /**
   * Makes a connection of an open channel, and waits until the other side has proved who it is.
   * @param {RTCDataChannel} channel
   * @param {import("./link.js").Link} link
   * @param {import("../trust/signals.js").Session} session
   * @param {any} info
   * @param {((connection: Connection) => import("../tunnel/serving.js").Handler) | null} serve for the sharer
   * @returns {Promise<Connection>}
   */
  async connect(channel, link, session, info, serve) {
    /** @type {Connection | undefined} */
    let connection;
    const [hello, id] = await Promise.all([session.hello(), fingerprint(session.remote)]);
    const tunnel = new Tunnel(channel, {
      role: session.role, hello, verify: (proof) => session.isHello(proof), early: link.takeEarly(),
      serving: serve && {
        share: session.share,
        // The handler is made once the connection it is for is there, which is before any request.
        handler: (request) => handler(request),
      },
      decide: async (opening) => {
        // A database may be shared on several hubs, under the same id; people are asked last.
        const shares = [...this.shares.values()].filter((each) => each.id === opening.share).sort((one, other) => Number(one.gate.ask) - Number(other.gate.ask));
        /** @type {import("../tunnel/serving.js").Decision} */
        let decision = { refusal: "unknown" };
        for (const share of shares) {
          if (connection && "refusal" in decision) decision = await share.decide(opening, connection);
        }
        return decision;
      },
      left: (share) => {
        connection?.left(share);
        if (connection) for (const each of this.shares.values()) if (each.id === share) each.detach(connection);
      },
    });
    connection = new Connection({ remote: session.remote, fingerprint: id, info, link, session, tunnel });
    const handler = serve ? serve(connection) : async () => ({ status: 404, headers: [], body: null });
    const made = connection;
    this.connections.add(made);
    tunnel.ended.then(() => this.connections.delete(made));
    const end = await Promise.race([tunnel.ready, tunnel.ended]);
    if (typeof end === "string") throw new Error(end);
    return made;
  }

  /**
   * Has openings of one owner wait for each other, so that the second finds the connection that the first one makes.
   * @template Value @param {Bytes} owner @param {() => Promise<Value>} work @returns {Promise<Value>}
   */
  inTurn(owner, work) {
    const key = base64url(owner);
    const turn = (this.#lines.get(key) ?? Promise.resolve()).then(work, work);
    this.#lines.set(key, turn.catch(() => {}));
    return turn;
  }

  /** Forgets an identity: its connections end, and the tickets that it claimed are revoked. @param {string} id its fingerprint */
  async forget(id) {
    // It is out before anything is kept, which may fail.
    const dropped = this.#drop(id);
    this.#others?.postMessage({ forget: id });
    await Promise.all([dropped, forgetClaims(this.store, id)]);
    await this.store.update("known", (known = []) => known.filter((/** @type {any} */ entry) => entry.fingerprint !== id));
  }

  /** Ends what an identity has here. @param {string} id */
  #drop(id) {
    const shares = [...this.shares.values()].map((share) => share.forget(id));
    for (const connection of this.connections) if (connection.fingerprint === id) connection.tunnel.leave(GOODBYE.notShared);
    return Promise.all(shares);
  }

  /** Stops all shares and ends all connections. */
  async close() {
    for (const remote of this.opened.values()) remote.close();
    try {
      await Promise.all([...this.shares.values()].map((share) => share.stop()));
    } finally {
      for (const connection of this.connections) connection.tunnel.leave();
      this.#others?.close();
      this.#others = null;
    }
  }
}
