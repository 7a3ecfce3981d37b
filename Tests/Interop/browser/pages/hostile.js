// Peers of one page that share with each other by way of a hub in its memory, so that each can do what the protocol does not allow.

import { Hub } from "./Browser/source/peers/hub.js";
import { HTTPHub, HubError } from "./Browser/source/peers/hub-databases.js";
import { Link } from "./Browser/source/peers/link.js";
import { Peer } from "./Browser/source/peers/peer.js";
import { RemoteShare } from "./Browser/source/peers/remote-share.js";
import { Share } from "./Browser/source/peers/share.js";
import { Sweeper } from "./Browser/source/peers/sweeping.js";
import { watchSharedDatabases } from "./Browser/source/plugin/pouch.js";
import { signShare } from "./Browser/source/trust/shares.js";
import { OutgoingOffer } from "./Browser/source/trust/signals.js";
import { FileBox } from "./Browser/pages/box.js";
import { MemoryHub, become, pause } from "./memory-hub.js";

const refusal = (promise) => promise.then(() => null, ({ name, refusal: word, message }) => word ?? name ?? message);

/** A peer that knows hubs by their names. */
async function peerOf(hubs, options = { memory: true }) {
  const peer = await Peer.make(options);
  for (const [name, database] of Object.entries(hubs)) peer.addHub(new Hub(name, database));
  return peer;
}

const NAME = "http://hub.example/hub";

/** Two peers and a hub. */
async function parties() {
  const hub = new MemoryHub();
  const [sharer, opener] = [await peerOf({ [NAME]: hub }), await peerOf({ [NAME]: hub })];
  const share = async (options = {}) => Share.start(sharer, await sharer.hub(NAME), new FileBox("box"), options);
  return { hub, sharer, opener, share, identity: opener.identity.fingerprint };
}

const open = (peer, share, options) => RemoteShare.open(peer, typeof share === "string" ? share : share.dbname, options);
const close = (...peers) => Promise.all(peers.map((peer) => peer.close()));
/** Asks under a number of a share, as a peer of its own making does: what is answered, or why not. */
const request = (remote, number, path = "/_all_docs") => remote.connection.tunnel
  .request(number, { method: "GET", target: `/${remote.id}${path}`, headers: [], body: null }).then(({ status }) => status, ({ code }) => code);
const opening = (share) => ({ share: share.id, ticket: new Uint8Array(), proof: new Uint8Array() });

/** Sends offers of one session, each with a key of its own. */
async function offers(peer, share, count, sid = crypto.getRandomValues(new Uint8Array(16))) {
  const hub = await peer.hub(NAME);
  const record = await peer.record(hub, share.id);
  const link = new Link([]);
  const description = await link.describe();
  for (let index = 0; index < count; index++) {
    const offer = await OutgoingOffer.make({ record, identity: peer.identity, description, sid });
    await hub.database.put({ ...offer.document, _id: `p-signal-${crypto.randomUUID()}` });
  }
  link.close();
}

/** Who closes one of two numbers of a share is still seen, and put out. */
globalThis.numbers = async () => {
  const { sharer, opener, share, identity } = await parties();
  const [one, other] = [await share(), await share()];
  const remote = await open(opener, one);
  const second = await open(opener, other);
  const { connection } = remote;
  const { tunnel } = connection;
  const again = await tunnel.openShare(opening(one));
  tunnel.leaveShare(again.number);
  // And one that is given up before it is answered.
  const given = tunnel.openShare(opening(one));
  tunnel.leaveShare(again.number + 1);
  const outcome = { served: [await request(remote, 0), await request(remote, 0)], seen: one.remotes.length };
  one.disconnect(identity);
  // It may come again, and does.
  const left = one.remotes.length;
  outcome.after = [left, await request({ connection, id: one.id }, 0), await request(second, second.connection.tunnel === tunnel ? 1 : 0)];
  given.catch(() => {});
  await close(opener, sharer);
  return outcome;
};

/** A box of a page takes only so much of others. */
globalThis.filling = async () => {
  const box = new FileBox("box");
  const status = (promise) => promise.then(() => 201, (error) => error.status);
  const fill = async (id) => {
    let [taken, last] = [0, 201];
    while (last === 201 && taken < 5000) {
      last = await status(box.put({ _id: `${id}${taken}` }));
      taken += last === 201 ? 1 : 0;
    }
    return [taken, last];
  };
  const text = "x".repeat(8 * 2 ** 20);
  const long = new FileBox("long");
  const bodies = [];
  for (const id of "abcdefgh") bodies.push(await status(long.put({ _id: id, text })));
  const many = await status(new FileBox("many").offer(Array(801).fill(new File(["x"], "x"))));
  return { documents: await fill("d"), confirmations: await fill("_local/peer-"), bodies, many };
};

