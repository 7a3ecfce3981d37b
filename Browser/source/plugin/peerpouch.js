// PeerPouch for browsers: databases shared between peers over WebRTC. A plugin for PouchDB, and a small client without it.
//
//   PouchDB.plugin(PeerPouch);
//   const hub = new PouchDB("https://hub.example/hub");
//   await hub.shareDatabase(new PouchDB("notes"), { ticket: true });
//   for (const share of await hub.getSharedDatabases()) await new PouchDB("copy").sync(new PouchDB(share.dbname));
//
//   const share = await PeerPouch.open("pp1-…");
//   const { rows } = await (await share.fetch("/_all_docs")).json();

import { shortFingerprint } from "../basics/crypto.js";
import { Hub } from "../peers/hub.js";
import { HTTPHub, hubName } from "../peers/hub-databases.js";
import { RemoteShare } from "../peers/remote-share.js";
import { Peer } from "../peers/peer.js";
import { hubOf, install, sharedDatabases, watchSharedDatabases } from "./pouch.js";
import { Share } from "../peers/share.js";
import { readTicket } from "../trust/tickets.js";

/** @type {Promise<Peer> | null} */
let usual = null;
/** @type {{ iceServers?: RTCIceServer[], name?: string, memory?: boolean, openHub?: any }} */
let settings = {};

/** This page among peers, with the identity of its origin. @returns {Promise<Peer>} */
const standard = () => (usual ??= Peer.make(settings).catch((error) => {
  // The next one tries again.
  usual = null;
  throw error;
}));

/**
 * The plugin: `PouchDB.plugin(PeerPouch)`.
 * @param {any} PouchDB
 */
function PeerPouch(PouchDB) {
  settings = { openHub: (/** @type {string} */ name) => PouchDB.openPeerHub(name), ...settings };
  install(PouchDB, standard);
}

/**
 * Says how this page connects, before anything is shared or opened.
 * @param {{ iceServers?: RTCIceServer[], name?: string, memory?: boolean, openHub?: (name: string) => any }} options STUN and TURN
 *   servers; `memory` for an identity that is not kept, `name` for one beside the usual
 */
PeerPouch.configure = (options) => {
  if (usual) throw new Error("This page is at work among peers already.");
  settings = { ...settings, ...options };
};

/** This page among peers: `identity.fingerprint`, `forget(fingerprint)`, `close()`. */
PeerPouch.peer = standard;

/**
 * Opens a share by its address or a ticket.
 * @param {string} where `webrtc://…` or `pp1-…`
 * @param {{ info?: any, wait?: boolean, peer?: Peer }} [options]
 * @returns {Promise<RemoteShare>} its `fetch` asks the peer
 */
PeerPouch.open = async (where, { peer, ...options } = {}) => RemoteShare.open(peer ?? (await standard()), where, options);

/** The databases that others share by way of a hub. @param {string} url @param {{ peer?: Peer }} [options] */
PeerPouch.sharedDatabases = async (url, { peer } = {}) => {
  const own = peer ?? (await standard());
  return sharedDatabases(own, await own.hub(url));
};

/** The same, and what happens to them from then on. @param {string} url @param {(share: any) => void} onChange @param {{ peer?: Peer }} [options] */
PeerPouch.watchSharedDatabases = async (url, onChange, { peer } = {}) => {
  const own = peer ?? (await standard());
  return watchSharedDatabases(own, await own.hub(url), onChange);
};

/**
 * Shares a database by way of a hub without PouchDB's own methods: any object with PouchDB's methods will do.
 * @param {string} url of the hub @param {any} database @param {import("../peers/share.js").ShareOptions} options @param {{ peer?: Peer }} [others]
 */
PeerPouch.share = async (url, database, options, { peer } = {}) => {
  const own = peer ?? (await standard());
  return Share.start(own, await own.hub(url), database, options);
};

PeerPouch.createPeer = Peer.make;
PeerPouch.hubOf = hubOf;
/** A hub that is asked by a `fetch` of paths below its database. @param {string} name @param {(path: string, init?: RequestInit) => Promise<Response>} fetch */
PeerPouch.httpHub = (name, fetch) => new Hub(hubName(name), new HTTPHub(fetch));
PeerPouch.readTicket = readTicket;
PeerPouch.shortFingerprint = shortFingerprint;

export { PeerPouch };
export default PeerPouch;
