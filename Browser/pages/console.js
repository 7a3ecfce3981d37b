// The console: the shares of a hub, and one of them opened over WebRTC.

import {
  $, ask, attempt, clearReceived, element, hubName, hubURL, isImage, offerLogIn, pathOf, PeerPouch, plain, receive, redeem, save, size,
  takeFragment, tell, withLogIn,
} from "./common.js";
import { watchConnections } from "./connections.js";

/** How many documents are listed at a time, and how many changes stay on the page. */
const PAGE = 50;
const CHANGES = 100;
const WAYS = { allow: "listed identities", ticket: "ticket holders", ask: "whom the owner lets in", anyone: "anyone" };
const LEASE = 15 * 60;

/** @type {{ remote: any, ending: AbortController, last: string | null } | null} */
let opened = null;

// MARK: Shares

/** @type {Map<string, any>} */
const shares = new Map();

function showShares() {
  const rows = [...shares.values()].map((share) => {
    const renewed = new Date((share.lease - LEASE) * 1000);
    // A lease may be any number.
    const time = Number.isFinite(renewed.getTime()) ? element("time", { dateTime: renewed.toISOString() }, renewed.toLocaleTimeString()) : "unknown";
    const owner = element("td", { label: "Owner" }, element("code", { title: share.identity }, PeerPouch.shortFingerprint(share.identity)));
    if (typeof share.standing === "object") owner.append(" ", element("strong", { className: "bad" }, "Another identity used this name before."));
    else owner.append(" ", element("span", { className: "quiet" }, share.standing === "new" ? "unknown" : "known"));
    const open = element("button", { onclick: () => attempt(() => openShare(share.dbname, share.name)), "aria-label": `Open ${plain(share.name)}` }, "Open");
    return element("tr", {},
      element("td", { label: "Name" }, plain(share.name)), owner, element("td", { label: "Access" }, share.access),
      element("td", { label: "Who gets in" }, share.gate.map((/** @type {keyof WAYS} */ way) => WAYS[way]).join(", ")),
      element("td", { label: "Renewed" }, time),
      element("td", {}, open));
  });
  $("shares").replaceChildren(...rows);
  $("no-shares").hidden = rows.length > 0;
}

async function start() {
  $("hub").textContent = hubName();
  const fragment = takeFragment();
  if (fragment.startsWith("token=")) {
    // A token that was used already does not matter to who has a session.
    await redeem(decodeURIComponent(fragment.slice(6))).catch((error) => tell(error, true));
  }
  const peer = await PeerPouch.peer();
  $("me").textContent = PeerPouch.shortFingerprint(peer.identity.fingerprint);
  $("me").title = peer.identity.fingerprint;
  await clearReceived();
  await list();
  if (fragment.startsWith("pp1-") || fragment.startsWith("webrtc://")) await withLogIn(() => openShare(fragment, ""));
}

async function list() {
  try {
    const { shares: present } = await PeerPouch.watchSharedDatabases(hubURL(), (share) => {
      if (share._deleted) shares.delete(share._id);
      else shares.set(share._id, share);
      showShares();
    });
    $("no-hub").hidden = true;
    for (const share of present) shares.set(share._id, share);
    showShares();
    tell("The list is up to date by itself.");
  } catch (error) {
    const { status } = /** @type {any} */ (error);
    $("no-hub").hidden = status !== 404;
    if (status === 401 || status === 403) offerLogIn(list);
    tell(error, true);
  }
}

$("create-hub").onclick = () => attempt(async () => {
  await ask(`/${encodeURIComponent(hubName())}`, { method: "PUT" });
  await list();
});

$("open-form").onsubmit = (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  attempt(() => withLogIn(() => openShare($("open-form").elements.where.value, "")));
};

// MARK: One share

