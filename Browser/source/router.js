// A PouchDB of this page as one peer may use it: a part of CouchDB's HTTP API, under the share's access rules. What is not
// allowed and what does not exist look alike. The same routes as in Sources/PeerTunnel/Access.

import { byteLength, depth, isObject, text, textDepth, utf8 } from "./encoding.js";
import { accessLimits } from "./limits.js";
import { inflate, readMultipart } from "./multipart.js";
import { collect } from "./tunnel.js";

/** @typedef {import("./tunnel.js").IncomingRequest} IncomingRequest */
/** @typedef {import("./tunnel.js").OutgoingResponse} OutgoingResponse */

/** What is answered in place of a result. */
class Problem extends Error {
  /** @param {number} status @param {string} error @param {string} reason */
  constructor(status, error, reason) {
    super(reason);
    this.status = status;
    this.error = error;
  }
}

const MISSING = () => new Problem(404, "not_found", "missing");
/** @param {string} reason */
const bad = (reason) => new Problem(400, "bad_request", reason);
/** @param {string} reason */
const forbidden = (reason) => new Problem(403, "forbidden", reason);

/**
 * What a remote may do.
 * @typedef {object} Grant
 * @property {"read-only" | "read-write" | "inbox"} access
 * @property {boolean} queries `_find`, which may go through the whole database
 * @property {boolean} designDocuments writing them: they are code that others may run
 */

/** How many rows of a list are read at a time: fewer of those that are larger, since all of them are held in memory. @param {Record<string, any>} options */
const pageSize = ({ attachments, include_docs: withDocs }) => (attachments ? 1 : withDocs ? 50 : 500);
/** How much of the browser's storage is left to its user, in bytes: writes of peers beyond it are refused. */
const FREE_SPACE = 64 << 20;

/** Raster images, which may be shown as they are; everything else is to be saved. */
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"]);

/** @param {number} status @param {unknown} value @param {[string, string][]} headers @returns {OutgoingResponse} */
const json = (status, value, headers = []) =>
  ({ status, headers: [["content-type", "application/json"], ...headers], body: utf8(`${JSON.stringify(value)}\n`) });

/**
 * Answers the requests of one remote to a shared database.
 * @param {any} pouch the database
 * @param {object} share
 * @param {string} share.id
 * @param {Grant} share.grant
 * @param {string} share.fingerprint the remote's; its local documents are kept under it
 * @param {{ feeds: number, lists: number, documents: number }} share.quota common to all that goes over the connection
 * @returns {import("./tunnel.js").Handler}
 */
export function shareHandler(pouch, { id, grant, fingerprint, quota }) {
  const access = new PeerAccess(pouch, id, grant, fingerprint, quota);
  return async (request) => {
    try {
      const answer = await access.answer(request);
      return request.method === "HEAD" ? withoutBody(answer) : answer;
    } catch (error) {
      const { status, error: name, message } = problemOf(error);
      const answer = json(status, { error: name, reason: message });
      return request.method === "HEAD" ? withoutBody(answer) : answer;
    }
  };
}

/** @param {OutgoingResponse} answer @returns {OutgoingResponse} */
function withoutBody(answer) {
  const { body } = answer;
  const length = body instanceof Blob ? body.size : body instanceof Uint8Array ? body.length : answer.length;
  // A body that nobody reads must not go on.
  if (body && Symbol.asyncIterator in body) /** @type {any} */ (body).return();
  const headers = answer.headers.filter(([name]) => name !== "content-length");
  if (typeof length === "number") headers.push(["content-length", String(length)]);
  return { status: answer.status, headers, body: null };
}

/** What of an error a peer is told. @param {any} error @returns {Problem} */
function problemOf(error) {
  if (error instanceof Problem) return error;
  const { status, name, reason, message } = error ?? {};
  if (status === 404) return new Problem(404, "not_found", reason === "deleted" ? "deleted" : "missing");
  if (typeof status === "number" && status >= 400 && status < 500) return new Problem(status, String(name ?? "error"), String(reason ?? message));
  if (name === "QuotaExceededError") return new Problem(507, "insufficient_storage", "There is not enough free space.");
  return new Problem(500, "internal_server_error", "The request could not be answered.");
}