/** Many offers of one session are one opening. */
globalThis.sessions = async () => {
  const { sharer, opener, share } = await parties();
  const asked = [];
  const asking = await share({ onRemote: ({ identity }) => new Promise(() => { asked.push(identity); }) });
  await offers(opener, asking, 6);
  await pause(300);
  const Real = globalThis.RTCPeerConnection;
  let made = 0;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...values) {
      super(...values);
      made += 1;
    }
  };
  const open = await share();
  await offers(opener, open, 6);
  await pause(300);
  globalThis.RTCPeerConnection = Real;
  await close(opener, sharer);
  // One of them is the opener's own, for its description.
  return { asked: asked.length, made: made - 1 };
};

/** Who asks again and again over a connection is asked about twice at a time. */
globalThis.questions = async () => {
  const { sharer, opener, share } = await parties();
  const asked = [];
  const [first, asking] = [await share(), await share({ onRemote: () => new Promise((resolve) => asked.push(resolve)) })];
  const remote = await open(opener, first);
  const { tunnel } = remote.connection;
  const answers = [];
  for (let index = 1; index <= 6; index++) {
    answers.push(tunnel.openShare(opening(asking)));
    tunnel.leaveShare(index);
  }
  await request(remote, 0);
  const busy = await tunnel.openShare(opening(asking));
  const outcome = { asked: asked.length, busy };
  for (const resolve of asked) resolve();
  await close(opener, sharer);
  return outcome;
};

/** Who is forgotten is out, whichever way it had got in, or was about to. */
globalThis.forgetting = async () => {
  const { sharer, opener, share, identity } = await parties();
  const outcome = {};

  const listed = await share({ allow: [identity] });
  const remote = await open(opener, listed);
  await sharer.forget(identity);
  outcome.listed = [await become(() => remote.state, "refused"), listed.remotes.length];
  remote.close();

  // A ticket of a database that is not shared just now.
  const box = new FileBox("kept");
  const begin = async (options) => Share.start(sharer, await sharer.hub(NAME), box, options);
  const before = await begin({ ticket: true });
  const { ticket } = before;
  (await open(opener, ticket)).release();
  await before.stop();
  await sharer.forget(identity);
  await begin({ ticket: true });
  outcome.ticket = await refusal(open(opener, ticket));

  // Somebody is asked about it, over a connection and without one.
  const questions = [];
  const asking = await share({ onRemote: () => new Promise((resolve) => questions.push(resolve)) });
  const waiting = refusal(open(opener, asking));
  await become(() => questions.length, 1);
  await sharer.forget(identity);
  questions[0]();
  outcome.asked = await waiting;

  // It goes before anything is kept, which may fail.
  const open1 = await share();
  const last = await open(opener, open1);
  sharer.store.update = sharer.store.updateAll = async () => { throw new Error("There is no store."); };
  outcome.failure = await refusal(sharer.forget(identity));
  outcome.gone = await become(() => open1.remotes.length, 0);
  last.close();
  await close(opener, sharer);
  return outcome;
};

/** The same where values are kept that outlive the page, and of two hubs. */
globalThis.keeping = async (name) => {
  const [here, there] = [new MemoryHub(), new MemoryHub()];
  const OTHER = "http://other.example/hub";
  const opener = await peerOf({ [NAME]: here, [OTHER]: there });
  const { fingerprint: identity } = opener.identity;
  const box = new FileBox("kept");
  const begin = async (peer, hub) => Share.start(peer, await peer.hub(hub), box, { ticket: true });

  let sharer = await peerOf({ [NAME]: here, [OTHER]: there }, { name });
  const [one, two] = [await begin(sharer, NAME), await begin(sharer, OTHER)];
  const tickets = [one.ticket, two.ticket];
  (await open(opener, one.ticket)).release();
  const extra = await one.makeTicket();
  await Promise.all([one.revoke(extra), two.makeTicket(), one.makeTicket()]);
  await sharer.close();

  // A damaged entry is no reason not to share.
  sharer = await peerOf({ [NAME]: here, [OTHER]: there }, { name });
  const key = `share ${one.id} ${NAME}`;
  await sharer.store.update(key, (kept) => ({ ...kept, tickets: [{ text: "pp1-x" }, null, ...kept.tickets] }));
  const [again, other] = [await begin(sharer, NAME), await begin(sharer, OTHER)];
  const outcome = {
    counts: [again.book.entries.size, other.book.entries.size], other: tickets[1] === other.ticket, revoked: await refusal(open(opener, extra)),
    claims: [...again.book.entries.values()].filter(({ claimant }) => claimant === identity).length,
  };
  await sharer.close();
  await sharer.forget(identity);
  outcome.kept = (await sharer.store.get(key)).tickets.filter((ticket) => ticket?.claimant === identity).length;
  sharer.store.database.close();
  indexedDB.deleteDatabase(name);
  await close(opener);
  return outcome;
};

