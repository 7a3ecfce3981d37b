// Handing over files: into a peer's box, out of it, and into and out of one that this page holds.

import { FileBox } from "./box.js";
import {
  $, attempt, clearReceived, element, hubURL, offerLogIn, pathOf, PeerPouch, plain, receive, save, size, takeFragment, tell, withLogIn,
} from "./common.js";
import { watchConnections } from "./connections.js";

/** How long tickets of this page let in, in milliseconds. */
const LIFETIME = 24 * 60 * 60 * 1000;

async function start() {
  const fragment = takeFragment();
  const peer = await PeerPouch.peer();
  $("me").textContent = PeerPouch.shortFingerprint(peer.identity.fingerprint);
  $("me").title = peer.identity.fingerprint;
  await clearReceived();
  tell("Ready.");
  if (fragment) await withLogIn(() => connect(fragment));
  await listBoxes().catch((error) => {
    // Whoever has a ticket needs no list.
    if (!fragment && (error.status === 401 || error.status === 403)) {
      offerLogIn(listBoxes);
      tell(error, true);
    }
  });
}

async function listBoxes() {
  /** @type {Map<string, any>} */
  const boxes = new Map();
  const show = () => {
    const takers = [...boxes.values()].filter(({ access }) => access !== "read-only");
    $("boxes").replaceChildren(...takers.flatMap((share) => [
      element("button", { onclick: () => attempt(() => withLogIn(() => connect(share.dbname))) }, plain(share.name), " ",
        element("code", { title: share.identity }, PeerPouch.shortFingerprint(share.identity))), " "]));
    if (takers.length === 0) $("boxes").textContent = "none";
  };
  const { shares } = await PeerPouch.watchSharedDatabases(hubURL(), (share) => {
    if (share._deleted) boxes.delete(share._id);
    else boxes.set(share._id, share);
    show();
  });
  for (const share of shares) boxes.set(share._id, share);
  show();
}

// MARK: A peer's box

/** @type {{ remote: any } | null} */
let peer = null;
/** Ends what the latest choice has begun. */
let attemptEnding = new AbortController();

/** @param {string} where */
async function connect(where) {
  attemptEnding.abort();
  const ending = attemptEnding = new AbortController();
  peer?.remote.release();
  peer = null;
  $("peer").hidden = true;
  tell("Connecting…");
  const remote = await PeerPouch.open(where, { info: { name: "send" } });
  if (ending.signal.aborted) {
    // Another one was chosen meanwhile: nothing must go to this one.
    remote.release();
    return;
  }
  peer = { remote };
  const owner = PeerPouch.shortFingerprint(await remote.owner());
  const show = () => { $("peer-state").textContent = `${plain(remote.record.name)} of ${owner}: ${remote.state}${remote.error ? `, ${plain(remote.error.message)}` : ""}`; };
  remote.addEventListener("state", show, { signal: ending.signal });
  show();
  $("peer").hidden = false;
  $("drop").hidden = remote.record.access === "read-only";
  $("theirs").replaceChildren();
  waiting.clear();
  const reads = remote.record.access !== "inbox";
  $("theirs").hidden = $("theirs-title").hidden = !reads;
  tell("Connected.");
  if (reads) watch(remote, ending.signal);
}

$("open-form").onsubmit = (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  attempt(() => withLogIn(() => connect($("open-form").elements.where.value)));
};