/**
 * What a path and a method mean.
 * @typedef {{ kind: "database" | "_all_docs" | "_changes" | "_bulk_get" | "_bulk_docs" | "_revs_diff" | "_missing_revs" | "_find" }
 *   | { kind: "document" | "local", id: string } | { kind: "attachment", id: string, name: string }} Target
 */

const SPECIAL = /** @type {const} */ (["_all_docs", "_changes", "_bulk_get", "_bulk_docs", "_revs_diff", "_missing_revs", "_find"]);

/** @param {string[]} segments behind the share's id, decoded @returns {Target | null} */
function readTarget(segments) {
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) return null;
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

/** @param {string} need @param {Grant} grant */
function isAllowed(need, { access, queries }) {
  switch (need) {
    case "nothing": return true;
    case "reading": return access !== "inbox";
    case "querying": return access !== "inbox" && queries;
    case "writing": return access !== "read-only";
    case "editing": return access === "read-write";
    case "local": return access !== "inbox";
    default: return false;
  }
}

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

class PeerAccess {
  /** @param {any} pouch @param {string} share @param {Grant} grant @param {string} fingerprint @param {{ feeds: number, lists: number, documents: number }} quota */
  constructor(pouch, share, grant, fingerprint, quota) {
    this.pouch = pouch;
    this.share = share;
    this.grant = grant;
    this.room = `_local/peer-${fingerprint}-`;
    this.index = `_local/peers-${fingerprint}`;
    this.quota = quota;
    /** Local documents are counted and written one at a time. */
    this.localWrites = Promise.resolve();
  }

  /** @param {IncomingRequest} request @returns {Promise<OutgoingResponse>} */
  async answer(request) {
    const mark = request.target.indexOf("?");
    const path = mark < 0 ? request.target : request.target.slice(0, mark);
    let segments;
    try {
      segments = path.split("/").slice(1).map(decodeURIComponent);
    } catch {
      throw bad("The path is not percent-encoded UTF-8.");
    }
    if (segments[0] !== this.share) throw MISSING();
    // A slash at the end is nothing.
    if (segments.length === 2 && segments[1] === "") segments.pop();
    const target = readTarget(segments.slice(1));
    const method = request.method === "HEAD" ? "GET" : request.method;
    const need = target && Object.hasOwn(NEEDS[target.kind], method) ? NEEDS[target.kind][method] : "none";
    if (!target || !isAllowed(need, this.grant)) throw MISSING();
    const query = new Parameters(mark < 0 ? "" : request.target.slice(mark + 1));
    switch (target.kind) {
      case "database": return method === "GET" ? this.info() : this.post(request, query);
      case "_all_docs": return this.list(request, query);
      case "_changes": return this.changes(request, query);
      case "_bulk_get": return this.bulkGet(request, query);
      case "_bulk_docs": return this.bulkDocs(request);
      case "_revs_diff": return json(200, await this.revsDiff(request));
      case "_missing_revs": return this.missingRevs(request);
      case "_find": return this.find(request);
      case "document":
        if (method === "GET") return this.get(target.id, request, query);
        return method === "PUT" ? this.put(target.id, request, query) : this.remove(target.id, request, query);
      case "attachment":
        if (method === "GET") return this.getAttachment(target.id, target.name, request, query);
        if (method === "PUT") return this.putAttachment(target.id, target.name, request, query);
        return this.removeAttachment(target.id, target.name, request, query);
      case "local": return this.local(method, target.id, request, query);
      default: throw MISSING();
    }
  }

  /**
   * Takes one of the places for what holds a page of documents while a peer reads on.
   * @template Value @param {"lists" | "documents" | "feeds"} kind @param {() => Promise<Value>} work @returns {Promise<Value>}
   */
  async within(kind, work) {
    if (this.quota[kind] >= accessLimits[kind]) throw new Problem(429, "too_many_requests", "There is too much under way on this connection.");
    this.quota[kind] += 1;
    try {
      return await work();
    } finally {
      this.quota[kind] -= 1;
    }
  }