/** Strangers to a share that is open to anybody do not become known. */
globalThis.strangers = async () => {
  const { sharer, opener, share, identity } = await parties();
  const open1 = await share();
  (await open(opener, open1, { info: { name: "Alice" } })).release();
  const after = await sharer.store.standing(identity, "Alice");
  const asking = await share({ onRemote: () => {} });
  (await open(opener, asking, { info: { name: "Alice" } })).release();
  const asked = await become(() => sharer.store.standing(identity, "Alice"), "known");
  await close(opener, sharer);
  return [after, asked];
};

/** All connections of an identity are let in at the same time, and it has the places of four. */
globalThis.places = async () => {
  const { sharer, opener, share } = await parties();
  const questions = [];
  const told = [];
  for (let index = 0; index < 3; index++) {
    const each = await share({ onRemote: () => new Promise((resolve) => questions.push(resolve)) });
    each.addEventListener("refused", ({ detail }) => told.push(detail.refusal));
    await offers(opener, each, 1);
    await offers(opener, each, 1);
  }
  await become(() => questions.length, 6);
  for (const resolve of questions) resolve();
  const refused = await become(() => told, ["busy", "busy"]);
  const room = sharer.hasRoom(opener.identity.bytes);
  await close(opener, sharer);
  return { questions: questions.length, refused, room };
};

/** A database by way of two hubs: whom one of them lets in is in. */
globalThis.hubs = async () => {
  const [here, there] = [new MemoryHub(), new MemoryHub()];
  const OTHER = "http://other.example/hub";
  const [sharer, opener] = [await peerOf({ [NAME]: here, [OTHER]: there }), await peerOf({ [NAME]: here, [OTHER]: there })];
  const box = new FileBox("box");
  const start = async (hub, pouch, options) => Share.start(sharer, await sharer.hub(hub), pouch, options);
  const listed = await start(NAME, box, { allow: ["somebody"] });
  const free = await start(OTHER, box, {});
  const remote = await open(opener, await start(OTHER, new FileBox("first"), {}));
  const answer = await remote.connection.tunnel.openShare(opening(free));
  const outcome = [answer, listed.remotes.length, free.remotes.length];
  // It is not given any more, whichever hub's share is asked.
  free.disconnect(opener.identity.fingerprint);
  outcome.push(await remote.connection.tunnel.request(answer.number, { method: "GET", target: `/${free.id}`, headers: [], body: null }).then(({ status }) => status, ({ code }) => code));
  await close(opener, sharer);
  return outcome;
};

/** What a hub writes does not make requests of its own. */
globalThis.junk = async () => {
  const { hub, sharer, opener, share } = await parties();
  const one = await share();
  const remote = await open(opener, one);
  await become(() => hub.bulks.now, 0);
  hub.bulks = { now: 0, most: 0, count: 0 };
  hub.write(Array.from({ length: 2000 }, (_, index) => ({ _id: `p-signal-junk-${index}`, _rev: "1-a", recipient: one.id })));
  const left = await become(async () => (await hub.list("p-signal-junk-")).length, 0);
  const outcome = { left, most: hub.bulks.most, few: hub.bulks.count <= 5, status: await request(remote, 0) };
  await close(opener, sharer);
  return outcome;
};

