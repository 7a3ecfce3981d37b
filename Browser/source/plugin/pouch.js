// The plugin for PouchDB: its databases as hubs, and the adapter `webrtc` for those of other peers.

import { fingerprint } from "../basics/crypto.js";
import { Hub } from "../peers/hub.js";
import { HTTPHub, hubName, PouchHub } from "../peers/hub-databases.js";
import { RemoteShare } from "../peers/remote-share.js";
import { readAddress, shareAddress, shareID } from "../trust/shares.js";
import { readSalt } from "../peers/salts.js";
import { Share } from "../peers/share.js";
import { removeShare } from "../peers/share-publication.js";
import { ticketShare } from "../trust/tickets.js";

/** The longest time that browsers count, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** The host of the addresses that PouchDB's http adapter makes: none that there is. */
const NOWHERE = "http://peer.invalid/";

/** @typedef {import("../peers/peer.js").Peer} Peer */

/**
 * A database that somebody shares by way of a hub. Its record was signed by its owner, which proves that `identity` owns it, and
 * nothing of who that is: names and infos never identify.
 * @typedef {object} SharedDatabase
 * @property {string} _id
 * @property {string} dbname `webrtc://…`: all that is needed to open it
 * @property {string} name
 * @property {any} info
 * @property {string} identity the owner's fingerprint
 * @property {"read-only" | "read-write" | "inbox"} access
 * @property {("allow" | "ticket" | "ask" | "anyone")[]} gate
 * @property {import("../peers/store.js").Standing} standing how owner and name look beside what is known here
 * @property {number} lease until when it counts as there, in seconds since 1970 by the hub's clock
 * @property {boolean} [_deleted] for `onChange`: it is not shared any more
 */

/** @param {Peer} peer @param {Hub} hub @param {import("../trust/shares.js").ShareRecord} record @returns {Promise<SharedDatabase>} */
async function described(peer, hub, record) {
  const identity = await fingerprint(record.key);
  return {
    _id: record.id, dbname: shareAddress(hub.name, record.id), name: record.name, info: record.info, identity, access: record.access,
    gate: record.gate, standing: await peer.store.standing(identity, record.name), lease: record.lease,
  };
}

/**
 * The databases that others share by way of a hub. Those of this page are left out, and those whose lease is over.
 * @param {Peer} peer @param {Hub} hub
 * @returns {Promise<SharedDatabase[]>}
 */
export async function sharedDatabases(peer, hub) {
  const shares = [];
  for (const { id, leaves } of await hub.database.list("share-")) {
    if (peer.shares.has(`${hub.name} ${id}`)) continue;
    const record = await peer.believe(leaves, id);
    if (record) shares.push(await described(peer, hub, record));
  }
  // The date is that of the last answer.
  return shares.filter(({ lease }) => lease > hub.now());
}

/** Whether a user would see a difference: renewals of the lease make none. @param {SharedDatabase} share */
const look = ({ name, info, access, gate }) => JSON.stringify([name, info, access, gate]);

/**
 * The databases that others share, and what happens to them from then on, without a gap.
 * @param {Peer} peer @param {Hub} hub
 * @param {(share: SharedDatabase) => void} onChange
 * @returns {Promise<{ shares: SharedDatabase[], cancel: () => void }>}
 */
export async function watchSharedDatabases(peer, hub, onChange) {
  /** @type {Map<string, SharedDatabase>} */
  const known = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isOver = false;
  const tell = (/** @type {SharedDatabase} */ share) => {
    try {
      onChange(share);
    } catch (error) {
      // What is told next does not depend on it.
      console.error(error);
    }
  };
  const remove = (/** @type {string} */ id) => {
    const share = known.get(id);
    if (known.delete(id) && share) tell({ ...share, _deleted: true });
  };
  // A lease that runs out is no change of the hub.
  const expire = () => {
    clearTimeout(timer);
    for (const [id, { lease }] of known) if (lease <= hub.now()) remove(id);
    const next = Math.min(...[...known.values()].map(({ lease }) => lease)) - hub.now();
    if (Number.isFinite(next) && !isOver) timer = setTimeout(expire, Math.min(Math.max(1, next) * 1000, LONGEST_TIMER));
  };
  let line = Promise.resolve();
  const unsubscribe = await hub.subscribe({
    shares: true,
    take: ({ id, deleted, doc }) => {
      line = line.then(async () => {
        if (isOver || peer.shares.has(`${hub.name} ${id}`)) return;
        if (deleted || !doc) {
          remove(id);
          return;
        }
        const record = await peer.believe(doc._conflicts ? await hub.database.leaves(id) : [doc], id);
        // What is not valid says nothing; the last valid record holds until its lease is over.
        if (!record || record.lease <= hub.now()) return;
        const share = await described(peer, hub, record);
        const before = known.get(id);
        known.set(id, share);
        if (!before || look(before) !== look(share)) tell(share);
        expire();
      }).catch(() => {});
    },
  });
  const cancel = () => {
    isOver = true;
    clearTimeout(timer);
    unsubscribe();
  };
  try {
    const shares = await sharedDatabases(peer, hub);
    // What has changed meanwhile is newer.
    for (const share of shares) if (!known.has(share._id)) known.set(share._id, share);
    expire();
    return { shares, cancel };
  } catch (error) {
    cancel();
    throw error;
  }
}

// MARK: Hubs

/** @type {WeakMap<object, Hub>} */
const hubs = new WeakMap();

