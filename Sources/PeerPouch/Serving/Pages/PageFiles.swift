// swift-format-ignore-file
// Made by scripts/build-browser of the files in Browser.

/// The files of the pages that a server has, by name.
enum PageFiles {
  static let texts: [String: String] = [
    "box.js": #"""
// A box of files that this page holds for as long as it is open: as much of PouchDB's methods as a share of it needs. What is
// put into it by a peer, or by the page, are documents with attachments.

import { sha256 } from "./sha256.js";

/** @typedef {{ seq: number, doc: any, files: Map<string, Blob> }} Entry */

/** @param {number} status @param {string} name @param {string} reason */
const failure = (status, name, reason) => Object.assign(new Error(reason), { status, name, reason });
const missing = () => failure(404, "not_found", "missing");

/**
 * What a box takes of others: documents, bytes of their files, bytes of the rest, and confirmations. And how many files are offered at
 * most, as many as `peerpouch receive` takes.
 */
const LIMITS = { documents: 1000, files: 8 * 2 ** 30, bodies: 64 * 2 ** 20, confirmations: 1000, offered: 800 };

const full = () => failure(413, "too_large", "The box is full.");
const random = () => crypto.randomUUID().replaceAll("-", "");

export class FileBox extends EventTarget {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Map<string, any>} */
  #local = new Map();
  #sequence = 0;
  /** Bytes of what others have put in. */
  #taken = { files: 0, bodies: 0 };

  /** @param {string} name */
  constructor(name) {
    super();
    this.name = name;
  }

  /** The documents, in the order in which they came. */
  get entries() {
    return [...this.#entries.values()].sort((one, other) => one.seq - other.seq);
  }

  /**
   * Offers files as `peerpouch send` does: what is offered at once, and each file when its digest is known.
   * @param {File[]} files
   */
  async offer(files) {
    if (files.length > LIMITS.offered) throw failure(413, "too_large", `More than ${LIMITS.offered} files cannot be offered at once.`);
    const offered = files.map((file, index) => ({ id: `file-${index + 1}`, name: file.name, size: file.size }));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    await this.#store({ _id: "offer", type: "com.stemstorage.peerpouch.offer", files: offered, size });
    for (const [index, file] of files.entries()) {
      await this.#store({
        _id: offered[index].id, type: "com.stemstorage.peerpouch.file", name: file.name, size: file.size, sha256: await sha256(file),
        // A name that begins with an underscore is none for an attachment.
        _attachments: { [/^(_|$)/.test(file.name) ? "file" : file.name]: { content_type: file.type || "application/octet-stream", data: file } },
      });
    }
  }

  /** What of the offer receivers have confirmed. @returns {{ identity: string, ids: string[] }[]} */
  get receipts() {
    return [...this.#local.values()].flatMap((doc) => {
      const [, identity] = /^_local\/peer-([a-z2-7]{52})-received$/.exec(doc._id) ?? [];
      const isRight = (/** @type {[string, unknown]} */ [id, digest]) => this.#entries.get(id)?.doc.sha256 === digest;
      return identity ? [{ identity, ids: Object.entries(doc.files ?? {}).filter(isRight).map(([id]) => id) }] : [];
    });
  }

  /** Takes a document of somebody else, if there is room for it. @param {any} doc as for `#store` */
  async #take(doc) {
    if (this.#entries.size >= LIMITS.documents) throw full();
    const { _attachments: attachments = {}, ...body } = doc;
    const bodies = JSON.stringify(body).length;
    const files = Object.values(/** @type {Record<string, any>} */ (attachments))
      .reduce((sum, { data }) => sum + (data instanceof Blob ? data.size : data.length), 0);
    if (this.#taken.bodies + bodies > LIMITS.bodies || this.#taken.files + files > LIMITS.files) throw full();
    // Counted before anything is waited for: others may be put in at the same time.
    this.#taken.bodies += bodies;
    this.#taken.files += files;
    try {
      return await this.#store(doc);
    } catch (error) {
      this.#taken.bodies -= bodies;
      this.#taken.files -= files;
      throw error;
    }
  }

  /** @param {any} doc new, with attachments as blobs or base64 */
  async #store(doc) {
    const { _id: id = random(), _rev: _, _attachments: attachments = {}, ...body } = doc;
    if (this.#entries.has(id)) throw failure(409, "conflict", "Document update conflict.");
    /** @type {Entry["files"]} */
    const files = new Map();
    /** @type {Record<string, any>} */
    const stubs = {};
    for (const [name, { content_type: type = "application/octet-stream", data }] of Object.entries(/** @type {Record<string, any>} */ (attachments))) {
      const blob = data instanceof Blob ? data : new Blob([Uint8Array.from(atob(data), (character) => character.charCodeAt(0))], { type });
      files.set(name, blob);
      stubs[name] = { content_type: type, revpos: 1, digest: `box-${random()}`, length: blob.size, stub: true };
    }
    const stored = { _id: id, _rev: `1-${random()}`, ...body, ...(files.size > 0 ? { _attachments: stubs } : {}) };
    this.#sequence += 1;
    this.#entries.set(id, { seq: this.#sequence, doc: stored, files });
    this.dispatchEvent(new Event("change"));
    return { ok: true, id, rev: stored._rev };
  }

  /** @param {string} id @param {{ rev?: string }} options */
  #entry(id, { rev } = {}) {
    const entry = this.#entries.get(id);
    if (!entry || (rev !== undefined && rev !== entry.doc._rev)) throw missing();
    return entry;
  }

  /** @param {any} doc @param {{ revs?: boolean }} options */
  #shown(doc, { revs } = {}) {
    return revs ? { ...doc, _revisions: { start: 1, ids: [doc._rev.slice(2)] } } : doc;
  }

  async info() {
    return { db_name: this.name, doc_count: this.#entries.size, update_seq: this.#sequence };
  }

  /** @param {string} id @param {any} options */
  async get(id, options = {}) {
    if (id.startsWith("_local/")) {
      if (!this.#local.has(id)) throw missing();
      return this.#local.get(id);
    }
    if (!options.open_revs) return this.#shown(this.#entry(id, options).doc, options);
    const entry = this.#entries.get(id);
    if (options.open_revs === "all") {
      if (!entry) throw missing();
      return [{ ok: this.#shown(entry.doc, options) }];
    }
    return options.open_revs.map((/** @type {string} */ rev) => (entry?.doc._rev === rev ? { ok: this.#shown(entry.doc, options) } : { missing: rev }));
  }

  /** @param {any} doc */
  async put(doc) {
    if (!doc._id.startsWith("_local/")) return this.#take(doc);
    const before = Number(this.#local.get(doc._id)?._rev.slice(2) ?? 0);
    if ((doc._rev ?? "0-0") !== `0-${before}`) throw failure(409, "conflict", "Document update conflict.");
    if (before === 0 && this.#local.size >= LIMITS.confirmations) throw full();
    this.#local.set(doc._id, { ...doc, _rev: `0-${before + 1}` });
    this.dispatchEvent(new Event("local"));
    return { ok: true, id: doc._id, rev: `0-${before + 1}` };
  }

  /** @param {string} id */
  async remove(id) {
    if (!this.#local.delete(id)) throw failure(403, "forbidden", "Files are not removed from here.");
    return { ok: true, id, rev: "0-0" };
  }

  /** @param {any[]} docs @param {{ new_edits?: boolean }} options */
  async bulkDocs(docs, { new_edits: newEdits = true } = {}) {
    if (!newEdits) throw failure(403, "forbidden", "Only new documents are taken.");
    const results = [];
    for (const doc of docs) {
      results.push(await this.#take(doc).catch((error) => ({ id: doc._id, error: true, status: error.status ?? 500, name: error.name, reason: error.reason })));
    }
    return results;
  }

  /** @param {string} id @param {string} name @param {string | undefined} rev @param {Blob} blob @param {string} type */
  async putAttachment(id, name, rev, blob, type) {
    if (rev !== undefined) throw failure(409, "conflict", "Document update conflict.");
    return this.#take({ _id: id, name, _attachments: { [name]: { content_type: type, data: blob } } });
  }

  /** @param {string} id @param {string} name @param {any} options */
  async getAttachment(id, name, options) {
    const blob = this.#entry(id, options).files.get(name);
    if (!blob) throw missing();
    return blob;
  }

  /** @param {any} options */
  async allDocs({ keys, startkey, endkey, inclusive_end: isInclusive = true, descending = false, skip = 0, limit = Infinity, include_docs: withDocs = false } = {}) {
    const row = (/** @type {Entry} */ { doc }) => ({ id: doc._id, key: doc._id, value: { rev: doc._rev }, ...(withDocs ? { doc } : {}) });
    const total = this.#entries.size;
    if (keys) {
      return { total_rows: total, rows: keys.map((/** @type {string} */ key) => { const entry = this.#entries.get(key); return entry ? row(entry) : { key, error: "not_found" }; }) };
    }
    const [low, high] = descending ? [endkey, startkey] : [startkey, endkey];
    const isIn = (/** @type {string} */ id) => (low === undefined || id > low || (id === low && (!descending || isInclusive)))
      && (high === undefined || id < high || (id === high && (descending || isInclusive)));
    const rows = [...this.#entries.values()].filter(({ doc }) => isIn(doc._id)).sort((one, other) => (one.doc._id < other.doc._id ? -1 : 1)).map(row);
    if (descending) rows.reverse();
    return { total_rows: total, offset: skip, rows: rows.slice(skip, skip + limit) };
  }

  /** @param {any} options */
  async bulkGet({ docs, revs }) {
    return {
      results: docs.map((/** @type {any} */ { id, rev }) => {
        const entry = this.#entries.get(id);
        const isThere = entry && (rev === undefined || rev === entry.doc._rev);
        return { id, docs: [isThere ? { ok: this.#shown(entry.doc, { revs }) } : { error: { id, rev, error: "not_found", reason: "missing" } }] };
      }),
    };
  }

  /** @param {Record<string, string[]>} wanted */
  async revsDiff(wanted) {
    return Object.fromEntries(Object.entries(wanted).flatMap(([id, revs]) => {
      const absent = revs.filter((rev) => this.#entries.get(id)?.doc._rev !== rev);
      return absent.length > 0 ? [[id, { missing: absent }]] : [];
    }));
  }

  /** Changes: those that are there, or with `live` until it is cancelled. @param {any} options @returns {any} */
  changes({ since = 0, limit = Infinity, live = false, include_docs: withDocs = false, doc_ids: ids, descending = false }) {
    const start = since === "now" ? this.#sequence : Number(since) || 0;
    const rows = () => {
      const all = this.entries.filter(({ seq, doc }) => seq > start && (!ids || ids.includes(doc._id)))
        .map(({ seq, doc }) => ({ seq, id: doc._id, changes: [{ rev: doc._rev }], ...(withDocs ? { doc } : {}) }));
      return (descending ? all.reverse() : all).slice(0, limit);
    };
    if (!live) {
      const results = rows();
      return Promise.resolve({ results, last_seq: results.length === limit ? results.at(-1)?.seq ?? start : Math.max(start, this.#sequence) });
    }
    /** @type {Record<string, ((value?: any) => void)[]>} */
    const listeners = { change: [], complete: [], error: [] };
    const tell = () => { for (const row of rows().slice(0, 1)) for (const listener of listeners.change) listener(row); };
    this.addEventListener("change", tell);
    queueMicrotask(tell);
    const feed = {
      on: (/** @type {string} */ event, /** @type {(value?: any) => void} */ listener) => {
        listeners[event].push(listener);
        return feed;
      },
      cancel: () => this.removeEventListener("change", tell),
    };
    return feed;
  }
}

"""#,
    "common.js": #"""
// What the pages share: building elements of text only, the server's session, and saving what peers give.

import { PeerPouch } from "./peerpouch.mjs";
import { SHA256 } from "./sha256.js";

export { PeerPouch };

/** The element of an id. @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/**
 * An element. Whatever peers say becomes text in it, and never markup.
 * @param {string} tag
 * @param {Record<string, any>} properties
 * @param {...(Node | string)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "label") made.dataset.label = value;
    else if (name.startsWith("aria-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** What a peer says, without what could make it look like something else: control characters, and those that turn the direction. */
export const plain = (/** @type {unknown} */ value) => String(value).replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " ");

/** A number of bytes for people. @param {number} count */
export function size(count) {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Tells what happens, to screen readers too. @param {unknown} message @param {boolean} isBad */
export function tell(message, isBad = false) {
  const place = $("status");
  place.textContent = plain(message instanceof Error ? message.message : message);
  place.className = isBad ? "bad" : "quiet";
}

/** Does something, and tells what prevented it. @param {() => Promise<unknown>} work */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    tell(error, true);
    return undefined;
  }
}

// MARK: The server

/** Asks the server that the page is from. @param {string} path @param {RequestInit} [init] */
export async function ask(path, init = {}) {
  const response = await fetch(path, { cache: "no-store", ...init, headers: { accept: "application/json", "content-type": "application/json", ...init.headers } });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.reason ?? answer.error), { status: response.status });
  return answer;
}

/** What stands behind the `#`, once: it does not stay in the address. */
export function takeFragment() {
  const fragment = location.hash.slice(1);
  if (fragment) history.replaceState(null, "", location.pathname + location.search);
  return fragment;
}

/** Begins a session by the token that `peerpouch serve` has put into the address. @param {string} token */
export const redeem = (token) => ask("/_peerpouch/session", { method: "POST", body: JSON.stringify({ token }) });

/** How often the session is prolonged, in milliseconds: a request that waits for changes does not do it. */
const PROLONGING = 4 * 60 * 1000;
setInterval(() => ask("/_session").catch(() => {}), PROLONGING);

/** The name of the hub's database at this server. */
export const hubName = () => new URLSearchParams(location.search).get("hub") ?? "hub";
/** Its URL, as shares' addresses have it. */
export const hubURL = () => `${location.origin}/${encodeURIComponent(hubName())}`;

/**
 * Asks for a name and a password when the server wants them.
 * @param {() => Promise<void>} again what to do when they are right
 */
export function offerLogIn(again) {
  const form = $("login");
  form.hidden = false;
  form.onsubmit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    attempt(async () => {
      await ask("/_session", { method: "POST", body: JSON.stringify({ name: form.elements.name.value, password: form.elements.password.value }) });
      form.hidden = true;
      form.reset();
      await again();
    });
  };
}

/**
 * Does what needs the hub; who is not let in by the server is asked for a name and a password, and it is done then.
 * @param {() => Promise<void>} work
 */
export async function withLogIn(work) {
  try {
    await work();
  } catch (error) {
    if ([401, 403].includes(/** @type {any} */ (error).status) && /** @type {any} */ (error).refusal === undefined) offerLogIn(work);
    throw error;
  }
}

/** Whether a URL leads to this server: as the page does, or by another name of the same machine. @param {URL} url */
function isHere(url) {
  const isLocal = (/** @type {string} */ host) => ["localhost", "127.0.0.1", "[::1]"].includes(host);
  return url.origin === location.origin
    || (url.protocol === location.protocol && url.port === location.port && isLocal(url.hostname) && isLocal(location.hostname));
}

/** The hub that an address names. The page's connections go to its own server, and nowhere else. @param {string} name */
function openHub(name) {
  if (!/^https?:/.test(name)) throw new Error("The hub of this share is no server.");
  const url = new URL(name);
  if (!isHere(url)) throw new Error(`The hub of this share is another server. Open ${new URL("/_peerpouch/", url)} there.`);
  return PeerPouch.httpHub(name, (path, init) => fetch(`${url.pathname.replace(/\/$/, "")}/${path}`, init));
}

PeerPouch.configure({ openHub });

// MARK: Files

/** Types that are shown as they are; all others are saved only. */
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];
export const isImage = (/** @type {string} */ type) => IMAGES.includes(String(type).split(";")[0].trim().toLowerCase());

/** Up to this, an attachment is held in memory, in bytes. */
const SMALL = 4 << 20;
/** The folder of the origin's private file system for what is received; each page has one of its own in it. */
const RECEIVED = "received";
const OWN = crypto.randomUUID();
// Held for as long as the page is there, so that others leave its folder alone.
navigator.locks?.request(`${RECEIVED} ${OWN}`, () => new Promise(() => {}));

/**
 * The bytes of a response as a file, with progress. Large ones go into the origin's private file system, so that memory does not
 * grow with them.
 * @param {Response} response
 * @param {string} type
 * @param {(count: number) => void} progress
 * @returns {Promise<{ blob: Blob, digest: string }>} with its SHA-256
 */
export async function receive(response, type, progress) {
  const hash = new SHA256();
  /** What is in memory. @type {Uint8Array<ArrayBuffer>[]} */
  let parts = [];
  let count = 0;
  /** @type {{ handle: FileSystemFileHandle, writable: FileSystemWritableFileStream } | null} */
  let file = null;
  const reader = response.body?.getReader();
  for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
    const piece = /** @type {Uint8Array<ArrayBuffer>} */ (step.value);
    count += piece.length;
    hash.update(piece);
    progress(count);
    parts.push(piece);
    // What the response says of its length is what a peer says.
    if (count <= SMALL && !file) continue;
    file ??= await newFile();
    if (file) {
      await file.writable.write(new Blob(parts));
      parts = [];
    }
  }
  await file?.writable.close();
  return { blob: file ? new Blob([await file.handle.getFile()], { type }) : new Blob(parts, { type }), digest: hash.finish() };
}

/** A file of this page's in the private file system; `null` if there is none such. */
async function newFile() {
  if (!navigator.storage?.getDirectory) return null;
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(RECEIVED, { create: true });
  const own = await folder.getDirectoryHandle(OWN, { create: true });
  const handle = await own.getFileHandle(crypto.randomUUID(), { create: true });
  return { handle, writable: await handle.createWritable() };
}

/** Removes what pages that are gone have received into the private file system. */
export async function clearReceived() {
  try {
    const { held = [] } = await navigator.locks.query();
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(RECEIVED);
    // @ts-ignore: folders can be iterated.
    for await (const name of folder.keys()) {
      if (held.every((lock) => lock.name !== `${RECEIVED} ${name}`)) await folder.removeEntry(name, { recursive: true });
    }
  } catch {
    // There is none, or it is in use.
  }
}

/** Saves a file as a download. Nothing of it is run: it is never opened in the page. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  element("a", { href: url, download: plain(name).replaceAll(/[/\\]/g, "_") }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A path of a document or an attachment. @param {...string} parts */
export const pathOf = (...parts) => parts.map((part) => `/${part.split("/").map(encodeURIComponent).join(part.startsWith("_design/") ? "/" : "%2F")}`).join("");

"""#,
    "connections.js": #"""
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

"""#,
    "console.html": #"""
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>PeerPouch console</title>
    <link rel="icon" href="/_peerpouch/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/_peerpouch/style.css">
    <script type="module" src="/_peerpouch/console.js"></script>
  </head>
  <body>
    <header>
      <h1>PeerPouch</h1>
      <nav aria-label="Pages"><a href="/_peerpouch/" aria-current="page">Console</a><a href="/_peerpouch/send">Send files</a></nav>
      <p class="quiet">This browser is <code id="me">…</code></p>
    </header>
    <p id="status" role="status" class="quiet">Loading…</p>
    <main>
      <form id="login" hidden aria-labelledby="login-title">
        <h2 id="login-title">The server asks who you are</h2>
        <label>Name <input name="name" autocomplete="username" required></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
        <button class="main">Log in</button>
      </form>
      <section aria-labelledby="shares-title">
        <h2 id="shares-title">Shares of the hub <code id="hub"></code></h2>
        <p id="no-hub" hidden>This server has no such database. <button id="create-hub">Create it</button></p>
        <div class="wide">
          <table>
            <thead><tr><th scope="col">Name</th><th scope="col">Owner</th><th scope="col">Access</th><th scope="col">Who gets in</th><th scope="col">Renewed</th><th scope="col"><span hidden>Open</span></th></tr></thead>
            <tbody id="shares"></tbody>
          </table>
        </div>
        <p id="no-shares" class="quiet">Nothing is shared now.</p>
        <form id="open-form">
          <label>Address or ticket <input name="where" autocomplete="off" spellcheck="false" placeholder="webrtc://… or pp1-…" required></label>
          <button>Open</button>
        </form>
      </section>
      <section id="share" hidden aria-labelledby="share-title">
        <h2 id="share-title" tabindex="-1"></h2>
        <p id="share-state" role="status"></p>
        <div class="row">
          <button id="close">Close</button>
          <button id="more" hidden>More documents</button>
        </div>
        <h3 id="documents-title">Documents</h3>
        <ul id="documents" class="plain" aria-labelledby="documents-title"></ul>
        <h3 id="changes-title">Changes since it was opened</h3>
        <ul id="changes" class="plain" aria-labelledby="changes-title" aria-live="polite"></ul>
      </section>
      <section id="document" hidden aria-labelledby="document-title">
        <h2 id="document-title" tabindex="-1"></h2>
        <form id="edit">
          <label>JSON <textarea name="json" spellcheck="false"></textarea></label>
          <button class="main">Save</button>
        </form>
        <h3 id="attachments-title">Attachments</h3>
        <ul id="attachments" class="plain" aria-labelledby="attachments-title"></ul>
      </section>
      <section aria-labelledby="connections-title">
        <h2 id="connections-title">Who is connected to what</h2>
        <p class="quiet">Connections of this browser’s pages. Who uses a share of another program shows where that runs.</p>
        <ul id="connections" class="plain" aria-labelledby="connections-title"></ul>
        <p id="no-connections" class="quiet">None.</p>
      </section>
    </main>
  </body>
</html>

"""#,
    "console.js": #"""
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

"""#,
    "icon.svg": #"""
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5cad"/><circle cx="10" cy="16" r="5" fill="#fff"/><circle cx="22" cy="16" r="5" fill="none" stroke="#fff" stroke-width="2.5"/></svg>

"""#,
    "peerpouch.mjs": #"""
// Made by scripts/build-browser of the modules in Browser/source. Apache License 2.0.

// MARK: - basics/limits.js

// The bounds of what peers and hubs may say, with their reasons. The same as in Sources/PeerTrust/TrustLimits.swift and
// Sources/PeerTunnel/Limits.

/** Identities, shares, tickets and signals. Times are in milliseconds, sizes in bytes. */
const limits = Object.freeze({
  /** A signal, as JSON without white space and without CouchDB's own members. */
  signal: 16 * 1024,
  shareDocument: 16 * 1024,
  record: 8 * 1024,
  info: 2 * 1024,
  name: 128,
  /** The deepest nesting of JSON. */
  depth: 128,
  /** The longest reason of a refusal. */
  refusal: 128,
  /** The longest address of a hub. */
  hub: 1024,
  /** The body of an offer is padded to a multiple of this, so that its length tells little. */
  padding: 1024,

  /** Over all signals of one side. */
  candidates: 24,
  candidate: 512,
  iceCredential: 256,
  /** Signals with further candidates, each way. */
  furtherSignals: 8,

  /** How many signals a share looks at in any second: each costs a key agreement and a signature. */
  offersPerSecond: 200,
  /** Openings of a share that are under way, and those of one identity. */
  pending: 128,
  pendingPerIdentity: 2,
  /** An opening, from the offer to the first frames. */
  handshake: 30_000,
  /** How long whoever is asked about a remote may take. */
  decision: 60_000,
  /** How long a share's record promises that its sharer lives, in seconds by the hub's clock. */
  lease: 15 * 60,

  epochLife: 60 * 60 * 1000,
  epochOffers: 4096,
  predecessorLife: 10 * 60 * 1000,

  tickets: 1024,
  rememberedShares: 4096,
  /** Connections that this page takes, and those of one identity. */
  connections: 256,
  connectionsPerIdentity: 4,
});

/** One connection between two peers. */
const tunnelLimits = Object.freeze({
  /** The longest frame with its header. Part of the protocol. */
  frame: 16 * 1024,
  message: 64 * 1024,
  head: 32 * 1024,
  headers: 64,
  path: 4 * 1024,
  reason: 256,
  proof: 64,
  shareID: 128,

  /** Streams that a peer may have open. */
  streams: 256,
  /** Requests of a peer that are worked on, with those that it has cancelled and that have not noticed yet. */
  requests: 512,
  cancelsPerSecond: 100,
  cancelsSentPerSecond: 40,
  /** Shares that a peer uses over a connection, and those it may ask for in a second. */
  shares: 64,
  openingsPerSecond: 20,
  openingsSentPerSecond: 8,

  streamCredit: 256 * 1024,
  connectionCredit: 1024 * 1024,
  longestStreamCredit: 4 * 1024 * 1024,
  longestConnectionCredit: 16 * 1024 * 1024,
  /** Bytes of a stream that are taken from their maker before they are on their way. */
  unsentStream: 64 * 1024,
  /** Messages that wait until the peer's hello is verified. */
  earlyMessages: 256,
  /** Bytes that the data channel holds unsent. */
  unsentChannel: 1024 * 1024,

  hello: 10_000,
  stall: 60_000,
  answer: 120_000,
  silence: 120_000,
  ping: 20_000,
  busyPing: 1000,
  tick: 1000,
});

/** What a peer may ask of a shared database. */
const accessLimits = Object.freeze({
  document: 8 << 20,
  /** The JSON of one document with the names of ancestors and small attachments. */
  documentRequest: 12 << 20,
  bulk: 32 << 20,
  bulkDocuments: 10_000,
  bulkGets: 1000,
  request: 8 << 20,
  namedRevisions: 1000,
  jsonDepth: 128,
  selectorDepth: 32,
  selectorValues: 1000,
  leaves: 100,
  localDocuments: 64,
  localDocument: 64 << 10,
  /** An attachment on its own, which the browser keeps outside of the page's memory until it is stored. */
  attachment: 1 << 30,
  /** A document with attachments behind it, also when they are not compressed any more. */
  multipart: 256 << 20,
  /** Its parts. */
  parts: 10_000,
  /** How many of a document's ancestors are taken over with it: as many as databases keep. */
  ancestors: 1000,
  /** Documents that a query finds at a time. */
  found: 1000,
  /** Bytes of requests of a connection that are in memory at a time; those that find too little wait. Small ones do not count. */
  bodiesInMemory: 64 << 20,
  smallBody: 64 << 10,
  /** Live feeds of a connection, and lists and documents that are read for it at a time. */
  feeds: 32,
  lists: 16,
  documents: 32,
  /** How long a feed may be silent. */
  heartbeat: 30_000,
  shortestHeartbeat: 100,
});

// MARK: - basics/encoding.js

// Bytes and their texts, as docs/signalling-protocol.md writes them: base64url, base32, UUIDs, L(x, …), strict JSON.


/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const encoder = new TextEncoder();
// A byte order mark is a character like others, which JSON does not allow.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @type {(text: string) => Bytes} */
const utf8 = (text) => encoder.encode(text);

/** The text of UTF-8. @type {(bytes: Uint8Array) => string} @throws {TypeError} if it is none. */
const text = (bytes) => decoder.decode(bytes);

/** How many bytes a text has in UTF-8. @type {(text: string) => number} */
const byteLength = (value) => encoder.encode(value).length;

/** @type {(count: number) => Bytes} */
const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));

/** Puts parts together, however many. @type {(parts: Uint8Array[]) => Bytes} */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** @type {(...parts: Uint8Array[]) => Bytes} */
const concat = (...parts) => joined(parts);

/** Whether two lists of bytes, neither of them secret, are the same. @type {(one: Uint8Array, other: Uint8Array) => boolean} */
const equal = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);

/** @type {(value: number) => Bytes} */
function bigEndian(value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/**
 * `L(x, …)`: each part as its length in four big-endian bytes, then its bytes. Text is UTF-8, an integer four bytes.
 * @param {...(string | number | Uint8Array)} parts
 * @returns {Bytes}
 */
function join(...parts) {
  return concat(...parts.flatMap((part) => {
    const bytes = typeof part === "string" ? utf8(part) : typeof part === "number" ? bigEndian(part) : part;
    return [bigEndian(bytes.length), bytes];
  }));
}

/**
 * Takes joined parts apart again.
 * @param {Uint8Array} bytes
 * @param {number} count
 * @returns {Bytes[] | null} `null` unless the bytes are exactly that many parts.
 */
function split(bytes, count) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts = [];
  let offset = 0;
  while (parts.length < count) {
    if (bytes.length - offset < 4) return null;
    const length = view.getUint32(offset);
    offset += 4;
    if (bytes.length - offset < length) return null;
    parts.push(bytes.slice(offset, offset + length));
    offset += length;
  }
  return offset === bytes.length ? parts : null;
}

// MARK: Texts of bytes

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** @param {Uint8Array} bytes @param {number} width bits of a character @param {string} alphabet */
function encodeGroups(bytes, width, alphabet) {
  const mask = (1 << width) - 1;
  let characters = "";
  let bits = 0;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= width) {
      bits -= width;
      characters += alphabet[(buffer >> bits) & mask];
    }
  }
  if (bits > 0) characters += alphabet[(buffer << (width - bits)) & mask];
  return characters;
}

/**
 * @param {unknown} characters @param {number} width @param {string} alphabet
 * @returns {Bytes | null} `null` if a character has no value, could be left out, or has bits that say nothing.
 */
function decodeGroups(characters, width, alphabet) {
  if (typeof characters !== "string") return null;
  const bytes = new Uint8Array(Math.floor((characters.length * width) / 8));
  let count = 0;
  let bits = 0;
  let buffer = 0;
  for (const character of characters) {
    const value = alphabet.indexOf(character);
    if (value < 0) return null;
    buffer = ((buffer << width) | value) & 0xffff;
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      bytes[count++] = buffer >> bits;
    }
  }
  return bits < width && (buffer & ((1 << bits) - 1)) === 0 ? bytes : null;
}

/** Base64 for URLs, without padding. @type {(bytes: Uint8Array) => string} */
const base64url = (bytes) => encodeGroups(bytes, 6, BASE64URL);
/** `null` for everything but the one text that a value has. @type {(text: unknown) => Bytes | null} */
const fromBase64url = (value) => decodeGroups(value, 6, BASE64URL);
/** Base32 in lower case, without padding. @type {(bytes: Uint8Array) => string} */
const base32 = (bytes) => encodeGroups(bytes, 5, BASE32);
/** `null` for everything but the one text that a value has. @type {(text: unknown) => Bytes | null} */
const fromBase32 = (value) => decodeGroups(value, 5, BASE32);

/**
 * What people type or paste, in lower case and without white space around.
 * @param {unknown} value
 * @returns {string | null} `null` if it is not ASCII: other letters may become ASCII in lower case.
 */
function typed(value) {
  return typeof value === "string" && /^[\0-\x7f]*$/.test(value) ? value.trim().toLowerCase() : null;
}

/** The text of a UUID. @param {Uint8Array} bytes sixteen of them */
function uuidText(bytes) {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** @param {string} value @returns {Bytes | null} `null` unless it is as {@link uuidText} writes it. */
function fromUUIDText(value) {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(value)) return null;
  return Uint8Array.from(value.replaceAll("-", "").match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

/** Sets version and variant of a UUID. @param {Uint8Array} bytes @param {number} version */
function markUUID(bytes, version) {
  const marked = bytes.slice(0, 16);
  marked[6] = (version << 4) | (marked[6] & 0x0f);
  marked[8] = 0x80 | (marked[8] & 0x3f);
  return marked;
}

/** @param {Uint8Array} bytes @param {number} version */
const isUUID = (bytes, version) => bytes.length === 16 && bytes[6] >> 4 === version && bytes[8] >> 6 === 2;

/** A random UUID's text. */
const randomUUID = () => uuidText(markUUID(randomBytes(16), 4));

// MARK: JSON

/**
 * How deep a value is nested; a bare value is 0 deep.
 * @param {unknown} value
 * @returns {number} `Infinity` if a text in it has half a surrogate pair.
 */
function depth(value) {
  if (typeof value === "string") return wellFormed(value) ? 0 : Infinity;
  if (typeof value !== "object" || value === null) return 0;
  let deepest = 0;
  for (const [name, member] of Object.entries(value)) {
    if (!wellFormed(name)) return Infinity;
    deepest = Math.max(deepest, depth(member));
  }
  return deepest + 1;
}

/** @param {string} value */
const wellFormed = (value) => !/\p{Surrogate}/u.test(value);

/**
 * How deep a JSON text is nested, by counting its brackets: before it is parsed, and whatever it is.
 * @param {string} json
 */
function textDepth(json) {
  let level = 0;
  let deepest = 0;
  for (let index = 0; index < json.length; index++) {
    switch (json.charCodeAt(index)) {
      case 0x22: index = endOfString(json, index); break;
      case 0x5b: case 0x7b: deepest = Math.max(deepest, ++level); break;
      case 0x5d: case 0x7d: level--; break;
      default: break;
    }
  }
  return deepest;
}

/** Where the closing quote is. Texts may be long: patterns would need a stack as deep. @param {string} json @param {number} start */
function endOfString(json, start) {
  for (let quote = json.indexOf('"', start + 1); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (json.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote;
  }
  return json.length;
}

/**
 * A JSON object from outside.
 * @param {Uint8Array} bytes
 * @returns {Record<string, unknown> | null} `null` if it is no UTF-8, no object, or nested too deep.
 */
function parseObject(bytes) {
  try {
    const json = text(bytes);
    if (textDepth(json) > limits.depth) return null;
    const value = JSON.parse(json);
    return isObject(value) && depth(value) <= limits.depth ? value : null;
  } catch {
    return null;
  }
}

/** @param {unknown} value @returns {value is Record<string, any>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a value may be the `info` of a share or of an opener. @param {unknown} value */
function isInfo(value) {
  return value !== undefined && depth(value) < limits.depth && byteLength(JSON.stringify(value)) <= limits.info;
}

// MARK: - basics/crypto.js

// The functions that the handshake is made of, by WebCrypto; named as docs/signalling-protocol.md names them.


/** @typedef {import("./encoding.js").Bytes} Bytes */

const subtle = globalThis.crypto?.subtle;
const EC = { namedCurve: "P-256" };

/** `H`: SHA-256. @type {(bytes: Bytes) => Promise<Bytes>} */
const hash = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));

/** @param {Bytes} key */
const hmacKey = (key) => subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);

/** `HMAC` with SHA-256. @param {Bytes} key @param {Bytes} message @returns {Promise<Bytes>} */
const authenticate = async (key, message) =>
  new Uint8Array(await subtle.sign("HMAC", await hmacKey(key), message));

/** Whether a code is the message's, in a time that tells nothing. @param {Bytes} key @param {Bytes} message @param {Bytes} code */
const isAuthentic = async (key, message, code) => subtle.verify("HMAC", await hmacKey(key), code, message);

/** `HKDF` with SHA-256. @param {Bytes} secret @param {Bytes} salt @param {string} info @param {number} count bytes */
async function derive(secret, salt, info, count) {
  const key = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: utf8(info) }, key, count * 8));
}

/** @param {number} number @param {Bytes} header */
const gcm = (number, header) =>
  ({ name: "AES-GCM", iv: concat(new Uint8Array(8), bigEndian(number)), additionalData: header, tagLength: 128 });

/** `AEAD`: AES-256-GCM. @param {Bytes} key @param {number} number @param {Bytes} header @param {Bytes} plain @returns {Promise<Bytes>} */
async function seal(key, number, header, plain) {
  const sealing = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return new Uint8Array(await subtle.encrypt(gcm(number, header), sealing, plain));
}

/**
 * @param {Bytes} key @param {number} number @param {Bytes} header @param {Bytes} sealed
 * @returns {Promise<Bytes | null>} `null` unless it was sealed with this key, number and header.
 */
async function unseal(key, number, header, sealed) {
  const opening = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await subtle.decrypt(gcm(number, header), opening, sealed));
  } catch {
    return null;
  }
}

// MARK: Keys

/**
 * A public key from outside. WebCrypto also takes compressed points, which would give one key several texts.
 * @param {Bytes | null} bytes
 * @param {"ECDSA" | "ECDH"} kind
 * @returns {Promise<CryptoKey | null>} `null` unless it is an uncompressed point of the curve.
 */
async function publicKey(bytes, kind) {
  if (bytes?.length !== 65 || bytes[0] !== 4) return null;
  try {
    return await subtle.importKey("raw", bytes, { name: kind, ...EC }, true, kind === "ECDSA" ? ["verify"] : []);
  } catch {
    return null;
  }
}

/** @param {CryptoKey} key @returns {Promise<Bytes>} */
const raw = async (key) => new Uint8Array(await subtle.exportKey("raw", key));

/** The keys of one opening or epoch; they live in memory only. @typedef {{ key: CryptoKey, bytes: Bytes }} EphemeralKey */

/** A new key to agree on a secret with. @returns {Promise<EphemeralKey>} */
async function ephemeralKey() {
  const pair = await subtle.generateKey({ name: "ECDH", ...EC }, false, ["deriveBits"]);
  return { key: pair.privateKey, bytes: await raw(pair.publicKey) };
}

/** `ECDH`: the 32 bytes of the common point's x. @param {EphemeralKey} own @param {Bytes} other a key that was checked */
async function agree(own, other) {
  const point = await publicKey(other, "ECDH");
  if (!point) throw new TypeError("This is no public key.");
  return new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: point }, own.key, 256));
}