/** What is not to be in a hub: passwords, shares that have ended, and deletions of shares that live. */
globalThis.records = async () => {
  const { hub, sharer, opener, share } = await parties();
  const nameOf = (pouch) => new Share(sharer, new Hub(NAME, hub), pouch, new Uint8Array(16), "share-none", {}).name;
  const outcome = {
    names: ["https://me:secret@couch.example/a/my%20notes/", "http://couch.example/100%", "https://me:secret@couch.example/", "notes"].map((name) => nameOf({ name })),
    peers: ["pp1-abc", "http%3A%2F%2Fme%40hub.example/share-1"].map((name) => nameOf({ name, adapter: "webrtc" })),
  };

  // One that ends while its record is written, at first and later.
  hub.delay = () => pause(100);
  const starting = refusal(share());
  await become(() => sharer.shares.size, 1);
  await pause(50);
  await [...sharer.shares.values()][0].stop();
  outcome.ended = [await starting, (await hub.list("share-")).length];
  hub.delay = () => {};

  const one = await share();
  const { fingerprint } = opener.identity;
  const sweeper = new Sweeper(await opener.hub(NAME), "share-none");
  hub.ahead = 3 * 24 * 60 * 60;
  hub.hasDate = false;
  await sweeper.sweep();
  outcome.undated = (await hub.list("share-")).length;
  hub.hasDate = true;
  await sweeper.sweep();
  outcome.dated = (await hub.list("share-")).length;
  hub.ahead = 0;

  // A share that could not be removed can be ended again.
  const { leaves } = hub;
  hub.leaves = async () => { throw new HubError(503, "down", ""); };
  outcome.down = await refusal(one.stop());
  hub.leaves = leaves;
  outcome.up = await refusal(one.stop());
  await close(opener, sharer);
  return { ...outcome, fingerprint: fingerprint.length };
};

/** A lease for as long as there are numbers, and whoever is told of it fails. */
globalThis.leases = async () => {
  const { hub, opener } = await parties();
  const document = await signShare({
    salt: crypto.getRandomValues(new Uint8Array(16)), n: 1, epoch: opener.identity.bytes, name: "far", info: {}, access: "read-only", gate: ["anyone"],
    lease: Number.MAX_SAFE_INTEGER,
  }, opener.identity);
  const watcher = await peerOf({ [NAME]: hub });
  hub.write([{ ...document, _rev: "1-a" }]);
  const real = globalThis.setTimeout;
  let timers = 0;
  globalThis.setTimeout = (work, time, ...values) => {
    timers += time > 2 ** 31 - 1 ? 1000 : time > 60_000 ? 1 : 0;
    return real(work, time, ...values);
  };
  const log = console.error;
  console.error = () => {};
  const told = [];
  const { shares, cancel } = await watchSharedDatabases(watcher, await watcher.hub(NAME), ({ name }) => {
    told.push(name);
    throw new Error("The list's own fault.");
  });
  hub.write([{ ...document, _rev: "2-a" }, { ...(await signShare({ ...shares[0], salt: new Uint8Array(16), n: 1, epoch: opener.identity.bytes, name: "next" }, opener.identity)), _rev: "1-a" }]);
  await become(() => told.length, 1);
  globalThis.setTimeout = real;
  console.error = log;
  cancel();
  return { names: shares.map(({ name }) => name), told, timers: timers > 0 && timers < 10 };
};

/** A feed of which nothing comes is asked anew; what shows that it lives is enough for it. */
globalThis.silence = async () => {
  const asked = [];
  const body = (parts, signal) => new ReadableStream({
    async start(controller) {
      signal.addEventListener("abort", () => controller.error(signal.reason), { once: true });
      for (const part of parts) {
        controller.enqueue(new TextEncoder().encode(part));
        await pause(60);
      }
      if (parts.at(-1).includes("last_seq")) controller.close();
    },
  });
  const fetch = async (_path, { signal }) => {
    asked.push(performance.now());
    return new Response(body(asked.length === 1 ? ["\n"] : ["\n", "\n", "\n", '{"results":[],"last_seq":"5"}'], signal));
  };
  const hub = new HTTPHub(fetch, { silence: 150 });
  const { signal } = new AbortController();
  const wanted = { recipients: ["x"], ids: [], shares: false };
  const silent = await hub.changes("1", wanted, signal);
  const alive = await hub.changes(silent.position, wanted, signal);
  return { silent, alive };
};

/** Who closes one of several shares leaves nothing at work; a line that is lost is not used. */
globalThis.closing = async () => {
  const { hub, sharer, opener, share } = await parties();
  const [one, other] = [await share(), await share()];
  const [remote, second] = [await open(opener, one), await open(opener, other)];
  await become(() => [...hub.wanted].sort(), [one.id, other.id].sort());
  const before = [...hub.wanted].sort();
  second.close();
  hub.write([hub.documents.get(one.id)]);
  const after = await become(() => hub.wanted, [one.id]);
  const status = await request(remote, 0);
  await close(opener, sharer);
  return { before: before.length, after: after.length, status };
};