/** @param {string} where @param {string} name */
async function openShare(where, name) {
  closeShare();
  tell("Connecting…");
  const ending = latest();
  const remote = await PeerPouch.open(where, { info: { name: "console" } });
  if (ending.signal.aborted) {
    // Another one was chosen meanwhile.
    remote.release();
    return;
  }
  opened = { remote, ending, last: null };
  $("share-title").textContent = plain(name || remote.record?.name || remote.id);
  $("share").hidden = false;
  $("document").hidden = true;
  $("documents").replaceChildren();
  listed.clear();
  $("changes").replaceChildren();
  const show = () => {
    $("share-state").textContent = `${remote.state}, ${remote.record?.access ?? ""}${remote.error ? `: ${plain(remote.error.message)}` : ""}`;
  };
  remote.addEventListener("state", show, { signal: ending.signal });
  show();
  tell("Connected.");
  $("share-title").focus();
  if (remote.record?.access === "inbox") {
    tell("This share takes files and shows none: send some on the page “Send files”.");
    return;
  }
  await listDocuments();
  watch(remote, ending.signal);
}

/** What the attempt made last is ended by: only that one is shown. */
let attemptEnding = new AbortController();
function latest() {
  attemptEnding.abort();
  attemptEnding = new AbortController();
  return attemptEnding;
}

function closeShare() {
  attemptEnding.abort();
  opened?.ending.abort();
  opened?.remote.release();
  opened = null;
  $("share").hidden = true;
  $("document").hidden = true;
}

$("close").onclick = closeShare;
$("more").onclick = () => attempt(listDocuments);

/** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
async function get(path, init) {
  const response = await opened?.remote.fetch(path, init);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.reason ?? answer.error);
  return answer;
}

/** @param {string} id */
const documentButton = (id) => element("button", { onclick: () => attempt(() => showDocument(id)) }, plain(id));

async function listDocuments() {
  if (!opened) return;
  const start = opened.last === null ? "" : `&skip=1&startkey=${encodeURIComponent(JSON.stringify(opened.last))}`;
  const { rows, total_rows: count } = await get(`/_all_docs?limit=${PAGE}${start}`);
  for (const { id, value } of rows) listDocument(id, value.rev);
  opened.last = rows.at(-1)?.id ?? opened.last;
  total = count;
  $("more").hidden = rows.length < PAGE;
  showCount();
}

/** How many documents the share has. */
let total = 0;
/** Those that are listed, by id. @type {Map<string, HTMLElement>} */
const listed = new Map();
const showCount = () => { $("documents-title").textContent = `Documents (${listed.size} of ${total})`; };

/** @param {string} id @param {string} rev */
function listDocument(id, rev) {
  const item = element("li", {}, documentButton(id), " ", element("span", { className: "quiet" }, plain(rev)));
  const before = listed.get(id);
  if (before) before.replaceWith(item);
  else $("documents").append(item);
  listed.set(id, item);
}

/** Keeps the list as the share is; what is behind its end comes with “More documents”. @param {any} change */
function applyChange({ id, deleted, changes }) {
  if (deleted) {
    total -= listed.has(id) ? 1 : 0;
    listed.get(id)?.remove();
    listed.delete(id);
  } else if (listed.has(id) || $("more").hidden) {
    total += listed.has(id) ? 0 : 1;
    listDocument(id, changes[0]?.rev);
  }
  showCount();
}