// MARK: Identities

/**
 * Who this page is: a key that signs, and never encrypts.
 * @typedef {{ key: CryptoKey, bytes: Bytes, fingerprint: string }} Identity
 */

/** What people and lists know a key by. @param {Bytes} key */
const fingerprint = async (key) => base32(await hash(key));

/** The first 16 characters of a fingerprint, in groups: what two people compare aloud. @param {string} value */
const shortFingerprint = (value) => (value.slice(0, 16).match(/.{4}/g) ?? []).join("-");

/** @param {CryptoKeyPair} pair @returns {Promise<Identity>} */
async function identityOf(pair) {
  const bytes = await raw(pair.publicKey);
  return { key: pair.privateKey, bytes, fingerprint: await fingerprint(bytes) };
}

/** A new identity, whose private key nothing can read. @returns {Promise<CryptoKeyPair>} */
const newIdentity = () => subtle.generateKey({ name: "ECDSA", ...EC }, false, ["sign", "verify"]);

/** @param {Identity} identity @param {Bytes} message @returns {Promise<Bytes>} r‖s, 64 bytes */
const sign = async (identity, message) =>
  new Uint8Array(await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, identity.key, message));

/** Whether an identity signed a message. @param {Bytes} key @param {Bytes} signature r‖s; other forms are never valid @param {Bytes} message */
async function isSigned(key, signature, message) {
  const verifying = await publicKey(key, "ECDSA");
  return verifying !== null && signature.length === 64
    && subtle.verify({ name: "ECDSA", hash: "SHA-256" }, verifying, signature, message);
}

// MARK: - peers/waiting.js

// Waiting: between attempts, and not for ever.

/** Waits between attempts, in milliseconds: doubled after each failure, with chance in it. */
class BackOff {
  #failures = 0;

  next() {
    const whole = Math.min(1000 * 2 ** Math.min(this.#failures++, 10), 60_000);
    return whole * (0.5 + Math.random() / 2);
  }

  reset() {
    this.#failures = 0;
  }
}

/** @param {number} time @param {AbortSignal} [signal] ends the wait early @returns {Promise<void>} */
const pause = (time, signal) => new Promise((resolve) => {
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    resolve();
  };
  const timer = setTimeout(end, time);
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
});

/**
 * A promise that fails after a time, with its timer gone as soon as it is settled.
 * @template Value @param {Promise<Value>} work @param {number} time @param {string} message @returns {Promise<Value>}
 */
function within(work, time, message) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(message)), time); });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

// MARK: - peers/hub.js

// A hub: the database where peers find each other, and one feed of it for everybody in this page who waits for something.


/** @typedef {import("./hub-databases.js").Change} Change */
/** @typedef {import("./hub-databases.js").Doc} Doc */
/**
 * A hub as this page uses it. All who wait for changes share one request, since browsers open few connections to one
 * server.
 */
class Hub {
  /** @type {Set<{ recipient?: string, id?: string, shares?: boolean, take: (change: Change) => void, lost?: (error: unknown) => void }>} */
  #subscribers = new Set();
  /** @type {string | number | null} */
  #position = null;
  #restart = new AbortController();
  #isRunning = false;
  /** Documents that are to be deleted. @type {Doc[]} */
  #read = [];
  #deleting = Promise.resolve();

  /** @param {string} name by which others, or this page later, can open it @param {import("./hub-databases.js").HubDatabase} database */
  constructor(name, database) {
    this.name = name;
    this.database = database;
  }