/** @param {any} remote @param {File} file */
async function send(remote, file) {
  const progress = element("progress", { max: Math.max(1, file.size), value: 0, "aria-label": `Progress of ${plain(file.name)}` });
  const note = element("span", {}, "…");
  $("sent").append(element("li", {}, `${plain(file.name)}, ${size(file.size)} `, note, progress));
  try {
    // The attachment's document is made with it.
    const response = await remote.fetch(pathOf(crypto.randomUUID(), file.name || "file"), {
      method: "PUT", body: file, headers: { "content-type": file.type || "application/octet-stream" },
      progress: (/** @type {number} */ sent) => { progress.value = sent; },
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.reason);
    note.textContent = "arrived";
    note.className = "good";
  } catch (error) {
    note.textContent = plain(/** @type {Error} */ (error).message);
    note.className = "bad";
  }
  progress.hidden = true;
}

/** @param {FileList | null | undefined} files */
const sendAll = (files) => {
  const { remote } = peer ?? {};
  if (remote) attempt(async () => { for (const file of files ?? []) await send(remote, file); });
};

$("files").onchange = () => sendAll($("files").files);
$("drop").ondragover = (/** @type {DragEvent} */ event) => {
  event.preventDefault();
  $("drop").classList.add("over");
};
$("drop").ondragleave = () => $("drop").classList.remove("over");
$("drop").ondrop = (/** @type {DragEvent} */ event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  sendAll(event.dataTransfer?.files);
};

/** Files of the peer that were not taken. @type {Set<HTMLElement>} */
const waiting = new Set();

/** Lists the files of a share, and those that come. @param {any} remote @param {AbortSignal} signal */
async function watch(remote, signal) {
  let since = "0";
  while (!signal.aborted) {
    try {
      const response = await remote.fetch(`/_changes?feed=longpoll&include_docs=true&heartbeat=25000&limit=100&since=${encodeURIComponent(since)}`, { signal });
      if (!response.ok) throw new Error((await response.json()).reason);
      const { results, last_seq: last } = await response.json();
      since = String(last);
      for (const { doc } of results) {
        for (const [name, stub] of Object.entries(doc?._attachments ?? {})) $("theirs").append(fileItem(remote, doc, name, stub));
      }
    } catch (error) {
      if (signal.aborted) return;
      // Who sends goes when everything has arrived: that is no fault.
      if (waiting.size > 0 || $("theirs").childElementCount === 0) tell(error, true);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

/** @param {any} remote @param {any} doc @param {string} name @param {any} stub */
function fileItem(remote, doc, name, stub) {
  const progress = element("progress", { max: Math.max(1, stub.length), value: 0, hidden: true, "aria-label": `Progress of ${plain(name)}` });
  const take = async () => {
    progress.hidden = false;
    const response = await remote.fetch(`${pathOf(doc._id, name)}?rev=${encodeURIComponent(doc._rev)}`);
    if (!response.ok) throw new Error((await response.json()).reason);
    const { blob, digest } = await receive(response, stub.content_type, (count) => { progress.value = count; });
    if (typeof doc.sha256 === "string" && digest !== doc.sha256) throw new Error(`${name} is not what was offered: its SHA-256 is another one.`);
    save(blob, name);
    waiting.delete(item);
    tell(`${name} has arrived.`);
    // Who sends may be gone as soon as it knows that all has arrived.
    if (typeof doc.sha256 === "string") await confirm(remote, doc._id, digest).catch(() => {});
  };
  const item = element("li", {}, `${plain(name)}, ${size(stub.length)} `,
    element("button", { onclick: () => attempt(take), "aria-label": `Save ${plain(name)}` }, "Save"), progress);
  waiting.add(item);
  return item;
}

/** Tells who offers a file that it has arrived, as `peerpouch receive` does. @param {any} remote @param {string} id @param {string} digest */
async function confirm(remote, id, digest) {
  const present = await remote.fetch("/_local/received");
  const answer = await present.json();
  const { _rev, files = {} } = present.ok ? answer : {};
  const body = JSON.stringify({ ...(_rev ? { _rev } : {}), files: { ...files, [id]: digest } });
  const written = await remote.fetch("/_local/received", { method: "PUT", body });
  await written.arrayBuffer();
}

// MARK: The page's own box

/** @type {{ box: FileBox, share: any } | null} */
let own = null;

/** @param {"inbox" | "read-only"} access */
async function openBox(access) {
  // The hub may be away; the new box is another share all the same.
  await own?.share.stop().catch((/** @type {unknown} */ error) => tell(error, true));
  const box = new FileBox(access === "inbox" ? "Box of a page" : "Files of a page");
  box.addEventListener("change", () => show(box));
  const share = await PeerPouch.share(hubURL(), box, { access, ticket: { lifetime: LIFETIME } });
  own = { box, share };
  for (const event of ["joined", "left"]) share.addEventListener(event, showRemotes);
  share.addEventListener("hublost", (/** @type {CustomEvent} */ { detail }) => tell(detail.reason, true));
  const { ticket } = share;
  const link = new URL(`/_peerpouch/send#${ticket}`, location.href).href;
  Object.assign($("link-text"), { href: link, textContent: link });
  $("ticket").textContent = access === "inbox" ? ticket : `peerpouch receive ${ticket}`;
  $("link").hidden = false;
  show(box);
  showRemotes();
  tell("The ticket lets its first holder in, for a day, or until this page is closed.");
  return box;
}

/** @param {FileBox} box */
function show(box) {
  $("got").replaceChildren(...box.entries.flatMap(({ files }) => [...files].map(([name, blob]) => element("li", {},
    `${plain(name)}, ${size(blob.size)} `,
    element("button", { onclick: () => save(blob, name), "aria-label": `Save ${plain(name)}` }, "Save")))));
}

function showRemotes() {
  const remotes = own?.share.remotes ?? [];
  $("remotes").textContent = remotes.length === 0 ? "Nobody is connected."
    : `Connected: ${remotes.map((/** @type {any} */ { identity }) => PeerPouch.shortFingerprint(identity)).join(", ")}`;
}

$("invite").onclick = () => attempt(async () => {
  $("invite").disabled = true;
  try {
    await withLogIn(async () => { await openBox("inbox"); });
  } finally {
    $("invite").disabled = false;
  }
});
$("offer").onchange = () => attempt(async () => {
  const files = [...$("offer").files];
  if (files.length === 0) return;
  const box = await openBox("read-only");
  box.addEventListener("local", () => {
    for (const { identity, ids } of box.receipts) tell(`${PeerPouch.shortFingerprint(identity)} has received ${ids.length} of ${files.length} files.`);
  });
  await box.offer(files);
});
$("copy").onclick = () => attempt(() => navigator.clipboard.writeText($("link-text").href));

watchConnections();
attempt(start);
