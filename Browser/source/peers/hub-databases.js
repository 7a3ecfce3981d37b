// The databases that serve as hubs, and how they are asked: by HTTP, or as a PouchDB.

import { isHubName } from "../trust/shares.js";

/** @typedef {Record<string, any>} Doc */

/** An answer of a hub that says no. */
export class HubError extends Error {
  /** @param {number} status @param {string} name @param {string} reason */
  constructor(status, name, reason) {
    super(reason || name);
    this.name = name || "HubError";
    this.status = status;
  }
}

/** Whether trying again may help. @param {unknown} error */
export const isTransient = (error) => !(error instanceof HubError) || error.status >= 500 || error.status === 429 || error.status === 408;

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
export class HTTPHub {
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
export class PouchHub {
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
export function hubName(url) {
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
