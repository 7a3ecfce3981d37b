// Who is connected to what: this page's connections, and those of this browser's other pages of the same server, which tell
// each other. Nobody else knows: connections are between peers, and a hub does not see them.

import { PeerPouch } from "./peerpouch.mjs";

/** @typedef {ReturnType<import("../source/peers/peer.js").Peer["describeConnections"]>} Connections */

/** How often pages tell, and after which silence they are gone, in milliseconds. */
const TELLING = 1000;
const GONE = 5000;

const own = crypto.randomUUID();
const channel = new BroadcastChannel("peerpouch connections");
/** What other pages said last, by page. @type {Map<string, { title: string, connections: Connections, at: number }>} */
const others = new Map();
/** @type {(pages: { title: string, connections: Connections }[]) => void} */
let show = () => {};

channel.onmessage = ({ data: { page, title, connections } }) => others.set(page, { title, connections, at: performance.now() });

async function tell() {
  const peer = await PeerPouch.peer();
  const connections = peer.describeConnections();
  channel.postMessage({ page: own, title: document.title, connections });
  for (const [page, { at }] of others) if (performance.now() - at > GONE) others.delete(page);
  show([{ title: "This page", connections }, ...others.values()].filter((each) => each.connections.length > 0));
}

/** Has the connections told again and again. @param {typeof show} [each] */
export function watchConnections(each = show) {
  show = each;
  setInterval(() => tell().catch(() => {}), TELLING);
}