  /**
   * A body that has one of these places until it was read, or given up.
   * @param {"lists" | "feeds"} kind @param {AsyncGenerator<string>} parts @returns {OutgoingResponse}
   */
  stream(kind, parts) {
    if (this.quota[kind] >= accessLimits[kind]) {
      parts.return(undefined);
      throw new Problem(429, "too_many_requests", `There are ${accessLimits[kind]} ${kind} under way on this connection already.`);
    }
    this.quota[kind] += 1;
    let isHeld = true;
    const release = () => {
      if (isHeld) this.quota[kind] -= 1;
      isHeld = false;
    };
    const bytes = inBytes(parts);
    /** @type {AsyncIterableIterator<import("./encoding.js").Bytes>} */
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
    return { status: 200, headers: [["content-type", "application/json"]], body, length: null };
  }

  /** @param {IncomingRequest} request @param {number} limit @returns {Promise<any>} */
  async json(request, limit) {
    const bytes = await collect(request, limit);
    if (!bytes) throw new Problem(413, "too_large", "the request entity is too large");
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

  // MARK: Reading

  async info() {
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

  /** @param {IncomingRequest} request @param {Parameters} query */
  async list(request, query) {
    const body = request.method === "POST" ? await this.json(request, accessLimits.request) : {};
    /** @type {Record<string, any>} */
    const options = {
      include_docs: query.flag("include_docs"), conflicts: query.flag("conflicts"), attachments: query.flag("attachments"),
      descending: query.flag("descending"), inclusive_end: query.text("inclusive_end") !== "false", update_seq: query.flag("update_seq"),
    };
    const keys = body.keys ?? query.json("keys");
    const limit = query.count("limit", Infinity) ?? Infinity;
    const skip = query.count("skip", 0) ?? 0;
    const [key, start, end] = [query.json("key"), query.json("startkey", "start_key"), query.json("endkey", "wakekey")];
    for (const each of [key, start, end]) if (each !== undefined && typeof each !== "string") throw bad("Keys of documents are texts.");
    if (keys !== undefined) {
      if (!Array.isArray(keys) || !keys.every((each) => typeof each === "string")) throw bad("`keys` member must be an array.");
      const wanted = (options.descending ? keys.toReversed() : keys).slice(skip, limit === Infinity ? undefined : skip + limit);
      return this.stream("lists", this.keyRows(wanted, options, skip));
    }
    if (key !== undefined) Object.assign(options, { startkey: key, endkey: key });
    if (start !== undefined) options.startkey = start;
    if (end !== undefined) options.endkey = end;
    return this.stream("lists", this.rows(options, skip, limit));
  }

  /** @param {string[]} keys @param {Record<string, any>} options @param {number} offset */
  async* keyRows(keys, options, offset) {
    let separator = "";
    let isFirst = true;
    const step = pageSize(options);
    for (let index = 0; isFirst || index < keys.length; index += step) {
      const page = keys.slice(index, index + step);
      // Local documents are in no list.
      const listed = await this.pouch.allDocs({ ...options, descending: false, keys: page.map((key) => (key.startsWith("_local/") ? "" : key)) });
      if (isFirst) yield `{"total_rows":${listed.total_rows},"offset":${offset},"rows":[`;
      isFirst = false;
      for (const [place, row] of listed.rows.entries()) {
        yield `${separator}\n${JSON.stringify(row.error ? { key: page[place], error: "not_found" } : row)}`;
        separator = ",";
      }
    }
    yield "\n]}\n";
  }

  /** @param {Record<string, any>} options @param {number} skip @param {number} limit */
  async* rows(options, skip, limit) {
    let rest = limit;
    let separator = "";
    const step = pageSize(options);
    let page = await this.pouch.allDocs({ ...options, skip, limit: Math.min(rest, step) });
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
      page = await this.pouch.allDocs({ ...options, startkey: id, skip: 1, limit: Math.min(rest, step) });
    }
    yield "\n]}\n";
  }

  /** @param {IncomingRequest} request @param {Parameters} query */
  async changes(request, query) {
    const body = request.method === "POST" ? await this.json(request, accessLimits.request) : {};
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
      throw MISSING();
    }
    const limit = query.count("limit", Infinity) ?? Infinity;
    const feed = query.text("feed") ?? "normal";
    const heartbeat = query.text("heartbeat");
    const silence = accessLimits.heartbeat;
    const pulse = heartbeat === null || heartbeat === "false" ? null
      : Math.min(heartbeat === "true" ? silence : Math.max(1, Number(heartbeat) || silence), silence);
    const timeout = pulse === null ? Math.min(query.count("timeout", silence) ?? silence, silence) : Infinity;
    const live = { options, limit: limit === 0 ? 1 : limit, pulse, timeout, signal: request.signal };
    switch (feed) {
      case "normal": return this.stream("lists", this.changeRows(options, limit));
      case "longpoll": return this.stream("feeds", this.longPoll({ ...live, limit }));
      case "continuous": return this.stream("feeds", this.continuous(live));
      default: throw bad("There is no such feed for peers.");
    }
  }