/** Shows changes as they arrive. @param {any} remote @param {AbortSignal} signal */
async function watch(remote, signal) {
  let since = "now";
  while (!signal.aborted) {
    try {
      const response = await remote.fetch(`/_changes?feed=longpoll&heartbeat=25000&since=${encodeURIComponent(since)}`, { signal });
      if (!response.ok) throw new Error((await response.json()).reason);
      const { results, last_seq: last } = await response.json();
      since = String(last);
      for (const change of results) {
        const { id, deleted, changes } = change;
        applyChange(change);
        $("changes").prepend(element("li", {}, documentButton(id), " ",
          element("span", { className: "quiet" }, `${deleted ? "deleted" : "written"} at ${new Date().toLocaleTimeString()}, ${plain(changes[0]?.rev)}`)));
        if ($("changes").childElementCount > CHANGES) $("changes").lastElementChild.remove();
      }
    } catch (error) {
      if (signal.aborted) return;
      tell(error, true);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

/** @param {string} id */
async function showDocument(id) {
  const doc = await get(pathOf(id));
  const { _attachments: attachments = {}, ...body } = doc;
  $("document-title").textContent = plain(id);
  const form = $("edit");
  const mayWrite = opened?.remote.record?.access === "read-write";
  form.elements.json.value = JSON.stringify(body, null, 2);
  form.elements.json.readOnly = !mayWrite;
  form.querySelector("button").hidden = !mayWrite;
  form.onsubmit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    attempt(async () => {
      const edited = JSON.parse(form.elements.json.value);
      if (doc._attachments) edited._attachments = doc._attachments;
      await get(pathOf(id), { method: "PUT", body: JSON.stringify(edited) });
      tell("Saved.");
      await showDocument(id);
    });
  };
  $("attachments").replaceChildren(...Object.entries(attachments).map(([name, stub]) => attachmentItem(doc, name, stub)));
  $("attachments-title").hidden = Object.keys(attachments).length === 0;
  $("document").hidden = false;
  $("document-title").focus();
}

/** @param {any} doc @param {string} name @param {any} stub */
function attachmentItem(doc, name, stub) {
  const progress = element("progress", { max: Math.max(1, stub.length), value: 0, hidden: true, "aria-label": `Progress of ${plain(name)}` });
  const fetchIt = async () => {
    progress.hidden = false;
    const response = await opened?.remote.fetch(`${pathOf(doc._id, name)}?rev=${encodeURIComponent(doc._rev)}`);
    if (!response.ok) throw new Error((await response.json()).reason);
    const { blob } = await receive(response, stub.content_type, (count) => { progress.value = count; });
    progress.hidden = true;
    return blob;
  };
  const item = element("li", {}, `${plain(name)}, ${plain(stub.content_type)}, ${size(stub.length)} `,
    element("button", { onclick: () => attempt(async () => save(await fetchIt(), name)), "aria-label": `Save ${plain(name)}` }, "Save"));
  if (isImage(stub.content_type)) {
    item.append(" ", element("button", {
      "aria-label": `Show ${plain(name)}`,
      onclick: () => attempt(async () => {
        const url = URL.createObjectURL(new Blob([await fetchIt()], { type: stub.content_type.split(";")[0] }));
        const image = element("img", { className: "preview", alt: plain(name), src: url });
        image.onload = () => URL.revokeObjectURL(url);
        item.append(image);
      }),
    }, "Show"));
  }
  item.append(progress);
  return item;
}

// MARK: Connections

/** @param {any} connection @param {string} title */
function connectionItem({ identity, isOwn, since, sent, received, roundTrip, uses, gives }, title) {
  const shares = [...uses.map((/** @type {string} */ name) => `uses “${plain(name)}” of theirs`), ...gives.map((/** @type {string} */ name) => `gives them “${plain(name)}”`)];
  return element("li", {}, `${plain(title)}, with `, element("code", { title: identity }, PeerPouch.shortFingerprint(identity)),
    `: ${shares.join(", ") || "nothing yet"}; ${isOwn ? "opened from here" : "opened by them"} at ${new Date(since).toLocaleTimeString()}, `
    + `${size(sent)} sent, ${size(received)} received${roundTrip === null ? "" : `, ${roundTrip.toFixed(1)} ms there and back`}`);
}

watchConnections((pages) => {
  const items = pages.flatMap(({ title, connections }) => connections.map((connection) => connectionItem(connection, title)));
  $("connections").replaceChildren(...items);
  $("no-connections").hidden = items.length > 0;
});

attempt(start);
