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