  /**
   * Changes that are there, page by page.
   * @param {Record<string, any>} options @param {number} limit
   * @returns {AsyncGenerator<{ results: any[], last_seq: any }>}
   */
  async* pages(options, limit) {
    let rest = limit;
    let { since } = options;
    const step = pageSize(options);
    if (since === "now") {
      yield await this.pouch.changes({ ...options, limit: 1 });
      return;
    }
    if (options.descending) {
      // It has no pages: the documents are read one by one.
      const { include_docs: withDocs, attachments, conflicts, ...list } = options;
      const { results, last_seq: last } = await this.pouch.changes({ ...list, ...(limit === Infinity ? {} : { limit }) });
      for (const row of results) {
        const doc = withDocs ? { doc: await this.pouch.get(row.id, { rev: row.changes[0].rev, attachments, conflicts }) } : {};
        yield { results: [{ ...row, ...doc }], last_seq: last };
      }
      if (results.length === 0) yield { results, last_seq: last };
      return;
    }
    while (true) {
      const page = await this.pouch.changes({ ...options, since, limit: Math.min(rest, step), return_docs: true });
      yield page;
      rest -= page.results.length;
      since = page.last_seq;
      if (page.results.length < step || rest <= 0) return;
    }
  }

  /** @param {Record<string, any>} options @param {number} limit */
  async* changeRows(options, limit) {
    yield "{\"results\":[";
    let last = options.since;
    let separator = "";
    let count = 0;
    if (limit > 0) {
      for await (const { results, last_seq: position } of this.pages(options, limit)) {
        for (const row of results) {
          yield `${separator}\n${JSON.stringify(row)}`;
          separator = ",";
        }
        count += results.length;
        last = position;
      }
    }
    const pending = count >= limit ? await this.pending(options, last) : 0;
    yield `\n],\n"last_seq":${JSON.stringify(last)},"pending":${pending}}\n`;
  }

  /** How many changes there are behind a position, at least. @param {Record<string, any>} options @param {any} since */
  async pending({ style, doc_ids, selector }, since) {
    const { results } = await this.pouch.changes({ style, doc_ids, selector, since, limit: 1 });
    return results.length;
  }

  /** @param {{ options: Record<string, any>, limit: number, pulse: number | null, timeout: number, signal: AbortSignal }} feed */
  async* longPoll({ options, limit, pulse, timeout, signal }) {
    yield "{\"results\":[";
    let since = options.since;
    if (since === "now") since = (await this.pouch.info()).update_seq;
    const end = performance.now() + timeout;
    while (true) {
      const most = Math.min(limit, pageSize(options));
      const { results, last_seq: last } = limit > 0
        ? await this.pouch.changes({ ...options, since, limit: most, return_docs: true }) : { results: [], last_seq: since };
      if (results.length > 0 || limit === 0 || performance.now() >= end || signal.aborted) {
        yield results.map((/** @type {any} */ row) => `\n${JSON.stringify(row)}`).join(",");
        yield `\n],\n"last_seq":${JSON.stringify(last)},"pending":${results.length >= most ? await this.pending(options, last) : 0}}\n`;
        return;
      }
      since = last;
      yield* this.waitForChange(since, pulse, end, signal);
    }
  }