/** A PouchDB as a hub. @param {any} pouch @param {Peer} peer @returns {Hub} */
export function hubOf(pouch, peer) {
  const known = hubs.get(pouch);
  if (known) return peer.addHub(known);
  let hub;
  if (typeof pouch.fetch === "function") {
    // Its own `fetch`, with its credentials, of paths below the database. Over a connection to a peer silence is looked after.
    const options = pouch.adapter === "webrtc" ? { silence: Infinity } : {};
    const database = new HTTPHub((path, init) => pouch.fetch(path, { ...init, headers: new Headers(init?.headers) }), options);
    hub = new Hub(pouch.adapter === "webrtc" ? pouch.peerShare.address : hubName(pouch.name), database);
  } else {
    hub = new Hub(hubName(pouch.name), new PouchHub(pouch));
  }
  hubs.set(pouch, hub);
  return peer.addHub(hub);
}

// MARK: The plugin

/** A method that also takes a callback as its last argument. @param {(this: any, ...args: any[]) => Promise<any>} method */
const withCallback = (method) => /** @this {any} */ function (/** @type {any[]} */ ...args) {
  const callback = typeof args.at(-1) === "function" ? args.pop() : null;
  const outcome = method.apply(this, args);
  if (callback) outcome.then((value) => callback(null, value), (error) => callback(error));
  return outcome;
};

/**
 * Adds the methods of hubs and the adapter to PouchDB.
 * @param {any} PouchDB
 * @param {() => Promise<Peer>} peerOf
 */
export function install(PouchDB, peerOf) {
  const http = PouchDB.adapters.http;

  /** @this {any} @param {any} options @param {(error: any, api?: any) => void} callback */
  function WebRTCPouch(options, callback) {
    // PouchDB takes the scheme away.
    const where = /^\s*pp1-/i.test(options.name) ? options.name : `webrtc://${options.name.replace(/^webrtc:\/\//, "")}`;
    const opening = peerOf().then((peer) => RemoteShare.open(peer, where, { info: options.info, wait: options.wait }));
    // What the address says is enough for the adapter; that it is no address shows when it is opened.
    const id = readAddress(where)?.share ?? ticketShare(where) ?? "none";
    const fetch = async (/** @type {string} */ url, /** @type {RequestInit} */ init) => (await opening).fetch(pathBelow(url, id), init);
    http.call(this, { ...options, name: NOWHERE + id, skip_setup: true, fetch }, (/** @type {any} */ _error, /** @type {any} */ api) => {
      this._destroy = (/** @type {any} */ _options, /** @type {(error: any) => void} */ done) =>
        done(Object.assign(new Error("A peer's database cannot be destroyed."), { status: 403, name: "forbidden", error: true }));
      const close = this._close;
      this._close = (/** @type {any} */ done) => {
        opening.then((share) => share.release(), () => {});
        close.call(this, done);
      };
      opening.then((share) => {
        this.peerShare = share;
        callback(null, api);
      }, callback);
    });
  }
  WebRTCPouch.valid = () => true;
  WebRTCPouch.use_prefix = false;
  PouchDB.adapter("webrtc", WebRTCPouch, false);

  /** Opens the hub that an address names, unless it is open already. @param {string} name */
  PouchDB.openPeerHub = async (name) => {
    const pouch = new PouchDB(name, { skip_setup: true });
    if (pouch.adapter === "webrtc") await pouch.info();
    return hubOf(pouch, await peerOf());
  };

  const { prototype } = PouchDB;
  /** A database of this page as a hub. A peer's has to be open for that. @param {any} pouch @returns {Promise<[Peer, Hub]>} */
  const used = async (pouch) => {
    const peer = await peerOf();
    if (pouch.adapter === "webrtc") await pouch.info();
    return [peer, hubOf(pouch, peer)];
  };

  /** Shares a database by way of this hub: `hub.shareDatabase(db, options)` gives a Share. */
  prototype.shareDatabase = withCallback(async function (db, options = {}) {
    const [peer, hub] = await used(this);
    return Share.start(peer, hub, db, options);
  });

  /** Ends the sharing of a database by way of this hub. Nothing happens if it is not shared. */
  prototype.unshareDatabase = withCallback(async function (db) {
    const [peer, hub] = await used(this);
    const salt = await readSalt(db);
    if (!salt) return;
    const id = await shareID(peer.identity.bytes, salt);
    const share = peer.shares.get(`${hub.name} ${id}`);
    // What a page left behind that went without a word.
    await (share ? share.stop() : removeShare(hub, id));
  });

  /**
   * The databases that others share by way of this hub; with `onChange` also what happens to them from then on, until the
   * list's `cancel()`.
   */
  prototype.getSharedDatabases = withCallback(async function ({ onChange } = {}) {
    const [peer, hub] = await used(this);
    if (!onChange) return sharedDatabases(peer, hub);
    const { shares, cancel } = await watchSharedDatabases(peer, hub, onChange);
    return Object.assign(shares, { cancel });
  });
}

/** The path below a share of a URL that PouchDB's http adapter made. @param {string} url @param {string} id */
function pathBelow(url, id) {
  const path = url.startsWith(NOWHERE) ? url.slice(NOWHERE.length) : "";
  // What is asked of the server itself, such as its UUID, a peer does not answer: there is none.
  if (path !== id && !path.startsWith(`${id}/`) && !path.startsWith(`${id}?`)) return "/_";
  return path.slice(id.length).replace(/^\/(?=$|\?)/, "");
}