  /**
   * Has changes told from now on; what is written when this is done is among them. What is deleted is told by its id only.
   * @param {{ recipient?: string, id?: string, shares?: boolean, take: (change: Change) => void, lost?: (error: unknown) => void }} subscriber
   * @returns {Promise<() => void>} ends it
   */
  async subscribe(subscriber) {
    if (this.#position === null) {
      const position = await this.database.position();
      this.#position ??= position;
    }
    this.#subscribers.add(subscriber);
    this.#restart.abort();
    if (!this.#isRunning) this.#run();
    return () => {
      this.#subscribers.delete(subscriber);
      // A request that asks for too much does no harm, but the last one is to end.
      if (this.#subscribers.size === 0) this.#restart.abort();
    };
  }

  async #run() {
    this.#isRunning = true;
    const backOff = new BackOff();
    while (this.#subscribers.size > 0) {
      this.#restart = new AbortController();
      const { signal } = this.#restart;
      const all = [...this.#subscribers];
      const wanted = {
        recipients: all.flatMap(({ recipient }) => recipient ?? []), ids: all.flatMap(({ id }) => id ?? []), shares: all.some(({ shares }) => shares),
      };
      try {
        const { changes, position } = await this.database.changes(/** @type {string | number} */ (this.#position), wanted, signal);
        backOff.reset();
        this.#position = position;
        for (const change of changes) this.#tell(change);
      } catch (error) {
        if (signal.aborted) continue;
        for (const { lost } of this.#subscribers) lost?.(error);
        await pause(backOff.next(), signal);
      }
    }
    this.#isRunning = false;
    // The next one begins where the hub is then.
    this.#position = null;
  }

  /** @param {Change} change */
  #tell(change) {
    for (const { recipient, id, shares, take } of [...this.#subscribers]) {
      const isFor = (recipient !== undefined && !change.deleted && change.doc?.recipient === recipient)
        || (id !== undefined && change.id === id) || (shares && change.id.startsWith("share-"));
      if (!isFor) continue;
      try {
        take(change);
      } catch (error) {
        // One that fails must not take the rest from the others.
        console.error(error);
      }
    }
  }

  /** Seconds since 1970 by the hub's clock. */
  now() {
    return this.database.date();
  }

  /** Deletes signals that were read, many at a time. What cannot be deleted is swept by the sharer later. @param {Doc[]} documents @returns {Promise<void>} */
  async delete(documents) {
    if (documents.length === 0) return;
    this.#read.push(...documents.map(({ _id, _rev }) => ({ _id, _rev, _deleted: true })));
    this.#deleting = this.#deleting.then(async () => {
      const all = this.#read;
      this.#read = [];
      if (all.length > 0) await this.database.bulk(all);
    }).catch(() => {});
    await this.#deleting;
  }
}

// MARK: - trust/shares.js

// Shares: ids that commit to their owner's key, records that the owner signs, and addresses.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/**
 * Why something from outside was not accepted: the first check that failed. Nothing is ever answered to it.
 */
class Rejection extends Error {
  /** @param {string} check its name in docs/signalling-protocol.md @param {string} [member] what is wrong */
  constructor(check, member) {
    super(member ? `${check} (${member})` : check);
    this.name = "Rejection";
    this.check = check;
  }
}

const SHARE_TYPE = "com.stemstorage.peerpouch.share";
const ACCESS = ["read-only", "read-write", "inbox"];
const WAYS = ["allow", "ticket", "ask", "anyone"];

/**
 * What a sharer says of a share.
 * @typedef {object} ShareRecord
 * @property {string} id the share's id, the `_id` of its document
 * @property {Bytes} key the owner's
 * @property {Bytes} salt
 * @property {number} n rises with every record
 * @property {Bytes} epoch the key that offers are sealed to
 * @property {string} name it never identifies
 * @property {any} info it never identifies
 * @property {"read-only" | "read-write" | "inbox"} access
 * @property {("allow" | "ticket" | "ask" | "anyone")[]} gate
 * @property {number} lease until when the sharer lives, in seconds since 1970 by the hub's clock
 */

/** The id of a share of this owner. @param {Bytes} owner @param {Bytes} salt */
async function shareID(owner, salt) {
  const digest = await hash(join("pp1 share", owner, salt));
  return "share-" + uuidText(markUUID(digest, 8));
}

/** The UUID in a share's id. @param {unknown} id @returns {Bytes | null} `null` if it is none. */
function shareUUID(id) {
  if (typeof id !== "string" || !id.startsWith("share-")) return null;
  const uuid = fromUUIDText(id.slice(6));
  return uuid && isUUID(uuid, 8) ? uuid : null;
}

/** How large a document is, as bounds of signals and shares count it. @param {Record<string, unknown>} document */
function documentSize(document) {
  const members = Object.entries(document).filter(([name]) => !name.startsWith("_"));
  return byteLength(JSON.stringify(Object.fromEntries(members)));
}

/**
 * A document of a hub that can be looked at.
 * @param {unknown} document
 * @param {number} limit its size
 * @param {string} type
 * @returns {Record<string, any>} its member `peerpouch`
 * @throws {Rejection} size or form
 */
function ownPart(document, limit, type) {
  // What is too deep to be looked at is too deep.
  let level = Infinity;
  try {
    level = depth(document);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  if (!isObject(document) || level > limits.depth) throw new Rejection("form");
  if (documentSize(document) > limit) throw new Rejection("size");
  if (document._deleted || document.type !== type) throw new Rejection("form", "type");
  const { peerpouch } = document;
  if (!isObject(peerpouch) || peerpouch.v !== 1) throw new Rejection("form", "peerpouch");
  return peerpouch;
}

/** @param {ShareRecord} record */
const encodedRecord = (record) => utf8(JSON.stringify({
  id: record.id, key: base64url(record.key), salt: base64url(record.salt), n: record.n, epoch: base64url(record.epoch),
  name: record.name, info: record.info, access: record.access, gate: WAYS.filter((way) => record.gate.includes(/** @type {any} */ (way))),
  lease: record.lease,
}));

/** @param {unknown} value @param {number} least */
const isInteger = (value, least) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= least;

/**
 * @param {Bytes} bytes
 * @returns {Promise<ShareRecord>}
 * @throws {Rejection} body or id
 */
async function readRecord(bytes) {
  const json = parseObject(bytes);
  /** @param {boolean} isRight @param {string} member */
  const check = (isRight, member) => { if (!isRight) throw new Rejection("body", member); };
  if (!json) throw new Rejection("body", "json");
  check(typeof json.id === "string" && byteLength(json.id) <= 64, "id");
  const [key, salt, epoch] = [json.key, json.salt, json.epoch].map(fromBase64url);
  if (!key || !(await publicKey(key, "ECDSA"))) throw new Rejection("body", "key");
  if (salt?.length !== 16) throw new Rejection("body", "salt");
  if (!epoch || !(await publicKey(epoch, "ECDH"))) throw new Rejection("body", "epoch");
  check(ACCESS.includes(/** @type {string} */ (json.access)), "access");
  check(isInteger(json.n, 1), "n");
  check(typeof json.name === "string" && byteLength(json.name) <= limits.name, "name");
  check(isInfo(json.info), "info");
  check(isGate(json.gate), "gate");
  check(isInteger(json.lease, 0), "lease");
  const record = /** @type {ShareRecord} */ ({ ...json, key, salt, epoch });
  if ((await shareID(key, salt)) !== record.id) throw new Rejection("id");
  return record;
}

/** @param {unknown} gate */
const isGate = (gate) => Array.isArray(gate) && gate.length > 0 && gate.every((way) => WAYS.includes(way))
  && new Set(gate).size === gate.length && (gate.length === 1 || !gate.includes("anyone"));

/**
 * Reads and verifies a share document.
 * @param {unknown} document
 * @returns {Promise<{ record: ShareRecord, bytes: Bytes }>}
 * @throws {Rejection} size, form, body, id or signature, in this order
 */
async function readShare(document) {
  const { r, g } = ownPart(document, limits.shareDocument, SHARE_TYPE);
  const [bytes, signature] = [fromBase64url(r), fromBase64url(g)];
  if (!bytes) throw new Rejection("form", "r");
  if (signature?.length !== 64) throw new Rejection("form", "g");
  if (bytes.length > limits.record) throw new Rejection("size");
  const record = await readRecord(bytes);
  if (/** @type {any} */ (document)._id !== record.id) throw new Rejection("id");
  if (!(await isSigned(record.key, signature, join("pp1 record", bytes)))) throw new Rejection("signature");
  return { record, bytes };
}

/**
 * Signs a record.
 * @param {Omit<ShareRecord, "id" | "key">} record
 * @param {import("../basics/crypto.js").Identity} identity
 * @returns {Promise<Record<string, any>>} the document to write into the hub, without a revision
 */
async function signShare(record, identity) {
  if (byteLength(record.name) > limits.name) throw new RangeError(`A name has at most ${limits.name} bytes.`);
  if (!isInfo(record.info)) throw new RangeError(`An info has at most ${limits.info} bytes of JSON.`);
  if (!isGate(record.gate) || !ACCESS.includes(record.access)) throw new RangeError("There is no such gate or access.");
  const id = await shareID(identity.bytes, record.salt);
  const bytes = encodedRecord({ ...record, id, key: identity.bytes });
  const signature = await sign(identity, join("pp1 record", bytes));
  return {
    _id: id, type: SHARE_TYPE, name: record.name, info: record.info,
    peerpouch: { v: 1, r: base64url(bytes), g: base64url(signature) },
  };
}

/**
 * Which record of a share holds: the highest that was ever seen. A hub can hold back a newer one, but never bring back an
 * older one.
 */
class RecordMemory {
  /** @type {Map<string, number>} the one not met for longest first */
  #highest = new Map();

  /**
   * The record that holds among the leaves of a share's document.
   * @param {unknown[]} leaves
   * @param {string} id
   * @returns {Promise<ShareRecord>}
   * @throws {Rejection}
   */
  async choose(leaves, id) {
    /** @type {{ record: ShareRecord, bytes: Bytes } | undefined} */
    let chosen;
    let rejection = new Rejection("form", "leaves");
    let isFirst = true;
    for (const leaf of leaves) {
      try {
        const read = await readShare(leaf);
        if (read.record.id !== id) throw new Rejection("id");
        if (!chosen || isReplaced(chosen, read)) chosen = read;
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        if (isFirst) rejection = error;
        isFirst = false;
      }
    }
    if (!chosen) throw rejection;
    if (chosen.record.n < (this.#highest.get(id) ?? 1)) throw new Rejection("number");
    this.#highest.delete(id);
    this.#highest.set(id, chosen.record.n);
    if (this.#highest.size > limits.rememberedShares) {
      const [oldest] = this.#highest.keys();
      this.#highest.delete(oldest);
    }
    return chosen.record;
  }
}

/** @typedef {{ record: ShareRecord, bytes: Bytes }} Signed @type {(one: Signed, other: Signed) => boolean} */
function isReplaced(one, other) {
  if (one.record.n !== other.record.n) return one.record.n < other.record.n;
  if (equal(one.bytes, other.bytes)) return false;
  const place = one.bytes.findIndex((byte, index) => byte !== other.bytes[index]);
  return place >= 0 ? one.bytes[place] < (other.bytes[place] ?? -1) : one.bytes.length < other.bytes.length;
}

// MARK: Addresses

/**
 * Whether a text may be the name of a hub in addresses and tickets: short, without control characters, and without a user
 * or password.
 * @param {string} hub
 */
function isHubName(hub) {
  if (hub === "" || byteLength(hub) > limits.hub || /[\0-\x1f\x7f-\x9f]|\p{Surrogate}/u.test(hub)) return false;
  const start = hub.indexOf("://");
  return start < 0 || !/^[^/?#\\]*@/.test(hub.slice(start + 3));
}

/** `webrtc://<hub>/<share>` @param {string} hub @param {string} share */
const shareAddress = (hub, share) => `webrtc://${encodeURIComponent(hub)}/${encodeURIComponent(share)}`;

/** @param {unknown} address @returns {{ hub: string, share: string } | null} */
function readAddress(address) {
  const match = typeof address === "string" ? /^webrtc:\/\/([^/]*)\/([^/]*)$/.exec(address) : null;
  if (!match) return null;
  try {
    const [hub, share] = match.slice(1).map(decodeURIComponent);
    return isHubName(hub) && shareUUID(share) ? { hub, share } : null;
  } catch {
    return null;
  }
}

// MARK: - peers/hub-databases.js

// The databases that serve as hubs, and how they are asked: by HTTP, or as a PouchDB.


/** @typedef {Record<string, any>} Doc */

/** An answer of a hub that says no. */
class HubError extends Error {
  /** @param {number} status @param {string} name @param {string} reason */
  constructor(status, name, reason) {
    super(reason || name);
    this.name = name || "HubError";
    this.status = status;
  }
}

/** Whether trying again may help. @param {unknown} error */
const isTransient = (error) => !(error instanceof HubError) || error.status >= 500 || error.status === 429 || error.status === 408;

/**
 * How a hub is asked. Both kinds below do the same.
 * @typedef {object} HubDatabase
 * @property {(id: string) => Promise<Doc[]>} leaves all leaves of a document that are not deleted; none if it is missing
 * @property {(document: Doc) => Promise<{ rev: string }>} put
 * @property {(documents: Doc[]) => Promise<any[]>} bulk
 * @property {(document: Doc) => Promise<any>} last writes a document of a page that is being left
 * @property {(prefix: string) => Promise<{ id: string, leaves: Doc[] }[]>} list the documents whose ids begin so
 * @property {() => Promise<string | number>} position
 * @property {(since: string | number, wanted: Wanted, signal: AbortSignal) => Promise<{ changes: Change[], position: string | number }>} changes waits for some
 * @property {() => number} date seconds since 1970 by the hub's clock
 * @property {() => boolean} knowsDate whether that is the hub's own, rather than this machine's
 *
 * @typedef {{ id: string, deleted?: boolean, doc?: Doc }} Change
 * @typedef {{ recipients: string[], ids: string[], shares: boolean }} Wanted what somebody waits for
 */

/** The end of the range of share documents: the next text after their prefix. */
const SHARES = { _id: { $gte: "share-", $lt: "share." } };

/** How often a feed shows that it lives, and how long it may be silent before it is taken for dead, in milliseconds. */
const HEARTBEAT = 25_000;
const SILENCE = 2 * HEARTBEAT + 10_000;
/** How long any other request may take, in milliseconds. */
const LONGEST_ANSWER = 60_000;

/** Nothing was heard of a hub for too long. */
class SilentHub extends Error {
  constructor() {
    super("The hub does not answer.");
  }
}

/** Ends a request of which nothing was heard for too long: a connection that a router forgot does not end by itself. */
class Watch {
  #ending = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #abort;

  /** @param {AbortSignal | undefined} signal that ends it, too @param {number} silence in milliseconds */
  constructor(signal, silence) {
    this.silence = silence;
    this.outer = signal;
    this.#abort = () => this.#ending.abort(signal?.reason);
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (signal?.aborted) this.#abort();
    this.#heard();
  }

  get signal() {
    return this.#ending.signal;
  }

  #heard() {
    clearTimeout(this.#timer);
    if (this.silence === Infinity) return;
    this.#timer = setTimeout(() => this.#ending.abort(new SilentHub()), this.silence);
  }

  /** The body of an answer. @param {Response} response */
  async text(response) {
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
      this.#heard();
      text += decoder.decode(step.value, { stream: true });
    }
    return text + decoder.decode();
  }

  end() {
    clearTimeout(this.#timer);
    this.outer?.removeEventListener("abort", this.#abort);
  }
}

/** A hub over HTTP. @implements {HubDatabase} */
class HTTPHub {
  /** @type {{ date: number, at: number } | null} what the latest answer said */
  #date = null;

  /**
   * @param {(path: string, init?: RequestInit) => Promise<Response>} fetch of paths below the database, such as `_changes`
   * @param {{ silence?: number }} [options] how long a feed may be silent, in milliseconds; for ever if somebody else looks after it
   */
  constructor(fetch, { silence = SILENCE } = {}) {
    this.fetch = fetch;
    this.silence = silence;
  }

  knowsDate() {
    return this.#date !== null;
  }

  date() {
    const now = performance.now();
    return this.#date ? this.#date.date + Math.floor((now - this.#date.at) / 1000) : Math.floor(Date.now() / 1000);
  }

  /** @param {string} path @param {{ method?: string, body?: unknown, signal?: AbortSignal, keepalive?: boolean }} [request] @returns {Promise<any>} */
  async #ask(path, { method = "GET", body, signal, keepalive = false } = {}) {
    const watch = new Watch(signal, signal ? this.silence : LONGEST_ANSWER);
    try {
      const response = await this.fetch(path, {
        method, signal: watch.signal, keepalive, cache: "no-store", headers: { accept: "application/json", "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const date = Date.parse(response.headers.get("date") ?? "");
      if (Number.isFinite(date)) this.#date = { date: Math.floor(date / 1000), at: performance.now() };
      const text = await watch.text(response);
      let answer;
      try {
        answer = JSON.parse(text);
      } catch (error) {
        if (response.ok) throw error;
        answer = {};
      }
      if (!response.ok) throw new HubError(response.status, String(answer?.error ?? ""), String(answer?.reason ?? ""));
      return answer;
    } finally {
      watch.end();
    }
  }

  /** @param {string} id */
  async leaves(id) {
    try {
      const answers = await this.#ask(`${encodeURIComponent(id)}?open_revs=all`);
      return answers.map((/** @type {any} */ { ok }) => ok).filter((/** @type {any} */ leaf) => leaf && !leaf._deleted);
    } catch (error) {
      if (error instanceof HubError && error.status === 404 && error.message !== "no_db_file" && error.message !== "Database does not exist.") return [];
      throw error;
    }
  }

  /** @param {Doc} document */
  put(document) {
    return this.#ask(encodeURIComponent(document._id), { method: "PUT", body: document });
  }

  /** @param {Doc[]} documents */
  bulk(documents) {
    return this.#ask("_bulk_docs", { method: "POST", body: { docs: documents } });
  }

  /** @param {Doc} document */
  last(document) {
    return this.#ask("_bulk_docs", { method: "POST", body: { docs: [document] }, keepalive: true });
  }

  /** @param {string} prefix ends in a hyphen */
  async list(prefix) {
    const range = { startkey: prefix, endkey: `${prefix.slice(0, -1)}.`, inclusive_end: false, include_docs: true, conflicts: true };
    const query = Object.entries(range).map(([name, value]) => `${name}=${encodeURIComponent(JSON.stringify(value))}`).join("&");
    const { rows } = await this.#ask(`_all_docs?${query}`);
    return Promise.all(rows.filter((/** @type {any} */ { doc }) => doc).map(async (/** @type {any} */ { id, doc }) =>
      ({ id, leaves: doc._conflicts ? await this.leaves(id) : [doc] })));
  }

  async position() {
    return (await this.#ask("")).update_seq;
  }

  /** @param {string | number} since @param {Wanted} wanted @param {AbortSignal} signal */
  async changes(since, { recipients, ids, shares }, signal) {
    const parts = [
      ...(recipients.length > 0 ? [{ recipient: recipients.length > 1 ? { $in: recipients } : recipients[0] }] : []),
      ...(shares ? [SHARES] : ids.length > 0 ? [{ _id: { $in: ids } }] : []),
    ];
    const selector = parts.length === 1 ? parts[0] : { $or: parts };
    const query = `feed=longpoll&filter=_selector&include_docs=true&conflicts=true&heartbeat=${HEARTBEAT}&since=${encodeURIComponent(String(since))}`;
    try {
      const { results, last_seq: position } = await this.#ask(`_changes?${query}`, { method: "POST", body: { selector }, signal });
      return { changes: results, position };
    } catch (error) {
      // The way was lost without a word, or somebody on it keeps back what shows that the hub lives: it is asked anew.
      if (error instanceof SilentHub) return { changes: [], position: since };
      throw error;
    }
  }
}

/** A hub that is a PouchDB of another kind: in this browser, or a peer's. @implements {HubDatabase} */
class PouchHub {
  /** @param {any} pouch */
  constructor(pouch) {
    this.pouch = pouch;
  }

  knowsDate() {
    return false;
  }

  date() {
    return Math.floor(Date.now() / 1000);
  }

  /** @param {string} id */
  async leaves(id) {
    try {
      const answers = await this.pouch.get(id, { open_revs: "all" });
      return answers.map((/** @type {any} */ { ok }) => ok).filter((/** @type {any} */ leaf) => leaf && !leaf._deleted);
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) return [];
      throw hubError(error);
    }
  }

  /** @param {Doc} document */
  put(document) {
    return this.pouch.put(document).catch((/** @type {unknown} */ error) => { throw hubError(error); });
  }

  /** @param {Doc[]} documents */
  bulk(documents) {
    return this.pouch.bulkDocs(documents);
  }

  /** @param {Doc} document */
  last(document) {
    return this.bulk([document]);
  }

  /** @param {string} prefix */
  async list(prefix) {
    const { rows } = await this.pouch.allDocs({ startkey: prefix, endkey: `${prefix.slice(0, -1)}.`, inclusive_end: false, include_docs: true, conflicts: true });
    return Promise.all(rows.map(async (/** @type {any} */ { id, doc }) => ({ id, leaves: doc._conflicts ? await this.leaves(id) : [doc] })));
  }

  async position() {
    return (await this.pouch.info()).update_seq;
  }

  /** @param {string | number} since @param {Wanted} wanted @param {AbortSignal} signal @returns {Promise<{ changes: Change[], position: string | number }>} */
  changes(since, { recipients, ids, shares }, signal) {
    return new Promise((resolve, reject) => {
      const feed = this.pouch.changes({ since, live: true, include_docs: true, conflicts: true });
      const stop = () => feed.cancel();
      signal.addEventListener("abort", stop, { once: true });
      feed.on("change", (/** @type {any} */ change) => {
        since = change.seq;
        const isWanted = recipients.includes(change.doc?.recipient) || ids.includes(change.id) || (shares && /^share-/.test(change.id));
        if (!isWanted) return;
        feed.cancel();
        resolve({ changes: [change], position: change.seq });
      });
      const end = (/** @type {any} */ error) => {
        signal.removeEventListener("abort", stop);
        reject(error instanceof Error ? hubError(error) : new Error("The feed has ended."));
      };
      feed.on("error", end);
      feed.on("complete", end);
    });
  }
}

/** @param {unknown} error */
function hubError(error) {
  const { status, name, reason, message } = /** @type {any} */ (error);
  return typeof status === "number" && status >= 400 ? new HubError(status, name, reason ?? message) : error;
}

/** The name of a hub in addresses: its URL without a user and password. @param {string} url @throws {RangeError} */
function hubName(url) {
  let name = url;
  if (/^https?:/i.test(url)) {
    const parsed = new URL(url);
    parsed.username = "";
    parsed.password = "";
    parsed.hash = "";
    name = parsed.href.replace(/\/$/, "");
  }
  if (!isHubName(name)) throw new RangeError("This cannot be the name of a hub.");
  return name;
}

// MARK: - trust/tickets.js

// Tickets: a secret that lets its first holder into a share, and where the share is.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {{ share: string, hub: string, secret: Bytes }} Ticket */

const PREFIX = "pp1-";
const LONGEST = PREFIX.length + Math.floor(((35 + limits.hub + 4) * 8 + 4) / 5);

/** Why a text is no ticket: `problem` is form, checksum or contents. */
class TicketProblem extends Error {
  /** @param {"form" | "checksum" | "contents"} problem */
  constructor(problem) {
    super(problem === "checksum" ? "The ticket was mistyped or cut off." : "This is no ticket.");
    this.name = "TicketProblem";
    this.problem = problem;
  }
}

/** A new ticket. @param {string} share @param {string} hub @returns {Ticket} */
const makeTicket = (share, hub) => ({ share, hub, secret: randomBytes(16) });

/** @param {Ticket} ticket */
async function ticketText({ share, hub, secret }) {
  const name = utf8(hub);
  const payload = concat(
    Uint8Array.of(1), shareUUID(share) ?? new Uint8Array(), secret, Uint8Array.of(name.length >> 8, name.length & 0xff), name);
  return PREFIX + base32(concat(payload, (await hash(payload)).subarray(0, 4)));
}

/**
 * Reads what somebody typed or pasted.
 * @param {string} value
 * @returns {Promise<Ticket>}
 * @throws {TicketProblem}
 */
async function readTicket(value) {
  const plain = typed(value);
  const bytes = plain && plain.length <= LONGEST && plain.startsWith(PREFIX) ? fromBase32(plain.slice(PREFIX.length)) : null;
  if (!bytes) throw new TicketProblem("form");
  const payload = bytes.slice(0, -4);
  if (bytes.length <= 4 || !equal((await hash(payload)).subarray(0, 4), bytes.subarray(-4))) {
    throw new TicketProblem("checksum");
  }
  const uuid = payload.slice(1, 17);
  if (payload.length <= 35 || payload[0] !== 1 || payload.length !== 35 + (payload[33] << 8 | payload[34]) || !isUUID(uuid, 8)) {
    throw new TicketProblem("contents");
  }
  let hub;
  try {
    hub = text(payload.subarray(35));
  } catch {
    throw new TicketProblem("contents");
  }
  if (!isHubName(hub)) throw new TicketProblem("contents");
  return { share: "share-" + uuidText(uuid), hub, secret: payload.slice(17, 33) };
}

/** Which share a text is a ticket to, if it is one, without looking closer. @param {string} value @returns {string | null} */
function ticketShare(value) {
  const bytes = fromBase32(typed(value)?.slice(PREFIX.length));
  return bytes && bytes.length > 35 ? "share-" + uuidText(bytes.subarray(1, 17)) : null;
}

/** What a ticket is known by, and what it proves itself with. @typedef {{ id: Bytes, key: Bytes }} TicketKeys */

/** `tid` and `kT`. @param {Ticket} ticket @returns {Promise<TicketKeys>} */
async function ticketKeys({ share, secret }) {
  const uuid = shareUUID(share) ?? new Uint8Array();
  return {
    id: await derive(secret, uuid, "pp1 ticket id", 16),
    key: await derive(secret, uuid, "pp1 ticket key", 32),
  };
}

/**
 * What an opener shows of a ticket: its id, a code, and what the code is over.
 * @typedef {{ id: Bytes, code: Bytes, message: Bytes }} TicketProof
 */

/** @param {TicketKeys} keys @param {Bytes} message @returns {Promise<TicketProof>} */
const proveTicket = async (keys, message) => ({ id: keys.id, code: await authenticate(keys.key, message), message });

/** What the code of an offer is over. @param {Bytes} owner @param {Bytes} transcript */
const ticketMessage = (owner, transcript) => join("pp1 ticket", owner, transcript);

/**
 * The tickets of a share: which are good, and who redeemed them. A ticket belongs to the first key that redeems it.
 * @typedef {"none" | "good" | "wrong" | "expired" | "claimed"} TicketVerdict
 */
class TicketBook {
  /** @type {Map<string, { keys: TicketKeys, ticket: Ticket, text: string, expiry: number, claimant: string | null }>} by id */
  entries = new Map();
  /** Those that were revoked, too. @type {Set<string>} */
  #texts = new Set();

  /**
   * Takes up a ticket.
   * @param {Ticket} ticket
   * @param {number} expiry when it ends, in milliseconds by the caller's clock; `Infinity` if it never does
   * @param {number} now
   * @param {string | null} claimant the fingerprint of who redeemed it
   * @returns {Promise<string>} its text
   */
  async add(ticket, expiry, now, claimant = null) {
    const [keys, text] = await Promise.all([ticketKeys(ticket), ticketText(ticket)]);
    if (this.entries.size >= limits.tickets) {
      for (const [id, entry] of this.entries) if (now >= entry.expiry) this.entries.delete(id);
    }
    if (this.entries.size >= limits.tickets) throw new RangeError(`A share has at most ${limits.tickets} tickets.`);
    this.entries.set(base64url(keys.id), { keys, ticket, text, expiry, claimant });
    this.#texts.add(text);
    return text;
  }

  /** Whether a ticket is, or was, one of these. @param {string} text */
  isKnown(text) {
    return this.#texts.has(text);
  }

  /**
   * What a proof is worth, shown by the identity of a fingerprint.
   * @param {TicketProof | null} proof @param {string} fingerprint @param {number} now
   * @returns {Promise<TicketVerdict>}
   */
  async verdict(proof, fingerprint, now) {
    if (!proof) return "none";
    const entry = this.entries.get(base64url(proof.id));
    if (!entry || !(await isAuthentic(entry.keys.key, proof.message, proof.code))) return "wrong";
    // Read after the wait: what is decided here is acted on in the same step.
    if (now >= entry.expiry || !this.entries.has(base64url(proof.id))) return "expired";
    return entry.claimant !== null && entry.claimant !== fingerprint ? "claimed" : "good";
  }

  /**
   * Gives a good ticket to whom it is to let in.
   * @param {TicketProof} proof @param {string} fingerprint
   * @returns {boolean} whether it is theirs: somebody else may have been faster since the verdict
   */
  claim(proof, fingerprint) {
    const entry = this.entries.get(base64url(proof.id));
    if (!entry) return false;
    entry.claimant ??= fingerprint;
    return entry.claimant === fingerprint;
  }

  /** Revokes what an identity redeemed. @param {string} fingerprint */
  forget(fingerprint) {
    for (const [id, entry] of this.entries) if (entry.claimant === fingerprint) this.entries.delete(id);
  }
}

// MARK: - tunnel/byte-queue.js

// Bytes that came and were not read yet.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** The size of chunks for small parts, in bytes: many times what a chunk takes besides. */
const SMALLEST_CHUNK = 1024;

/**
 * Bytes that came, copied into chunks: what is held is as much as came, however small the parts that it came in.
 */
class ByteQueue {
  constructor() {
    this.length = 0;
    /** @type {Bytes[]} full ones */
    this.full = [];
    /** @type {Bytes} */
    this.last = new Uint8Array();
    this.used = 0;
  }

  /** @param {Bytes} bytes */
  push(bytes) {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.used === this.last.length) {
        if (this.used > 0) this.full.push(this.last);
        this.last = new Uint8Array(Math.max(rest.length, SMALLEST_CHUNK));
        this.used = 0;
      }
      const part = rest.subarray(0, this.last.length - this.used);
      this.last.set(part, this.used);
      this.used += part.length;
      rest = rest.subarray(part.length);
    }
    this.length += bytes.length;
  }

  /** Takes all of them. @returns {Bytes} */
  take() {
    const all = joined([...this.full, this.last.subarray(0, this.used)]);
    this.length = 0;
    this.full = [];
    this.last = new Uint8Array();
    this.used = 0;
    return all;
  }
}

// MARK: - tunnel/bodies.js

// The bodies of requests and responses as they go through the tunnel.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./exchanges.js").IncomingRequest} IncomingRequest */
/** @typedef {Bytes | Blob | AsyncIterable<Bytes> | null} Body */

/** How many bytes of a file are read at a time. */
const PIECE = 256 * 1024;

/** The bytes of a body piece by piece. @param {Body} body @returns {AsyncGenerator<Bytes>} */
async function* pieces(body) {
  if (body === null) return;
  if (body instanceof Uint8Array) {
    if (body.length > 0) yield body;
  } else if (body instanceof Blob) {
    for (let offset = 0; offset < body.size; offset += PIECE) {
      yield new Uint8Array(await body.slice(offset, offset + PIECE).arrayBuffer());
    }
  } else {
    yield* body;
  }
}

/** How long a body is; `null` if it is not known. @param {Body} body @returns {number | null} */
function lengthOf(body) {
  if (body === null) return 0;
  if (body instanceof Blob) return body.size;
  return body instanceof Uint8Array ? body.length : null;
}

/** Ends a body that nobody reads: it must not go on. @param {Body} body */
async function abandon(body) {
  if (body && "return" in body) await /** @type {any} */ (body).return();
}

/**
 * All bytes of a request's body.
 * @param {IncomingRequest} request
 * @param {number} limit
 * @returns {Promise<Bytes | null>} `null` if there are more than the limit
 */
async function collect({ body, length }, limit) {
  if (length !== null && length > limit) return null;
  const bytes = new ByteQueue();
  for await (const piece of body) {
    if (bytes.length + piece.length > limit) return null;
    bytes.push(piece);
  }
  return bytes.take();
}

// MARK: - tunnel/exchanges.js

// Requests with their responses while they are under way, on either side.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./machine.js").TunnelMachine} TunnelMachine */

/** Why a request had no answer. `code`: unreachable (it was not looked at), failed, timeout, aborted. */
class TunnelError extends Error {
  /** @param {"unreachable" | "failed" | "timeout" | "aborted"} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "TunnelError";
    this.code = code;
  }
}

/**
 * @typedef {object} TunnelRequest
 * @property {string} method
 * @property {string} target path and query
 * @property {[string, string][]} headers
 * @property {Blob | Bytes | null} body
 * @property {AbortSignal | null} [signal]
 * @property {((sent: number) => void) | null} [progress] is told how many bytes of the body went into the connection
 *
 * @typedef {object} IncomingRequest what a handler gets
 * @property {string} method
 * @property {string} target
 * @property {Map<string, string>} headers
 * @property {number | null} length of the body; `null` if it is not known
 * @property {AsyncGenerator<Bytes>} body to be read once, or not at all
 * @property {AbortSignal} signal aborted when nobody waits for the answer any more
 *
 * @typedef {object} OutgoingResponse
 * @property {number} status
 * @property {[string, string][]} headers
 * @property {Bytes | Blob | AsyncIterable<Bytes> | null} body
 * @property {number | null} [length] of an iterable body; `null` if it is not known
 */

/** One exchange: who waits for what of it. */
class Exchange {
  constructor() {
    /** @type {Error | null} */
    this.failure = null;
    /** @type {(() => void)[]} those who wait for anything to change */
    this.waiting = [];
    this.isUnwanted = false;
    this.isAnswered = false;
    /** @type {((head: import("./frames.js").ResponseHead) => void) | null} */
    this.onAnswer = null;
    /** Whether all of the answer has come. */
    this.isComplete = false;
    /** Whether it is so small that it is taken as it comes. */
    this.isSmall = false;
    /** What was taken of it, and not read yet. @type {Bytes[]} */
    this.held = [];
    /** Told when all of it has come. */
    this.completed = () => {};
    this.abort = new AbortController();
  }

  /** @param {import("./frames.js").ResponseHead} head */
  answer(head) {
    this.isAnswered = true;
    this.isSmall = head.length !== null && head.length <= tunnelLimits.streamCredit;
    this.onAnswer?.(head);
  }

  change() {
    const { waiting } = this;
    this.waiting = [];
    for (const wake of waiting) wake();
  }

  /** @returns {Promise<void>} */
  changed() {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** @param {Error} error */
  fail(error) {
    this.failure ??= error;
    this.abort.abort(this.failure);
    this.change();
  }
}

class ExchangeTable {
  /** @type {Map<number, Exchange>} by stream */
  #exchanges = new Map();

  /** @param {TunnelMachine} machine @param {() => void} send sends what the machine has to say */
  constructor(machine, send) {
    this.machine = machine;
    this.send = send;
  }

  /** Begins one. @param {number} number */
  begin(number) {
    const exchange = new Exchange();
    this.#exchanges.set(number, exchange);
    return exchange;
  }

  /** @param {number} number */
  get(number) {
    return this.#exchanges.get(number);
  }

  /** How many are under way. */
  get count() {
    return this.#exchanges.size;
  }

  /** @param {number} number */
  delete(number) {
    this.#exchanges.delete(number);
  }

  /** @param {number} number @param {Error} error */
  fail(number, error) {
    this.#exchanges.get(number)?.fail(error);
    this.#exchanges.delete(number);
  }

  /** Fails all but those whose answer is complete: that can be read on. @param {Error} error */
  failAll(error) {
    for (const exchange of this.#exchanges.values()) {
      if (!exchange.isComplete) exchange.fail(error);
      exchange.isUnwanted = true;
      exchange.change();
    }
    this.#exchanges.clear();
  }

  /**
   * Notes that there is something to read. Small answers are taken as they come, and what is left of others once all of it is
   * there, so that those that nobody reads keep no credit from the rest.
   * @param {number} number
   */
  readable(number) {
    const exchange = this.#exchanges.get(number);
    if (!exchange) return;
    const isComplete = this.machine.isReceived(number);
    if (exchange.isAnswered && (isComplete || exchange.isSmall)) {
      const bytes = this.machine.read(number, performance.now());
      if (typeof bytes !== "string") exchange.held.push(bytes);
      exchange.isComplete = isComplete;
      if (isComplete) {
        // The stream ends when that was read, too.
        this.machine.read(number, performance.now());
        exchange.completed();
      }
    }
    exchange.change();
  }

  /** The next bytes of a body; `null` at its end. @param {number} number @param {Exchange} exchange @returns {Promise<Bytes | null>} */
  async read(number, exchange) {
    while (true) {
      if (exchange.failure) throw exchange.failure;
      if (exchange.held.length > 0) return joined(exchange.held.splice(0));
      if (exchange.isComplete) return null;
      const bytes = this.machine.read(number, performance.now());
      if (bytes !== "nothing") {
        // Credit for what was read.
        this.send();
        return bytes === "end" ? null : bytes;
      }
      await exchange.changed();
    }
  }

  /** Sends a body as the peer takes it. @param {number} number @param {Exchange} exchange @param {import("./bodies.js").Body} body @param {number | null} length @param {((sent: number) => void) | null} progress */
  async pump(number, exchange, body, length, progress = null) {
    let sent = 0;
    for await (const piece of pieces(body)) {
      sent += piece.length;
      if (length !== null && sent > length) throw new TunnelError("failed", "A body is longer than was said.");
      while (true) {
        if (exchange.failure) return;
        const unsent = this.machine.unsent(number);
        if (unsent === null || exchange.isUnwanted) return;
        if (unsent < tunnelLimits.unsentStream) break;
        await exchange.changed();
      }
      this.machine.write(number, piece, performance.now());
      this.send();
      progress?.(sent);
    }
    if (length !== null && sent !== length) throw new TunnelError("failed", "A body is shorter than was said.");
    this.machine.finish(number);
    this.send();
  }

  /** Ends one before its time. @param {number} number @param {Error} error @param {number} code what the peer is told */
  cancel(number, error, code) {
    this.fail(number, error);
    this.machine.cancel(number, code, "", performance.now());
    this.send();
  }
}

// MARK: - trust/descriptions.js

// What one side says of its connection, checked field by field. Session descriptions are built from these fields only: no
// SDP of a peer is ever read.


/**
 * @typedef {object} Description
 * @property {string} ufrag
 * @property {string} pwd
 * @property {import("../basics/encoding.js").Bytes} fingerprint SHA-256 of the certificate
 * @property {string[]} candidates
 */

const ICE = /^[A-Za-z0-9+/]+$/;

/** @param {unknown} value @param {number} least */
const isCredential = (value, least) =>
  typeof value === "string" && value.length >= least && value.length <= limits.iceCredential && ICE.test(value);

/**
 * The members of a description in a signal.
 * @param {Description} description
 */
const descriptionMembers = ({ ufrag, pwd, fingerprint, candidates }) =>
  ({ ice: { ufrag, pwd }, fp: base64url(fingerprint), cands: candidates });

/** @param {Record<string, any>} json @returns {Description} @throws {Rejection} body */
function readDescription(json) {
  if (!isObject(json.ice) || !isCredential(json.ice.ufrag, 4)) throw new Rejection("body", "ufrag");
  if (!isCredential(json.ice.pwd, 22)) throw new Rejection("body", "pwd");
  const fingerprint = fromBase64url(json.fp);
  if (fingerprint?.length !== 32) throw new Rejection("body", "fp");
  return { ufrag: json.ice.ufrag, pwd: json.ice.pwd, fingerprint, candidates: readCandidates(json) };
}

/** @param {Record<string, any>} json @returns {string[]} @throws {Rejection} body */
function readCandidates(json) {
  const { cands } = json;
  if (!Array.isArray(cands) || cands.length > limits.candidates || !cands.every(isCandidate)) throw new Rejection("body", "cands");
  return cands;
}

/** @param {string} value @param {number} most */
const isNumber = (value, most) => /^\d{1,10}$/.test(value) && Number(value) <= most;

/**
 * Whether a text is a candidate (RFC 8839, section 5.1), without anything that a session description could take for
 * something of its own.
 * @param {unknown} candidate
 */
function isCandidate(candidate) {
  if (typeof candidate !== "string" || candidate.length > limits.candidate || !/^[\x20-\x7e]*$/.test(candidate)) return false;
  const words = candidate.split(" ");
  if (words.length < 8 || words.length % 2 !== 0 || words.includes("")) return false;
  const [foundation, component, transport, priority, address, port, typ, kind] = words;
  return /^candidate:[A-Za-z0-9+/]{1,32}$/.test(foundation)
    && isNumber(component, 256) && Number(component) >= 1
    && /^(udp|tcp)$/i.test(transport)
    && isNumber(priority, 2 ** 31 - 1) && Number(priority) >= 1
    && isAddress(address)
    && isNumber(port, 65535) && Number(port) >= 1
    && typ === "typ" && ["host", "srflx", "prflx", "relay"].includes(kind)
    && words.slice(8).every((word, index, rest) => {
      const name = rest[index - 1];
      if (index % 2 === 0) return true;
      return name === "raddr" ? isAddress(word) : name === "rport" ? isNumber(word, 65535) : true;
    });
}

/** @param {string} value an IPv4 or IPv6 address, or a name of multicast DNS */
const isAddress = (value) => (value.includes(":") ? isVersion6(value) : isVersion4(value)) || isLocalName(value);

/** @param {string} value */
const isVersion4 = (value) => {
  const numbers = value.split(".");
  return numbers.length === 4 && numbers.every((number) => /^(0|[1-9]\d{0,2})$/.test(number) && Number(number) <= 255);
};

/** @param {string} value */
function isVersion6(value) {
  if (value.length > 45) return false;
  const gap = value.indexOf("::");
  if (gap < 0) return groups(value, true) === 8;
  const [before, after] = [value.slice(0, gap), value.slice(gap + 2)];
  const first = before === "" ? 0 : groups(before, false);
  const last = after === "" ? 0 : groups(after, true);
  return first !== null && last !== null && first + last <= 7;
}

/** How many groups of 16 bits there are. @param {string} value @param {boolean} mayEndInVersion4 */
function groups(value, mayEndInVersion4) {
  const parts = value.split(":");
  let count = 0;
  for (const [index, part] of parts.entries()) {
    if (mayEndInVersion4 && index === parts.length - 1 && part.includes(".")) {
      if (!isVersion4(part)) return null;
      count += 2;
    } else {
      if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return null;
      count += 1;
    }
  }
  return count;
}

/** @param {string} value */
const isLocalName = (value) => value.length <= 255 && /^([A-Za-z0-9-]{1,63}\.)+local$/.test(value);

// MARK: Session descriptions

/**
 * The session description that the other side would have sent.
 * @param {"offer" | "answer"} type
 * @param {Description} description
 * @param {string} mid of the one section
 * @returns {RTCSessionDescriptionInit}
 */
function sessionDescription(type, description, mid = "0") {
  const digits = Array.from(description.fingerprint, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
  const lines = [
    "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", `a=group:BUNDLE ${mid}`,
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", `a=mid:${mid}`,
    `a=ice-ufrag:${description.ufrag}`, `a=ice-pwd:${description.pwd}`, "a=ice-options:trickle",
    `a=fingerprint:sha-256 ${digits}`, `a=setup:${type === "offer" ? "actpass" : "active"}`,
    "a=sctp-port:5000", "a=max-message-size:262144", ...description.candidates.map((candidate) => `a=${candidate}`),
  ];
  return { type, sdp: lines.map((line) => `${line}\r\n`).join("") };
}

/**
 * What the browser says of its own side.
 * @param {string} sdp of its own local description
 * @returns {{ ufrag: string, pwd: string, fingerprint: import("../basics/encoding.js").Bytes, mid: string }}
 */
function ownDescription(sdp) {
  /** @param {RegExp} pattern */
  const find = (pattern) => {
    const match = pattern.exec(sdp);
    if (!match) throw new Error("The browser does not describe its connection.");
    return match[1].trim();
  };
  const digits = find(/^a=fingerprint:sha-256 ([0-9A-F:]+)/im);
  return {
    ufrag: find(/^a=ice-ufrag:(.*)$/m), pwd: find(/^a=ice-pwd:(.*)$/m), mid: find(/^a=mid:(.*)$/m),
    fingerprint: Uint8Array.from(digits.split(":"), (byte) => parseInt(byte, 16)),
  };
}

// MARK: - trust/signals.js

// Signals: what goes between two peers by way of a hub. Offers, answers and further candidates, each sealed and signed.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("../basics/crypto.js").Identity} Identity */
/** @typedef {import("../basics/crypto.js").EphemeralKey} EphemeralKey */
/** @typedef {import("./descriptions.js").Description} Description */
/** @typedef {"sharer" | "opener"} Role */

const SIGNAL_TYPE = "com.stemstorage.peerpouch.signal";
const SIGNAL_PREFIX = { opener: "p-signal-", sharer: "s-signal-" };
const DIRECTION = { opener: "OS", sharer: "SO" };
/** @param {Role} role @returns {Role} */
const otherRole = (role) => (role === "sharer" ? "opener" : "sharer");

/**
 * A signal as it was read; nothing of it is verified.
 * @typedef {{ role: Role, sender: string, recipient: string, header: Bytes, sealed: Bytes }} Signal
 */

/** @param {unknown} document @returns {Signal} @throws {Rejection} size or form */
function readSignal(document) {
  const { h, c } = ownPart(document, limits.signal, SIGNAL_TYPE);
  const { _id, sender, recipient } = /** @type {any} */ (document);
  const role = /** @type {Role[]} */ (["sharer", "opener"]).find((each) => typeof _id === "string" && _id.startsWith(SIGNAL_PREFIX[each]));
  if (!role || !fromUUIDText(_id.slice(SIGNAL_PREFIX[role].length))) throw new Rejection("form", "_id");
  for (const end of [sender, recipient]) {
    if (typeof end !== "string" || byteLength(end) > 64) throw new Rejection("form", "sender");
  }
  const [header, sealed] = [fromBase64url(h), fromBase64url(c)];
  if (!header || !sealed) throw new Rejection("form", "h");
  return { role, sender, recipient, header, sealed };
}

/** What a signal says it is for. @param {Signal} signal @returns {"offer" | "answer" | "more" | null} */
function signalKind({ header }) {
  for (const kind of /** @type {const} */ (["offer", "answer", "more"])) {
    const label = join(`pp1 ${kind}`);
    if (equal(header.subarray(0, label.length), label)) return kind;
  }
  return null;
}

/**
 * @param {Role} role @param {string} share @param {Bytes} sid @param {Bytes} header @param {Bytes} sealed
 * @throws {RangeError} if the document would be too large to be read
 */
function signalDocument(role, share, sid, header, sealed) {
  const ends = [base64url(sid), share];
  const [sender, recipient] = role === "opener" ? ends : ends.reverse();
  const document = {
    _id: SIGNAL_PREFIX[role] + randomUUID(), type: SIGNAL_TYPE, sender, recipient, data: null, info: {},
    peerpouch: { v: 1, h: base64url(header), c: base64url(sealed) },
  };
  if (documentSize(document) > limits.signal) throw new RangeError("The signal is too large.");
  return document;
}

/** Whether a signal goes between a session and a share. @param {Signal} signal @param {Bytes} sid @param {string} share */
function isBetween({ role, sender, recipient }, sid, share) {
  const ends = role === "opener" ? [sender, recipient] : [recipient, sender];
  return ends[0] === base64url(sid) && ends[1] === share;
}

// MARK: Headers

/** @param {Bytes} header @returns {Promise<{ share: string, epoch: Bytes, key: Bytes, sid: Bytes }>} @throws {Rejection} form */
async function readOfferHeader(header) {
  const parts = split(header, 5);
  if (!parts || !equal(parts[0], utf8("pp1 offer"))) throw new Rejection("form", "h");
  const [, id, epoch, key, sid] = parts;
  let share;
  try {
    share = text(id);
  } catch {
    throw new Rejection("form", "h");
  }
  if (!shareUUID(share) || sid.length !== 16 || !(await publicKey(epoch, "ECDH")) || !(await publicKey(key, "ECDH"))) {
    throw new Rejection("form", "h");
  }
  return { share, epoch, key, sid };
}

/** @param {Bytes} sid @param {Role} role @param {number} number */
const moreHeader = (sid, role, number) => join("pp1 more", sid, DIRECTION[role], number);

// MARK: Keys

/** `K` @param {Bytes} agreement `Z` @param {Bytes} header */
const offerKey = async (agreement, header) => derive(agreement, await hash(header), "pp1 offer", 32);

/**
 * @typedef {{ answer: Bytes, sharer: Bytes, opener: Bytes, binding: Bytes }} SessionKeys `kA`, `kSO`, `kOS`, `kB`
 * @param {Bytes} agreements `Z ‖ ECDH(F, E)` @param {Bytes} transcript `tO` @param {Bytes} header the answer's
 * @returns {Promise<SessionKeys>}
 */
async function sessionKeys(agreements, transcript, header) {
  const keys = await derive(agreements, await hash(join(transcript, header)), "pp1 session", 128);
  return { answer: keys.slice(0, 32), sharer: keys.slice(32, 64), opener: keys.slice(64, 96), binding: keys.slice(96) };
}

/** @param {Bytes} owner @param {Bytes} transcript @param {Bytes} code */
const offerMessage = (owner, transcript, code) => join("pp1 offer sig", owner, transcript, code);
/** @param {Bytes} opener @param {Bytes} offer `tO` @param {Bytes} answer `tA` */
const answerMessage = (opener, offer, answer) => join("pp1 answer sig", opener, offer, answer);

// MARK: The opener's side

/** An offer that this side made, waiting for its answer. To change anything a new one is made, with a new key. */
class OutgoingOffer {
  /**
   * @param {object} parts
   * @param {import("./shares.js").ShareRecord} parts.record verified
   * @param {Identity} parts.identity
   * @param {Description} parts.description
   * @param {any} [parts.info] what the sharer's `onRemote` gets to see
   * @param {import("./tickets.js").TicketKeys | null} [parts.ticket]
   * @param {EphemeralKey} [parts.key] a fresh one unless given, which only tests do
   * @param {Bytes} [parts.sid] likewise
   */
  static async make({ record, identity, description, info = {}, ticket = null, key, sid = randomBytes(16) }) {
    if (!isInfo(info)) throw new RangeError(`An info has at most ${limits.info} bytes of JSON.`);
    const offer = new OutgoingOffer();
    offer.record = record;
    offer.identity = identity;
    offer.sid = sid;
    offer.key = key ?? (await ephemeralKey());
    offer.candidates = description.candidates.length;
    const header = join("pp1 offer", record.id, record.epoch, offer.key.bytes, sid);
    offer.agreement = await agree(offer.key, record.epoch);
    const body = offerBody(identity, description, info, ticket);
    offer.transcript = await hash(join(header, body));
    const proof = ticket && (await proveTicket(ticket, ticketMessage(record.key, offer.transcript)));
    const code = proof?.code ?? new Uint8Array();
    const signature = await sign(identity, offerMessage(record.key, offer.transcript, code));
    const sealed = await seal(await offerKey(offer.agreement, header), 0, header, join(body, code, signature));
    offer.document = signalDocument("opener", record.id, sid, header, sealed);
    return offer;
  }

  /** `H(c)` */
  async digest() {
    return hash(fromBase64url(this.document.peerpouch.c) ?? new Uint8Array());
  }

  /**
   * Opens an answer.
   * @param {Signal} signal
   * @returns {Promise<{ session: Session, description: Description } | { refusal: string }>}
   * @throws {Rejection} why it is none to this offer; then the wait for a valid one goes on
   */
  async open(signal) {
    const parts = signal.role === "sharer" ? split(signal.header, 4) : null;
    if (!parts || !equal(parts[0], utf8("pp1 answer")) || parts[1].length !== 16 || parts[2].length !== 32
      || !(await publicKey(parts[3], "ECDH"))) throw new Rejection("form", "h");
    const [, sid, offered, key] = parts;
    const share = this.record.id;
    if (!equal(sid, this.sid) || !isBetween(signal, this.sid, share)) throw new Rejection("id");
    if (!equal(offered, await this.digest())) throw new Rejection("offer");
    const keys = await sessionKeys(concat(this.agreement, await agree(this.key, key)), this.transcript, signal.header);
    const plain = await unseal(keys.answer, 0, signal.header, signal.sealed);
    if (!plain) throw new Rejection("decryption");
    const contents = split(plain, 2);
    if (!contents) throw new Rejection("body", "parts");
    const [body, signature] = contents;
    const said = readAnswer(body);
    const answered = await hash(join(signal.header, body));
    if (!(await isSigned(this.record.key, signature, answerMessage(this.identity.bytes, this.transcript, answered)))) {
      throw new Rejection("signature");
    }
    if ("refusal" in said) return said;
    const session = await Session.make({
      sid: this.sid, share, role: "opener", remote: this.record.key, keys, transcripts: [this.transcript, answered],
      candidates: { own: this.candidates, remote: said.description.candidates.length },
    });
    return { session, description: said.description };
  }
}

/** @param {Identity} identity @param {Description} description @param {any} info @param {import("./tickets.js").TicketKeys | null} ticket */
function offerBody(identity, description, info, ticket) {
  const json = JSON.stringify({
    key: base64url(identity.bytes), ...descriptionMembers(description), info,
    ...(ticket ? { tid: base64url(ticket.id) } : {}),
  });
  const bytes = utf8(json);
  const padding = new Uint8Array((limits.padding - (bytes.length % limits.padding)) % limits.padding).fill(0x20);
  return concat(bytes, padding);
}

/** @param {Bytes} bytes @returns {{ description: Description } | { refusal: string }} @throws {Rejection} body */
function readAnswer(bytes) {
  const json = parseObject(bytes);
  if (!json) throw new Rejection("body", "json");
  if (json.ok === true) return { description: readDescription(json) };
  if (json.ok !== false) throw new Rejection("body", "ok");
  if (typeof json.error !== "string" || byteLength(json.error) > limits.refusal) throw new Rejection("body", "error");
  return { refusal: json.error };
}

// MARK: The sharer's side

/** An offer that passed every check but the gate's. Nothing was allocated or answered for it yet. */
class ReceivedOffer {
  /**
   * Decrypts and verifies an offer whose header was checked.
   * @param {Signal} signal
   * @param {{ share: string, epoch: Bytes, key: Bytes, sid: Bytes }} header
   * @param {EphemeralKey} epoch
   * @param {Bytes} owner
   * @throws {Rejection} decryption, body or signature
   */
  static async read(signal, header, epoch, owner) {
    const offer = new ReceivedOffer();
    offer.agreement = await agree(epoch, header.key);
    const plain = await unseal(await offerKey(offer.agreement, signal.header), 0, signal.header, signal.sealed);
    if (!plain) throw new Rejection("decryption");
    const parts = split(plain, 3);
    if (!parts) throw new Rejection("body", "parts");
    const [body, code, signature] = parts;
    if (body.length % limits.padding !== 0) throw new Rejection("body", "padding");
    const json = parseObject(body);
    if (!json) throw new Rejection("body", "json");
    const key = fromBase64url(json.key);
    if (!key || !(await publicKey(key, "ECDSA"))) throw new Rejection("body", "key");
    offer.description = readDescription(json);
    if (!isInfo(json.info)) throw new Rejection("body", "info");
    const tid = Object.hasOwn(json, "tid") ? fromBase64url(json.tid) : undefined;
    if (tid !== undefined && tid?.length !== 16) throw new Rejection("body", "tid");
    if (code.length !== (tid ? 32 : 0)) throw new Rejection("body", "mac");
    offer.transcript = await hash(join(signal.header, body));
    if (!(await isSigned(key, signature, offerMessage(owner, offer.transcript, code)))) throw new Rejection("signature");
    offer.owner = owner;
    offer.share = header.share;
    offer.sid = header.sid;
    /** Who wants in; verified. */
    offer.remote = key;
    /** What it says of itself; it never identifies. */
    offer.info = json.info;
    /** @type {import("./tickets.js").TicketProof | null} */
    offer.ticket = tid ? { id: tid, code, message: ticketMessage(owner, offer.transcript) } : null;
    offer.key = header.key;
    offer.digest = await hash(signal.sealed);
    return offer;
  }

  /**
   * Lets the remote in.
   * @param {Identity} identity the owner's @param {Description} description @param {EphemeralKey} [key] only tests give one
   */
  async accept(identity, description, key) {
    const body = utf8(JSON.stringify({ ok: true, ...descriptionMembers(description) }));
    const { document, keys, answered } = await this.#answer(body, identity, key);
    const session = await Session.make({
      sid: this.sid, share: this.share, role: "sharer", remote: this.remote, keys, transcripts: [this.transcript, answered],
      candidates: { own: description.candidates.length, remote: this.description.candidates.length },
    });
    return { document, session };
  }

  /** Tells the remote that it is not let in. @param {Identity} identity @param {string} refusal */
  async refuse(identity, refusal) {
    return (await this.#answer(utf8(JSON.stringify({ ok: false, error: refusal })), identity)).document;
  }

  /** @param {Bytes} body @param {Identity} identity @param {EphemeralKey} [key] */
  async #answer(body, identity, key) {
    const own = key ?? (await ephemeralKey());
    const header = join("pp1 answer", this.sid, this.digest, own.bytes);
    const keys = await sessionKeys(concat(this.agreement, await agree(own, this.key)), this.transcript, header);
    const answered = await hash(join(header, body));
    const signature = await sign(identity, answerMessage(this.remote, this.transcript, answered));
    const sealed = await seal(keys.answer, 0, header, join(body, signature));
    return { document: signalDocument("sharer", this.share, this.sid, header, sealed), keys, answered };
  }
}

// MARK: What follows the answer

/**
 * The keys and counters of an opening: seals further candidates, proves over the connection that both ends of it are those
 * that signalled, and proves tickets for more shares over it.
 */
class Session {
  /**
   * @param {object} parts
   * @param {Bytes} parts.sid
   * @param {string} parts.share
   * @param {Role} parts.role
   * @param {Bytes} parts.remote the other side's identity; verified
   * @param {SessionKeys} parts.keys
   * @param {[Bytes, Bytes]} parts.transcripts `tO` and `tA`
   * @param {{ own: number, remote: number }} parts.candidates
   */
  static async make({ sid, share, role, remote, keys, transcripts, candidates }) {
    const session = new Session();
    session.sid = sid;
    session.share = share;
    session.role = role;
    session.remote = remote;
    session.keys = keys;
    /** `T` */
    session.transcript = await hash(join(...transcripts));
    session.own = { number: 0, candidates: candidates.own };
    session.other = { number: 0, candidates: candidates.remote };
    return session;
  }

  /** How many more candidates may be told. */
  get room() {
    return this.own.number < limits.furtherSignals ? limits.candidates - this.own.candidates : 0;
  }

  /** Seals candidates that were found after the description. @param {string[]} candidates at most {@link room} */
  async seal(candidates) {
    if (candidates.length === 0 || candidates.length > this.room) throw new RangeError("An opening names no more candidates.");
    // Counted before anything waits: two calls must not use one number.
    const number = ++this.own.number;
    this.own.candidates += candidates.length;
    const header = moreHeader(this.sid, this.role, number);
    const body = utf8(JSON.stringify({ cands: candidates }));
    const sealed = await seal(this.keys[this.role], number, header, body);
    return signalDocument(this.role, this.share, this.sid, header, sealed);
  }

  /**
   * Opens candidates that the other side found later. Numbers must rise. Not to be called again before it is done.
   * @param {Signal} signal
   * @returns {Promise<string[]>}
   * @throws {Rejection} form, id, order, decryption or body, in this order
   */
  async open(signal) {
    const from = otherRole(this.role);
    const parts = split(signal.header, 4);
    if (!parts || !equal(parts[0], utf8("pp1 more")) || parts[1].length !== 16 || parts[3].length !== 4) {
      throw new Rejection("form", "h");
    }
    const number = new DataView(parts[3].buffer).getUint32(0);
    if (signal.role !== from || !isBetween(signal, this.sid, this.share)
      || !equal(signal.header, moreHeader(this.sid, from, number))) throw new Rejection("id");
    if (number <= this.other.number || number > limits.furtherSignals) throw new Rejection("order");
    const body = await unseal(this.keys[from], number, signal.header, signal.sealed);
    if (!body) throw new Rejection("decryption");
    const json = parseObject(body);
    if (!json) throw new Rejection("body", "json");
    const candidates = readCandidates(json);
    if (candidates.length === 0 || this.other.candidates + candidates.length > limits.candidates) {
      throw new Rejection("body", "cands");
    }
    this.other.number = number;
    this.other.candidates += candidates.length;
    return candidates;
  }

  /** @param {Role} role */
  #helloMessage(role) {
    return join("pp1 hello", role, this.transcript);
  }

  /** What this side's first frame carries. */
  hello() {
    return authenticate(this.keys.binding, this.#helloMessage(this.role));
  }

  /** Whether the other side's first frame carries what it must. @param {Bytes} code */
  isHello(code) {
    return isAuthentic(this.keys.binding, this.#helloMessage(otherRole(this.role)), code);
  }

  /** @param {string} share @param {Role} requester */
  #openMessage(share, requester) {
    return join("pp1 open", share, this.transcript, requester);
  }

  /** Proves a ticket for another share of the other side over this connection. @param {import("./tickets.js").TicketKeys} keys @param {string} share */
  proof(keys, share) {
    return proveTicket(keys, this.#openMessage(share, this.role));
  }

  /**
   * What the other side showed of a ticket to open a share of this side.
   * @param {Bytes} id @param {Bytes} code @param {string} share
   * @returns {import("./tickets.js").TicketProof | null}
   */
  shownProof(id, code, share) {
    if (id.length !== 16 || code.length !== 32) return null;
    return { id, code, message: this.#openMessage(share, otherRole(this.role)) };
  }
}

// MARK: - peers/candidates.js

// Ways to the other peer that are found after an opening has begun.

/**
 * Candidates that are found late go both ways until there is a channel; the same on both sides of an opening.
 * @param {import("./link.js").Link} link
 * @param {import("../trust/signals.js").Session} session
 * @param {import("./signal-post.js").SignalPost} post
 * @param {AbortSignal} signal
 * @returns {{ channel: Promise<RTCDataChannel>, take: (signal: import("../trust/signals.js").Signal) => void }}
 */
function exchangeCandidates(link, session, post, signal) {
  (async () => {
    while (!signal.aborted && session.room > 0) {
      const candidates = await link.furtherCandidates(session.room);
      if (!candidates) return;
      await post.write(await session.seal(candidates), signal);
    }
  })().catch(() => {
    // The addresses that were told have to do.
  });
  // One after the other: their numbers must rise.
  let line = Promise.resolve();
  return {
    channel: link.open,
    take: (further) => {
      line = line.then(async () => link.add(await session.open(further))).catch(() => {
        // What is not valid is ignored, not answered.
      });
    },
  };
}

// MARK: - peers/link.js

// One side of a WebRTC connection: the browser's part of an opening.


/** How long candidates are gathered before the first description goes out, and later ones collected, in milliseconds. */
const GATHERING = 200;
const COALESCING = 300;
/** How long a connection stays open for the last bytes of its channel. */
const FAREWELL = 1000;
/** How long a path may be without a sign of life, after the browser has noticed that. */
const PATIENCE = 10_000;
/** How many bytes may come before the tunnel is there to take them. */
const EARLY = 2 * tunnelLimits.connectionCredit;

class Link {
  /** @type {string[]} candidates that the other side was not told yet */
  #untold = [];
  #told = 0;
  #isGathered = false;
  /** @type {(() => void) | null} */
  #wake = null;
  #isClosed = false;
  /** @type {ArrayBuffer[]} */
  #early = [];
  #earlyBytes = 0;

  /** @param {RTCIceServer[]} iceServers */
  constructor(iceServers) {
    // Without a certificate given, the browser makes a fresh one for each connection.
    this.connection = new RTCPeerConnection({ iceServers });
    this.channel = this.connection.createDataChannel("peerpouch", { negotiated: true, id: 0, ordered: true });
    this.mid = "0";
    // What comes before the tunnel is there would be lost.
    this.channel.binaryType = "arraybuffer";
    this.channel.onmessage = ({ data }) => {
      this.#earlyBytes += data.byteLength ?? Infinity;
      if (this.#earlyBytes <= EARLY && this.#early.length < tunnelLimits.earlyMessages) this.#early.push(data);
      else this.close();
    };
    /** When the channel can be used. @type {Promise<RTCDataChannel>} */
    this.open = new Promise((resolve, reject) => {
      this.channel.addEventListener("open", () => resolve(this.channel), { once: true });
      this.channel.addEventListener("close", () => reject(new Error("The connection was closed.")), { once: true });
      this.connection.addEventListener("connectionstatechange", () => {
        if (this.connection.connectionState === "failed") reject(new Error("No path to the peer was found."));
      });
    });
    /**
     * When the other side is gone without a word: a channel does not notice. @type {Promise<void>}
     */
    this.lost = new Promise((resolve) => {
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let timer;
      this.connection.addEventListener("connectionstatechange", () => {
        const { connectionState: state } = this.connection;
        clearTimeout(timer);
        if (state === "failed" || state === "closed") resolve();
        // It may come back by itself.
        else if (state === "disconnected") timer = setTimeout(resolve, PATIENCE);
      });
    });
    // Nobody may be waiting for it when it fails.
    this.open.catch(() => {});
    this.connection.addEventListener("icecandidate", ({ candidate }) => {
      if (!candidate) this.#isGathered = true;
      // Others, such as marks of the end, are nothing to a peer.
      else if (isCandidate(candidate.candidate)) this.#untold.push(candidate.candidate);
      this.#wake?.();
    });
  }

  /**
   * Describes this side. For the sharer the other side's description is to be given.
   * @param {import("../trust/descriptions.js").Description | null} remote
   * @returns {Promise<import("../trust/descriptions.js").Description>}
   */
  async describe(remote = null) {
    const { connection } = this;
    if (remote) await connection.setRemoteDescription(sessionDescription("offer", remote));
    await connection.setLocalDescription(remote ? await connection.createAnswer() : await connection.createOffer());
    await this.#gathered(GATHERING);
    const { mid, ...description } = ownDescription(connection.localDescription?.sdp ?? "");
    this.mid = mid;
    return { ...description, candidates: this.#take(limits.candidates) };
  }

  /** Waits until all candidates are there, or the time is over. @param {number} time */
  async #gathered(time) {
    const end = performance.now() + time;
    while (!this.#isGathered && performance.now() < end) await this.#change(end - performance.now());
  }

  /** @param {number} time @returns {Promise<void>} */
  #change(time) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** @param {number} count */
  #take(count) {
    const taken = this.#untold.splice(0, Math.min(count, limits.candidates - this.#told));
    this.#told += taken.length;
    return taken;
  }

  /**
   * Candidates that were found after the description; waits for some.
   * @param {number} count at most so many
   * @returns {Promise<string[] | null>} `null` when there are no more
   */
  async furtherCandidates(count) {
    while (!this.#isClosed && this.channel.readyState === "connecting") {
      if (this.#untold.length > 0) {
        await this.#gathered(COALESCING);
        const found = this.#take(count);
        return found.length > 0 ? found : null;
      }
      if (this.#isGathered) return null;
      await this.#change(limits.handshake);
    }
    return null;
  }

  /** What came of the channel until now; whoever takes it takes what follows from the channel. */
  takeEarly() {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  /** For the opener: where the sharer is. @param {import("../trust/descriptions.js").Description} remote */
  async connect(remote) {
    await this.connection.setRemoteDescription(sessionDescription("answer", remote, this.mid));
  }

  /** Candidates of the other side that came later. @param {string[]} candidates */
  async add(candidates) {
    for (const candidate of candidates) {
      try {
        await this.connection.addIceCandidate({ candidate, sdpMid: this.mid, sdpMLineIndex: 0 });
      } catch {
        // A connection that has ended needs no more, and one that cannot be used does no harm.
      }
    }
  }

  /** Whether a relay is between the peers; `null` if it is not known. @returns {Promise<boolean | null>} */
  async isRelayed() {
    const stats = await this.connection.getStats().catch(() => new Map());
    for (const report of stats.values()) {
      if (report.type !== "transport" || !report.selectedCandidatePairId) continue;
      const pair = stats.get(report.selectedCandidatePairId);
      const ends = [stats.get(pair?.localCandidateId), stats.get(pair?.remoteCandidateId)];
      return ends.some((end) => end?.candidateType === "relay");
    }
    return null;
  }

  /** Ends the connection, after a while for the last bytes if it was open. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake?.();
    if (this.channel.readyState === "connecting") this.connection.close();
    else setTimeout(() => this.connection.close(), FAREWELL);
  }
}

// MARK: - peers/refusals.js

// Why a share cannot be opened, whatever is tried.

/** The owner has said no. */
class Refused extends Error {
  /** @param {string} refusal */
  constructor(refusal) {
    super({
      forbidden: "The sharer does not let this identity in.", ticket: "The sharer does not know the ticket.",
      "ticket-expired": "The ticket has expired.", "ticket-claimed": "The ticket belongs to another identity already.",
      busy: "The sharer has too many connections.", closed: "The sharer is taking the share back.",
    }[refusal] ?? `The sharer refuses: ${refusal}`);
    this.name = "Refused";
    this.refusal = refusal;
    this.status = 403;
  }

  get isFinal() {
    return this.refusal !== "busy" && this.refusal !== "closed";
  }
}

/** The hub has no such share, or none that is valid. */
class Absent extends Error {
  constructor() {
    super("The share is not there.");
    this.name = "Absent";
    this.status = 404;
  }
}

// MARK: - peers/signal-post.js

// The signals that this page leaves in a hub.


/** @typedef {import("./hub-databases.js").Doc} Doc */
/** @typedef {import("./hub.js").Hub} Hub */
/** The signals that one opening writes into a hub, which are deleted when it has ended. */
class SignalPost {
  /** @type {Doc[]} */
  #written = [];

  /** @param {Hub} hub */
  constructor(hub) {
    this.hub = hub;
  }

  /** Writes a signal, again and again while the hub cannot be reached. @param {Doc} document @param {AbortSignal} signal ends that */
  async write(document, signal) {
    const backOff = new BackOff();
    while (true) {
      signal.throwIfAborted();
      try {
        const { rev } = await this.hub.database.put(document);
        this.#written.push({ _id: document._id, _rev: rev });
        return;
      } catch (error) {
        // Ids are random: it is there since an attempt of which no answer came.
        if (error instanceof HubError && error.status === 409) return;
        if (!isTransient(error)) throw error;
        await pause(backOff.next(), signal);
      }
    }
  }

  async clear() {
    const written = this.#written;
    this.#written = [];
    await this.hub.delete(written);
  }
}

// MARK: - peers/attempt.js

// One attempt to open a share: from the offer in the hub to the hello over the data channel.


/** The owner has a new key since the offer was made: it has started again. */
class NewEpoch extends Error {}

/**
 * One attempt, from the offer to the hello.
 * @param {import("./peer.js").Peer} peer
 * @param {import("./hub.js").Hub} hub
 * @param {import("../trust/shares.js").ShareRecord} record
 * @param {{ ticket: import("../trust/tickets.js").Ticket | null, info: any, signal: AbortSignal, connecting: () => void }} options
 * @returns {Promise<import("./connection.js").Connection>}
 */
async function attemptOpening(peer, hub, record, { ticket, info, signal, connecting }) {
  const link = new Link(peer.iceServers);
  const post = new SignalPost(hub);
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  /** @type {(() => void)[]} */
  const subscriptions = [];
  try {
    const description = await link.describe();
    const offer = await OutgoingOffer.make({
      record, identity: peer.identity, description, info, ticket: ticket && (await ticketKeys(ticket)),
    });
    /** @type {(answer: Awaited<ReturnType<OutgoingOffer["open"]>>) => void} */
    let answered = () => {};
    /** @type {(error: Error) => void} */
    let failed = () => {};
    const answer = new Promise((resolve, reject) => {
      answered = resolve;
      failed = reject;
    });
    answer.catch(() => {});
    ending.signal.addEventListener("abort", () => failed(new TunnelError("aborted", "The opening was given up.")), { once: true });
    /** Those that come before the answer wait. @type {import("../trust/signals.js").Signal[]} */
    let early = [];
    /** @type {((further: import("../trust/signals.js").Signal) => void) | null} */
    let take = null;
    // One after the other: each costs a key agreement, and anybody can write what looks like an answer.
    let line = Promise.resolve();
    subscriptions.push(await hub.subscribe({
      recipient: base64url(offer.sid),
      take: ({ doc }) => {
        if (!doc) return;
        hub.delete([doc]);
        line = line.then(async () => {
          if (ending.signal.aborted) return;
          const read = readSignal(doc);
          const kind = signalKind(read);
          if (kind === "answer") answered(await offer.open(read));
          else if (kind === "more" && take) take(read);
          else if (kind === "more" && early.length < 4 * limits.furtherSignals) early.push(read);
        }).catch((error) => {
          // What is not valid is ignored; the wait goes on.
          if (!(error instanceof Rejection)) failed(/** @type {Error} */ (error));
        });
      },
    }));
    const watch = async () => {
      const present = await peer.record(hub, record.id);
      // A share that was taken back meanwhile does not answer.
      if (!present) failed(new Absent());
      else if (!equal(present.epoch, record.epoch)) failed(new NewEpoch());
    };
    subscriptions.push(await hub.subscribe({ id: record.id, take: () => { watch().catch(() => {}); } }));
    // It may have changed since it was read.
    await watch();
    await post.write(offer.document, ending.signal);

    const patience = record.gate.includes("ask") ? limits.decision + limits.handshake : limits.handshake;
    const said = /** @type {Awaited<ReturnType<OutgoingOffer["open"]>>} */ (
      await within(answer, patience, "The sharer does not answer."));
    if ("refusal" in said) throw new Refused(said.refusal);
    connecting();
    await link.connect(said.description);
    const exchange = exchangeCandidates(link, said.session, post, ending.signal);
    take = exchange.take;
    for (const further of early) take(further);
    early = [];
    const aborted = new Promise((_, reject) => ending.signal.addEventListener("abort", () => reject(new TunnelError("aborted", "The opening was given up.")), { once: true }));
    aborted.catch(() => {});
    const channel = /** @type {RTCDataChannel} */ (
      await within(Promise.race([exchange.channel, aborted]), limits.handshake, "No path to the peer was found in time."));
    return await peer.connect(channel, link, said.session, {}, null);
  } catch (error) {
    link.close();
    throw error;
  } finally {
    for (const unsubscribe of subscriptions) unsubscribe();
    signal.removeEventListener("abort", end);
    ending.abort();
    post.clear();
  }
}

// MARK: - peers/share-requests.js

// Requests to a share as `fetch` makes them to a server.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** Requests that change nothing, which may be sent again. */
const SAFE = new Set(["_all_docs", "_changes", "_bulk_get", "_revs_diff", "_missing_revs", "_find"]);

/** Whether a request changes nothing, and so may be sent again. @param {string} method @param {string} path */
const isSafe = (method, path) => ["GET", "HEAD"].includes(method) || (method === "POST" && SAFE.has(routeOf(path)));

/** Whether it is answered at once, and the answer goes on for long. @param {string} path */
const isLongPoll = (path) => routeOf(path) === "_changes" && /[?&]feed=longpoll(&|$)/.test(path);

/** @param {string} path */
const routeOf = (path) => path.slice(1).split(/[/?]/, 1)[0];

/** What `fetch` fails with. @param {unknown} error */
function fetchError(error) {
  if (error instanceof TunnelError && error.code === "aborted") return new DOMException(error.message, "AbortError");
  if (error instanceof Refused || error instanceof Absent) return error;
  return new TypeError(error instanceof Error ? error.message : String(error));
}

/** Headers that mean something to a peer. */
const HEADERS = ["accept", "content-type", "if-match", "if-none-match", "if-range", "range", "content-encoding", "content-md5"];

/** @param {Headers} headers @returns {[string, string][]} */
const peerHeaders = (headers) => HEADERS.flatMap((name) => {
  const value = headers.get(name);
  return value === null ? [] : [/** @type {[string, string]} */ ([name, value])];
});

/** @param {BodyInit | null} body @returns {Promise<Blob | Bytes | null>} */
async function bodyOf(body) {
  if (body === null || body instanceof Blob || body instanceof Uint8Array) return /** @type {any} */ (body);
  if (typeof body === "string") return new TextEncoder().encode(body);
  return new Response(body).blob();
}

// MARK: - peers/remote-share.js

// A share of another peer, kept connected.


/**
 * @typedef {"signalling" | "connecting" | "connected" | "reconnecting" | "refused" | "closed"} ConnectionState
 */

/** How long a peer has to show that it lives when it seems to have started again, in milliseconds. */
const PROBE = 3000;

/**
 * A share of another peer, kept connected until it is closed or refused: its {@link fetch} sends requests to it.
 */
class RemoteShare extends EventTarget {
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

// MARK: - tunnel/frames.js

// The frames of the tunnel and the heads in them, as docs/wire-protocol.md has them.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

const KIND = Object.freeze({
  hello: 0x01, open: 0x02, opened: 0x03, close: 0x04, request: 0x10, response: 0x11, data: 0x12, cancel: 0x13, credit: 0x14,
  ping: 0x20, pong: 0x21, goodbye: 0x22,
});
const FLAG = Object.freeze({ end: 1, more: 2, yours: 4 });
const CANCEL = Object.freeze({ notWanted: 0, failed: 1, stalled: 2, refused: 3, shareClosed: 4 });
const GOODBYE = Object.freeze({
  done: 0, violation: 1, silence: 2, wrongProof: 3, unsupportedVersion: 4, notShared: 5, numbersUsedUp: 6,
});

const HEADER = 8;
const LONGEST_PAYLOAD = tunnelLimits.frame - HEADER;
/** Lengths of bodies that are not known, and offsets of credit, are beyond what JavaScript counts: this stands for them. */
const UNKNOWN = null;

/** What a peer did that the protocol does not allow. It ends the session. */
class Violation extends Error {
  /** @param {string} rule */
  constructor(rule) {
    super(`The peer does not keep to the protocol (${rule}).`);
    this.name = "Violation";
    this.rule = rule;
  }

  get goodbye() {
    return GOODBYE[/** @type {"wrongProof" | "unsupportedVersion"} */ (this.rule)] ?? GOODBYE.violation;
  }
}

/** @typedef {{ kind: number, flags: number, id: number, payload: Bytes }} Frame */

/**
 * The frames of a message.
 * @param {Bytes} message
 * @returns {Generator<Frame>}
 * @throws {Violation}
 */
function* readFrames(message) {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  let offset = 0;
  while (offset < message.length) {
    if (message.length - offset < HEADER) throw new Violation("truncatedFrame");
    const length = view.getUint16(offset + 2);
    if (length > LONGEST_PAYLOAD) throw new Violation("frameTooLong");
    const start = offset + HEADER;
    if (message.length - start < length) throw new Violation("truncatedFrame");
    yield {
      kind: message[offset], flags: message[offset + 1], id: view.getUint32(offset + 4),
      payload: message.subarray(start, start + length),
    };
    offset = start + length;
  }
}

/** Puts frames into a message. */
class MessageWriter {
  /** @param {number} limit how long the message may get */
  constructor(limit) {
    this.limit = limit;
    this.length = 0;
    /** @type {Uint8Array[]} */
    this.parts = [];
  }

  /** How many bytes of payload another frame can have; negative if none fits. */
  get room() {
    return Math.min(this.limit - this.length - HEADER, LONGEST_PAYLOAD);
  }

  /** @param {number} kind @param {number} flags @param {number} id @param {...Uint8Array} payload fits into {@link room} */
  append(kind, flags, id, ...payload) {
    const header = new Uint8Array(HEADER);
    const view = new DataView(header.buffer);
    const length = payload.reduce((sum, part) => sum + part.length, 0);
    header[0] = kind;
    header[1] = flags;
    view.setUint16(2, length);
    view.setUint32(4, id);
    this.parts.push(header, ...payload);
    this.length += HEADER + length;
  }

  bytes() {
    return joined(this.parts);
  }
}

/** Takes a payload apart. Whatever is missing makes the frame malformed. */
class PayloadReader {
  /** @param {Bytes} payload */
  constructor(payload) {
    this.rest = payload;
  }

  /** @param {number} count */
  bytes(count) {
    if (this.rest.length < count) throw new Violation("malformedFrame");
    const taken = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return taken;
  }

  /** @param {1 | 2 | 4} size */
  integer(size) {
    let value = 0;
    for (const byte of this.bytes(size)) value = value * 256 + byte;
    return value;
  }

  /** Eight bytes, rounded where JavaScript does not count exactly. */
  long() {
    const high = this.integer(4);
    return high * 2 ** 32 + this.integer(4);
  }

  short() {
    return this.bytes(this.integer(1));
  }

  finish() {
    if (this.rest.length > 0) throw new Violation("malformedFrame");
  }

  /** The rest as a reason for people. */
  reason() {
    return new TextDecoder().decode(this.rest.subarray(0, tunnelLimits.reason));
  }
}

/** @param {number} value @param {1 | 2 | 4 | 8} size @returns {Bytes} */
function integer(value, size) {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  if (size === 1) view.setUint8(0, value);
  else if (size === 2) view.setUint16(0, value);
  else if (size === 4) view.setUint32(0, value);
  else {
    view.setUint32(0, Math.floor(value / 2 ** 32));
    view.setUint32(4, value % 2 ** 32);
  }
  return bytes;
}

/** @param {string} value @returns {Bytes} */
const reasonBytes = (value) => utf8(value).subarray(0, tunnelLimits.reason);

/** @param {Uint8Array} part */
const short = (part) => concat(integer(part.length, 1), part);
/** @param {Uint8Array} part */
const long = (part) => concat(integer(part.length, 2), part);

/** UTF-8 that must be some. @param {Uint8Array} bytes */
function strictText(bytes) {
  try {
    return text(bytes);
  } catch {
    throw new Violation("malformedFrame");
  }
}

// MARK: Hello and shares

/** @typedef {{ message: number, streams: number, streamCredit: number, connectionCredit: number, proof: Bytes }} Hello */

/** @param {typeof tunnelLimits} limits @param {Bytes} proof */
const helloPayload = (limits, proof) => concat(
  utf8("PPT"), integer(1, 1), integer(limits.message, 4), integer(limits.streams, 4), integer(limits.streamCredit, 8),
  integer(limits.connectionCredit, 8), short(proof));

/** @param {Bytes} payload @returns {Hello} @throws {Violation} */
function readHello(payload) {
  const reader = new PayloadReader(payload);
  const magic = reader.bytes(3);
  if (magic[0] !== 0x50 || magic[1] !== 0x50 || magic[2] !== 0x54 || reader.integer(1) !== 1) {
    throw new Violation("unsupportedVersion");
  }
  const hello = {
    message: reader.integer(4), streams: reader.integer(4), streamCredit: reader.long(), connectionCredit: reader.long(),
    proof: reader.short().slice(),
  };
  if (hello.message < tunnelLimits.frame || hello.proof.length > tunnelLimits.proof) throw new Violation("malformedFrame");
  return hello;
}

/** A peer's wish to use a share. @typedef {{ share: string, ticket: Bytes, proof: Bytes }} ShareOpening */

/** @param {ShareOpening} opening */
const openingPayload = ({ share, ticket, proof }) => concat(short(utf8(share)), short(ticket), short(proof));

/** @param {Bytes} payload @returns {ShareOpening} @throws {Violation} */
function readOpening(payload) {
  const reader = new PayloadReader(payload);
  const share = reader.short();
  const [ticket, proof] = [reader.short().slice(), reader.short().slice()];
  reader.finish();
  const { shareID } = tunnelLimits;
  if (share.length > shareID || ticket.length > shareID || proof.length > tunnelLimits.proof) throw new Violation("malformedFrame");
  return { share: strictText(share), ticket, proof };
}

// MARK: Heads

/**
 * @typedef {[name: string, value: string][]} Headers names in lower case
 * @typedef {{ share: number, method: string, target: string, headers: Headers, length: number | null }} RequestHead
 * @typedef {{ status: number, headers: Headers, length: number | null }} ResponseHead
 */

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** @param {number | null} length */
const bodyLength = (length) => (length === UNKNOWN ? new Uint8Array(8).fill(0xff) : integer(length, 8));

/** @param {PayloadReader} reader */
function readBodyLength(reader) {
  const bytes = reader.bytes(8);
  if (bytes.every((byte) => byte === 0xff)) return UNKNOWN;
  if (bytes[0] > 0x7f) throw new Violation("malformedFrame");
  return new PayloadReader(bytes).long();
}

/** @param {Headers} headers */
function headersPayload(headers) {
  if (headers.length > tunnelLimits.headers) throw new RangeError("There are too many headers for a peer.");
  return concat(integer(headers.length, 1), ...headers.flatMap(([name, value]) => {
    const [key, content] = [utf8(name.toLowerCase()), utf8(value)];
    if (key.length > 255 || content.length > tunnelLimits.head) throw new RangeError("The headers are too long for a peer.");
    return [short(key), long(content)];
  }));
}

/** @param {PayloadReader} reader @returns {Headers} */
function readHeaders(reader) {
  const count = reader.integer(1);
  if (count > tunnelLimits.headers) throw new Violation("headTooLarge");
  /** @type {Headers} */
  const headers = [];
  for (let index = 0; index < count; index++) {
    const name = strictText(reader.short());
    const value = strictText(reader.bytes(reader.integer(2)));
    if (!TOKEN.test(name) || /[\0\r\n]/.test(value)) throw new Violation("malformedFrame");
    headers.push([name.toLowerCase(), value]);
  }
  reader.finish();
  return headers;
}

/** @param {string} target */
const pathOf = (target) => target.split("?", 1)[0];

/** @param {Bytes} payload */
function bounded(payload) {
  if (payload.length > tunnelLimits.head) throw new RangeError("The request or its answer is too long for a peer.");
  return payload;
}

/** @param {RequestHead} head @throws {RangeError} for what a peer would not take */
function requestPayload({ share, method, target, headers, length }) {
  if (byteLength(pathOf(target)) > tunnelLimits.path || byteLength(target) > tunnelLimits.head) {
    throw new RangeError("The request's path is too long for a peer.");
  }
  return bounded(concat(
    integer(share, 4), bodyLength(length), short(utf8(method)), long(utf8(target)), headersPayload(headers)));
}

/** @param {Bytes} payload @returns {RequestHead} @throws {Violation} */
function readRequest(payload) {
  const reader = new PayloadReader(payload);
  const share = reader.integer(4);
  const length = readBodyLength(reader);
  const method = strictText(reader.short());
  const target = strictText(reader.bytes(reader.integer(2)));
  if (!TOKEN.test(method)) throw new Violation("malformedFrame");
  if (byteLength(pathOf(target)) > tunnelLimits.path) throw new Violation("headTooLarge");
  return { share, method, target, headers: readHeaders(reader), length };
}

/** @param {ResponseHead} head @throws {RangeError} for what a peer would not take */
const responsePayload = ({ status, headers, length }) =>
  bounded(concat(integer(status, 2), bodyLength(length), headersPayload(headers)));

/** @param {Bytes} payload @returns {ResponseHead} @throws {Violation} */
function readResponse(payload) {
  const reader = new PayloadReader(payload);
  const status = reader.integer(2);
  if (status < 200 || status > 599) throw new Violation("malformedFrame");
  return { status, length: readBodyLength(reader), headers: readHeaders(reader) };
}

// MARK: - access/allowance.js

// A number of units that are taken and given back; those who find too few wait in line.

class Allowance {
  #free;
  /** @type {{ units: number, serve: () => void }[]} */
  #waiting = [];

  /** @param {number} total */
  constructor(total) {
    this.total = total;
    this.#free = total;
  }

  /**
   * Takes units if they are free.
   * @param {number} units
   * @returns {(() => void) | null} gives them back, once
   */
  takeNow(units = 1) {
    if (this.#waiting.length > 0 || this.#free < units) return null;
    this.#free -= units;
    return this.#giveBack(units);
  }

  /**
   * Takes units, as soon as those who came before have theirs. More than there are count as all of them.
   * @param {number} units
   * @param {AbortSignal} [signal] ends the wait
   * @returns {Promise<() => void>} gives them back, once
   */
  async take(units = 1, signal) {
    const wanted = Math.min(units, this.total);
    const place = this.takeNow(wanted);
    if (place) return place;
    await new Promise((resolve, reject) => {
      const waiter = { units: wanted, serve: () => {} };
      const abort = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiter);
        this.#serve();
        reject(signal?.reason);
      };
      waiter.serve = () => {
        signal?.removeEventListener("abort", abort);
        resolve(undefined);
      };
      this.#waiting.push(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      if (signal?.aborted) abort();
    });
    return this.#giveBack(wanted);
  }

  /** @param {number} units @returns {() => void} */
  #giveBack(units) {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#free += units;
      this.#serve();
    };
  }

  #serve() {
    for (let first = this.#waiting[0]; first && first.units <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= first.units;
      first.serve();
    }
  }
}

// MARK: - access/answers.js

// What a peer is answered: JSON, and why there is no result. Of what is not allowed and of what does not exist it learns the same.


/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */

/** What is answered in place of a result. */
class Problem extends Error {
  /** @param {number} status @param {string} error @param {string} reason */
  constructor(status, error, reason) {
    super(reason);
    this.status = status;
    this.error = error;
  }
}
const missing = () => new Problem(404, "not_found", "missing");
/** @param {string} reason */
const bad = (reason) => new Problem(400, "bad_request", reason);
/** @param {string} reason */
const forbidden = (reason) => new Problem(403, "forbidden", reason);
/** @param {string} reason */
const tooLarge = (reason, name = "too_large") => new Problem(413, name, reason);

/** What of an error a peer is told. @param {any} error @returns {Problem} */
function problemOf(error) {
  if (error instanceof Problem) return error;
  const { status, name, reason, message } = error ?? {};
  if (status === 404) return new Problem(404, "not_found", reason === "deleted" ? "deleted" : "missing");
  if (typeof status === "number" && status >= 400 && status < 500) return new Problem(status, String(name ?? "error"), String(reason ?? message));
  if (name === "QuotaExceededError") return new Problem(507, "insufficient_storage", "There is not enough free space.");
  return new Problem(500, "internal_server_error", "The request could not be answered.");
}

/** @param {number} status @param {unknown} value @param {[string, string][]} headers @returns {OutgoingResponse} */
const json = (status, value, headers = []) =>
  ({ status, headers: [["content-type", "application/json"], ...headers], body: utf8(`${JSON.stringify(value)}\n`) });

/** @param {OutgoingResponse} answer @returns {OutgoingResponse} */
function withoutBody({ status, headers, body, length: told }) {
  const length = body === null ? told : lengthOf(body) ?? told;
  abandon(body);
  const kept = headers.filter(([name]) => name !== "content-length");
  if (typeof length === "number") kept.push(["content-length", String(length)]);
  return { status, headers: kept, body: null };
}

// MARK: - access/quota.js

// What all requests of one connection share: how much of it is under way, and in memory, at a time.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("../tunnel/exchanges.js").IncomingRequest} IncomingRequest */
/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */

/** @typedef {"feeds" | "lists" | "documents" | "bodies"} Kind */

/**
 * A request, and what it takes of its connection's quota while it is looked at and until its answer was read.
 * @typedef {IncomingRequest & { take: (kind: Kind, units?: number) => Promise<void> }} CountedRequest
 */

/** An answer that has attachments in it is as large as several without. */
const WITH_ATTACHMENTS = 8;

/** How much of a body the tunnel gets at a time: a place is given back when the last of it is on its way. */
const PORTION = 64 * 1024;

class Quota {
  /** @type {Record<Kind, Allowance>} */
  #allowances = {
    feeds: new Allowance(accessLimits.feeds), lists: new Allowance(accessLimits.lists), documents: new Allowance(accessLimits.documents),
    bodies: new Allowance(accessLimits.bodiesInMemory),
  };

  /**
   * Answers a request, which waits while the connection has too much under way.
   * @param {IncomingRequest} request
   * @param {(request: CountedRequest) => Promise<OutgoingResponse>} work
   * @returns {Promise<OutgoingResponse>} its body has the request's places until it was read, or given up
   */
  async answer(request, work) {
    /** @type {Set<() => void>} */
    const places = new Set();
    const release = () => { for (const place of places) place(); };
    /** @param {Kind} kind @param {number} units */
    const take = async (kind, units = 1) => {
      // Feeds are for as long as the peer likes: others would wait in vain.
      const place = kind === "feeds" ? this.#allowances.feeds.takeNow() : await this.#allowances[kind].take(units, request.signal);
      if (!place) throw new Problem(429, "too_many_requests", `There are ${accessLimits.feeds} live feeds on this connection already.`);
      places.add(place);
    };
    try {
      const answer = await work({ ...request, take });
      const { body } = answer;
      if (body === null || body instanceof Blob || (body instanceof Uint8Array && body.length <= accessLimits.smallBody)) {
        release();
        return answer;
      }
      return { ...answer, body: keeping(body, release), length: lengthOf(body) ?? answer.length ?? null };
    } catch (error) {
      release();
      throw error;
    }
  }
}

/**
 * The same bytes, and something that is done when they were read, or given up.
 * @param {Bytes | AsyncIterable<Bytes>} content @param {() => void} release
 * @returns {AsyncIterableIterator<Bytes>}
 */
function keeping(content, release) {
  const bytes = inPieces(content);
  /** @type {AsyncIterableIterator<Bytes>} */
  const body = {
    [Symbol.asyncIterator]: () => body,
    next: async () => {
      try {
        const step = await bytes.next();
        if (step.done) release();
        return step;
      } catch (error) {
        release();
        throw error;
      }
    },
    return: async () => {
      release();
      await bytes.return(undefined);
      return { done: true, value: undefined };
    },
  };
  return body;
}

/** @param {Bytes | AsyncIterable<Bytes>} content @returns {AsyncGenerator<Bytes>} */
async function* inPieces(content) {
  if (content instanceof Uint8Array) {
    for (let offset = 0; offset < content.length; offset += PORTION) yield content.subarray(offset, offset + PORTION);
  } else {
    for await (const part of content) yield* inPieces(part);
  }
}

/** JSON that is made while it is read. @type {(parts: AsyncGenerator<string>) => OutgoingResponse} */
const streamed = (parts) => ({ status: 200, headers: [["content-type", "application/json"]], body: inBytes(parts), length: null });

/** Texts as bytes, several of them together. @param {AsyncGenerator<string>} parts */
async function* inBytes(parts) {
  let waiting = "";
  for await (const part of parts) {
    waiting += part;
    // What is short and may be the last for long, such as a heartbeat, goes at once.
    if (waiting.length < 16 * 1024 && part.length > 1 && part.startsWith(",")) continue;
    yield utf8(waiting);
    waiting = "";
  }
  if (waiting !== "") yield utf8(waiting);
}

// MARK: - peers/connection.js

// A connection to another peer, over which either side uses what the other shares.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** A connection between this page and another peer, over which either uses what the other shares. */
class Connection {
  /** Databases of the remote that are open over it, and shares of this page that the remote uses. */
  #own = 0;
  /** @type {Set<string>} */
  #served = new Set();

  /**
   * @param {object} parts
   * @param {Bytes} parts.remote
   * @param {string} parts.fingerprint of the remote; verified
   * @param {any} parts.info what the remote says of itself
   * @param {import("./link.js").Link} parts.link
   * @param {import("../trust/signals.js").Session} parts.session
   * @param {import("../tunnel/tunnel.js").Tunnel} parts.tunnel
   */
  constructor({ remote, fingerprint: id, info, link, session, tunnel }) {
    this.remote = remote;
    this.fingerprint = id;
    this.info = info;
    this.link = link;
    this.session = session;
    this.tunnel = tunnel;
    this.since = Date.now();
    /** What the quotas of a connection count. */
    this.quota = new Quota();
    tunnel.ended.then(() => link.close());
    link.lost.then(() => tunnel.abandon());
  }

  get hasEnded() {
    return this.tunnel.endReason !== null;
  }

  use() {
    this.#own += 1;
  }

  /** @param {number} share the number that it is used under */
  giveUp(share) {
    this.tunnel.leaveShare(share);
    this.#own -= 1;
    this.#leaveIfIdle(GOODBYE.done);
  }

  /** @param {string} share */
  serves(share) {
    this.#served.add(share);
  }

  /** The remote does not use a share any more. @param {string} share */
  left(share) {
    this.#served.delete(share);
    this.#leaveIfIdle(GOODBYE.done);
  }

  /** Ends the remote's use of a share; the connection too, if nothing else goes over it. @param {string} share */
  withdraw(share) {
    this.tunnel.withdraw(share);
    this.#served.delete(share);
    this.#leaveIfIdle(GOODBYE.notShared);
  }

  /** @param {number} reason */
  #leaveIfIdle(reason) {
    if (this.#own === 0 && this.#served.size === 0) this.tunnel.leave(reason);
  }
}

// MARK: - peers/share-memory.js

// What of a share outlives the page: its record's number, and its tickets.


/** @typedef {import("./store.js").Store} Store */
/** @typedef {{ id: string, hub: { name: string }, book: import("../trust/tickets.js").TicketBook }} Remembered */

const KEPT = "share ";
/** @param {Remembered} share */
const keyOf = ({ id, hub }) => `${KEPT}${id} ${hub.name}`;

/** @param {Store} store @param {Remembered} share @param {number} number */
async function keepShare(store, share, number) {
  await store.update(keyOf(share), (kept) => {
    const present = ticketsOf(kept);
    const own = [...share.book.entries.values()].map(({ text, claimant, expiry }) => {
      const before = present.find((ticket) => ticket.text === text);
      const left = expiry - performance.now();
      // Another page may have given the ticket to somebody.
      return { text, claimant: claimant ?? before?.claimant ?? null, ...(expiry === Infinity ? {} : { left, until: Date.now() + left }) };
    });
    // Those that another page has made.
    const others = present.filter(({ text }) => !share.book.isKnown(text));
    return { n: Math.max(kept?.n ?? 0, number), tickets: [...others, ...own].slice(-limits.tickets) };
  });
}

/** The tickets in what was kept: what is damaged is none. @param {any} kept @returns {any[]} */
const ticketsOf = (kept) => (Array.isArray(kept?.tickets) ? kept.tickets.filter((/** @type {any} */ each) => typeof each?.text === "string") : []);

/** Puts the tickets that were kept into the share's book. @param {Store} store @param {Remembered} share @returns {Promise<number>} the record's number */
async function restoreShare(store, share) {
  const kept = await store.get(keyOf(share));
  for (const { text, claimant, left, until } of ticketsOf(kept)) {
    // The shorter of the two counts: a clock that was set back gives nobody more than was left.
    const time = left === undefined ? Infinity : Math.min(left, until - Date.now());
    // One that cannot be read must not prevent the sharing.
    if (time > 0) await readTicket(text).then((ticket) => share.book.add(ticket, performance.now() + time, performance.now(), claimant)).catch(() => {});
  }
  return Number.isSafeInteger(kept?.n) ? kept.n : 0;
}

/** Revokes what an identity claimed of shares, also of those that do not run. @param {Store} store @param {string} identity its fingerprint */
async function forgetClaims(store, identity) {
  for (const key of await store.keys(KEPT)) {
    await store.update(key, (kept) => ({ ...kept, tickets: ticketsOf(kept).filter(({ claimant }) => claimant !== identity) }));
  }
}

// MARK: - peers/store.js

// What a browser keeps for this origin: its identity, the shares' salts and tickets, and whom it has dealt with.


const NAME = "peerpouch";
/** How many identities are remembered, and names of each; the one not met for longest makes room. */
const KNOWN = 4096;
const NAMES = 8;

/** @template Value @param {IDBRequest<Value>} request @returns {Promise<Value>} */
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/**
 * How an identity and its name look beside what is known: `name` was seen with these other keys.
 * @typedef {"known" | "new" | { others: string[] }} Standing
 */

/** Values by name, in IndexedDB, so that private keys can be kept that nothing can read. */
class Store {
  /** @param {IDBDatabase | null} database `null` keeps everything in memory */
  constructor(database) {
    this.database = database;
    /** @type {Map<string, any>} */
    this.memory = new Map();
  }

  /** @param {string} name of the store; others than the usual one make several peers of one origin, for tests */
  static async open(name = NAME) {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("values");
    return new Store(await done(request));
  }

  /** @param {string} key @returns {Promise<any>} */
  async get(key) {
    if (!this.database) return this.memory.get(key);
    return done(this.database.transaction("values").objectStore("values").get(key));
  }

  /** @param {string} prefix @returns {Promise<string[]>} the keys that begin so */
  async keys(prefix) {
    const all = this.database ? await done(this.database.transaction("values").objectStore("values").getAllKeys()) : [...this.memory.keys()];
    return all.map(String).filter((key) => key.startsWith(prefix));
  }

  /** @param {string} key @param {unknown} value */
  async set(key, value) {
    if (!this.database) {
      this.memory.set(key, value);
      return;
    }
    await done(this.database.transaction("values", "readwrite").objectStore("values").put(value, key));
  }

  /** Reads, changes and writes in one transaction, whatever other pages do. @param {string} key @param {(value: any) => any} change */
  async update(key, change) {
    if (!this.database) {
      const changed = change(this.memory.get(key));
      this.memory.set(key, changed);
      return changed;
    }
    const values = this.database.transaction("values", "readwrite").objectStore("values");
    return new Promise((resolve, reject) => {
      const reading = values.get(key);
      reading.onerror = () => reject(reading.error);
      reading.onsuccess = () => {
        let changed;
        try {
          changed = change(reading.result);
        } catch (error) {
          reject(error);
          return;
        }
        const writing = values.put(changed, key);
        writing.onerror = () => reject(writing.error);
        writing.onsuccess = () => resolve(changed);
      };
    });
  }

  /** The identity of this origin in this profile; a new one at the first use. @returns {Promise<import("../basics/crypto.js").Identity>} */
  async identity() {
    const kept = await this.get("identity");
    if (kept) return identityOf(kept);
    const made = await newIdentity();
    const pair = await this.update("identity", (present) => present ?? made);
    // A lost key is a lost identity; browsers that ask do not hold anything up.
    if (this.database) navigator.storage?.persist?.().catch(() => {});
    return identityOf(pair);
  }

  /** Remembers an identity that was let in, or whose share was opened. @param {string} fingerprint @param {unknown} name */
  remember(fingerprint, name) {
    return this.update("known", (known = []) => {
      const before = known.find((/** @type {any} */ entry) => entry.fingerprint === fingerprint);
      const others = known.filter((/** @type {any} */ entry) => entry !== before);
      let names = before?.names ?? [];
      if (typeof name === "string" && name !== "") names = [...names.filter((/** @type {string} */ each) => each !== name), name.slice(0, 128)];
      return [...others, { fingerprint, names: names.slice(-NAMES), met: Math.floor(Date.now() / 1000) }].slice(-KNOWN);
    });
  }

  /** @param {string} fingerprint @param {string} name @returns {Promise<Standing>} */
  async standing(fingerprint, name) {
    const known = (await this.get("known")) ?? [];
    const own = known.find((/** @type {any} */ entry) => entry.fingerprint === fingerprint);
    if (own?.names.includes(name)) return "known";
    const others = known.filter((/** @type {any} */ entry) => entry !== own && entry.names.includes(name));
    if (others.length > 0) return { others: others.map((/** @type {any} */ entry) => entry.fingerprint) };
    return own ? "known" : "new";
  }
}

// MARK: - tunnel/pings.js

// Whether the peer is there, and how long the way to it and back is.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

class Pings {
  /** How long a ping and its answer take, in milliseconds; once it is known. @type {number | null} */
  roundTrip = null;
  /** Whether one is to be sent. */
  isDue = false;
  #next = 1;
  #lastSent = -Infinity;
  #receivedSince = 0;
  /** @type {{ number: number, sent: number } | null} */
  #awaited = null;
  /** The answer that is owed to the peer. @type {Bytes | null} */
  #answer = null;

  /** @param {number} count of bytes of bodies that came */
  received(count) {
    this.#receivedSince += count;
  }

  /** Takes the peer's. @param {Bytes} payload */
  take(payload) {
    this.#answer = payload.slice();
  }

  /** Takes the answer to this side's. @param {number} number @param {number} now */
  takeAnswer(number, now) {
    if (this.#awaited?.number !== number) return;
    const sample = now - this.#awaited.sent;
    this.#awaited = null;
    this.roundTrip = this.roundTrip === null ? sample : (this.roundTrip * 7 + sample) / 8;
  }

  /** Looks whether it is time for one. @param {number} silence for how long nothing came @param {typeof import("../basics/limits.js").tunnelLimits} limits @param {number} now */
  tick(silence, limits, now) {
    const since = now - this.#lastSent;
    if ((this.#receivedSince > 0 && since >= limits.busyPing) || (silence >= limits.ping && since >= limits.ping)) this.isDue = true;
  }

  /** @param {import("./frames.js").MessageWriter} writer @param {number} now */
  write(writer, now) {
    if (this.#answer && writer.room >= 8) {
      writer.append(KIND.pong, 0, 0, this.#answer);
      this.#answer = null;
    }
    if (!this.isDue || writer.room < 8) return;
    writer.append(KIND.ping, 0, 0, integer(this.#next, 8));
    this.#awaited ??= { number: this.#next, sent: now };
    this.#next += 1;
    this.isDue = false;
    this.#lastSent = now;
    this.#receivedSince = 0;
  }
}

// MARK: - tunnel/events.js

// What a tunnel's machine tells its owner, and which failures of an exchange there are.


/**
 * @typedef {"unreachable" | "failed" | "timeout"} FailureCode unreachable: the request was not looked at
 *
 * @typedef {{ type: "ready" }
 *   | { type: "opening", number: number, opening: import("./frames.js").ShareOpening }
 *   | { type: "opened", number: number, refusal: string | null }
 *   | { type: "withdrawn", number: number, reason: string }
 *   | { type: "left", number: number }
 *   | { type: "request", number: number, head: import("./frames.js").RequestHead }
 *   | { type: "response", number: number, head: import("./frames.js").ResponseHead }
 *   | { type: "readable", number: number }
 *   | { type: "unwanted", number: number }
 *   | { type: "failed", number: number, code: FailureCode, reason: string }
 *   | { type: "ended", reason: string }} TunnelEvent
 */

/** What it means that the peer has cancelled a stream. @param {number} number @param {number} code @param {string} reason @returns {TunnelEvent & { type: "failed" }} */
function cancellation(number, code, reason) {
  switch (code) {
    case CANCEL.refused: return { type: "failed", number, code: "unreachable", reason: "The peer has too much to do to look at the request." };
    case CANCEL.shareClosed: return { type: "failed", number, code: "unreachable", reason: "The peer does not give this share any more." };
    case CANCEL.stalled: return { type: "failed", number, code: "timeout", reason: "The peer says that the exchange has stalled." };
    default: return { type: "failed", number, code: "failed", reason: reason || "The peer could not go on with its answer." };
  }
}

// MARK: - tunnel/rate-limit.js

// How often something may happen.

/** At most so many events within a second, which begins with its first event. */
class RateLimit {
  /** @param {number} perSecond */
  constructor(perSecond) {
    this.perSecond = perSecond;
    this.start = -Infinity;
    this.count = 0;
  }

  /** @param {number} now */
  allows(now) {
    if (now - this.start >= 1000) {
      this.start = now;
      this.count = 0;
    }
    this.count += 1;
    return this.count <= this.perSecond;
  }

  /** @param {number} now */
  wouldAllow(now) {
    return now - this.start >= 1000 || this.count < this.perSecond;
  }
}

// MARK: - tunnel/receiving.js

// The frames of a peer that has said hello: what each changes, and what the program is told of it.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./events.js").TunnelEvent} TunnelEvent */
/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./stream.js").Stream} Stream */

class Receiver {
  /** @type {RateLimit} */
  #cancels;

  /**
   * @param {object} parts
   * @param {import("./streams.js").StreamTable} parts.streams
   * @param {import("./share-table.js").ShareTable} parts.shares
   * @param {import("./pings.js").Pings} parts.pings
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   */
  constructor({ streams, shares, pings }, limits) {
    this.streams = streams;
    this.shares = shares;
    this.pings = pings;
    this.limits = limits;
    this.#cancels = new RateLimit(limits.cancelsPerSecond);
  }

  /** Takes any frame but hello and goodbye; those that are not known are skipped. @param {Frame} frame @param {TunnelEvent[]} events @param {number} now @throws {Violation} */
  take(frame, events, now) {
    const reader = new PayloadReader(frame.payload);
    switch (frame.kind) {
      case KIND.open: this.shares.takeOpen(frame, events, now); break;
      case KIND.opened: this.shares.takeOpened(frame, reader, events); break;
      case KIND.close: this.shares.takeClose(frame, reader, events); break;
      case KIND.request: this.#request(frame, events, now); break;
      case KIND.response: this.#response(frame, events, now); break;
      case KIND.data: this.#data(frame, events, now); break;
      case KIND.cancel: this.#cancel(frame, reader, events, now); break;
      case KIND.credit: this.#credit(frame, reader, now); break;
      case KIND.ping:
        if (frame.payload.length !== 8) throw new Violation("malformedFrame");
        this.pings.take(frame.payload);
        break;
      case KIND.pong: {
        const number = reader.long();
        reader.finish();
        this.pings.takeAnswer(number, now);
        break;
      }
      default: break;
    }
  }

  // MARK: Heads

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now */
  #request(frame, events, now) {
    const { streams, shares } = this;
    const number = frame.id;
    if (number === 0 || streams.isOwn(number)) throw new Violation("wrongStreamNumber");
    if (number > streams.highestReceived) streams.accept(number, now);
    const payload = this.#completeHead(frame, now);
    const stream = streams.get(number);
    if (!payload || !stream) return;
    const head = readRequest(payload);
    if (!shares.isServed(head.share)) {
      if (head.share > shares.highest) throw new Violation("unknownStream");
      streams.cancel(number, CANCEL.shareClosed, "", now);
      return;
    }
    stream.share = head.share;
    events.push({ type: "request", number, head });
    this.#beginBody(stream, head.length, frame.flags, events);
  }

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now */
  #response(frame, events, now) {
    const number = frame.id;
    if (!this.streams.isOwn(number)) throw new Violation("unknownStream");
    this.streams.checkKnown(number);
    const payload = this.#completeHead(frame, now);
    const stream = this.streams.get(number);
    if (!payload || !stream) return;
    const head = readResponse(payload);
    events.push({ type: "response", number, head });
    this.#beginBody(stream, head.length, frame.flags, events);
  }

  /**
   * Puts the frames of a head together.
   * @param {Frame} frame @param {number} now
   * @returns {Bytes | null} the head once it is complete; `null` before, and for streams that are no more
   */
  #completeHead(frame, now) {
    const stream = this.streams.get(frame.id);
    if (!stream || stream.isCancelled) return null;
    if (stream.receiving !== "head") throw new Violation("unexpectedFrame");
    if (stream.partialHead.length + frame.payload.length > this.limits.head) throw new Violation("headTooLarge");
    stream.lastReceived = now;
    stream.partialHead.push(frame.payload);
    return frame.flags & FLAG.more ? null : stream.partialHead.take();
  }

  // MARK: Bodies

  /** @param {Stream} stream @param {number | null} length @param {number} flags @param {TunnelEvent[]} events */
  #beginBody(stream, length, flags, events) {
    stream.expected = length;
    stream.receiving = "body";
    this.#endBody(stream, flags, events);
  }

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now */
  #data(frame, events, now) {
    const { streams } = this;
    const count = frame.payload.length;
    streams.checkKnown(frame.id);
    streams.given.receive(count);
    this.pings.received(count);
    const stream = streams.get(frame.id);
    if (!stream || stream.isCancelled) {
      streams.consumeOfConnection(count, now);
      return;
    }
    if (stream.receiving !== "body") throw new Violation("unexpectedFrame");
    stream.given.receive(count);
    if (stream.expected !== null && stream.given.received > stream.expected) throw new Violation("wrongBodyLength");
    stream.lastReceived = now;
    if (stream.isDiscarding) {
      streams.consume(stream, count, now);
    } else if (count > 0) {
      const wasEmpty = stream.inbox.length === 0;
      stream.inbox.push(frame.payload);
      if (wasEmpty && !(frame.flags & FLAG.end)) events.push({ type: "readable", number: frame.id });
    }
    this.#endBody(stream, frame.flags, events);
  }

  /** @param {Stream} stream @param {number} flags @param {TunnelEvent[]} events */
  #endBody(stream, flags, events) {
    if (!(flags & FLAG.end) || stream.isCancelled) return;
    if (stream.expected !== null && stream.given.received !== stream.expected) throw new Violation("wrongBodyLength");
    stream.receiving = stream.isDiscarding ? "done" : "ended";
    events.push({ type: "readable", number: stream.number });
    this.streams.removeIfOver(stream);
  }

  // MARK: Ends and credit

  /** @param {Frame} frame @param {PayloadReader} reader @param {TunnelEvent[]} events @param {number} now */
  #cancel(frame, reader, events, now) {
    const { streams } = this;
    const code = reader.integer(2);
    streams.checkKnown(frame.id);
    if (!streams.isOwn(frame.id) && !this.#cancels.allows(now)) throw new Violation("tooOften");
    const stream = streams.get(frame.id);
    if (!stream) return;
    if (stream.isOwn && stream.isReceived && !stream.isCancelled) {
      // The answer is complete: only the rest of the request is not wanted.
      stream.dropPieces();
      stream.isFinished = true;
      stream.sending = "ended";
      events.push({ type: "unwanted", number: frame.id });
      streams.removeIfOver(stream);
      return;
    }
    streams.remove(stream, now);
    if (stream.isCancelled || (!stream.isOwn && stream.receiving === "head")) return;
    events.push(cancellation(frame.id, code, reader.reason()));
  }

  /** @param {Frame} frame @param {PayloadReader} reader @param {number} now */
  #credit(frame, reader, now) {
    const limit = reader.long();
    reader.finish();
    if (frame.id === 0) {
      this.streams.window.limit = Math.max(this.streams.window.limit, limit);
      return;
    }
    this.streams.checkKnown(frame.id);
    const stream = this.streams.get(frame.id);
    if (!stream || limit <= stream.window.limit) return;
    stream.window.limit = limit;
    stream.lastSent = now;
  }
}

// MARK: - tunnel/sending.js

// What goes into the next message to the peer, in the order of precedence.


/** @typedef {import("./frames.js").MessageWriter} MessageWriter */
/** @typedef {import("./stream.js").Stream} Stream */

/** How much of a message may stay empty rather than have the beginning of a piece in it. */
const SMALLEST_PART = 512;

class Sender {
  /** @type {RateLimit} */
  #cancels;

  /**
   * @param {object} parts
   * @param {import("./streams.js").StreamTable} parts.streams
   * @param {import("./share-table.js").ShareTable} parts.shares
   * @param {import("./pings.js").Pings} parts.pings
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   */
  constructor({ streams, shares, pings }, limits) {
    this.streams = streams;
    this.shares = shares;
    this.pings = pings;
    this.limits = limits;
    this.#cancels = new RateLimit(limits.cancelsSentPerSecond);
  }

  /** Writes as many frames as fit. @param {MessageWriter} writer @param {number} now @returns {number[]} the streams that can take more bytes */
  write(writer, now) {
    const { responses } = this.streams;
    this.pings.write(writer, now);
    this.shares.write(writer, now);
    this.#writeCredit(writer);
    this.#writeCancels(writer, now);
    while (responses.length > 0 && this.#writeHead(KIND.response, responses[0], writer, now)) responses.shift();
    this.#writeRequests(writer, now);
    return this.#writeBodies(writer, now);
  }

  /** @param {MessageWriter} writer */
  #writeCredit(writer) {
    const { streams } = this;
    if (streams.isConnectionCreditDue && writer.room >= 8) {
      streams.isConnectionCreditDue = false;
      writer.append(KIND.credit, 0, 0, integer(streams.given.limit, 8));
    }
    while (streams.dueCredits.length > 0 && writer.room >= 8) {
      const stream = streams.get(/** @type {number} */ (streams.dueCredits.shift()));
      if (!stream?.isCreditDue) continue;
      stream.isCreditDue = false;
      if (stream.receiving === "body" && !stream.isDiscarding) writer.append(KIND.credit, 0, stream.number, integer(stream.given.limit, 8));
    }
  }

  // MARK: Ends

  /** @param {MessageWriter} writer @param {number} now */
  #writeCancels(writer, now) {
    const { cancels, pacedCancels } = this.streams;
    const room = 2 + this.limits.reason;
    while (cancels.length > 0 && writer.room >= room) this.#writeCancel(/** @type {any} */ (cancels.shift()), writer, now);
    while (pacedCancels.length > 0 && writer.room >= room) {
      const stream = this.streams.get(pacedCancels[0].number);
      // What was answered completely meanwhile needs none.
      if (stream && !stream.isOver) {
        if (!this.#cancels.wouldAllow(now)) return;
        this.#cancels.allows(now);
      }
      this.#writeCancel(/** @type {any} */ (pacedCancels.shift()), writer, now);
    }
  }

  /** @param {{ number: number, code: number, reason: string }} cancel @param {MessageWriter} writer @param {number} now */
  #writeCancel({ number, code, reason }, writer, now) {
    const stream = this.streams.get(number);
    if (!stream) return;
    this.streams.remove(stream, now);
    if (!stream.isOver) writer.append(KIND.cancel, 0, number, integer(code, 2), reasonBytes(reason));
  }

  // MARK: Heads

  /** @param {MessageWriter} writer @param {number} now */
  #writeRequests(writer, now) {
    const { requests } = this.streams;
    while (requests.length > 0) {
      const stream = this.streams.get(requests[0]);
      if (stream && stream.sending === "head" && !stream.isCancelled) {
        if (!stream.isOnWire && !this.streams.hasRoom) return;
        if (!this.#writeHead(KIND.request, stream.number, writer, now)) return;
      }
      requests.shift();
    }
  }

  /** Writes a head, or as much of it as there is room for. @param {number} kind @param {number} number @param {MessageWriter} writer @param {number} now @returns {boolean} whether all of it was written */
  #writeHead(kind, number, writer, now) {
    const stream = this.streams.get(number);
    if (!stream || stream.isCancelled) return true;
    while (stream.head.length > 0) {
      const count = Math.min(stream.head.length, writer.room);
      if (count !== stream.head.length && count < SMALLEST_PART) return false;
      if (!stream.isOnWire) this.streams.launch(stream);
      const isLast = count === stream.head.length;
      const isWhole = isLast && stream.isFinished && stream.unsent === 0;
      writer.append(kind, isWhole ? FLAG.end : isLast ? 0 : FLAG.more, number, stream.head.subarray(0, count));
      stream.head = stream.head.subarray(count);
      stream.lastSent = now;
      if (isLast) stream.sending = isWhole ? "ended" : "body";
    }
    if (stream.sending === "ended") this.streams.sentEnd(stream, now);
    else this.streams.enterRing(stream);
    return true;
  }

  // MARK: Bodies

  /** Writes a piece of each body in turn. @param {MessageWriter} writer @param {number} now @returns {number[]} the streams that can take more bytes */
  #writeBodies(writer, now) {
    const { ring } = this.streams;
    /** @type {number[]} */
    const writable = [];
    let idle = 0;
    while (idle < ring.length && writer.room >= 0) {
      const number = /** @type {number} */ (ring.shift());
      const stream = this.streams.get(number);
      if (!stream) continue;
      const room = this.#room(stream);
      if (stream.sending !== "body" || (stream.unsent === 0 && !stream.isFinished)) {
        stream.isInRing = false;
        continue;
      }
      if (stream.unsent > 0 && room <= 0) {
        // It waits for credit, in line.
        ring.push(number);
        idle += 1;
        continue;
      }
      const wanted = Math.min(stream.unsent, Math.max(room, 0), this.limits.frame - 8);
      if (wanted > writer.room && writer.room < SMALLEST_PART) {
        ring.unshift(number);
        break;
      }
      idle = 0;
      this.#writeData(stream, Math.min(wanted, writer.room), writer, now);
      if (!stream.isFinished && stream.unsent < this.limits.unsentStream) writable.push(number);
      if (stream.sending === "body" && (stream.unsent > 0 || stream.isFinished)) ring.push(number);
      else stream.isInRing = false;
    }
    return writable;
  }

  /** How many bytes the peer takes of a stream now. @param {Stream} stream */
  #room(stream) {
    const { window } = this.streams;
    return Math.min(stream.window.limit - stream.window.sent, window.limit - window.sent);
  }

  /** @param {Stream} stream @param {number} count @param {MessageWriter} writer @param {number} now */
  #writeData(stream, count, writer, now) {
    const isLast = stream.isFinished && stream.unsent === count;
    writer.append(KIND.data, isLast ? FLAG.end : 0, stream.number, ...stream.take(count));
    stream.window.sent += count;
    this.streams.window.sent += count;
    stream.lastSent = now;
    if (!isLast) return;
    stream.sending = "ended";
    this.streams.sentEnd(stream, now);
  }
}

// MARK: - tunnel/share-table.js

// The shares that go over a connection: those of the peer that this side uses, and those of this side that the peer uses.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./events.js").TunnelEvent} TunnelEvent */
/** @typedef {import("./frames.js").Frame} Frame */

class ShareTable {
  /** @type {Map<number, "opening" | "open">} */
  #own;
  /** @type {Map<number, "opening" | "open">} */
  #peers;
  #next = 1;
  /** @type {RateLimit} */
  #openings;
  /** Frames that wait to be sent; openings wait for their pace, too. @type {Frame[]} */
  #outbox = [];
  /** @type {Frame[]} */
  #asked = [];
  /** @type {RateLimit} */
  #pace;

  /** @param {"opener" | "sharer"} role @param {typeof import("../basics/limits.js").tunnelLimits} limits */
  constructor(role, limits) {
    this.limits = limits;
    // The connection was made for number 0.
    this.#own = new Map(role === "opener" ? [[0, "open"]] : []);
    this.#peers = new Map(role === "sharer" ? [[0, "open"]] : []);
    this.#openings = new RateLimit(limits.openingsPerSecond);
    this.#pace = new RateLimit(limits.openingsSentPerSecond);
    /** Of the numbers that the peer has opened. */
    this.highest = 0;
  }

  /** Whether this side may send requests to a share. @param {number} number */
  isUsed(number) {
    return this.#own.get(number) === "open";
  }

  /** Whether the peer may send requests to a share. @param {number} number */
  isServed(number) {
    return this.#peers.get(number) === "open";
  }

  /** Whether the peer still wants a share, or has it. @param {number} number */
  isWanted(number) {
    return this.#peers.has(number);
  }

  // MARK: What the peer says

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now @throws {Violation} */
  takeOpen(frame, events, now) {
    if (!this.#openings.allows(now)) throw new Violation("tooOften");
    const opening = readOpening(frame.payload);
    if (frame.id <= this.highest) throw new Violation("wrongStreamNumber");
    this.highest = frame.id;
    if (this.#peers.size > this.limits.shares) {
      this.answer(frame.id, "Too many shares are open.");
    } else {
      this.#peers.set(frame.id, "opening");
      events.push({ type: "opening", number: frame.id, opening });
    }
  }

  /** @param {Frame} frame @param {import("./frames.js").PayloadReader} reader @param {TunnelEvent[]} events @throws {Violation} */
  takeOpened(frame, reader, events) {
    const code = reader.integer(1);
    if (this.#own.get(frame.id) !== "opening") return;
    if (code === 0) this.#own.set(frame.id, "open");
    else this.#own.delete(frame.id);
    events.push({ type: "opened", number: frame.id, refusal: code === 0 ? null : reader.reason() });
  }

  /** @param {Frame} frame @param {import("./frames.js").PayloadReader} reader @param {TunnelEvent[]} events */
  takeClose(frame, reader, events) {
    if (frame.flags & FLAG.yours) {
      if (this.#own.delete(frame.id)) events.push({ type: "withdrawn", number: frame.id, reason: reader.reason() });
    } else if (this.#peers.delete(frame.id)) {
      events.push({ type: "left", number: frame.id });
    }
  }

  // MARK: What this side says

  /** @param {import("./frames.js").ShareOpening} opening @returns {number} */
  open(opening) {
    const number = this.#next++;
    this.#own.set(number, "opening");
    this.#asked.push({ kind: KIND.open, flags: 0, id: number, payload: openingPayload(opening) });
    return number;
  }

  /** @param {number} number @param {string | null} refusal */
  answer(number, refusal) {
    if (this.#peers.has(number)) {
      if (refusal === null) this.#peers.set(number, "open");
      else this.#peers.delete(number);
    }
    this.#say(KIND.opened, number, concat(integer(refusal === null ? 0 : 1, 1), reasonBytes(refusal ?? "")));
  }

  /** @param {number} number */
  leave(number) {
    if (!this.#own.delete(number)) return;
    const index = this.#asked.findIndex(({ id }) => id === number);
    // What the peer was not asked for yet, it need not be told of.
    if (index >= 0) this.#asked.splice(index, 1);
    else this.#say(KIND.close, number, new Uint8Array());
  }

  /** @param {number} number @param {string} reason @returns {boolean} whether the peer used it */
  withdraw(number, reason) {
    const wasUsed = this.#peers.delete(number);
    if (wasUsed) this.#say(KIND.close, number, reasonBytes(reason), FLAG.yours);
    return wasUsed;
  }

  /** @param {number} kind @param {number} id @param {Bytes} payload @param {number} flags */
  #say(kind, id, payload, flags = 0) {
    this.#outbox.push({ kind, flags, id, payload });
  }

  /** @param {import("./frames.js").MessageWriter} writer @param {number} now */
  write(writer, now) {
    while (this.#asked.length > 0 && writer.room >= this.#asked[0].payload.length && this.#pace.wouldAllow(now)) {
      this.#pace.allows(now);
      this.#append(this.#asked, writer);
    }
    while (this.#outbox.length > 0 && writer.room >= this.#outbox[0].payload.length) this.#append(this.#outbox, writer);
  }

  /** @param {Frame[]} waiting @param {import("./frames.js").MessageWriter} writer */
  #append(waiting, writer) {
    const { kind, flags, id, payload } = /** @type {Frame} */ (waiting.shift());
    writer.append(kind, flags, id, payload);
  }
}

// MARK: - tunnel/credit.js

// How much a peer may send before it is told that more was read.


/** What this side gives of credit: an offset that moves on as bytes are read. */
class ReceivingWindow {
  /** @param {number} size @param {number} largest @param {number} now */
  constructor(size, largest, now) {
    this.size = size;
    this.largest = Math.max(size, largest);
    this.received = 0;
    this.consumed = 0;
    this.limit = size;
    this.epoch = { start: now, consumed: 0 };
  }

  /** @param {number} count */
  receive(count) {
    this.received += count;
    if (this.received > this.limit) throw new Violation("creditExceeded");
  }

  /** Notes that bytes were read. @returns whether new credit should be told */
  consume(/** @type {number} */ count, /** @type {number} */ now, /** @type {number | null} */ roundTrip) {
    this.consumed += count;
    if (this.consumed + this.size - this.limit < this.size / 2) return false;
    const read = this.consumed - this.epoch.consumed;
    // Doubled when it was read through in less than four round-trip times: then credit was what the transfer waited for.
    if (roundTrip !== null && read > 0 && this.size < this.largest && ((now - this.epoch.start) * this.size) / read < 4 * roundTrip) {
      this.size = Math.min(this.size * 2, this.largest);
    }
    this.epoch = { start: now, consumed: this.consumed };
    this.limit = this.consumed + this.size;
    return true;
  }

  /** @param {number} size */
  widen(size) {
    this.size = Math.max(this.size, Math.min(size, this.largest));
  }
}

// MARK: - tunnel/stream.js

// One request with its response, as one of the two sides sees it.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

class Stream {
  /**
   * @param {object} beginning
   * @param {number} beginning.number
   * @param {boolean} beginning.isOwn whether this side has opened it
   * @param {number} beginning.share
   * @param {Bytes | null} beginning.head the request's, if this side sends it
   * @param {number} beginning.credit how many bytes the peer takes to begin with
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   * @param {number} now
   */
  constructor({ number, isOwn, share, head, credit }, limits, now) {
    this.number = number;
    this.isOwn = isOwn;
    this.share = share;
    /** @type {"noHead" | "head" | "body" | "ended"} */
    this.sending = head ? "head" : "noHead";
    /** What is left of it to send. @type {Bytes} */
    this.head = head ?? new Uint8Array();
    /** @type {Bytes[]} */
    this.pieces = [];
    this.unsent = 0;
    /** Whether there will be no more pieces. */
    this.isFinished = false;
    /** What the peer gives. */
    this.window = { sent: 0, limit: credit };
    this.isInRing = false;
    this.lastSent = now;
    /** @type {"head" | "body" | "ended" | "done"} */
    this.receiving = "head";
    /** The frames of a head that is not complete. */
    this.partialHead = new ByteQueue();
    this.inbox = new ByteQueue();
    /** How many bytes the body shall have. @type {number | null} */
    this.expected = null;
    this.given = new ReceivingWindow(limits.streamCredit, limits.longestStreamCredit, now);
    this.isCreditDue = false;
    /** Whether what comes is thrown away. */
    this.isDiscarding = false;
    this.lastReceived = now;
    this.isCancelled = false;
    this.isOnWire = false;
  }

  /** Whether everything that the peer sends has come. */
  get isReceived() {
    return this.receiving === "ended" || this.receiving === "done";
  }

  get isOver() {
    return this.sending === "ended" && this.isReceived;
  }

  /** Whether a body can have more pieces. */
  get takesPieces() {
    return !this.isCancelled && !this.isFinished && this.sending !== "ended";
  }

  /** @param {Bytes} bytes @param {number} now */
  push(bytes, now) {
    if (this.unsent === 0) this.lastSent = now;
    this.pieces.push(bytes);
    this.unsent += bytes.length;
  }

  /** Takes bytes from the beginning of what there is to send. @param {number} count @returns {Bytes[]} */
  take(count) {
    /** @type {Bytes[]} */
    const taken = [];
    let rest = count;
    while (rest > 0) {
      const [first] = this.pieces;
      if (first.length <= rest) {
        taken.push(first);
        this.pieces.shift();
      } else {
        taken.push(first.subarray(0, rest));
        this.pieces[0] = first.subarray(rest);
      }
      rest -= Math.min(rest, first.length);
    }
    this.unsent -= count;
    return taken;
  }

  dropPieces() {
    this.pieces = [];
    this.unsent = 0;
  }

  /**
   * What it waits for in vain.
   * @param {{ sent: number, limit: number }} connection the window of all streams
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   * @param {number} now
   */
  stall(connection, limits, now) {
    const isBlocked = this.window.limit <= this.window.sent || connection.limit <= connection.sent;
    if (this.unsent > 0 && this.sending === "body" && now - this.lastSent > limits.stall && isBlocked) {
      return "The peer did not read for too long.";
    }
    if (this.receiving === "head" && this.isOnWire) {
      const last = Math.max(this.lastReceived, this.lastSent);
      return now - last > (this.isOwn ? limits.answer : limits.stall) ? "The peer did not answer in time." : null;
    }
    const isOwed = this.receiving === "body" && this.inbox.length === 0 && !this.isDiscarding;
    return isOwed && now - this.lastReceived > limits.stall ? "The peer did not go on for too long." : null;
  }
}

// MARK: - tunnel/streams.js

// The streams of a connection: their numbers, the credit that they share, and what each of them has to send.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

const LAST_NUMBER = 2 ** 32 - 1;

class StreamTable {
  /** @type {Map<number, Stream>} */
  #streams = new Map();
  highestSent = 0;
  #ownLive = 0;
  #peerLive = 0;
  /** @type {import("./frames.js").Hello | null} */
  #peer = null;

  /**
   * @param {"opener" | "sharer"} role
   * @param {typeof import("../basics/limits.js").tunnelLimits} limits
   * @param {import("./pings.js").Pings} pings which know how long the way is
   * @param {number} now
   */
  constructor(role, limits, pings, now) {
    this.role = role;
    this.limits = limits;
    this.pings = pings;
    this.nextNumber = role === "opener" ? 1 : 2;
    this.highestReceived = 0;
    /** Streams whose head waits, in order. @type {number[]} */
    this.requests = [];
    /** @type {number[]} */
    this.responses = [];
    /** Streams whose body waits, in turn. @type {number[]} */
    this.ring = [];
    /** Ends that the peer is to be told: those of its streams, and those of this side's, which are told at a pace. @type {{ number: number, code: number, reason: string }[]} */
    this.cancels = [];
    /** @type {{ number: number, code: number, reason: string }[]} */
    this.pacedCancels = [];
    /** @type {number[]} */
    this.dueCredits = [];
    this.isConnectionCreditDue = false;
    /** What the peer gives all streams together, and what this side gives. */
    this.window = { sent: 0, limit: 0 };
    this.given = new ReceivingWindow(limits.connectionCredit, limits.longestConnectionCredit, now);
  }

  /** Takes what the peer allows. @param {import("./frames.js").Hello} hello */
  begin(hello) {
    this.#peer = hello;
    this.window = { sent: 0, limit: hello.connectionCredit };
  }

  /** @param {number} number */
  get(number) {
    return this.#streams.get(number);
  }

  get all() {
    return [...this.#streams.values()].sort((one, other) => one.number - other.number);
  }

  /** @param {number} number */
  isOwn(number) {
    return (number % 2 === 1) === (this.role === "opener");
  }

  /** Whether the peer allows one more. */
  get hasRoom() {
    return this.#ownLive < (this.#peer?.streams ?? 0);
  }

  /** Refuses the number of a stream that there never was. @param {number} number @throws {Violation} */
  checkKnown(number) {
    if (number === 0 || number > (this.isOwn(number) ? this.highestSent : this.highestReceived)) throw new Violation("unknownStream");
  }

  /** @param {number} number @param {boolean} isOwn @param {number} share @param {Bytes | null} head @param {number} now */
  #make(number, isOwn, share, head, now) {
    const stream = new Stream({ number, isOwn, share, head, credit: this.#peer?.streamCredit ?? 0 }, this.limits, now);
    this.#streams.set(number, stream);
    return stream;
  }

  /** Opens a stream with a request. @param {import("./frames.js").RequestHead} head @param {number} now @throws {RangeError} */
  request(head, now) {
    const payload = requestPayload(head);
    const number = this.nextNumber;
    this.nextNumber += 2;
    this.#make(number, true, head.share, payload, now);
    this.requests.push(number);
    return number;
  }

  /** Takes a stream that the peer opens. @param {number} number @param {number} now @throws {Violation} */
  accept(number, now) {
    if (this.#peerLive >= this.limits.streams) throw new Violation("tooManyStreams");
    this.highestReceived = number;
    this.#peerLive += 1;
    this.#make(number, false, 0, null, now).isOnWire = true;
  }

  /** Notes that the peer gets to know of a stream. @param {Stream} stream */
  launch(stream) {
    stream.isOnWire = true;
    stream.window.limit = this.#peer?.streamCredit ?? 0;
    this.#ownLive += 1;
    this.highestSent = stream.number;
  }

  /** @param {number} number @param {import("./frames.js").ResponseHead} head @returns {boolean} @throws {RangeError} */
  respond(number, head) {
    const stream = this.get(number);
    if (!stream || stream.sending !== "noHead" || stream.isCancelled) return false;
    stream.head = responsePayload(head);
    stream.sending = "head";
    this.responses.push(number);
    return true;
  }

  // MARK: Bodies

  /** @param {number} number @param {Bytes} bytes @param {number} now @returns {number | null} */
  write(number, bytes, now) {
    const stream = this.get(number);
    if (!stream?.takesPieces) return null;
    if (bytes.length > 0) {
      stream.push(bytes, now);
      this.enterRing(stream);
    }
    return stream.unsent;
  }

  /** @param {number} number */
  finish(number) {
    const stream = this.get(number);
    if (!stream || stream.isCancelled) return;
    stream.isFinished = true;
    this.enterRing(stream);
  }

  /** @param {Stream} stream */
  enterRing(stream) {
    if (stream.isInRing || stream.sending !== "body" || (stream.unsent === 0 && !stream.isFinished)) return;
    stream.isInRing = true;
    this.ring.push(stream.number);
  }

  /** @param {number} number @param {number} now @returns {Bytes | "end" | "nothing"} */
  read(number, now) {
    const stream = this.get(number);
    if (!stream) return "end";
    if (stream.inbox.length === 0) {
      if (!stream.isReceived) return "nothing";
      stream.receiving = "done";
      this.removeIfOver(stream);
      return "end";
    }
    const bytes = stream.inbox.take();
    stream.lastReceived = now;
    this.consume(stream, bytes.length, now);
    return bytes;
  }

  /** Notes that bytes of a stream were read. @param {Stream} stream @param {number} count @param {number} now */
  consume(stream, count, now) {
    const isDue = stream.given.consume(count, now, this.pings.roundTrip);
    if (isDue && stream.receiving === "body" && !stream.isDiscarding && !stream.isCreditDue) {
      stream.isCreditDue = true;
      this.dueCredits.push(stream.number);
      this.given.widen(stream.given.size * 2);
    }
    this.consumeOfConnection(count, now);
  }

  /** @param {number} count @param {number} now */
  consumeOfConnection(count, now) {
    if (this.given.consume(count, now, this.pings.roundTrip)) this.isConnectionCreditDue = true;
  }

  // MARK: The end of a stream

  /** @param {number} number @param {number} now */
  stopReading(number, now) {
    const stream = this.get(number);
    if (!stream || stream.isCancelled || stream.isDiscarding) return;
    this.#discard(stream, now);
    if (stream.receiving === "ended") stream.receiving = "done";
    else if (stream.receiving !== "done" && stream.sending === "ended") this.cancel(number, CANCEL.notWanted, "", now);
    this.removeIfOver(stream);
  }

  /** @param {Stream} stream @param {number} now */
  #discard(stream, now) {
    stream.isDiscarding = true;
    const unread = stream.inbox.take().length;
    if (unread > 0) this.consumeOfConnection(unread, now);
  }

  /** Ends a stream before its time. @param {number} number @param {number} code @param {string} reason @param {number} now */
  cancel(number, code, reason, now) {
    const stream = this.get(number);
    if (!stream || stream.isCancelled) return;
    if (!stream.isOnWire) {
      this.remove(stream, now);
      return;
    }
    this.#discard(stream, now);
    stream.isCancelled = true;
    stream.dropPieces();
    (stream.isOwn ? this.pacedCancels : this.cancels).push({ number, code, reason });
  }

  /** @param {Stream} stream @param {number} now */
  sentEnd(stream, now) {
    // It is answered, and the rest of the request is not wanted.
    if (!stream.isOwn && stream.isDiscarding && !stream.isOver) this.cancel(stream.number, CANCEL.notWanted, "", now);
    else this.removeIfOver(stream);
  }

  /** @param {Stream} stream */
  removeIfOver(stream) {
    if (!stream.isOver || stream.isCancelled) return;
    this.#countOut(stream);
    if (stream.receiving === "done" || stream.isDiscarding) this.#streams.delete(stream.number);
  }

  /** @param {Stream} stream @param {number} now */
  remove(stream, now) {
    this.#streams.delete(stream.number);
    this.#countOut(stream);
    if (stream.inbox.length > 0) this.consumeOfConnection(stream.inbox.length, now);
  }

  /** @param {Stream} stream */
  #countOut(stream) {
    if (!stream.isOnWire) return;
    stream.isOnWire = false;
    if (stream.isOwn) this.#ownLive -= 1;
    else this.#peerLive -= 1;
  }
}

// MARK: - tunnel/machine.js

// The protocol between two peers without any I/O: what came goes in, what shall be sent comes out, and time is given to it.
// The same as Sources/PeerTunnel/Machine.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./events.js").TunnelEvent} TunnelEvent */
/** @typedef {import("./frames.js").Frame} Frame */

class TunnelMachine {
  /** @type {{ code: number, reason: string }} */
  #goodbye = { code: GOODBYE.done, reason: "" };
  /** @type {Bytes | null} */
  #pendingHello;
  /** @type {import("./frames.js").Hello | null} */
  #peer = null;
  #started;

  /**
   * @param {"opener" | "sharer"} role
   * @param {Bytes} hello the proof for this side's hello
   * @param {number} now in milliseconds of a monotonic clock
   * @param {typeof tunnelLimits} limits
   */
  constructor(role, hello, now, limits = tunnelLimits) {
    this.limits = limits;
    /** @type {"opening" | "open" | "leaving" | "ended"} */
    this.phase = "opening";
    this.lastReceived = now;
    this.pings = new Pings();
    this.shares = new ShareTable(role, limits);
    this.streams = new StreamTable(role, limits, this.pings, now);
    this.receiver = new Receiver(this, limits);
    this.sender = new Sender(this, limits);
    this.#started = now;
    this.#pendingHello = helloPayload(limits, hello);
  }

  get isEnding() {
    return this.phase === "leaving" || this.phase === "ended";
  }

  // MARK: Messages

  /**
   * Takes a message of the peer. Whoever gives the first one has verified the proof in its hello before: that takes
   * WebCrypto's time, and nothing here waits.
   * @param {Bytes} message
   * @param {number} now
   * @returns {TunnelEvent[]}
   * @throws {Violation} the session is over then, and a goodbye is the next message
   */
  receive(message, now) {
    if (this.isEnding) return [];
    this.lastReceived = now;
    /** @type {TunnelEvent[]} */
    const events = [];
    try {
      if (message.length === 0 || message.length > this.limits.message) throw new Violation("badMessageLength");
      for (const frame of readFrames(message)) {
        if (this.isEnding) break;
        this.#take(frame, events, now);
      }
    } catch (error) {
      if (error instanceof Violation) this.leave(error.goodbye, error.rule);
      throw error;
    }
    return events;
  }

  /** @param {Frame} frame @param {TunnelEvent[]} events @param {number} now */
  #take(frame, events, now) {
    if (frame.kind === KIND.hello) {
      if (this.#peer) throw new Violation("secondHello");
      this.#peer = readHello(frame.payload);
      this.phase = "open";
      this.streams.begin(this.#peer);
      this.pings.isDue = true;
      events.push({ type: "ready" });
    } else if (frame.kind === KIND.goodbye) {
      const reader = new PayloadReader(frame.payload);
      const code = reader.integer(2);
      const taken = reader.integer(4);
      const reason = reader.reason();
      events.push(...this.end(reason || `The peer has closed the connection (${code}).`, taken));
    } else {
      if (!this.#peer) throw new Violation("helloExpected");
      this.receiver.take(frame, events, now);
    }
  }

  /**
   * The next message: as many frames as fit, in their order of precedence.
   * @param {number} now
   * @returns {{ bytes: Bytes, writable: number[] } | null} with the streams that can take more bytes
   */
  nextMessage(now) {
    if (this.phase === "ended") return null;
    const writer = new MessageWriter(Math.min(this.limits.message, this.#peer?.message ?? this.limits.frame));
    /** @type {number[]} */
    let writable = [];
    if (this.#pendingHello) {
      writer.append(KIND.hello, 0, 0, this.#pendingHello);
      this.#pendingHello = null;
    }
    if (this.phase === "leaving") {
      const { code, reason } = this.#goodbye;
      writer.append(KIND.goodbye, 0, 0, integer(code, 2), integer(this.streams.highestReceived, 4), reasonBytes(reason));
      this.phase = "ended";
    } else if (this.phase === "open") {
      writable = this.sender.write(writer, now);
    }
    return writer.length > 0 ? { bytes: writer.bytes(), writable } : null;
  }

  // MARK: Shares

  /** Asks to use another share of the peer. @param {import("./frames.js").ShareOpening} opening @returns {number} */
  openShare(opening) {
    return this.shares.open(opening);
  }

  /** Answers a peer's opening. @param {number} number @param {string | null} refusal */
  answerOpening(number, refusal) {
    this.shares.answer(number, refusal);
  }

  /** Says that this side does not use a share any more. @param {number} number */
  leaveShare(number) {
    this.shares.leave(number);
  }

  /** Says that a share is not given any more, and ends its requests. @param {number} number @param {string} reason @param {number} now @returns {number[]} the streams that are over */
  withdrawShare(number, reason, now) {
    if (!this.shares.withdraw(number, reason)) return [];
    const over = this.streams.all.filter((stream) => !stream.isOwn && stream.share === number && !stream.isCancelled);
    for (const stream of over) this.streams.cancel(stream.number, CANCEL.failed, reason, now);
    return over.map((stream) => stream.number);
  }

  // MARK: Streams

  /**
   * Opens a stream with a request. It waits while the peer allows no more streams.
   * @param {import("./frames.js").RequestHead} head
   * @param {number} now
   * @returns {number | null} `null` if the share is not open or the session over
   * @throws {RangeError} for a head that a peer would not take
   */
  request(head, now) {
    if (this.isEnding || !this.shares.isUsed(head.share)) return null;
    if (this.streams.nextNumber > LAST_NUMBER) {
      this.leave(GOODBYE.numbersUsedUp);
      return null;
    }
    return this.streams.request(head, now);
  }

  /**
   * Answers a request.
   * @param {number} number
   * @param {import("./frames.js").ResponseHead} head
   * @returns {boolean} `false` if the stream is no more
   * @throws {RangeError} for a head that a peer would not take; the stream can still be answered
   */
  respond(number, head) {
    return this.streams.respond(number, head);
  }

  /** Adds a piece to a body. @param {number} number @param {Bytes} bytes @param {number} now @returns {number | null} how many bytes wait now; `null` if the stream takes none */
  write(number, bytes, now) {
    return this.streams.write(number, bytes, now);
  }

  /** Says that a body is complete. @param {number} number */
  finish(number) {
    this.streams.finish(number);
  }

  /** How many bytes of a stream wait to be sent; `null` if it takes none any more. @param {number} number */
  unsent(number) {
    const stream = this.streams.get(number);
    return stream?.takesPieces ? stream.unsent : null;
  }

  /** Whether everything that the peer sends on a stream is there. @param {number} number */
  isReceived(number) {
    return this.streams.get(number)?.isReceived ?? true;
  }

  /**
   * Takes all bytes of a stream that are there, and gives the peer credit for others.
   * @param {number} number @param {number} now
   * @returns {Bytes | "end" | "nothing"}
   */
  read(number, now) {
    return this.streams.read(number, now);
  }

  /** Says that nobody wants the rest of what the other side sends. @param {number} number @param {number} now */
  stopReading(number, now) {
    this.streams.stopReading(number, now);
  }

  /** Ends a stream before its time. @param {number} number @param {number} code @param {string} reason @param {number} now */
  cancel(number, code, reason, now) {
    this.streams.cancel(number, code, reason, now);
  }

  // MARK: Time, and the end

  /** Looks at the clock: what waits for too long ends, and a ping is sent when it is time. @param {number} now @returns {TunnelEvent[]} */
  tick(now) {
    if (this.isEnding) return [];
    const { limits, streams } = this;
    const silence = now - this.lastReceived;
    if (this.phase === "opening" ? now - this.#started > limits.hello : silence > limits.silence) {
      this.leave(GOODBYE.silence);
      return [{ type: "ended", reason: "The peer has not been heard of for too long." }];
    }
    if (this.phase === "opening") return [];
    this.pings.tick(silence, limits, now);
    /** @type {TunnelEvent[]} */
    const events = [];
    for (const stream of streams.all) {
      const reason = stream.isCancelled ? null : stream.stall(streams.window, limits, now);
      if (!reason) continue;
      events.push({ type: "failed", number: stream.number, code: "timeout", reason });
      streams.cancel(stream.number, CANCEL.stalled, "", now);
    }
    return events;
  }

  /** Says goodbye; nothing else is sent or taken any more. @param {number} code @param {string} reason */
  leave(code, reason = "") {
    if (this.isEnding) return;
    this.phase = "leaving";
    this.#goodbye = { code, reason };
  }

  /**
   * Ends the session at once, as the other side does, or the channel.
   * @param {string} reason
   * @param {number | null} taken the highest number of this side's streams that the peer has looked at, if it says so
   * @returns {TunnelEvent[]}
   */
  end(reason, taken = null) {
    const streams = this.streams.all;
    if (this.phase === "ended" && streams.length === 0) return [];
    this.phase = "ended";
    /** @type {TunnelEvent[]} */
    const events = [];
    for (const stream of streams) {
      if (stream.isCancelled || stream.isReceived) continue;
      const isUntouched = stream.isOwn && (!stream.isOnWire || (taken !== null && stream.number > taken));
      events.push({ type: "failed", number: stream.number, code: isUntouched ? "unreachable" : "failed", reason });
    }
    events.push({ type: "ended", reason });
    return events;
  }
}

// MARK: - tunnel/serving.js

// Answers to what a peer asks of this side's shares.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {(request: import("./exchanges.js").IncomingRequest) => Promise<import("./exchanges.js").OutgoingResponse>} Handler */
/** @typedef {{ handler: Handler } | { refusal: string }} Decision */

class ServedShares {
  /** @type {Map<number, { share: string, handler: Handler }>} by the peer's number of the share */
  #handlers = new Map();
  /** Shares that the peer asks for, by its number. @type {Map<number, string>} */
  #deciding = new Map();
  /** Shares that the peer has. @type {Set<string>} */
  #given = new Set();
  #requestsAtWork = 0;

  /**
   * @param {import("./exchanges.js").ExchangeTable} exchanges
   * @param {object} side
   * @param {{ share: string, handler: Handler } | null} side.serving what the connection was made for
   * @param {(opening: import("./frames.js").ShareOpening) => Promise<Decision>} side.decide whether the peer may use one more
   * @param {(share: string) => void} side.left the peer does not use one any more
   */
  constructor(exchanges, { serving, decide, left }) {
    this.exchanges = exchanges;
    this.machine = exchanges.machine;
    this.decide = decide;
    this.left = left;
    if (serving) this.#give(0, serving);
  }

  clear() {
    this.#handlers.clear();
  }

  /** @param {number} number @param {{ share: string, handler: Handler }} entry */
  #give(number, entry) {
    this.#handlers.set(number, entry);
    this.#given.add(entry.share);
  }

  /** Tells that the peer does not use a share any more, unless it has it by another number too. @param {string} share */
  #leaveIfUnused(share) {
    const isUsed = [...this.#handlers.values()].some((each) => each.share === share) || [...this.#deciding.values()].includes(share);
    if (!isUsed && this.#given.delete(share)) this.left(share);
  }

  // MARK: Shares

  /** @param {number} number @param {import("./frames.js").ShareOpening} opening */
  async answerOpening(number, opening) {
    /** @type {Decision} */
    let decision = { refusal: "unknown" };
    this.#deciding.set(number, opening.share);
    try {
      decision = await this.decide(opening);
    } catch {
      // Refused.
    }
    this.#deciding.delete(number);
    if (this.machine.isEnding) return;
    if ("handler" in decision) {
      this.#give(number, { share: opening.share, handler: decision.handler });
      // The peer may have given it up meanwhile.
      if (this.machine.shares.isWanted(number)) this.machine.answerOpening(number, null);
      else this.giveUp(number);
    } else {
      this.machine.answerOpening(number, decision.refusal);
      this.#leaveIfUnused(opening.share);
    }
    this.exchanges.send();
  }

  /** The peer does not use a share any more. @param {number} number */
  giveUp(number) {
    const entry = this.#handlers.get(number);
    this.#handlers.delete(number);
    if (entry) this.#leaveIfUnused(entry.share);
  }

  /** Ends the peer's use of a share: what is under way, and what would come. @param {string} share */
  withdraw(share) {
    const reason = "This is not shared any more.";
    this.#given.delete(share);
    for (const [number, entry] of this.#handlers) {
      if (entry.share !== share) continue;
      this.#handlers.delete(number);
      for (const stream of this.machine.withdrawShare(number, reason, performance.now())) {
        this.exchanges.get(stream)?.fail(new TunnelError("failed", reason));
      }
    }
    this.exchanges.send();
  }

  // MARK: Requests

  /** @param {number} number @param {import("./frames.js").RequestHead} head */
  async answer(number, head) {
    const { exchanges, machine } = this;
    const entry = this.#handlers.get(head.share);
    if (this.#requestsAtWork >= tunnelLimits.requests || !entry) {
      machine.cancel(number, entry ? CANCEL.refused : CANCEL.shareClosed, "", performance.now());
      return;
    }
    const exchange = exchanges.begin(number);
    this.#requestsAtWork += 1;
    const body = this.#body(number, exchange);
    /** @type {import("./exchanges.js").OutgoingResponse | null} */
    let answer = null;
    try {
      answer = await entry.handler({
        method: head.method, target: head.target, headers: new Map(head.headers), length: head.length, body, signal: exchange.abort.signal,
      });
      const { status, headers } = answer;
      const length = lengthOf(answer.body) ?? answer.length ?? null;
      if (exchange.failure || !machine.respond(number, { status, headers, length })) return;
      // Whatever of the request was not read is not needed.
      await body.return(undefined);
      machine.stopReading(number, performance.now());
      await exchanges.pump(number, exchange, answer.body, length);
    } catch {
      // A peer learns that it failed, and not why.
      machine.cancel(number, CANCEL.failed, "", performance.now());
    } finally {
      abandon(answer?.body ?? null).catch(() => {});
      this.#requestsAtWork -= 1;
      exchanges.delete(number);
      exchanges.send();
    }
  }

  /** @param {number} number @param {import("./exchanges.js").Exchange} exchange */
  async* #body(number, exchange) {
    for (let bytes = await this.exchanges.read(number, exchange); bytes; bytes = await this.exchanges.read(number, exchange)) yield bytes;
  }
}

// MARK: - tunnel/tunnel.js

// A connection to a peer at work: requests to its shares, and answers to its own, over one data channel.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** Ends the bodies that nobody can read any more. @type {FinalizationRegistry<{ exchanges: ExchangeTable, number: number }>} */
const dropped = new FinalizationRegistry(({ exchanges, number }) => {
  if (exchanges.get(number)) exchanges.cancel(number, new TunnelError("aborted", "Nobody reads the rest."), CANCEL.notWanted);
});

class Tunnel {
  /** @type {Map<number, (refusal: string | null) => void>} openings that wait for their answer */
  #openings = new Map();
  /** @type {Bytes[]} messages that wait until the hello is verified */
  #early = [];
  #earlyBytes = 0;
  /** @type {"none" | "checking" | "verified"} */
  #proof = "none";
  #blockedSince = Infinity;
  /** @type {ReturnType<typeof setInterval>} */
  #clock;
  /** @type {(reason: string) => void} */
  #end = () => {};
  /** @type {() => void} */
  #isReady = () => {};

  /**
   * @param {RTCDataChannel} channel open, and the tunnel's alone from now on
   * @param {object} side
   * @param {"opener" | "sharer"} side.role
   * @param {Bytes} side.hello this side's proof
   * @param {(proof: Bytes) => Promise<boolean>} side.verify whether the peer's is right
   * @param {{ share: string, handler: import("./serving.js").Handler } | null} [side.serving] for the sharer: what the connection was made for
   * @param {(opening: import("./frames.js").ShareOpening) => Promise<import("./serving.js").Decision>} [side.decide] whether the peer may use one more share
   * @param {(share: string) => void} [side.left] the peer does not use a share any more
   * @param {ArrayBuffer[]} [side.early] messages that came before
   */
  constructor(channel, { role, hello, verify, early = [], serving = null, decide = async () => ({ refusal: "unknown" }), left = () => {} }) {
    this.channel = channel;
    this.machine = new TunnelMachine(role, hello, performance.now());
    this.verify = verify;
    this.exchanges = new ExchangeTable(this.machine, () => this.#send());
    this.served = new ServedShares(this.exchanges, { serving, decide, left });
    /** The bytes that went and came. */
    this.statistics = { sent: 0, received: 0 };
    /** How it ended, once it has. @type {Promise<string>} */
    this.ended = new Promise((resolve) => { this.#end = resolve; });
    /** @type {string | null} */
    this.endReason = null;
    /** When the peer has proved who it is; never if it does not. @type {Promise<void>} */
    this.ready = new Promise((resolve) => { this.#isReady = resolve; });

    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = tunnelLimits.unsentChannel / 2;
    channel.onbufferedamountlow = () => this.#send();
    channel.onmessage = ({ data }) => this.#receive(data);
    channel.onclose = () => this.#finish("The connection to the peer was lost.");
    channel.onerror = () => this.#finish("The connection to the peer was lost.");
    this.#clock = setInterval(() => this.#tick(), tunnelLimits.tick);
    if (channel.readyState !== "open") this.#finish("The connection to the peer was lost.");
    else this.#send();
    for (const data of early) this.#receive(data);
  }

  /** @type {number | null} */
  get roundTrip() {
    return this.machine.pings.roundTrip;
  }

  /** Says goodbye and ends. @param {number} code @param {string} reason */
  leave(code = GOODBYE.done, reason = "") {
    this.machine.leave(code, reason);
    this.#send();
    this.#finish("The connection to the peer was closed.");
  }

  /** Ends without a word, since nobody is there to hear it. */
  abandon() {
    this.#finish("The connection to the peer was lost.");
  }

  /** Ends unless the peer shows that it lives. @param {number} time that it has for that, in milliseconds */
  probe(time) {
    const start = performance.now();
    this.machine.pings.isDue = true;
    this.#send();
    setTimeout(() => { if (this.machine.lastReceived < start) this.abandon(); }, time);
  }

  // MARK: The channel

  #send() {
    const { channel, machine } = this;
    try {
      while (channel.readyState === "open" && channel.bufferedAmount < tunnelLimits.unsentChannel) {
        const message = machine.nextMessage(performance.now());
        if (!message) break;
        this.statistics.sent += message.bytes.length;
        channel.send(message.bytes);
        for (const number of message.writable) this.exchanges.get(number)?.change();
      }
    } catch {
      this.#finish("The connection to the peer was lost.");
    }
  }

  /** @param {unknown} data */
  #receive(data) {
    if (this.endReason !== null) return;
    if (!(data instanceof ArrayBuffer)) {
      this.#violated(new Violation("text"));
      return;
    }
    const message = new Uint8Array(data);
    this.statistics.received += message.length;
    if (this.#proof === "verified") {
      this.#process(message);
      return;
    }
    // What a peer may send before it has more credit, and the frames around it.
    this.#earlyBytes += message.length;
    if (this.#earlyBytes > 2 * tunnelLimits.connectionCredit || this.#early.length >= tunnelLimits.earlyMessages) {
      this.#violated(new Violation("creditExceeded"));
      return;
    }
    this.#early.push(message);
    if (this.#proof === "none") {
      this.#proof = "checking";
      this.#check(message);
    }
  }

  /** Verifies the hello in the first message; nothing of it, and nothing behind it, is looked at before. @param {Bytes} message */
  async #check(message) {
    try {
      if (message.length === 0 || message.length > tunnelLimits.message) throw new Violation("badMessageLength");
      const [first] = readFrames(message);
      if (first.kind === KIND.hello && !(await this.verify(readHello(first.payload).proof))) throw new Violation("wrongProof");
    } catch (error) {
      this.#violated(error);
      return;
    }
    this.#proof = "verified";
    const early = this.#early;
    this.#early = [];
    for (const each of early) this.#process(each);
  }

  /** @param {unknown} error */
  #violated(error) {
    const violation = error instanceof Violation ? error : new Violation("internal");
    this.machine.leave(violation.goodbye, violation.rule);
    this.#send();
    this.#finish(violation.message);
  }

  /** @param {Bytes} message */
  #process(message) {
    if (this.endReason !== null) return;
    try {
      for (const event of this.machine.receive(message, performance.now())) this.#handle(event);
    } catch (error) {
      this.#violated(error);
      return;
    }
    this.#send();
  }

  #tick() {
    const now = performance.now();
    const events = this.machine.tick(now);
    // A goodbye goes before the end that it tells of.
    this.#send();
    for (const event of events) this.#handle(event);
    this.#send();
    // A channel that takes nothing is as dead as one that brings nothing.
    if (this.channel.bufferedAmount === 0) this.#blockedSince = Infinity;
    else this.#blockedSince = Math.min(this.#blockedSince, now);
    if (now - Math.max(this.#blockedSince, this.machine.lastReceived) > tunnelLimits.stall && this.#blockedSince !== Infinity) {
      this.#finish("The peer has not been heard of for too long.");
    }
  }

  /** Everything ends, and everybody who waits is told. @param {string} reason */
  #finish(reason) {
    if (this.endReason !== null) return;
    this.endReason = reason;
    clearInterval(this.#clock);
    for (const event of this.machine.end(reason)) if (event.type === "failed") this.#handle(event);
    this.exchanges.failAll(new TunnelError("failed", reason));
    for (const answer of this.#openings.values()) answer("unreachable");
    this.#openings.clear();
    this.served.clear();
    this.#early = [];
    // What was sent last, such as a goodbye, goes before the channel closes.
    this.channel.close();
    this.#end(reason);
  }

  /** @param {import("./events.js").TunnelEvent} event */
  #handle(event) {
    switch (event.type) {
      case "ready": this.#isReady(); break;
      case "opening": this.served.answerOpening(event.number, event.opening); break;
      case "opened":
        this.#openings.get(event.number)?.(event.refusal);
        this.#openings.delete(event.number);
        break;
      case "withdrawn":
        this.#openings.get(event.number)?.("closed");
        this.#openings.delete(event.number);
        this.withdrawals.get(event.number)?.(event.reason);
        this.withdrawals.delete(event.number);
        break;
      case "left": this.served.giveUp(event.number); break;
      case "request": this.served.answer(event.number, event.head); break;
      case "response": this.exchanges.get(event.number)?.answer(event.head); break;
      case "readable": this.exchanges.readable(event.number); break;
      case "unwanted": {
        const exchange = this.exchanges.get(event.number);
        if (exchange) {
          exchange.isUnwanted = true;
          exchange.change();
        }
        break;
      }
      case "failed":
        this.exchanges.fail(event.number, new TunnelError(event.code, event.reason));
        break;
      case "ended": this.#finish(event.reason); break;
    }
  }

  // MARK: Requests to the peer

  /** Who is told that a share of the peer is not given any more, by its number. @type {Map<number, (reason: string) => void>} */
  withdrawals = new Map();

  /**
   * Asks to use another share of the peer.
   * @param {import("./frames.js").ShareOpening} opening
   * @returns {Promise<{ number: number } | { refusal: string }>}
   */
  async openShare(opening) {
    if (this.endReason !== null) return { refusal: "unreachable" };
    const number = this.machine.openShare(opening);
    /** @type {Promise<string | null>} */
    const answer = new Promise((resolve) => this.#openings.set(number, resolve));
    this.#send();
    const refusal = await answer;
    return refusal === null ? { number } : { refusal };
  }

  /** Says that this side does not use a share any more. @param {number} number */
  leaveShare(number) {
    this.withdrawals.delete(number);
    this.machine.leaveShare(number);
    this.#send();
  }

  /**
   * Sends a request, and gives the response when its head is there. Its body streams at the pace of its reader.
   * @param {number} share
   * @param {import("./exchanges.js").TunnelRequest} request
   * @returns {Promise<Response>}
   * @throws {TunnelError} if there is no answer, and RangeError for a request that a peer would not take
   */
  async request(share, { method, target, headers, body, signal = null, progress = null }) {
    if (signal?.aborted) throw new TunnelError("aborted", "The request was aborted.");
    const length = lengthOf(body);
    const number = this.endReason === null ? this.machine.request({ share, method, target, headers, length }, performance.now()) : null;
    if (number === null) throw new TunnelError("unreachable", this.endReason ?? "The peer does not give this share any more.");
    const { exchanges } = this;
    const exchange = exchanges.begin(number);
    const abort = () => exchanges.cancel(number, new TunnelError("aborted", "The request was aborted."), CANCEL.notWanted);
    signal?.addEventListener("abort", abort, { once: true });
    const over = () => {
      signal?.removeEventListener("abort", abort);
      // The rest of the request may still be on its way.
      sending.then(() => exchanges.delete(number));
    };
    // What was read later needs nothing of this: a signal may be there for long, and is not to keep what nobody reads.
    exchange.completed = over;

    /** @type {Promise<import("./frames.js").ResponseHead>} */
    const answer = new Promise((resolve, reject) => {
      exchange.onAnswer = resolve;
      exchange.abort.signal.addEventListener("abort", () => reject(exchange.failure), { once: true });
    });
    // Errors while it is sent show at the answer.
    const sending = exchanges.pump(number, exchange, body, length, progress).catch((error) => exchanges.cancel(number, error, CANCEL.failed));
    let head;
    try {
      head = await answer;
    } catch (error) {
      over();
      throw error;
    }
    const hasBody = ![204, 205, 304].includes(head.status) && method !== "HEAD";
    const init = { status: head.status, headers: responseHeaders(head.headers) };
    if (hasBody && !exchange.isComplete) return new Response(this.#stream(number, exchange, over), init);
    over();
    if (hasBody) return new Response(joined(exchange.held), init);
    this.machine.stopReading(number, performance.now());
    this.#send();
    return new Response(null, init);
  }

  /** The body of a response as it comes. @param {number} number @param {import("./exchanges.js").Exchange} exchange @param {() => void} over */
  #stream(number, exchange, over) {
    /** @type {UnderlyingSource<Bytes>} */
    const source = {
      pull: async (controller) => {
        try {
          const bytes = await this.exchanges.read(number, exchange);
          if (bytes) {
            controller.enqueue(bytes);
            return;
          }
          over();
          controller.close();
        } catch (error) {
          over();
          controller.error(error);
        }
      },
      cancel: () => {
        this.exchanges.cancel(number, new TunnelError("aborted", "The rest was not wanted."), CANCEL.notWanted);
        over();
      },
    };
    dropped.register(source, { exchanges: this.exchanges, number });
    return new ReadableStream(source, { highWaterMark: 0 });
  }

  // MARK: Requests of the peer

  /** Ends the peer's use of a share: what is under way, and what would come. @param {string} share */
  withdraw(share) {
    this.served.withdraw(share);
  }
}

/** The headers that a browser can show: of others than Latin-1 it makes errors. @param {import("./frames.js").Headers} headers */
function responseHeaders(headers) {
  const shown = new Headers();
  for (const [name, value] of headers) {
    if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) shown.append(name, value);
  }
  return shown;
}

// MARK: - peers/peer.js

// Who this page is among peers: its identity, its hubs, its connections, and what it shares.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

class Peer {
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

// MARK: - peers/salts.js

// What the ids of shares are made of.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** The local document that keeps a shared database's salt, so that sharing it again gives the same id. */
const SALT = "_local/peerpouch-share";

/** The salt of a database; a new one if it was never shared. @param {any} pouch @returns {Promise<Bytes>} */
async function saltOf(pouch) {
  const kept = await readSalt(pouch);
  if (kept) return kept;
  const salt = randomBytes(16);
  try {
    await pouch.put({ _id: SALT, salt: [...salt] });
    return salt;
  } catch (error) {
    const other = /** @type {any} */ (error).status === 409 ? await readSalt(pouch) : null;
    if (!other) throw error;
    return other;
  }
}

/** @param {any} pouch @returns {Promise<Bytes | null>} */
async function readSalt(pouch) {
  try {
    const { salt } = await pouch.get(SALT);
    return Array.isArray(salt) && salt.length === 16 ? Uint8Array.from(salt) : null;
  } catch (error) {
    if (/** @type {any} */ (error).status === 404) return null;
    throw error;
  }
}

// MARK: - access/requests.js

// What a request of a peer says, within bounds.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("../tunnel/exchanges.js").IncomingRequest} IncomingRequest */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */

/** The parameters of a request, each of them known or left out. */
class Parameters {
  /** @param {string} query */
  constructor(query) {
    this.values = new URLSearchParams(query);
  }

  /** @param {string} name */
  text(name) {
    return this.values.get(name);
  }

  /** @param {string} name */
  flag(name) {
    const value = this.values.get(name);
    if (value === null || value === "false") return false;
    if (value === "true") return true;
    throw bad(`${name} is true or false.`);
  }

  /** @param {string} name @param {number | undefined} [otherwise] */
  count(name, otherwise) {
    const value = this.values.get(name);
    if (value === null) return otherwise;
    if (!/^\d{1,15}$/.test(value)) throw bad(`${name} is a number.`);
    return Number(value);
  }

  /** @param {...string} names of one parameter @returns {any} `undefined` if it is not there */
  json(...names) {
    const value = names.map((name) => this.values.get(name)).find((each) => each !== null);
    if (value === undefined || value === null) return undefined;
    return parsed(value);
  }
}

/** @param {string} value @returns {any} */
function parsed(value) {
  if (textDepth(value) > accessLimits.jsonDepth + 8) throw bad("JSON from peers must not be nested so deep.");
  try {
    return JSON.parse(value);
  } catch {
    throw bad("invalid UTF-8 JSON");
  }
}

/** Waits until so much of a request may be in memory. @param {CountedRequest} request @param {number} limit of what it can be, in bytes */
async function takeMemory(request, limit) {
  const size = Math.min(request.length ?? limit, limit);
  if (size > accessLimits.smallBody) await request.take("bodies", size);
}

/** The object that is a request's body. @param {CountedRequest} request @param {number} limit in bytes @returns {Promise<any>} */
async function readObject(request, limit) {
  if (request.length !== null && request.length > limit) throw tooLarge("the request entity is too large");
  await takeMemory(request, limit);
  const bytes = await collect(request, limit);
  if (!bytes) throw tooLarge("the request entity is too large");
  let value;
  try {
    value = text(bytes);
  } catch {
    throw bad("invalid UTF-8 JSON");
  }
  const body = parsed(value);
  if (!isObject(body)) throw bad("Request body must be a JSON object");
  if (depth(body) === Infinity) throw bad("invalid UTF-8 JSON");
  return body;
}

// MARK: Revisions and positions

/** @param {any} rev @returns {string} */
function readRevision(rev) {
  // What would mean something in a URL goes into none: databases elsewhere are asked by them.
  if (typeof rev !== "string" || !/^[1-9]\d{0,15}-[^\s&#?/%+]{1,128}$/.test(rev)) throw bad("Invalid rev format");
  return rev;
}

/** The revision that a request is about. @param {IncomingRequest} request @param {Parameters} query @returns {string | null} */
function revisionOf(request, query) {
  const rev = query.text("rev") ?? request.headers.get("if-match")?.replace(/^"(.*)"$/, "$1") ?? null;
  return rev === null ? null : readRevision(rev);
}

/** The same for what needs one. @param {IncomingRequest} request @param {Parameters} query @returns {string} */
function neededRevision(request, query) {
  const rev = revisionOf(request, query);
  if (rev === null) throw new Problem(409, "conflict", "Document update conflict.");
  return rev;
}

/** @param {string | null} since @returns {any} */
function readSince(since) {
  if (since === null || since === "" || since === "0") return 0;
  if (since === "now") return "now";
  if (/^\d{1,15}$/.test(since)) return Number(since);
  // A position of another kind of database.
  return since;
}

/** @param {any} selector @returns {any} it, if it is within the bounds */
function checkSelector(selector) {
  if (!isObject(selector)) throw bad("Selector must be a JSON object");
  let values = 0;
  const look = (/** @type {unknown} */ value, /** @type {number} */ level) => {
    values += 1;
    if (level > accessLimits.selectorDepth || values > accessLimits.selectorValues) throw bad("The selector is too large.");
    if (typeof value !== "object" || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      if (name === "$regex") throw bad("Regular expressions are not taken from peers.");
      look(member, level + 1);
    }
  };
  look(selector, 0);
  return selector;
}

/** @param {IncomingRequest} request @param {number} size @param {string} tag @returns {{ start: number, end: number } | null} the part that is wanted; `null` for all */
function readRange(request, size, tag) {
  const value = request.headers.get("range");
  const condition = request.headers.get("if-range");
  const match = value === null || (condition !== undefined && condition !== tag) ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(value ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return null;
  const start = match[1] === "" ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === "" || match[2] === "" ? size : Math.min(size, Number(match[2]) + 1);
  if (start >= size || start >= end) throw new Problem(416, "requested_range_not_satisfiable", "Requested range not satisfiable");
  return { start, end };
}

// MARK: Files

/** How many bytes of a body are in the page's memory before the browser keeps them elsewhere. */
const HELD = 4 << 20;

/** Bytes that become a file, a part of them in the page's memory. */
class BlobWriter {
  #kept = new Blob();
  #held = new ByteQueue();
  size = 0;

  /** @param {Bytes} piece */
  write(piece) {
    this.size += piece.length;
    this.#held.push(piece);
    if (this.#held.length >= HELD) this.#kept = this.blob("");
  }

  /** What was written. @param {string} type */
  blob(type) {
    return new Blob([this.#kept, this.#held.take()], { type });
  }
}

/** The bytes of a request's body as a blob. @param {CountedRequest} request @param {number} limit @param {string} type @returns {Promise<Blob>} */
async function collectBlob(request, limit, type) {
  const problem = () => tooLarge("The attachment is too large for this peer.", "attachment_too_large");
  if (request.length !== null && request.length > limit) throw problem();
  await takeMemory(request, HELD);
  const file = new BlobWriter();
  for await (const piece of request.body) {
    if (file.size + piece.length > limit) throw problem();
    file.write(piece);
  }
  return file.blob(type);
}

// MARK: - access/targets.js

// What paths and methods mean, and what a remote may do of it. The same routes as in Sources/PeerTunnel/Access.

/**
 * What a remote may do.
 * @typedef {object} Grant
 * @property {"read-only" | "read-write" | "inbox"} access
 * @property {boolean} queries `_find`, which may go through the whole database
 * @property {boolean} designDocuments writing them: they are code that others may run
 */

/**
 * What a path and a method mean.
 * @typedef {{ kind: "database" | "_all_docs" | "_changes" | "_bulk_get" | "_bulk_docs" | "_revs_diff" | "_missing_revs" | "_find" }
 *   | { kind: "document" | "local", id: string } | { kind: "attachment", id: string, name: string }} Target
 */

const SPECIAL = /** @type {const} */ (["_all_docs", "_changes", "_bulk_get", "_bulk_docs", "_revs_diff", "_missing_revs", "_find"]);

/**
 * Whether a name would lead elsewhere where it becomes a path: a database that is asked by HTTP puts attachments' names into URLs as
 * they are.
 * @param {string} name of a document or an attachment
 */
const isPath = (name) => name.split(/[/\\]/).some((part) => part === "." || part === "..");

/** @param {string[]} segments behind the share's id, decoded @returns {Target | null} */
function readTarget(segments) {
  if (segments.some((segment) => segment === "" || isPath(segment))) return null;
  const [first, ...rest] = segments;
  if (first === undefined) return { kind: "database" };
  if (!first.startsWith("_")) return documentTarget(first, rest);
  if (first === "_local") return rest.length > 0 ? { kind: "local", id: `_local/${rest.join("/")}` } : null;
  if (first.startsWith("_local/")) return rest.length === 0 && first !== "_local/" ? { kind: "local", id: first } : null;
  if (first === "_design") return rest.length > 0 ? documentTarget(`_design/${rest[0]}`, rest.slice(1)) : null;
  if (first.startsWith("_design/")) return first === "_design/" ? null : documentTarget(first, rest);
  const kind = rest.length === 0 ? SPECIAL.find((each) => each === first) : undefined;
  return kind ? { kind } : null;
}

/** @param {string} id @param {string[]} rest @returns {Target | null} */
function documentTarget(id, rest) {
  if (rest.length === 0) return { kind: "document", id };
  // Below a design document these are views and the like.
  return id.startsWith("_design/") && rest[0].startsWith("_") ? null : { kind: "attachment", id, name: rest.join("/") };
}

/** What each method of a target needs of a grant. @type {Record<string, Record<string, "nothing" | "reading" | "querying" | "writing" | "editing" | "local">>} */
const NEEDS = {
  database: { GET: "nothing", POST: "writing" },
  _all_docs: { GET: "reading", POST: "reading" },
  _changes: { GET: "reading", POST: "reading" },
  _bulk_get: { POST: "reading" },
  _bulk_docs: { POST: "writing" },
  _revs_diff: { POST: "reading" },
  _missing_revs: { POST: "reading" },
  _find: { POST: "querying" },
  document: { GET: "reading", PUT: "writing", DELETE: "editing" },
  attachment: { GET: "reading", PUT: "writing", DELETE: "editing" },
  local: { GET: "local", PUT: "local", DELETE: "local" },
};

/** Whether a remote may do this. @param {Target} target @param {string} method @param {Grant} grant */
function isAllowed({ kind }, method, { access, queries }) {
  switch (Object.hasOwn(NEEDS[kind], method) ? NEEDS[kind][method] : "none") {
    case "nothing": return true;
    case "reading": return access !== "inbox";
    case "querying": return access !== "inbox" && queries;
    case "writing": return access !== "read-only";
    case "editing": return access === "read-write";
    case "local": return access !== "inbox";
    default: return false;
  }
}

// MARK: - access/guards.js

// What peers may write.


/** How much of the browser's storage is left to its user, in bytes: writes of peers beyond it are refused. */
const FREE_SPACE = 64 << 20;

/** @throws {Problem} while the browser has little space left */
async function checkSpace() {
  const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => null);
  if (estimate?.quota !== undefined && estimate.usage !== undefined && estimate.quota - estimate.usage < FREE_SPACE) {
    throw new Problem(507, "insufficient_storage", "There is not enough free space to take anything from peers.");
  }
}

/** Members of CouchDB's own that are taken from peers, and those that say nothing about what is to be written. */
const TAKEN = ["_id", "_rev", "_deleted", "_attachments", "_revisions"];
const IGNORED = ["_conflicts", "_deleted_conflicts", "_revs_info", "_local_seq"];

const badMember = (/** @type {string} */ name) => new Problem(400, "doc_validation", `Bad special document member: ${name}`);

class WriteGuard {
  /** @param {any} pouch @param {import("./targets.js").Grant} grant */
  constructor(pouch, grant) {
    this.pouch = pouch;
    this.grant = grant;
  }

  /**
   * Allows a document by returning.
   * @param {any} doc
   * @param {LeafCount | null} leaves for a copy of a revision, those of the documents that are written with it; `null` for what makes a
   *   new revision
   * @returns {Promise<any>} what is to be written
   */
  async allow(doc, leaves = null) {
    if (!isObject(doc)) throw bad("Document must be a JSON object");
    const { _id: id, _attachments: attachments = {} } = doc;
    checkID(id);
    if (!isObject(attachments)) throw bad("Attachments are an object.");
    for (const name of Object.keys(attachments)) if (isPath(name)) throw bad("This is no name for an attachment of a peer's.");
    const members = Object.fromEntries(Object.entries(doc).filter(([name]) => !name.startsWith("_")));
    const size = byteLength(JSON.stringify(members));
    if (size > accessLimits.document) throw tooLarge("The document is too large.", "document_too_large");
    if (depth(members) > accessLimits.jsonDepth) throw bad("JSON from peers must not be nested so deep.");
    if (typeof id === "string" && id.startsWith("_design/")) {
      if (this.grant.access === "inbox") throw forbidden("Only new documents are taken.");
      if (!this.grant.designDocuments) throw forbidden("Design documents are not taken from peers.");
    }
    const stubs = Object.entries(attachments).filter(([, each]) => isObject(each) && each.stub);
    if (this.grant.access === "inbox") {
      if (leaves || doc._rev !== undefined || doc._deleted || stubs.length > 0) throw forbidden("Only new documents are taken.");
    }
    const written = { ...members, ...ownMembers(doc, leaves === null) };
    if (stubs.length > 0) await this.#checkStubs(id, stubs);
    await leaves?.add(written);
    return written;
  }

  /** A stub must belong to a revision of that very document. @param {string} id @param {[string, any][]} stubs */
  async #checkStubs(id, stubs) {
    const answers = await this.pouch.get(id, { open_revs: "all" }).catch((/** @type {any} */ error) => {
      if (error.status === 404) return [];
      throw error;
    });
    const digests = new Set(answers.flatMap((/** @type {any} */ { ok }) => Object.values(ok?._attachments ?? {}).map((/** @type {any} */ { digest }) => digest)));
    for (const [name, { digest }] of stubs) {
      if (!digests.has(digest)) throw new Problem(412, "missing_stub", `Attachment stub ${JSON.stringify(name)} refers to nothing of this document.`);
    }
  }
}

/** @param {unknown} id */
function checkID(id) {
  if (id === undefined) return;
  if (typeof id !== "string" || id === "" || isPath(id)) throw new Problem(400, "illegal_docid", "Document id must be a non-empty string");
}

/**
 * CouchDB's own members of a document, as far as peers may have them. Databases know others, such as a whole tree of revisions.
 * @param {any} doc @param {boolean} isEdit whether it makes a new revision, rather than being a copy of one
 */
function ownMembers(doc, isEdit) {
  for (const name of Object.keys(doc)) {
    if (name.startsWith("_") && !TAKEN.includes(name) && !IGNORED.includes(name)) throw badMember(name);
  }
  const { _id, _rev, _deleted, _attachments, _revisions } = doc;
  if (_deleted !== undefined && typeof _deleted !== "boolean") throw badMember("_deleted");
  const history = _revisions === undefined ? null : readHistory(_revisions);
  const rev = _rev ?? (isEdit ? undefined : history?.rev);
  if (rev !== undefined || !isEdit) readRevision(rev);
  if (!isEdit && history && history.rev !== rev) throw badMember("_revisions");
  const members = { _id, _rev: rev, _deleted, _attachments, _revisions: isEdit ? undefined : history?.revisions };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** A revision with its ancestors, the newest first. @param {any} revisions @returns {{ rev: string, revisions: { start: number, ids: string[] } }} */
function readHistory(revisions) {
  const { start, ids } = isObject(revisions) ? revisions : { start: 0, ids: [] };
  const isRight = Number.isSafeInteger(start) && start > 0 && Array.isArray(ids) && ids.length > 0 && ids.length <= start
    && ids.every((id) => typeof id === "string" && id !== "" && id.length <= 128);
  if (!isRight) throw badMember("_revisions");
  // Older ones would be forgotten anyway.
  return { rev: `${start}-${ids[0]}`, revisions: { start, ids: ids.slice(0, accessLimits.ancestors) } };
}

/** The leaves of documents that are there, with those of a batch of copies that is to be written. */
class LeafCount {
  /** @type {Map<string, Revisions>} by document */
  #documents = new Map();

  /** @param {any} pouch */
  constructor(pouch) {
    this.pouch = pouch;
  }

  /** Notes the leaf that a copy of a revision becomes. @param {any} doc @throws {Problem} if the document has too many */
  async add(doc) {
    const { _id: id, _rev: rev, _revisions: history } = doc;
    const revisions = this.#documents.get(id) ?? (await revisionsOf(this.pouch, id));
    this.#documents.set(id, revisions);
    const { leaves, inner } = revisions;
    if (leaves.has(rev) || inner.has(rev)) return;
    const ancestors = (history?.ids ?? []).map((/** @type {string} */ suffix, /** @type {number} */ index) => `${history.start - index}-${suffix}`).slice(1);
    const parent = ancestors.find((/** @type {string} */ each) => leaves.has(each));
    const count = leaves.size - (parent === undefined ? 0 : 1);
    if (count >= accessLimits.leaves) throw forbidden(`The document has ${count} leaves, and no more are taken from peers.`);
    if (parent !== undefined) leaves.delete(parent);
    for (const each of ancestors) inner.add(each);
    leaves.add(rev);
  }
}

/** @typedef {{ leaves: Set<string>, inner: Set<string> }} Revisions */

/** The revisions of a document. @param {any} pouch @param {string} id @returns {Promise<Revisions>} */
async function revisionsOf(pouch, id) {
  /** @type {Revisions} */
  const revisions = { leaves: new Set(), inner: new Set() };
  try {
    // PouchDB's own databases tell them without reading the leaves; those elsewhere do not.
    if (typeof pouch._getRevisionTree !== "function") {
      for (const { ok } of await pouch.get(id, { open_revs: "all" })) if (ok) revisions.leaves.add(ok._rev);
      return revisions;
    }
    /** @type {any[]} */
    const trees = await new Promise((resolve, reject) => {
      pouch._getRevisionTree(id, (/** @type {any} */ error, /** @type {any} */ tree) => (error ? reject(error) : resolve(tree)));
    });
    const rest = trees.map(({ pos, ids }) => ({ generation: pos, node: ids }));
    for (let next = rest.pop(); next; next = rest.pop()) {
      const { generation, node: [suffix, , children] } = next;
      (children.length === 0 ? revisions.leaves : revisions.inner).add(`${generation}-${suffix}`);
      for (const node of children) rest.push({ generation: generation + 1, node });
    }
    return revisions;
  } catch (error) {
    if (/** @type {any} */ (error).status === 404) return revisions;
    throw error;
  }
}

/** @type {WeakMap<object, Promise<unknown>>} by database, what was begun last */
const lines = new WeakMap();

/**
 * Counts and writes copies of revisions one batch after the other: two at a time would count without each other.
 * @template Value @param {any} pouch @param {() => Promise<Value>} work @returns {Promise<Value>}
 */
function inLine(pouch, work) {
  const turn = (lines.get(pouch) ?? Promise.resolve()).then(work, work);
  lines.set(pouch, turn.catch(() => {}));
  return turn;
}

// MARK: - access/inflating.js

// The contents of what was compressed.


/**
 * The contents of what was compressed by gzip.
 * @param {Blob} blob
 * @param {{ left: number }} room how many bytes there may be; less by those that there are afterwards
 * @returns {Promise<Blob>}
 */
async function inflate(blob, room) {
  const file = new BlobWriter();
  const reader = blob.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  while (true) {
    const { done, value } = await reader.read().catch(() => {
      throw bad("An attachment is not compressed as it says.");
    });
    if (done) return file.blob(blob.type);
    room.left -= value.length;
    if (room.left < 0) {
      reader.cancel().catch(() => {});
      throw tooLarge("The attachment is too large for this peer.", "attachment_too_large");
    }
    file.write(value);
  }
}

// MARK: - access/attachments.js

// Attachments on their own.


/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

/** Raster images, which may be shown as they are; everything else is to be saved. */
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"]);

class Attachments {
  /** @param {any} pouch @param {import("./guards.js").WriteGuard} guard */
  constructor(pouch, guard) {
    this.pouch = pouch;
    this.guard = guard;
  }

  /** @param {string} id @param {string} name @param {CountedRequest} request @param {Parameters} query */
  async get(id, name, request, query) {
    const rev = query.text("rev");
    const options = rev === null ? {} : { rev: readRevision(rev) };
    const { _attachments: attachments = {} } = await this.pouch.get(id, options);
    if (!Object.hasOwn(attachments, name)) throw new Problem(404, "not_found", "Document is missing attachment");
    const { content_type: type, digest } = attachments[name];
    const tag = `"${String(digest).replace(/^md5-/, "")}"`;
    if (request.headers.get("if-none-match") === tag) return { status: 304, headers: [["etag", tag]], body: null };
    const found = await this.pouch.getAttachment(id, name, options);
    const blob = found instanceof Blob ? found : new Blob([found]);
    const range = readRange(request, blob.size, tag);
    const part = range ? blob.slice(range.start, range.end) : blob;
    const isImage = IMAGES.has(String(type).split(";")[0].trim().toLowerCase());
    /** @type {[string, string][]} */
    const headers = [
      ["content-type", /^[\x20-\x7e]+$/.test(type ?? "") ? type : "application/octet-stream"], ["content-length", String(part.size)],
      ["accept-ranges", "bytes"], ["etag", tag], ["x-content-type-options", "nosniff"], ["content-security-policy", "sandbox"],
      ["content-disposition", isImage ? "inline" : "attachment"],
    ];
    if (range) headers.push(["content-range", `bytes ${range.start}-${range.end - 1}/${blob.size}`]);
    return { status: range ? 206 : 200, headers, body: part };
  }

  /** @param {string} id @param {string} name @param {CountedRequest} request @param {Parameters} query */
  async put(id, name, request, query) {
    const rev = revisionOf(request, query);
    if (this.guard.grant.access === "inbox" && rev !== null) throw missing();
    await checkSpace();
    await this.guard.allow({ _id: id });
    const type = request.headers.get("content-type") ?? "application/octet-stream";
    let blob = await collectBlob(request, accessLimits.attachment, type);
    const encoding = request.headers.get("content-encoding");
    if (encoding === "gzip") blob = await inflate(blob, { left: accessLimits.attachment });
    else if (encoding !== undefined && encoding !== "identity") throw new Problem(415, "bad_ctype", "Attachments are plain or compressed by gzip.");
    const result = await this.pouch.putAttachment(id, name, rev ?? undefined, blob, type);
    return json(201, { ok: true, id, rev: result.rev });
  }

  /** @param {string} id @param {string} name @param {CountedRequest} request @param {Parameters} query */
  async remove(id, name, request, query) {
    const rev = neededRevision(request, query);
    await this.guard.allow({ _id: id });
    const result = await this.pouch.removeAttachment(id, name, rev);
    return json(200, { ok: true, id, rev: result.rev });
  }
}

// MARK: - access/lists.js

// Lists of documents, a page at a time: what a peer does not read is not read here either.


/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

/** How many rows of a list are read at a time: fewer of those that are larger, since all of them are held in memory. @param {Record<string, any>} options */
const pageSize = ({ attachments, include_docs: withDocs }) => (attachments ? 1 : withDocs ? 16 : 500);

/** How much of a connection's lists one with documents in it counts for. @param {Record<string, any>} options */
const listWeight = ({ attachments, include_docs: withDocs }) => (attachments || withDocs ? 4 : 1);

/** The rows of `_all_docs` that a request asks for. @param {any} pouch @param {CountedRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
async function allDocs(pouch, request, query) {
  const body = request.method === "POST" ? await readObject(request, accessLimits.request) : {};
  /** @type {Record<string, any>} */
  const options = {
    include_docs: query.flag("include_docs"), conflicts: query.flag("conflicts"), attachments: query.flag("attachments"),
    descending: query.flag("descending"), inclusive_end: query.text("inclusive_end") !== "false", update_seq: query.flag("update_seq"),
  };
  const keys = body.keys ?? query.json("keys");
  const limit = query.count("limit", Infinity) ?? Infinity;
  const skip = query.count("skip", 0) ?? 0;
  const [key, start, end] = [query.json("key"), query.json("startkey", "start_key"), query.json("endkey", "end_key")];
  for (const each of [key, start, end]) if (each !== undefined && typeof each !== "string") throw bad("Keys of documents are texts.");
  if (keys !== undefined) {
    if (!Array.isArray(keys) || !keys.every((each) => typeof each === "string")) throw bad("`keys` member must be an array.");
    const wanted = (options.descending ? keys.toReversed() : keys).slice(skip, limit === Infinity ? undefined : skip + limit);
    await request.take("lists", listWeight(options));
    return streamed(keyRows(pouch, wanted, options, skip));
  }
  // For PouchDB an empty key is none. Before it there is nothing, and nothing is at it.
  if (key === "" || (options.descending ? start : end) === "") return streamed(keyRows(pouch, [], options, skip));
  if (key !== undefined) Object.assign(options, { startkey: key, endkey: key });
  if (start) options.startkey = start;
  if (end) options.endkey = end;
  await request.take("lists", listWeight(options));
  return streamed(rows(pouch, options, skip, limit));
}

/** @param {any} pouch @param {string[]} keys @param {Record<string, any>} options @param {number} offset */
async function* keyRows(pouch, keys, options, offset) {
  let separator = "";
  let isFirst = true;
  const step = pageSize(options);
  for (let index = 0; isFirst || index < keys.length; index += step) {
    const page = keys.slice(index, index + step);
    // Local documents are in no list.
    const listed = await pouch.allDocs({ ...options, descending: false, keys: page.map((key) => (key.startsWith("_local/") ? "" : key)) });
    if (isFirst) yield `{"total_rows":${listed.total_rows},"offset":${offset},"rows":[`;
    isFirst = false;
    for (const [place, row] of listed.rows.entries()) {
      yield `${separator}\n${JSON.stringify(row.error ? { key: page[place], error: "not_found" } : row)}`;
      separator = ",";
    }
  }
  yield "\n]}\n";
}

/** @param {any} pouch @param {Record<string, any>} options @param {number} skip @param {number} limit */
async function* rows(pouch, options, skip, limit) {
  let rest = limit;
  let separator = "";
  const step = pageSize(options);
  let page = await pouch.allDocs({ ...options, skip, limit: Math.min(rest, step) });
  const sequence = options.update_seq ? `"update_seq":${JSON.stringify(page.update_seq)},` : "";
  yield `{"total_rows":${page.total_rows},"offset":${page.offset ?? skip},${sequence}"rows":[`;
  while (page.rows.length > 0) {
    for (const row of page.rows) {
      yield `${separator}\n${JSON.stringify(row)}`;
      separator = ",";
    }
    rest -= page.rows.length;
    if (page.rows.length < step || rest <= 0) break;
    const { id } = page.rows.at(-1);
    const count = Math.min(rest, step);
    const next = await pouch.allDocs({ ...options, startkey: id, limit: count + 1 });
    // It may have been deleted meanwhile.
    page = { rows: next.rows.slice(next.rows[0]?.id === id ? 1 : 0).slice(0, count) };
  }
  yield "\n]}\n";
}

/** The revisions that `_bulk_get` asks for. @param {any} pouch @param {CountedRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
async function bulkGet(pouch, request, query) {
  const { docs } = await readObject(request, accessLimits.request);
  if (!Array.isArray(docs)) throw bad("Missing JSON list of 'docs'.");
  if (docs.length > accessLimits.bulkGets) throw tooLarge("There are too many documents in one request.");
  if (!docs.every((each) => isObject(each) && typeof each.id === "string")) throw bad("Each of 'docs' has an id.");
  const options = { revs: query.flag("revs"), latest: query.flag("latest"), attachments: query.flag("attachments") };
  await request.take("lists", listWeight({ ...options, include_docs: true }));
  return streamed(bulkRows(pouch, docs, options));
}

/** @param {any} pouch @param {any[]} docs @param {Record<string, any>} options */
async function* bulkRows(pouch, docs, options) {
  yield "{\"results\":[";
  let separator = "";
  const step = pageSize({ ...options, include_docs: true });
  for (let index = 0; index < docs.length; index += step) {
    const page = docs.slice(index, index + step);
    const readable = page.filter(({ id }) => !id.startsWith("_local/") && !isPath(id)).map(({ id, rev }) => (typeof rev === "string" ? { id, rev: readRevision(rev) } : { id }));
    const { results } = readable.length > 0 ? await pouch.bulkGet({ docs: readable, ...options }) : { results: [] };
    /** @type {Map<string, any[]>} */
    const found = new Map();
    for (const result of results) found.set(result.id, [...(found.get(result.id) ?? []), ...result.docs]);
    for (const { id, rev } of page) {
      const all = found.get(id) ?? [];
      const own = typeof rev === "string" && !options.latest ? all.filter(({ ok }) => ok && ok._rev === rev) : all.filter(({ ok }) => ok);
      const entry = own.length > 0 ? own.map(({ ok }) => ({ ok })) : [{ error: { id, rev: rev ?? "undefined", error: "not_found", reason: "missing" } }];
      yield `${separator}\n${JSON.stringify({ id, docs: entry })}`;
      separator = ",";
    }
  }
  yield "\n]}\n";
}

// MARK: - access/feeds.js

// The changes of a database: those that are there, and those that come.


/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */
/** @typedef {{ options: Record<string, any>, limit: number, pulse: number | null, timeout: number, signal: AbortSignal }} Feed times in milliseconds */

/**
 * The changes that a request asks for.
 * @param {any} pouch @param {CountedRequest} request @param {Parameters} query
 * @returns {Promise<OutgoingResponse>}
 */
async function changes(pouch, request, query) {
  const body = request.method === "POST" ? await readObject(request, accessLimits.request) : {};
  /** @type {Record<string, any>} */
  const options = {
    include_docs: query.flag("include_docs"), conflicts: query.flag("conflicts"), attachments: query.flag("attachments"),
    descending: query.flag("descending"), style: query.text("style") === "all_docs" ? "all_docs" : "main_only", since: readSince(query.text("since")),
  };
  const filter = query.text("filter");
  if (filter === "_doc_ids") {
    const ids = body.doc_ids ?? query.json("doc_ids");
    if (!Array.isArray(ids) || ids.length > accessLimits.bulkDocuments || !ids.every((each) => typeof each === "string")) throw bad("`doc_ids` filter parameter is not a list of doc ids.");
    options.doc_ids = ids;
  } else if (filter === "_selector") {
    options.selector = checkSelector(body.selector);
  } else if (filter === "_design") {
    options.filter = (/** @type {any} */ doc) => doc._id.startsWith("_design/");
  } else if (filter !== null) {
    throw missing();
  }
  const limit = query.count("limit", Infinity) ?? Infinity;
  const feed = query.text("feed") ?? "normal";
  const heartbeat = query.text("heartbeat");
  const silence = accessLimits.heartbeat;
  const pulse = heartbeat === null || heartbeat === "false" ? null
    : heartbeat === "true" ? silence : Math.min(Math.max(accessLimits.shortestHeartbeat, Number(heartbeat) || silence), silence);
  const timeout = pulse === null ? Math.min(query.count("timeout", silence) ?? silence, silence) : Infinity;
  const live = { options, limit: limit === 0 ? 1 : limit, pulse, timeout, signal: request.signal };
  if (feed === "normal") {
    await request.take("lists", listWeight(options));
    return streamed(changeRows(pouch, options, limit));
  }
  if (feed !== "longpoll" && feed !== "continuous") throw bad("There is no such feed for peers.");
  await request.take("feeds");
  return streamed(feed === "longpoll" ? longPoll(pouch, { ...live, limit }) : continuous(pouch, live));
}

/**
 * Changes that are there, page by page.
 * @param {any} pouch @param {Record<string, any>} options @param {number} limit
 * @returns {AsyncGenerator<{ results: any[], last_seq: any }>}
 */
async function* pages(pouch, options, limit) {
  let rest = limit;
  let { since } = options;
  const step = pageSize(options);
  if (since === "now") {
    yield await pouch.changes({ ...options, limit: 1 });
    return;
  }
  if (options.descending) {
    // It has no pages: the documents are read one by one.
    const { include_docs: withDocs, attachments, conflicts, ...list } = options;
    const { results, last_seq: last } = await pouch.changes({ ...list, ...(limit === Infinity ? {} : { limit }) });
    for (const row of results) {
      const doc = withDocs ? { doc: await pouch.get(row.id, { rev: row.changes[0].rev, attachments, conflicts }) } : {};
      yield { results: [{ ...row, ...doc }], last_seq: last };
    }
    if (results.length === 0) yield { results, last_seq: last };
    return;
  }
  while (true) {
    const page = await pouch.changes({ ...options, since, limit: Math.min(rest, step), return_docs: true });
    yield page;
    rest -= page.results.length;
    since = page.last_seq;
    if (page.results.length < step || rest <= 0) return;
  }
}

/** @param {any} pouch @param {Record<string, any>} options @param {number} limit */
async function* changeRows(pouch, options, limit) {
  yield "{\"results\":[";
  let last = options.since;
  let separator = "";
  let count = 0;
  if (limit > 0) {
    for await (const { results, last_seq: position } of pages(pouch, options, limit)) {
      for (const row of results) {
        yield `${separator}\n${JSON.stringify(row)}`;
        separator = ",";
      }
      count += results.length;
      last = position;
    }
  }
  const rest = count >= limit ? await pending(pouch, options, last) : 0;
  yield `\n],\n"last_seq":${JSON.stringify(last)},"pending":${rest}}\n`;
}

/** How many changes there are behind a position, at least. @param {any} pouch @param {Record<string, any>} options @param {any} since */
async function pending(pouch, { style, doc_ids, selector }, since) {
  const { results } = await pouch.changes({ style, doc_ids, selector, since, limit: 1 });
  return results.length;
}

/** @param {any} pouch @param {Feed} feed */
async function* longPoll(pouch, { options, limit, pulse, timeout, signal }) {
  yield "{\"results\":[";
  let since = options.since;
  if (since === "now") since = (await pouch.info()).update_seq;
  const end = performance.now() + timeout;
  while (true) {
    const most = Math.min(limit, pageSize(options));
    const { results, last_seq: last } = limit > 0
      ? await pouch.changes({ ...options, since, limit: most, return_docs: true }) : { results: [], last_seq: since };
    if (results.length > 0 || limit === 0 || performance.now() >= end || signal.aborted) {
      yield results.map((/** @type {any} */ row) => `\n${JSON.stringify(row)}`).join(",");
      yield `\n],\n"last_seq":${JSON.stringify(last)},"pending":${results.length >= most ? await pending(pouch, options, last) : 0}}\n`;
      return;
    }
    since = last;
    yield* waitForChange(pouch, since, pulse, end, signal);
  }
}

/** @param {any} pouch @param {Feed} feed */
async function* continuous(pouch, { options, limit, pulse, timeout, signal }) {
  let since = options.since;
  if (since === "now") since = (await pouch.info()).update_seq;
  let rest = limit;
  let end = performance.now() + timeout;
  while (!signal.aborted) {
    let count = 0;
    for await (const { results, last_seq: last } of pages(pouch, { ...options, since }, rest)) {
      for (const row of results) yield `${JSON.stringify(row)}\n`;
      count += results.length;
      since = last;
    }
    rest -= count;
    if (count > 0) end = performance.now() + timeout;
    if (rest <= 0 || performance.now() >= end) break;
    yield* waitForChange(pouch, since, pulse, end, signal);
  }
  yield `${JSON.stringify({ last_seq: since, pending: 0 })}\n`;
}

/**
 * Waits until something is written, and shows meanwhile that it lives.
 * @param {any} pouch @param {any} since @param {number | null} pulse @param {number} end @param {AbortSignal} signal
 */
async function* waitForChange(pouch, since, pulse, end, signal) {
  const feed = pouch.changes({ since, live: true, limit: 1, return_docs: false });
  let wake = () => {};
  const changed = new Promise((resolve) => {
    wake = () => resolve(true);
    for (const event of ["change", "complete", "error"]) feed.on(event, wake);
    signal.addEventListener("abort", wake, { once: true });
  });
  try {
    while (!signal.aborted) {
      const time = Math.min(pulse ?? Infinity, end - performance.now());
      /** @type {ReturnType<typeof setTimeout>} */
      let timer;
      const late = new Promise((resolve) => { timer = setTimeout(() => resolve(false), Math.max(0, Math.min(time, 2 ** 31 - 1))); });
      const isOver = await Promise.race([changed, late]);
      // @ts-ignore: it was set.
      clearTimeout(timer);
      if (isOver || performance.now() >= end) return;
      yield "\n";
    }
  } finally {
    signal.removeEventListener("abort", wake);
    feed.cancel();
  }
}

// MARK: - access/local-documents.js

// Local documents of remotes, checkpoints most of all: a room for each identity.


/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

class LocalRoom {
  #room;
  #index;
  /** They are counted and written one at a time. */
  #writes = Promise.resolve();

  /** @param {any} pouch @param {string} fingerprint the remote's @param {boolean} isClosed whether it takes nothing */
  constructor(pouch, fingerprint, isClosed) {
    this.pouch = pouch;
    this.isClosed = isClosed;
    this.#room = `_local/peer-${fingerprint}-`;
    this.#index = `_local/peers-${fingerprint}`;
  }

  /** @param {string} method @param {string} id @param {CountedRequest} request @param {Parameters} query */
  async answer(method, id, request, query) {
    if (method === "GET") {
      const doc = await this.pouch.get(this.#inside(id));
      return json(200, { ...doc, _id: id });
    }
    const doc = method === "PUT" ? await readObject(request, accessLimits.documentRequest) : { _rev: query.text("rev") ?? undefined, _deleted: true };
    return json(method === "PUT" ? 201 : 200, await this.put(id, doc));
  }

  /** @param {string} id */
  #inside(id) {
    return this.#room + id.slice("_local/".length);
  }

  /** @param {string} id @param {any} doc */
  put(id, doc) {
    const write = async () => {
      if (this.isClosed) throw missing();
      const body = Object.fromEntries(Object.entries(doc).filter(([name]) => !name.startsWith("_")));
      if (byteLength(JSON.stringify(body)) > accessLimits.localDocument) throw tooLarge("The document is too large.", "document_too_large");
      if (depth(body) > accessLimits.jsonDepth) throw bad("JSON from peers must not be nested so deep.");
      const inside = this.#inside(id);
      // PouchDB cannot list local documents: which there are is kept in one of them.
      const index = await this.pouch.get(this.#index).catch((/** @type {any} */ error) => {
        if (error.status === 404) return { _id: this.#index, ids: [] };
        throw error;
      });
      const isKnown = index.ids.includes(id);
      if (doc._deleted) {
        const result = await this.pouch.remove(inside, doc._rev);
        if (isKnown) await this.pouch.put({ ...index, ids: index.ids.filter((/** @type {string} */ each) => each !== id) });
        return { ok: true, id, rev: result.rev };
      }
      if (!isKnown) {
        if (index.ids.length >= accessLimits.localDocuments) throw forbidden(`There are ${index.ids.length} local documents of this peer, and no more are taken.`);
        await this.pouch.put({ ...index, ids: [...index.ids, id] });
      }
      const result = await this.pouch.put({ ...body, _id: inside, ...(typeof doc._rev === "string" ? { _rev: doc._rev } : {}) });
      return { ok: true, id, rev: result.rev };
    };
    const turn = this.#writes.then(write, write);
    this.#writes = turn.then(() => {}, () => {});
    return turn;
  }
}

// MARK: - access/reading.js

// Documents and revisions of them, and the questions that replicators ask.


/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

/** A document, or revisions of it. @param {any} pouch @param {string} id @param {CountedRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
async function getDocument(pouch, id, request, query) {
  /** @type {Record<string, any>} */
  const options = {
    revs: query.flag("revs"), revs_info: query.flag("revs_info"), conflicts: query.flag("conflicts"), attachments: query.flag("attachments"),
    latest: query.flag("latest"), deleted_conflicts: query.flag("deleted_conflicts"), local_seq: query.flag("local_seq"),
  };
  if (query.flag("meta")) Object.assign(options, { revs_info: true, conflicts: true, deleted_conflicts: true });
  await request.take("documents", options.attachments ? WITH_ATTACHMENTS : 1);
  const rev = query.text("rev");
  if (rev !== null) options.rev = readRevision(rev);
  const named = query.text("open_revs");
  if (named !== null) {
    options.open_revs = named === "all" ? "all" : query.json("open_revs");
    if (Array.isArray(options.open_revs) ? options.open_revs.length > accessLimits.namedRevisions : named !== "all") throw bad("open_revs is all or an array.");
    const answers = await pouch.get(id, options);
    return json(200, answers);
  }
  const doc = await pouch.get(id, options);
  const tag = `"${doc._rev}"`;
  if (request.headers.get("if-none-match") === tag) return { status: 304, headers: [["etag", tag]], body: null };
  return json(200, doc, [["etag", tag]]);
}

/** Which of the revisions that a peer has are not here. @param {any} pouch @param {CountedRequest} request @returns {Promise<Record<string, any>>} */
async function revsDiff(pouch, request) {
  const body = await readObject(request, accessLimits.request);
  const wanted = Object.entries(body).filter(([id]) => !id.startsWith("_local/"));
  for (const [, revs] of wanted) {
    if (!Array.isArray(revs) || revs.length > accessLimits.namedRevisions || !revs.every((rev) => typeof rev === "string")) throw bad("Revisions are an array of texts.");
  }
  if (wanted.length === 0) return {};
  await request.take("documents");
  return pouch.revsDiff(Object.fromEntries(wanted));
}

/** The same in the form of CouchDB 1. @param {any} pouch @param {CountedRequest} request */
async function missingRevs(pouch, request) {
  const diff = await revsDiff(pouch, request);
  return { missing_revs: Object.fromEntries(Object.entries(diff).map(([id, { missing }]) => [id, missing])) };
}

/** The documents that a selector finds. @param {any} pouch @param {CountedRequest} request */
async function findDocuments(pouch, request) {
  const { selector, fields, sort, limit, skip } = await readObject(request, accessLimits.request);
  if (typeof pouch.find !== "function") throw new Problem(501, "not_implemented", "Queries need PouchDB's plugin pouchdb-find.");
  checkSelector(selector);
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) throw bad("limit is a number.");
  await request.take("lists", 4);
  const { docs } = await pouch.find({ selector, fields, sort, limit: Math.min(limit ?? 25, accessLimits.found), skip });
  return { docs, bookmark: "nil" };
}

// MARK: - access/multipart.js

// Documents with their attachments behind them: `multipart/related`, as CouchDB's replicators send them. Only the document is held in
// memory; attachments become files while they arrive.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** The longest head of a part, in bytes: a name of the longest kind, and more. */
const HEAD = 16 * 1024;

/**
 * Reads a document with its attachments. The parts follow in the order of the attachments that say so, or are named.
 * @param {import("./quota.js").CountedRequest} request
 * @param {string} type its content type
 * @returns {Promise<any>} with the attachments as blobs
 */
async function readMultipart(request, type) {
  const [, quoted, plain] = /boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (!boundary) throw bad("The boundary is missing.");
  const { documentRequest, multipart } = accessLimits;
  if (request.length !== null && request.length > multipart) throw tooLarge("The document is too large for this peer.");
  await takeMemory(request, documentRequest + HELD);
  const parts = new PartReader(request.body, boundary);
  const document = new ByteQueue();
  if ((await parts.head()) === null) throw bad("The document is missing.");
  await parts.body((bytes) => {
    if (document.length + bytes.length > documentRequest) throw tooLarge("The document is too large for this peer.");
    document.push(bytes);
  });
  const doc = readDocument(document.take());
  const following = Object.entries(isObject(doc._attachments) ? doc._attachments : {}).filter(([, each]) => isObject(each) && each.follows);
  if (following.length > accessLimits.parts) throw tooLarge("The document has too many attachments for this peer.");
  const files = await readFiles(parts, following.length);
  const room = { left: multipart };
  for (const [index, [name, description]] of following.entries()) {
    const { follows, length, encoding, encoded_length: encodedLength, digest, ...kept } = description;
    const contentType = typeof kept.content_type === "string" ? kept.content_type : "application/octet-stream";
    let blob = (files.named.get(name) ?? files.all[index]).slice(undefined, undefined, contentType);
    const expected = encoding ? encodedLength : length;
    if (typeof expected === "number" && expected !== blob.size) throw bad("An attachment is not as long as it should be.");
    if (encoding === "gzip") blob = await inflate(blob, room);
    doc._attachments[name] = { ...kept, content_type: contentType, data: blob };
  }
  return doc;
}

/** @param {Bytes} bytes */
function readDocument(bytes) {
  let doc;
  try {
    const json = text(bytes);
    if (textDepth(json) > accessLimits.jsonDepth + 8) throw bad("JSON from peers must not be nested so deep.");
    doc = JSON.parse(json);
  } catch (error) {
    throw /** @type {any} */ (error).status ? error : bad("invalid UTF-8 JSON");
  }
  if (!isObject(doc)) throw bad("Document must be a JSON object");
  return doc;
}

/**
 * The parts behind the document.
 * @param {PartReader} parts @param {number} count how many there are to be
 * @returns {Promise<{ all: Blob[], named: Map<string, Blob> }>}
 */
async function readFiles(parts, count) {
  const wrong = "There are not as many attachments as the document says.";
  /** @type {Blob[]} */
  const all = [];
  /** @type {Map<string, Blob>} */
  const named = new Map();
  let rest = accessLimits.multipart;
  for (let head = await parts.head(); head !== null; head = await parts.head()) {
    if (all.length === count) throw bad(wrong);
    const file = new BlobWriter();
    await parts.body((bytes) => {
      rest -= bytes.length;
      if (rest < 0) throw tooLarge("The document is too large for this peer.");
      file.write(bytes);
    });
    const blob = file.blob("");
    const [, name] = /content-disposition:[^\r\n]*filename="((?:[^"\\]|\\.)*)"/i.exec(head) ?? [];
    if (name !== undefined) named.set(name.replace(/\\(.)/g, "$1"), blob);
    all.push(blob);
  }
  if (all.length !== count) throw bad(wrong);
  return { all, named };
}

/** The parts of a body as they arrive: heads and bodies in turn. */
class PartReader {
  #pieces;
  /** @type {Bytes} what has come and was not read */
  #rest = new Uint8Array();
  #delimiter;
  #isFirst = true;

  /** @param {AsyncGenerator<Bytes>} pieces @param {string} boundary */
  constructor(pieces, boundary) {
    this.#pieces = pieces;
    this.#delimiter = utf8(`--${boundary}`);
  }

  /** The head of the next part; `null` behind the last one. @returns {Promise<string | null>} */
  async head() {
    if (this.#isFirst) await this.#until(this.#delimiter, () => {});
    this.#isFirst = false;
    while (this.#rest.length < 2) await this.#more();
    // Two hyphens end it.
    if (this.#rest[0] === 0x2d && this.#rest[1] === 0x2d) return null;
    const head = new ByteQueue();
    await this.#until(utf8("\r\n\r\n"), (bytes) => {
      if (head.length + bytes.length > HEAD) throw bad("The head of a part is too long.");
      head.push(bytes);
    });
    return new TextDecoder().decode(head.take());
  }

  /** Reads on to the end of a part. @param {(bytes: Bytes) => void} take */
  body(take) {
    return this.#until(new Uint8Array([0x0d, 0x0a, ...this.#delimiter]), take);
  }

  /** Reads what is before a mark, and the mark. @param {Uint8Array} mark @param {(bytes: Bytes) => void} take */
  async #until(mark, take) {
    let place = find(this.#rest, mark);
    while (place < 0) {
      // The mark may have begun.
      const whole = Math.max(0, this.#rest.length - mark.length + 1);
      if (whole > 0) take(this.#rest.subarray(0, whole));
      this.#rest = this.#rest.subarray(whole);
      await this.#more();
      place = find(this.#rest, mark);
    }
    if (place > 0) take(this.#rest.subarray(0, place));
    this.#rest = this.#rest.subarray(place + mark.length);
  }

  async #more() {
    const { done, value } = await this.#pieces.next();
    if (done) throw bad("The parts do not end.");
    const rest = new Uint8Array(this.#rest.length + value.length);
    rest.set(this.#rest);
    rest.set(value, this.#rest.length);
    this.#rest = rest;
  }
}

/** Where a sequence of bytes begins. @param {Uint8Array} bytes @param {Uint8Array} wanted @returns {number} -1 if nowhere */
function find(bytes, wanted) {
  const [first] = wanted;
  for (let start = bytes.indexOf(first); start >= 0 && start + wanted.length <= bytes.length; start = bytes.indexOf(first, start + 1)) {
    let length = 1;
    while (length < wanted.length && bytes[start + length] === wanted[length]) length++;
    if (length === wanted.length) return start;
  }
  return -1;
}

// MARK: - access/writing.js

// Writes of peers: documents one by one, and many at a time.


/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

class DocumentWriter {
  /**
   * @param {any} pouch
   * @param {import("./guards.js").WriteGuard} guard
   * @param {import("./local-documents.js").LocalRoom} room
   */
  constructor(pouch, guard, room) {
    this.pouch = pouch;
    this.guard = guard;
    this.room = room;
  }

  /** @param {CountedRequest} request */
  async bulk(request) {
    const { docs, new_edits: newEdits = true } = await readObject(request, accessLimits.bulk);
    if (!Array.isArray(docs)) throw bad("POST body must include `docs` parameter.");
    if (docs.length > accessLimits.bulkDocuments) throw tooLarge("There are too many documents in one request.");
    await request.take("documents");
    await checkSpace();
    // Copies of revisions are answered only where they failed.
    return newEdits === false
      ? json(201, await inLine(this.pouch, async () => (await this.#writeAll(docs, false)).filter((each) => each.error)))
      : json(201, await this.#writeAll(docs, true));
  }

  /** @param {any[]} docs @param {boolean} isEdit @returns {Promise<any[]>} what came of each */
  async #writeAll(docs, isEdit) {
    const leaves = isEdit ? null : new LeafCount(this.pouch);
    /** @type {any[]} */
    const outcomes = [];
    /** @type {any[]} */
    const allowed = [];
    for (const doc of docs) {
      try {
        if (typeof doc?._id === "string" && doc._id.startsWith("_local/")) {
          outcomes.push(await this.room.put(doc._id, doc));
          continue;
        }
        allowed.push(await this.guard.allow(doc, leaves));
        outcomes.push(null);
      } catch (error) {
        const { error: name, message } = problemOf(error);
        outcomes.push({ id: doc?._id, error: name, reason: message });
      }
    }
    const written = allowed.length > 0 ? await this.pouch.bulkDocs(allowed, { new_edits: isEdit }) : [];
    // Of copies it tells failures only.
    if (!isEdit) return [...outcomes.filter((each) => each !== null), ...written.map(resultOf)];
    const results = written.map(resultOf)[Symbol.iterator]();
    return outcomes.map((outcome) => outcome ?? results.next().value);
  }

  /** @param {CountedRequest} request @param {Parameters} query */
  async post(request, query) {
    const doc = await readObject(request, accessLimits.documentRequest);
    return this.#write({ _id: crypto.randomUUID().replaceAll("-", ""), ...doc }, query.text("new_edits") !== "false");
  }

  /** @param {string} id @param {CountedRequest} request @param {Parameters} query */
  async put(id, request, query) {
    const type = request.headers.get("content-type") ?? "";
    const doc = /^multipart\/related\b/i.test(type)
      ? await readMultipart(request, type) : await readObject(request, accessLimits.documentRequest);
    const rev = revisionOf(request, query);
    if (rev !== null) doc._rev = rev;
    return this.#write({ ...doc, _id: id }, query.text("new_edits") !== "false");
  }

  /** @param {any} doc @param {boolean} isEdit */
  async #write(doc, isEdit) {
    if (typeof doc._id === "string" && doc._id.startsWith("_local/")) throw missing();
    await checkSpace();
    const write = async () => {
      const allowed = await this.guard.allow(doc, isEdit ? null : new LeafCount(this.pouch));
      const [result] = await this.pouch.bulkDocs([allowed], { new_edits: isEdit });
      if (result?.error) throw result;
      return json(201, { ok: true, id: doc._id, rev: result?.rev ?? allowed._rev });
    };
    return isEdit ? write() : inLine(this.pouch, write);
  }

  /** @param {string} id @param {CountedRequest} request @param {Parameters} query */
  async remove(id, request, query) {
    const rev = neededRevision(request, query);
    await this.guard.allow({ _id: id });
    const result = await this.pouch.remove(id, rev);
    return json(200, { ok: true, id, rev: result.rev });
  }
}

/** @param {any} result of PouchDB's `bulkDocs` */
const resultOf = (result) => (result.error
  ? { id: result.id ?? result.docId, error: problemOf(result).error, reason: problemOf(result).message } : { ok: true, id: result.id, rev: result.rev });

// MARK: - access/router.js

// A PouchDB of this page as one peer may use it: a part of CouchDB's HTTP API, under the share's access rules. What is not
// allowed and what does not exist look alike.


/** @typedef {import("../tunnel/exchanges.js").IncomingRequest} IncomingRequest */
/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {import("./targets.js").Grant} Grant */
/** @typedef {import("./targets.js").Target} Target */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./quota.js").Quota} Quota */

/**
 * Answers the requests of one remote to a shared database.
 * @param {any} pouch the database
 * @param {object} share
 * @param {string} share.id
 * @param {Grant} share.grant
 * @param {string} share.fingerprint the remote's; its local documents are kept under it
 * @param {Quota} share.quota common to all that goes over the connection
 * @returns {import("../tunnel/serving.js").Handler}
 */
function shareHandler(pouch, share) {
  const access = new PeerAccess(pouch, share);
  return async (request) => {
    /** @type {OutgoingResponse} */
    let answer;
    try {
      answer = await access.answer(request);
    } catch (error) {
      const { status, error: name, message } = problemOf(error);
      answer = json(status, { error: name, reason: message });
    }
    return request.method === "HEAD" ? withoutBody(answer) : answer;
  };
}

class PeerAccess {
  /** @param {any} pouch @param {{ id: string, grant: Grant, fingerprint: string, quota: Quota }} share */
  constructor(pouch, { id, grant, fingerprint, quota }) {
    this.pouch = pouch;
    this.share = id;
    this.grant = grant;
    this.quota = quota;
    const guard = new WriteGuard(pouch, grant);
    this.room = new LocalRoom(pouch, fingerprint, grant.access === "inbox");
    this.writer = new DocumentWriter(pouch, guard, this.room);
    this.attachments = new Attachments(pouch, guard);
  }

  /** @param {IncomingRequest} request @returns {Promise<OutgoingResponse>} */
  async answer(request) {
    const mark = request.target.indexOf("?");
    const target = this.#target(mark < 0 ? request.target : request.target.slice(0, mark));
    const query = new Parameters(mark < 0 ? "" : request.target.slice(mark + 1));
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (!target || !isAllowed(target, method, this.grant)) throw missing();
    return this.quota.answer(request, (counted) => this.#route(target, method, counted, query));
  }

  /** @param {Target} target @param {string} method @param {CountedRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
  async #route(target, method, request, query) {
    const { pouch, writer } = this;
    switch (target.kind) {
      case "database": return method === "GET" ? this.#info() : writer.post(request, query);
      case "_all_docs": return allDocs(pouch, request, query);
      case "_changes": return changes(pouch, request, query);
      case "_bulk_get": return bulkGet(pouch, request, query);
      case "_bulk_docs": return writer.bulk(request);
      case "_revs_diff": return json(200, await revsDiff(pouch, request));
      case "_missing_revs": return json(200, await missingRevs(pouch, request));
      case "_find": return json(200, await findDocuments(pouch, request));
      case "document": return this.#document(method, target.id, request, query);
      case "attachment": return this.#attachment(method, target, request, query);
      case "local": return this.room.answer(method, target.id, request, query);
      default: throw missing();
    }
  }

  /** What a path means. @param {string} path */
  #target(path) {
    /** @type {string[]} */
    let segments;
    try {
      segments = path.split("/").slice(1).map(decodeURIComponent);
    } catch {
      throw bad("The path is not percent-encoded UTF-8.");
    }
    if (segments[0] !== this.share) throw missing();
    // A slash at the end is nothing.
    if (segments.length === 2 && segments[1] === "") segments.pop();
    return readTarget(segments.slice(1));
  }

  /** @param {string} method @param {string} id @param {CountedRequest} request @param {Parameters} query */
  #document(method, id, request, query) {
    if (method === "GET") return getDocument(this.pouch, id, request, query);
    return method === "PUT" ? this.writer.put(id, request, query) : this.writer.remove(id, request, query);
  }

  /** @param {string} method @param {{ id: string, name: string }} target @param {CountedRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
  #attachment(method, { id, name }, request, query) {
    if (method === "GET") return this.attachments.get(id, name, request, query);
    return method === "PUT" ? this.attachments.put(id, name, request, query) : this.attachments.remove(id, name, request, query);
  }

  async #info() {
    const info = await this.pouch.info();
    const reads = this.grant.access !== "inbox";
    // How large it is, is not known of a database in a browser.
    const size = 0;
    return json(200, {
      db_name: this.share, uuid: this.share.slice("share-".length), doc_count: reads ? info.doc_count : 0, doc_del_count: 0, update_seq: reads ? info.update_seq : 0,
      purge_seq: 0, compact_running: false, sizes: { file: size, external: size, active: size }, instance_start_time: "0",
      disk_format_version: 8, props: {},
    });
  }
}

// MARK: - trust/reception.js

// Where offers to a share arrive: everything that is checked before the gate is asked, and the gate.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/**
 * The keys that offers are sealed to, and which offers came already. They live in memory only.
 * @typedef {{ key: import("../basics/crypto.js").EphemeralKey, end: number, seen: Set<string> }} Epoch
 */
class EpochKeys {
  /** @param {import("../basics/crypto.js").EphemeralKey} key @param {number} now */
  constructor(key, now) {
    /** @type {Epoch} */
    this.current = { key, end: now + limits.epochLife, seen: new Set() };
    /** @type {Epoch | null} */
    this.predecessor = null;
  }

  /** Replaces and drops keys whose time has come. @param {number} now */
  async advance(now) {
    if (now >= this.current.end || this.current.seen.size >= limits.epochOffers) {
      const old = this.current;
      const key = await ephemeralKey();
      this.predecessor = { ...old, end: Math.min(now, old.end) + limits.predecessorLife };
      this.current = { key, end: now + limits.epochLife, seen: new Set() };
    }
    const old = this.predecessor;
    if (old && (now >= old.end || old.seen.size >= 2 * limits.epochOffers)) this.predecessor = null;
  }

  /** @param {Bytes} key */
  find(key) {
    return [this.current, this.predecessor].find((epoch) => epoch && equal(epoch.key.bytes, key)) ?? null;
  }
}

/** How many signals a share looks at, and which openings of it are under way. */
class OfferLimiter {
  /** @type {number[]} when the last signals came */
  #arrivals = [];
  /** @type {Map<string, { remote: string, deadline: number, key: Bytes }>} by session, with the key of the offer */
  openings = new Map();

  /** @param {number} now */
  count(now) {
    if (this.openings.size >= limits.pending) throw new Rejection("rate");
    if (this.#arrivals.length >= limits.offersPerSecond) {
      if (now - this.#arrivals[0] < 1000) throw new Rejection("rate");
      this.#arrivals.shift();
    }
    this.#arrivals.push(now);
  }

  /** @param {string} sid @param {string} remote @param {Bytes} key @param {number} now */
  begin(sid, remote, key, now) {
    // What is under way goes on: another one would be one more.
    if (this.openings.has(sid)) throw new Rejection("session");
    const own = [...this.openings.values()].filter((opening) => opening.remote === remote).length;
    if (own >= limits.pendingPerIdentity) throw new Rejection("pending");
    this.openings.set(sid, { remote, deadline: now + limits.handshake, key });
  }

  /** @param {number} now */
  expire(now) {
    for (const [sid, opening] of this.openings) if (now >= opening.deadline) this.openings.delete(sid);
  }
}

/** Takes the offers to a share. Calls of {@link receive} must not overlap. */
class OfferReception {
  /**
   * @param {string} share
   * @param {Bytes} owner
   * @param {import("../basics/crypto.js").EphemeralKey} epoch
   * @param {number} now in milliseconds of a monotonic clock, like all times here
   */
  constructor(share, owner, epoch, now) {
    this.share = share;
    this.owner = owner;
    this.epochs = new EpochKeys(epoch, now);
    this.limiter = new OfferLimiter();
  }

  /** The key to publish in the share's record. @returns {Bytes} */
  get epoch() {
    return this.epochs.current.key.bytes;
  }

  /**
   * Checks an offer, and begins its opening, which goes on until {@link end}, or until it took too long.
   * @param {unknown} document
   * @param {number} now
   * @returns {Promise<ReceivedOffer>}
   * @throws {Rejection} the first check that failed
   */
  async receive(document, now) {
    await this.advance(now);
    if (documentSize(/** @type {any} */ (document)) > limits.signal) throw new Rejection("size");
    this.limiter.count(now);
    const signal = readSignal(document);
    if (signal.role !== "opener") throw new Rejection("form", "_id");
    const header = await readOfferHeader(signal.header);
    const sid = base64url(header.sid);
    if (header.share !== this.share || signal.recipient !== this.share || signal.sender !== sid) throw new Rejection("id");
    const epoch = this.epochs.find(header.epoch);
    if (!epoch) throw new Rejection("epoch");
    const key = base64url(header.key);
    if (epoch.seen.has(key)) throw new Rejection("replay");
    let offer;
    try {
      offer = await ReceivedOffer.read(signal, header, epoch.key, this.owner);
    } catch (error) {
      // Only who can seal to the epoch made this key, so that nobody else uses it up.
      if (error instanceof Rejection && error.check !== "decryption") epoch.seen.add(key);
      throw error;
    }
    epoch.seen.add(key);
    this.limiter.begin(sid, base64url(offer.remote), header.key, now);
    return offer;
  }

  /** Gives an opening so long from now. @param {ReceivedOffer} offer @param {number} deadline */
  postpone(offer, deadline) {
    const opening = this.#opening(offer);
    if (opening) opening.deadline = deadline;
  }

  /** Ends an opening that led to a connection, was refused, or failed. @param {ReceivedOffer} offer */
  end(offer) {
    if (this.#opening(offer)) this.limiter.openings.delete(base64url(offer.sid));
  }

  /** The opening that began with an offer; none if it took too long, also when there is another one of its session by now. @param {ReceivedOffer} offer */
  #opening({ sid, key }) {
    const opening = this.limiter.openings.get(base64url(sid));
    return opening && equal(opening.key, key) ? opening : null;
  }

  /** Replaces keys whose time has come, and ends openings that took too long. @param {number} now */
  async advance(now) {
    await this.epochs.advance(now);
    this.limiter.expire(now);
  }
}

/**
 * Who is let into a share: each way that is open is enough, and without any it is open to anyone.
 * @typedef {{ allow: Set<string> | null, ticket: boolean, ask: boolean }} Gate
 */

/** The ways to publish. @param {Gate} gate @returns {import("./shares.js").ShareRecord["gate"]} */
function gateWays({ allow, ticket, ask }) {
  /** @type {import("./shares.js").ShareRecord["gate"]} */
  const ways = [];
  if (allow) ways.push("allow");
  if (ticket) ways.push("ticket");
  if (ask) ways.push("ask");
  return ways.length > 0 ? ways : ["anyone"];
}

/**
 * Decides about a remote whose identity is verified.
 * @param {Gate} gate
 * @param {string} fingerprint
 * @param {import("./tickets.js").TicketVerdict} verdict on what it showed of a ticket
 * @returns {"anyone" | "allow" | "ticket" | "ask" | { refusal: string }}
 */
function gateDecision({ allow, ticket, ask }, fingerprint, verdict) {
  if (!allow && !ticket && !ask) return "anyone";
  if (allow?.has(fingerprint)) return "allow";
  if (ticket && verdict === "good") return "ticket";
  if (ask) return "ask";
  if (!ticket) return { refusal: "forbidden" };
  return { refusal: { none: "forbidden", good: "forbidden", wrong: "ticket", expired: "ticket-expired", claimed: "ticket-claimed" }[verdict] };
}

// MARK: - peers/remote-event.js

// Somebody who wants in.

/** Somebody who wants in, before there is a connection. Whoever is not prevented is let in. */
class RemoteEvent {
  #isPrevented = false;

  /** @param {string} identity @param {any} info @param {import("../trust/tickets.js").TicketVerdict} ticket @param {import("./store.js").Standing} standing */
  constructor(identity, info, ticket, standing) {
    /** Who it is, by its fingerprint: verified. */
    this.identity = identity;
    /** What it says of itself; it never identifies. */
    this.info = info;
    /** What its ticket is worth, if it showed one that did not let it in. */
    this.ticket = ticket;
    /** Whether this page's identity has dealt with it before. */
    this.standing = standing;
  }

  /** Keeps it out. */
  preventDefault() {
    this.#isPrevented = true;
  }

  get defaultPrevented() {
    return this.#isPrevented;
  }
}

// MARK: - peers/admissions.js

// Who wants into a share: offers by way of the hub, and openings over connections that are there. Nothing exists of a remote
// before the gate has let it in.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {{ id: string, verdict: import("../trust/tickets.js").TicketVerdict, decision: ReturnType<typeof gateDecision> }} Judgement */

/**
 * What is asked of a share about remotes, and told.
 * @typedef {object} Host
 * @property {string} id
 * @property {import("./peer.js").Peer} peer
 * @property {import("./hub.js").Hub} hub
 * @property {import("../trust/reception.js").Gate} gate
 * @property {import("../trust/tickets.js").TicketBook} book
 * @property {((event: RemoteEvent) => unknown) | null} onRemote
 * @property {(type: string, detail?: Record<string, any>) => void} tell
 * @property {() => Promise<void>} keep
 * @property {(connection: Connection, attached?: Promise<unknown>) => import("../tunnel/serving.js").Handler} handler answers nothing before
 *   it is clear whether the connection is attached, and nothing if it is not
 * @property {(connection: Connection) => void} attach
 */

/** Signals that wait for their turn; what comes beyond them is dropped. */
const WAITING = 1024;

class Admissions {
  /** @type {Map<string, (signal: import("../trust/signals.js").Signal) => void>} where further candidates go, by session */
  #inboxes = new Map();
  /** Openings that were taken up, by session; those over connections have keys of their own. @type {Map<unknown, { id: string, ending: AbortController }>} */
  #underWay = new Map();
  /** How often the program is being asked about an identity. @type {Map<string, number>} */
  #questions = new Map();
  #line = Promise.resolve();
  #waiting = 0;
  #reception;
  #signal;

  /** @param {Host} share @param {OfferReception} reception @param {AbortSignal} signal the share's end */
  constructor(share, reception, signal) {
    this.share = share;
    this.peer = share.peer;
    this.hub = share.hub;
    this.#reception = reception;
    this.#signal = signal;
  }

  /** @param {Host} share @param {AbortSignal} signal the share's end */
  static async open(share, signal) {
    const reception = new OfferReception(share.id, share.peer.identity.bytes, await ephemeralKey(), performance.now());
    return new Admissions(share, reception, signal);
  }

  /** The key to publish. */
  get epoch() {
    return this.#reception.epoch;
  }

  /** Replaces the key when its time has come. */
  advance() {
    this.#line = this.#line.then(() => this.#reception.advance(performance.now()));
    return this.#line;
  }

  /** Ends what an identity has under way. @param {string} identity its fingerprint */
  cancel(identity) {
    for (const { id, ending } of this.#underWay.values()) if (id === identity) ending.abort();
  }

  /** Takes a signal. What is not valid is ignored, not answered. @param {Record<string, any>} doc */
  take(doc) {
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
    if (this.#signal.aborted) return;
    let offer;
    try {
      offer = await this.#reception.receive(doc, performance.now());
    } catch (error) {
      if (error instanceof Rejection) return;
      throw error;
    }
    const sid = base64url(offer.sid);
    // Who asks for the same session again, while it is being decided about, gets nothing for it.
    if (this.#underWay.has(sid)) return;
    const judged = await this.#judge(offer.remote, offer.ticket);
    const ending = new AbortController();
    this.#underWay.set(sid, { id: judged.id, ending });
    // What follows may take long, and others must not wait for it.
    this.#proceed(offer, judged, ending).catch(() => {}).finally(() => {
      this.#underWay.delete(sid);
      this.#reception.end(offer);
    });
  }

  /**
   * What the gate says. A ticket that lets in is claimed at once.
   * @param {Bytes} remote @param {import("../trust/tickets.js").TicketProof | null} proof
   */
  async #judge(remote, proof, isConnected = false) {
    const id = await fingerprint(remote);
    const { book, gate } = this.share;
    if (!isConnected && !this.peer.hasRoom(remote)) return { id, verdict: /** @type {const} */ ("none"), decision: { refusal: "busy" } };
    const verdict = await book.verdict(proof, id, performance.now());
    if (verdict === "claimed") this.share.tell("ticketreused", { identity: id });
    const decision = gateDecision(gate, id, verdict);
    if (decision === "ticket" && proof) {
      if (!book.claim(proof, id)) return { id, verdict, decision: { refusal: "ticket-claimed" } };
      this.share.keep().catch(() => {});
    }
    return { id, verdict, decision };
  }

  /** @param {import("../trust/signals.js").ReceivedOffer} offer @param {Judgement} judged @param {AbortController} ending */
  async #proceed(offer, { id, verdict, decision }, ending) {
    let refusal = typeof decision === "string" ? null : decision.refusal;
    if (decision === "ask") {
      this.#reception.postpone(offer, performance.now() + limits.decision);
      refusal = await this.#ask(id, offer.info, verdict);
      this.#reception.postpone(offer, performance.now() + limits.handshake);
    }
    if (this.#signal.aborted) refusal = "closed";
    else if (ending.signal.aborted) refusal = "forbidden";
    const post = new SignalPost(this.hub);
    const release = refusal === null ? this.peer.takePlace(offer.remote) : null;
    if (!release) refusal ??= "busy";
    if (refusal !== null) {
      this.share.tell("refused", { identity: id, refusal });
      // The opener deletes what it reads; if it is gone, this is swept.
      await post.write(await offer.refuse(this.peer.identity, refusal), AbortSignal.timeout(limits.handshake));
      return;
    }
    try {
      await this.#open(offer, post, ending);
    } finally {
      release?.();
    }
  }

  /** Asks the program about a remote. @param {string} id @param {any} info @param {import("../trust/tickets.js").TicketVerdict} verdict @returns {Promise<string | null>} the refusal */
  async #ask(id, info, verdict) {
    const count = this.#questions.get(id) ?? 0;
    if (count >= limits.pendingPerIdentity) return "busy";
    this.#questions.set(id, count + 1);
    try {
      return (await this.#isWelcome(id, info, verdict)) ? null : "forbidden";
    } finally {
      const left = (this.#questions.get(id) ?? 1) - 1;
      if (left > 0) this.#questions.set(id, left);
      else this.#questions.delete(id);
    }
  }

  /** @param {string} id @param {any} info @param {import("../trust/tickets.js").TicketVerdict} verdict */
  async #isWelcome(id, info, verdict) {
    const { onRemote } = this.share;
    if (!onRemote) return false;
    const name = isObject(info) && typeof info.name === "string" ? info.name : "";
    const event = new RemoteEvent(id, info, verdict, await this.peer.store.standing(id, name));
    try {
      await within(Promise.resolve(onRemote(event)), limits.decision, "Nobody has decided in time.");
    } catch {
      return false;
    }
    return !event.defaultPrevented;
  }

  /** Makes the connection to a remote that was let in. @param {import("../trust/signals.js").ReceivedOffer} offer @param {SignalPost} post @param {AbortController} ending */
  async #open(offer, post, ending) {
    const sid = base64url(offer.sid);
    const link = new Link(this.peer.iceServers);
    const timer = setTimeout(() => ending.abort(), limits.handshake);
    const end = () => ending.abort();
    this.#signal.addEventListener("abort", end, { once: true });
    const aborted = new Promise((_, reject) => ending.signal.addEventListener("abort", () => reject(new Error("The opening took too long.")), { once: true }));
    aborted.catch(() => {});
    /** Those that come before there is a connection wait. @type {import("../trust/signals.js").Signal[]} */
    const early = [];
    let inbox = (/** @type {import("../trust/signals.js").Signal} */ signal) => {
      if (early.length < limits.furtherSignals) early.push(signal);
    };
    this.#inboxes.set(sid, inbox);
    /** @type {(value?: unknown) => void} */
    let attached = () => {};
    const isAttached = new Promise((resolve) => { attached = resolve; });
    /** @type {Connection | null} */
    let made = null;
    const serve = (/** @type {Connection} */ connection) => {
      made = connection;
      return this.share.handler(connection, isAttached);
    };
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
        this.peer.connect(channel, link, session, offer.info, serve), aborted,
      ]));
      this.share.attach(connection);
    } catch (error) {
      // @ts-ignore: it may have been made.
      made?.tunnel.leave(GOODBYE.notShared);
      link.close();
      throw error;
    } finally {
      attached();
      clearTimeout(timer);
      this.#signal.removeEventListener("abort", end);
      if (this.#inboxes.get(sid) === inbox) this.#inboxes.delete(sid);
      ending.abort();
      post.clear();
    }
  }

  /**
   * What a remote is told that wants to use this share over a connection which is there.
   * @param {import("../tunnel/frames.js").ShareOpening} opening @param {Connection} connection
   * @returns {Promise<import("../tunnel/serving.js").Decision>}
   */
  async decide({ ticket, proof }, connection) {
    const shown = connection.session.shownProof(ticket, proof, this.share.id);
    const ending = new AbortController();
    this.#underWay.set(ending, { id: connection.fingerprint, ending });
    try {
      const { id, verdict, decision } = await this.#judge(connection.remote, shown, true);
      let refusal = typeof decision === "string" ? null : decision.refusal;
      if (decision === "ask") refusal = await this.#ask(id, connection.info, verdict);
      if (this.#signal.aborted) refusal = "closed";
      else if (ending.signal.aborted) refusal ??= "forbidden";
      if (refusal === null) {
        this.share.attach(connection);
        return { handler: this.share.handler(connection) };
      }
      this.share.tell("refused", { identity: id, refusal });
      return { refusal };
    } finally {
      this.#underWay.delete(ending);
    }
  }
}

// MARK: - peers/share-publication.js

// A share's document in its hub, whose number rises whenever it is written.


/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** How often a document is written while others write the same one. */
const ATTEMPTS = 8;

class SharePublication {
  /** That of the last record. */
  number = 0;
  /** @type {Bytes | null} */
  #epoch = null;
  #revision = "";

  /**
   * @param {import("./hub.js").Hub} hub
   * @param {import("../basics/crypto.js").Identity} identity
   * @param {{ id: string, salt: Bytes, name: string, info: any, access: string, gate: string[] }} share
   */
  constructor(hub, identity, share) {
    this.hub = hub;
    this.identity = identity;
    this.share = share;
  }

  /** Whether others find this key in it. @param {Bytes} epoch */
  has(epoch) {
    return this.#epoch !== null && this.#epoch.every((byte, index) => byte === epoch[index]);
  }

  /**
   * Writes a record whose number is higher than all before.
   * @param {Bytes} epoch @param {AbortSignal} signal the share's end: nothing is written after it
   * @returns {Promise<boolean>} whether somebody else shares the same meanwhile
   */
  async write(epoch, signal) {
    const { database } = this.hub;
    const { id } = this.share;
    let isElsewhere = false;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // Asked first: it also tells the hub's date.
      const leaves = await database.leaves(id);
      const valid = (await Promise.all(leaves.map((leaf) => readShare(leaf).catch(() => null)))).filter((read) => read?.record.id === id);
      const before = valid.reduce((highest, read) => Math.max(highest, read?.record.n ?? 0), 0);
      isElsewhere ||= this.#epoch !== null && before > this.number;
      const n = Math.max(this.number, before) + 1;
      const document = await signShare({ ...this.share, n, epoch, lease: this.hub.now() + limits.lease }, this.identity);
      signal.throwIfAborted();
      const winner = leaves.map(({ _rev }) => _rev).sort(compareRevisions).at(-1);
      // Noted first: an answer may be lost.
      const previous = this.number;
      this.number = n;
      try {
        this.#revision = (await database.put(winner ? { ...document, _rev: winner } : document)).rev;
      } catch (error) {
        if (!(error instanceof HubError && error.status === 409)) throw error;
        this.number = previous;
        continue;
      }
      this.#epoch = epoch;
      await this.hub.delete(leaves.filter(({ _rev }) => _rev !== winner));
      return isElsewhere;
    }
    throw new Error("Others keep writing the share's document.");
  }

  /** Removes it while the page is being left: there is no time to wait for an answer. */
  abandon() {
    this.hub.database.last({ _id: this.share.id, _rev: this.#revision, _deleted: true }).catch(() => {});
  }
}

/** Removes a share's document, with all its leaves. @param {import("./hub.js").Hub} hub @param {string} id */
async function removeShare(hub, id) {
  const leaves = await hub.database.leaves(id);
  await hub.delete(leaves);
}

/** @param {string} one @param {string} other */
function compareRevisions(one, other) {
  const [left, right] = [one, other].map((rev) => Number(rev.split("-", 1)[0]));
  return left - right || (one < other ? -1 : 1);
}

// MARK: - peers/sweeping.js

// What others left behind in a hub.


/** How long a signal must have been in the hub before it is swept, in milliseconds; and a lease be over, in seconds. */
const SIGNAL_AGE = 5 * 60 * 1000;
const SHARE_GONE = 24 * 60 * 60;

class Sweeper {
  /** @type {Map<string, number>} signals that were there, and since when */
  #seen = new Map();

  /** @param {import("./hub.js").Hub} hub @param {string} id the share's */
  constructor(hub, id) {
    this.hub = hub;
    this.id = id;
  }

  /** Deletes signals from or to the share that nobody took, and records of sharers that are gone. */
  async sweep() {
    const { database } = this.hub;
    const now = performance.now();
    /** @type {Map<string, number>} */
    const present = new Map();
    const old = [];
    for (const prefix of ["p-signal-", "s-signal-"]) {
      for (const { id, leaves: [doc] } of await database.list(prefix)) {
        if (doc?.sender !== this.id && doc?.recipient !== this.id) continue;
        const since = this.#seen.get(id) ?? now;
        present.set(id, since);
        if (this.#seen.has(id) && now - since >= SIGNAL_AGE) old.push(doc);
      }
    }
    this.#seen = present;
    // A clock that is wrong must not sweep away what lives.
    const shares = database.knowsDate() ? await database.list("share-") : [];
    for (const { id, leaves: [doc] } of shares) {
      if (id === this.id || doc?.type !== SHARE_TYPE) continue;
      const read = await readShare(doc).catch(() => null);
      if (read && read.record.lease + SHARE_GONE < this.hub.now()) old.push(doc);
    }
    await this.hub.delete(old);
  }
}

// MARK: - peers/share.js

// Sharing a database of this page: its record, its tickets, and who is connected.


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
class Share extends EventTarget {
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

// MARK: - plugin/pouch.js

// The plugin for PouchDB: its databases as hubs, and the adapter `webrtc` for those of other peers.


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
async function sharedDatabases(peer, hub) {
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
async function watchSharedDatabases(peer, hub, onChange) {
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
function hubOf(pouch, peer) {
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
function install(PouchDB, peerOf) {
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

// MARK: - plugin/peerpouch.js

// PeerPouch for browsers: databases shared between peers over WebRTC. A plugin for PouchDB, and a small client without it.
//
//   PouchDB.plugin(PeerPouch);
//   const hub = new PouchDB("https://hub.example/hub");
//   await hub.shareDatabase(new PouchDB("notes"), { ticket: true });
//   for (const share of await hub.getSharedDatabases()) await new PouchDB("copy").sync(new PouchDB(share.dbname));
//
//   const share = await PeerPouch.open("pp1-…");
//   const { rows } = await (await share.fetch("/_all_docs")).json();


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

"""#,
    "send.html": #"""
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>PeerPouch: send files</title>
    <link rel="icon" href="/_peerpouch/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/_peerpouch/style.css">
    <script type="module" src="/_peerpouch/send.js"></script>
  </head>
  <body>
    <header>
      <h1>PeerPouch</h1>
      <nav aria-label="Pages"><a href="/_peerpouch/">Console</a><a href="/_peerpouch/send" aria-current="page">Send files</a></nav>
      <p class="quiet">This browser is <code id="me">…</code></p>
    </header>
    <p id="status" role="status" class="quiet">Loading…</p>
    <main>
      <form id="login" hidden aria-labelledby="login-title">
        <h2 id="login-title">The server asks who you are</h2>
        <label>Name <input name="name" autocomplete="username" required></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
        <button class="main">Log in</button>
      </form>
      <section aria-labelledby="peer-title">
        <h2 id="peer-title">A peer's box</h2>
        <form id="open-form">
          <label>Ticket or address <input name="where" autocomplete="off" spellcheck="false" placeholder="pp1-… or webrtc://…" required></label>
          <button class="main">Connect</button>
        </form>
        <p>Boxes that this server's hub knows: <span id="boxes" class="quiet">none</span></p>
        <div id="peer" hidden>
          <p id="peer-state" role="status"></p>
          <label id="drop" class="drop">Drop files here, or choose them: <input id="files" type="file" multiple></label>
          <ul id="sent" class="plain" aria-label="Sent files"></ul>
          <h3 id="theirs-title">Files to take</h3>
          <ul id="theirs" class="plain" aria-labelledby="theirs-title"></ul>
        </div>
      </section>
      <section aria-labelledby="own-title">
        <h2 id="own-title">Files of this page</h2>
        <p class="quiet">They are handed over for as long as this page is open.</p>
        <div class="row">
          <button id="invite">Let somebody send files here</button>
          <label>Offer files: <input id="offer" type="file" multiple></label>
        </div>
        <p id="link" hidden>Give this to whom it is for, and to nobody else: <a id="link-text" target="_blank" rel="noopener"></a>
          <button id="copy">Copy</button><br>With the command: <code id="ticket"></code></p>
        <h3 id="got-title">In the box</h3>
        <ul id="got" class="plain" aria-labelledby="got-title" aria-live="polite"></ul>
        <p id="remotes" class="quiet" role="status">Nobody is connected.</p>
      </section>
    </main>
  </body>
</html>

"""#,
    "send.js": #"""
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

"""#,
    "sha256.js": #"""
// SHA-256 (FIPS 180-4) of what comes piece by piece: browsers' own takes all of it at once.

// Signed words: those that JavaScript counts fastest.
const K = new Int32Array(64);
const START = new Int32Array(8);
// The first 32 bits of the fractional parts of the cube roots, and of the square roots, of the first primes.
for (let prime = 2, count = 0; count < 64; prime++) {
  let isPrime = true;
  for (let factor = 2; factor * factor <= prime; factor++) if (prime % factor === 0) isPrime = false;
  if (!isPrime) continue;
  if (count < 8) START[count] = (prime ** (1 / 2) % 1) * 2 ** 32;
  K[count++] = (prime ** (1 / 3) % 1) * 2 ** 32;
}

export class SHA256 {
  #state = START.slice();
  #words = new Int32Array(64);
  #block = new Uint8Array(64);
  #used = 0;
  #length = 0;

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.#length += bytes.length;
    let offset = 0;
    if (this.#used > 0) {
      offset = Math.min(64 - this.#used, bytes.length);
      this.#block.set(bytes.subarray(0, offset), this.#used);
      this.#used += offset;
      if (this.#used < 64) return;
      this.#mix(this.#block, 0);
      this.#used = 0;
    }
    for (; offset + 64 <= bytes.length; offset += 64) this.#mix(bytes, offset);
    this.#block.set(bytes.subarray(offset));
    this.#used = bytes.length - offset;
  }

  /** The digest in hexadecimal; nothing can be added then. */
  finish() {
    const length = this.#length;
    const padding = new Uint8Array((this.#used < 56 ? 64 : 128) - this.#used);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(padding.length - 4, (length * 8) >>> 0);
    this.update(padding);
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** @param {Uint8Array} bytes @param {number} offset */
  #mix(bytes, offset) {
    const w = this.#words;
    for (let index = 0; index < 16; index++) {
      const at = offset + index * 4;
      w[index] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let index = 16; index < 64; index++) {
      const x = w[index - 15];
      const y = w[index - 2];
      const small = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const large = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[index] = (w[index - 16] + small + w[index - 7] + large) | 0;
    }
    // One by one: taking an array apart costs more than the rest.
    const state = this.#state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let index = 0; index < 64; index++) {
      const one = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + one + ((e & f) ^ (~e & g)) + K[index] + w[index]) | 0;
      const zero = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (zero + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/** The digest of a blob, read piece by piece. @param {Blob} blob */
export async function sha256(blob) {
  const hash = new SHA256();
  const step = 1 << 20;
  for (let offset = 0; offset < blob.size; offset += step) hash.update(new Uint8Array(await blob.slice(offset, offset + step).arrayBuffer()));
  return hash.finish();
}

"""#,
    "style.css": #"""
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --paper: #fff; --ink: #1d1f23; --quiet: #5c626d; --line: #d8d6d1; --accent: #0b5cad; --on-accent: #fff;
  --good: #1a7344; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181c; --paper: #1f2227; --ink: #e9eaec; --quiet: #a6acb7; --line: #3a3f47; --accent: #8ab8f0; --on-accent: #0d1b2a;
    --good: #7fd1a0; --bad: #f2a29b;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; border-bottom: 1px solid var(--line); padding-bottom: .5rem; }
h1 { font-size: 1.25rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
nav { display: flex; gap: 1rem; }
a { color: var(--accent); overflow-wrap: anywhere; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin-top: 1rem; }
section[hidden], [hidden] { display: none; }
p { margin: .25rem 0; }
.quiet { color: var(--quiet); }
.bad { color: var(--bad); }
.good { color: var(--good); }
code, pre, textarea { font: .9rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre, textarea { width: 100%; max-height: 24rem; overflow: auto; margin: .5rem 0; padding: .5rem; border: 1px solid var(--line); border-radius: .25rem; white-space: pre-wrap; background: var(--ground); color: inherit; }
textarea { min-height: 10rem; }
button, input { font: inherit; color: inherit; padding: .4rem .75rem; min-height: 2.5rem; border: 1px solid var(--line); border-radius: .25rem; background: var(--paper); }
button { cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button:disabled { opacity: .55; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
form, .row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .5rem 0; }
form label { display: flex; flex-direction: column; flex: 1 1 12rem; }
form input { width: 100%; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
ul.plain { list-style: none; margin: 0; padding: 0; }
ul.plain li { padding: .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.drop { display: block; border: 2px dashed var(--line); border-radius: .5rem; padding: 2rem 1rem; text-align: center; }
.drop.over { border-color: var(--accent); }
progress { width: 100%; accent-color: var(--accent); }
img.preview { max-width: 100%; max-height: 20rem; display: block; margin: .5rem 0; }
@media (max-width: 40rem) {
  body { padding: .5rem; }
  table, tbody, tr, td { display: block; width: 100%; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  td { border: 0; padding: .1rem 0; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); }
}

/* Short words are not broken to make room for long ones. */
th, td > button { overflow-wrap: normal; white-space: nowrap; }

"""#,
  ]
}
