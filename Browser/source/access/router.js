// A PouchDB of this page as one peer may use it: a part of CouchDB's HTTP API, under the share's access rules. What is not
// allowed and what does not exist look alike.

import { accessLimits } from "../basics/limits.js";
import { bad, json, missing, problemOf, withoutBody } from "./answers.js";
import { Attachments } from "./attachments.js";
import { changes } from "./feeds.js";
import { allDocs, bulkGet } from "./lists.js";
import { LocalRoom } from "./local-documents.js";
import { findDocuments, getDocument, missingRevs, revsDiff } from "./reading.js";
import { Parameters } from "./requests.js";
import { isAllowed, readTarget } from "./targets.js";
import { DocumentWriter } from "./writing.js";

/** @typedef {import("./requests.js").IncomingRequest} IncomingRequest */
/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {import("./targets.js").Grant} Grant */
/** @typedef {import("./targets.js").Target} Target */
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
export function shareHandler(pouch, share) {
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
    this.room = new LocalRoom(pouch, fingerprint, grant.access === "inbox");
    this.writer = new DocumentWriter(pouch, grant, this.room);
    this.attachments = new Attachments(pouch, grant);
  }

  /** @param {import("../tunnel/exchanges.js").IncomingRequest} request @returns {Promise<OutgoingResponse>} */
  async answer(request) {
    /** @type {import("./quota.js").Release[]} */
    const releases = [];
    const reserve = async (/** @type {number} */ bytes) => {
      if (bytes > accessLimits.smallBody) releases.push(await this.quota.body(bytes, request.signal));
    };
    try {
      return await this.#answer({ ...request, reserve });
    } finally {
      for (const release of releases) release();
    }
  }

  /** @param {IncomingRequest} request @returns {Promise<OutgoingResponse>} */
  async #answer(request) {
    const mark = request.target.indexOf("?");
    const target = this.#target(mark < 0 ? request.target : request.target.slice(0, mark));
    const query = new Parameters(mark < 0 ? "" : request.target.slice(mark + 1));
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (!target || !isAllowed(target, method, this.grant)) throw missing();
    const { pouch, quota, writer } = this;
    const { signal } = request;
    const answer = (/** @type {() => Promise<unknown>} */ make) => quota.answer(signal, async () => json(200, await make()));
    switch (target.kind) {
      case "database": return method === "GET" ? this.#info() : writer.post(request, query);
      case "_all_docs": return quota.list(await allDocs(pouch, request, query), signal);
      case "_changes": {
        const { kind, parts } = await changes(pouch, request, query);
        return kind === "feeds" ? quota.feed(parts) : quota.list(parts, signal);
      }
      case "_bulk_get": return quota.list(await bulkGet(pouch, request, query), signal);
      case "_bulk_docs": return quota.answer(signal, () => writer.bulk(request));
      case "_revs_diff": return answer(() => revsDiff(pouch, request));
      case "_missing_revs": return answer(() => missingRevs(pouch, request));
      case "_find": return answer(() => findDocuments(pouch, request));
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

  /** @param {string} method @param {string} id @param {IncomingRequest} request @param {Parameters} query */
  #document(method, id, request, query) {
    if (method === "GET") return this.quota.answer(request.signal, () => getDocument(this.pouch, id, request, query));
    return method === "PUT" ? this.writer.put(id, request, query) : this.writer.remove(id, request, query);
  }

  /** @param {string} method @param {{ id: string, name: string }} target @param {IncomingRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
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
