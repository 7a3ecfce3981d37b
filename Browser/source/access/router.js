// A PouchDB of this page as one peer may use it: a part of CouchDB's HTTP API, under the share's access rules. What is not
// allowed and what does not exist look alike.

import { bad, json, missing, problemOf, withoutBody } from "./answers.js";
import { Attachments } from "./attachments.js";
import { changes } from "./feeds.js";
import { WriteGuard } from "./guards.js";
import { allDocs, bulkGet } from "./lists.js";
import { LocalRoom } from "./local-documents.js";
import { findDocuments, getDocument, missingRevs, revsDiff } from "./reading.js";
import { Parameters } from "./requests.js";
import { isAllowed, readTarget } from "./targets.js";
import { DocumentWriter } from "./writing.js";

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