  /** @param {{ options: Record<string, any>, limit: number, pulse: number | null, timeout: number, signal: AbortSignal }} feed */
  async* continuous({ options, limit, pulse, timeout, signal }) {
    let since = options.since;
    if (since === "now") since = (await this.pouch.info()).update_seq;
    let rest = limit;
    let end = performance.now() + timeout;
    while (!signal.aborted) {
      let count = 0;
      for await (const { results, last_seq: last } of this.pages({ ...options, since }, rest)) {
        for (const row of results) yield `${JSON.stringify(row)}\n`;
        count += results.length;
        since = last;
      }
      rest -= count;
      if (count > 0) end = performance.now() + timeout;
      if (rest <= 0 || performance.now() >= end) break;
      yield* this.waitForChange(since, pulse, end, signal);
    }
    yield `${JSON.stringify({ last_seq: since, pending: 0 })}\n`;
  }

  /**
   * Waits until something is written, and shows meanwhile that it lives.
   * @param {any} since @param {number | null} pulse @param {number} end @param {AbortSignal} signal
   */
  async* waitForChange(since, pulse, end, signal) {
    const feed = this.pouch.changes({ since, live: true, limit: 1, return_docs: false });
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

  /** @param {string} id @param {IncomingRequest} request @param {Parameters} query */
  async get(id, request, query) {
    return this.within("documents", async () => {
      /** @type {Record<string, any>} */
      const options = {
        revs: query.flag("revs"), revs_info: query.flag("revs_info"), conflicts: query.flag("conflicts"), attachments: query.flag("attachments"),
        latest: query.flag("latest"), deleted_conflicts: query.flag("deleted_conflicts"), local_seq: query.flag("local_seq"),
      };
      if (query.flag("meta")) Object.assign(options, { revs_info: true, conflicts: true, deleted_conflicts: true });
      const rev = query.text("rev");
      if (rev !== null) options.rev = readRevision(rev);
      const named = query.text("open_revs");
      if (named !== null) {
        options.open_revs = named === "all" ? "all" : query.json("open_revs");
        if (Array.isArray(options.open_revs) ? options.open_revs.length > accessLimits.namedRevisions : named !== "all") throw bad("open_revs is all or an array.");
        const answers = await this.pouch.get(id, options);
        return json(200, answers);
      }
      const doc = await this.pouch.get(id, options);
      const tag = `"${doc._rev}"`;
      if (request.headers.get("if-none-match") === tag) return { status: 304, headers: [["etag", tag]], body: null };
      return json(200, doc, [["etag", tag]]);
    });
  }

  /** @param {IncomingRequest} request @param {Parameters} query */
  async bulkGet(request, query) {
    const { docs } = await this.json(request, accessLimits.request);
    if (!Array.isArray(docs)) throw bad("Missing JSON list of 'docs'.");
    if (docs.length > accessLimits.bulkGets) throw new Problem(413, "too_large", "There are too many documents in one request.");
    if (!docs.every((each) => isObject(each) && typeof each.id === "string")) throw bad("Each of 'docs' has an id.");
    const options = { revs: query.flag("revs"), latest: query.flag("latest"), attachments: query.flag("attachments") };
    return this.stream("lists", this.bulkRows(docs, options));
  }

  /** @param {any[]} docs @param {Record<string, any>} options */
  async* bulkRows(docs, options) {
    yield "{\"results\":[";
    let separator = "";
    const step = pageSize({ ...options, include_docs: true });
    for (let index = 0; index < docs.length; index += step) {
      const page = docs.slice(index, index + step);
      const readable = page.filter(({ id }) => !id.startsWith("_local/")).map(({ id, rev }) => (typeof rev === "string" ? { id, rev } : { id }));
      const { results } = readable.length > 0 ? await this.pouch.bulkGet({ docs: readable, ...options }) : { results: [] };
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

  /** @param {IncomingRequest} request @returns {Promise<Record<string, any>>} */
  async revsDiff(request) {
    const body = await this.json(request, accessLimits.request);
    const wanted = Object.entries(body).filter(([id]) => !id.startsWith("_local/"));
    for (const [, revs] of wanted) {
      if (!Array.isArray(revs) || revs.length > accessLimits.namedRevisions || !revs.every((rev) => typeof rev === "string")) throw bad("Revisions are an array of texts.");
    }
    if (wanted.length === 0) return {};
    return this.within("documents", () => this.pouch.revsDiff(Object.fromEntries(wanted)));
  }

  /** @param {IncomingRequest} request */
  async missingRevs(request) {
    const diff = await this.revsDiff(request);
    return json(200, { missing_revs: Object.fromEntries(Object.entries(diff).map(([id, { missing }]) => [id, missing])) });
  }

  /** @param {IncomingRequest} request */
  async find(request) {
    const { selector, fields, sort, limit, skip } = await this.json(request, accessLimits.request);
    if (typeof this.pouch.find !== "function") throw new Problem(501, "not_implemented", "Queries need PouchDB's plugin pouchdb-find.");
    checkSelector(selector);
    const answer = await this.within("lists", () => this.pouch.find({ selector, fields, sort, limit: limit ?? 25, skip }));
    return json(200, { docs: answer.docs, bookmark: "nil" });
  }

  // MARK: Writing

  async checkSpace() {
    const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => null);
    if (estimate?.quota !== undefined && estimate.usage !== undefined && estimate.quota - estimate.usage < FREE_SPACE) {
      throw new Problem(507, "insufficient_storage", "There is not enough free space to take anything from peers.");
    }
  }

  /**
   * Allows a document by returning.
   * @param {any} doc @param {boolean} isEdit whether it makes a new revision, rather than being a copy of one
   */
  async check(doc, isEdit) {
    if (!isObject(doc)) throw bad("Document must be a JSON object");
    const { _id: id, _attachments: attachments = {}, ...body } = doc;
    if (id !== undefined && (typeof id !== "string" || id === "")) throw new Problem(400, "illegal_docid", "Document id must be a non-empty string");
    if (!isObject(attachments)) throw bad("Attachments are an object.");
    const members = Object.fromEntries(Object.entries(body).filter(([name]) => !name.startsWith("_")));
    const size = byteLength(JSON.stringify(members));
    if (size > accessLimits.document) throw new Problem(413, "document_too_large", "The document is too large.");
    if (depth(members) > accessLimits.jsonDepth) throw bad("JSON from peers must not be nested so deep.");
    if (typeof id === "string" && id.startsWith("_design/")) {
      if (this.grant.access === "inbox") throw forbidden("Only new documents are taken.");
      if (!this.grant.designDocuments) throw forbidden("Design documents are not taken from peers.");
    }
    const stubs = Object.entries(attachments).filter(([, each]) => isObject(each) && each.stub);
    if (this.grant.access === "inbox") {
      if (!isEdit || doc._rev !== undefined || doc._deleted || stubs.length > 0) throw forbidden("Only new documents are taken.");
    }
    if (stubs.length > 0) await this.checkStubs(id, stubs);
    if (!isEdit) await this.checkLeaves(id);
  }

  /** A stub must belong to a revision of that very document. @param {string} id @param {[string, any][]} stubs */
  async checkStubs(id, stubs) {
    const answers = await this.pouch.get(id, { open_revs: "all" }).catch((/** @type {any} */ error) => {
      if (error.status === 404) return [];
      throw error;
    });
    const digests = new Set(answers.flatMap((/** @type {any} */ { ok }) => Object.values(ok?._attachments ?? {}).map((/** @type {any} */ { digest }) => digest)));
    for (const [name, { digest }] of stubs) {
      if (!digests.has(digest)) throw new Problem(412, "missing_stub", `Attachment stub ${JSON.stringify(name)} refers to nothing of this document.`);
    }
  }

  /** @param {string} id */
  async checkLeaves(id) {
    const count = await this.leafCount(id);
    if (count >= accessLimits.leaves) throw forbidden(`The document has ${count} leaves, and no more are taken from peers.`);
  }

  /** How many leaves a document has. @param {string} id @returns {Promise<number>} */
  async leafCount(id) {
    try {
      // PouchDB's own databases tell it without reading the leaves; those elsewhere do not.
      if (typeof this.pouch._getRevisionTree !== "function") return (await this.pouch.get(id, { open_revs: "all" })).length;
      /** @type {any[]} */
      const trees = await new Promise((resolve, reject) => {
        this.pouch._getRevisionTree(id, (/** @type {any} */ error, /** @type {any} */ tree) => (error ? reject(error) : resolve(tree)));
      });
      let count = 0;
      const rest = trees.map(({ ids }) => ids);
      while (rest.length > 0) {
        const [, , children] = rest.pop();
        if (children.length === 0) count += 1;
        rest.push(...children);
      }
      return count;
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) return 0;
      throw error;
    }
  }

  /** @param {IncomingRequest} request */
  async bulkDocs(request) {
    const { docs, new_edits: newEdits = true } = await this.json(request, accessLimits.bulk);
    if (!Array.isArray(docs)) throw bad("POST body must include `docs` parameter.");
    if (docs.length > accessLimits.bulkDocuments) throw new Problem(413, "too_large", "There are too many documents in one request.");
    await this.checkSpace();
    return this.within("documents", async () => {
      /** @type {any[]} */
      const outcomes = [];
      /** @type {any[]} */
      const allowed = [];
      for (const doc of docs) {
        try {
          if (typeof doc?._id === "string" && doc._id.startsWith("_local/")) {
            outcomes.push(await this.putLocal(doc._id, doc));
            continue;
          }
          await this.check(doc, newEdits !== false);
          allowed.push(doc);
          outcomes.push(null);
        } catch (error) {
          const { error: name, message } = problemOf(error);
          outcomes.push({ id: doc?._id, error: name, reason: message });
        }
      }
      const written = allowed.length > 0 ? await this.pouch.bulkDocs(allowed, { new_edits: newEdits !== false }) : [];
      const results = newEdits === false ? written.map(resultOf) : written.map(resultOf)[Symbol.iterator]();
      if (newEdits === false) {
        // Copies of revisions are answered only where they failed.
        return json(201, [...outcomes.filter((each) => each?.error), ...results]);
      }
      return json(201, outcomes.map((outcome) => outcome ?? results.next().value));
    });
  }

  /** @param {IncomingRequest} request @param {Parameters} query */
  async post(request, query) {
    const doc = await this.json(request, accessLimits.documentRequest);
    return this.write({ _id: crypto.randomUUID().replaceAll("-", ""), ...doc }, query.text("new_edits") !== "false");
  }

  /** @param {string} id @param {IncomingRequest} request @param {Parameters} query */
  async put(id, request, query) {
    const type = request.headers.get("content-type") ?? "";
    const doc = /^multipart\/related\b/i.test(type)
      ? await readMultipart(request, type, accessLimits) : await this.json(request, accessLimits.documentRequest);
    const rev = query.text("rev") ?? ifMatch(request);
    if (rev !== null) doc._rev = readRevision(rev);
    return this.write({ ...doc, _id: id }, query.text("new_edits") !== "false");
  }

  /** @param {any} doc @param {boolean} isEdit */
  async write(doc, isEdit) {
    if (doc._id.startsWith("_local/")) throw MISSING();
    await this.checkSpace();
    await this.check(doc, isEdit);
    const [result] = await this.pouch.bulkDocs([doc], { new_edits: isEdit });
    if (result?.error) throw result;
    return json(201, { ok: true, id: doc._id, rev: result?.rev ?? doc._rev });
  }

  /** @param {string} id @param {IncomingRequest} request @param {Parameters} query */
  async remove(id, request, query) {
    const rev = query.text("rev") ?? ifMatch(request);
    if (rev === null) throw new Problem(409, "conflict", "Document update conflict.");
    await this.check({ _id: id }, true);
    const result = await this.pouch.remove(id, readRevision(rev));
    return json(200, { ok: true, id, rev: result.rev });
  }

  // MARK: Attachments

  /** @param {string} id @param {string} name @param {IncomingRequest} request @param {Parameters} query */
  async getAttachment(id, name, request, query) {
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

  /** @param {string} id @param {string} name @param {IncomingRequest} request @param {Parameters} query */
  async putAttachment(id, name, request, query) {
    const rev = query.text("rev") ?? ifMatch(request);
    if (this.grant.access === "inbox" && rev !== null) throw MISSING();
    await this.checkSpace();
    await this.check({ _id: id }, true);
    const type = request.headers.get("content-type") ?? "application/octet-stream";
    let blob = await collectBlob(request, accessLimits.attachment, type);
    const encoding = request.headers.get("content-encoding");
    if (encoding === "gzip") blob = await inflate(blob, accessLimits.attachment);
    else if (encoding !== undefined && encoding !== "identity") throw new Problem(415, "bad_ctype", "Attachments are plain or compressed by gzip.");
    const result = await this.pouch.putAttachment(id, name, rev === null ? undefined : readRevision(rev), blob, type);
    return json(201, { ok: true, id, rev: result.rev });
  }

  /** @param {string} id @param {string} name @param {IncomingRequest} request @param {Parameters} query */
  async removeAttachment(id, name, request, query) {
    const rev = query.text("rev") ?? ifMatch(request);
    if (rev === null) throw new Problem(409, "conflict", "Document update conflict.");
    await this.check({ _id: id }, true);
    const result = await this.pouch.removeAttachment(id, name, readRevision(rev));
    return json(200, { ok: true, id, rev: result.rev });
  }

  // MARK: Local documents, a room for each identity

  /** @param {string} method @param {string} id @param {IncomingRequest} request @param {Parameters} query */
  async local(method, id, request, query) {
    if (method === "GET") {
      const doc = await this.pouch.get(this.inside(id));
      return json(200, { ...doc, _id: id });
    }
    const doc = method === "PUT" ? await this.json(request, accessLimits.documentRequest) : { _rev: query.text("rev") ?? undefined, _deleted: true };
    return json(201, await this.putLocal(id, doc));
  }

  /** @param {string} id */
  inside(id) {
    return this.room + id.slice("_local/".length);
  }

  /** @param {string} id @param {any} doc */
  putLocal(id, doc) {
    const write = async () => {
      if (this.grant.access === "inbox") throw MISSING();
      const body = Object.fromEntries(Object.entries(doc).filter(([name]) => !name.startsWith("_")));
      if (byteLength(JSON.stringify(body)) > accessLimits.localDocument) throw new Problem(413, "document_too_large", "The document is too large.");
      if (depth(body) > accessLimits.jsonDepth) throw bad("JSON from peers must not be nested so deep.");
      const inside = this.inside(id);
      // PouchDB cannot list local documents: which there are is kept in one of them.
      const index = await this.pouch.get(this.index).catch((/** @type {any} */ error) => {
        if (error.status === 404) return { _id: this.index, ids: [] };
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
    const turn = this.localWrites.then(write, write);
    this.localWrites = turn.then(() => {}, () => {});
    return turn;
  }
}

/** @param {any} result of PouchDB's `bulkDocs` */
const resultOf = (result) => (result.error
  ? { id: result.id ?? result.docId, error: problemOf(result).error, reason: problemOf(result).message } : { ok: true, id: result.id, rev: result.rev });

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

/** @param {string} rev */
function readRevision(rev) {
  if (!/^[1-9]\d{0,15}-.{1,128}$/.test(rev)) throw bad("Invalid rev format");
  return rev;
}

/** @param {IncomingRequest} request */
const ifMatch = (request) => request.headers.get("if-match")?.replace(/^"(.*)"$/, "$1") ?? null;

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

/** @param {IncomingRequest} request @param {number} size @param {string} tag @returns {{ start: number, end: number } | null} */
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

/** How many bytes of a body are in the page's memory before the browser keeps them elsewhere. */
const HELD = 4 << 20;

/** The bytes of a request's body as a blob. @param {IncomingRequest} request @param {number} limit @param {string} type @returns {Promise<Blob>} */
async function collectBlob({ body, length }, limit, type) {
  const tooLarge = () => new Problem(413, "attachment_too_large", "The attachment is too large for this peer.");
  if (length !== null && length > limit) throw tooLarge();
  /** @type {BlobPart[]} */
  let parts = [];
  let held = 0;
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    held += piece.length;
    if (size > limit) throw tooLarge();
    parts.push(piece);
    if (held >= HELD) {
      parts = [new Blob(parts)];
      held = 0;
    }
  }
  return new Blob(parts, { type });
}
