// Documents and revisions of them, and the questions that replicators ask.

import { accessLimits } from "../basics/limits.js";
import { bad, json, Problem } from "./answers.js";
import { WITH_ATTACHMENTS } from "./quota.js";
import { checkSelector, readObject, readRevision } from "./requests.js";

/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

/** A document, or revisions of it. @param {any} pouch @param {string} id @param {CountedRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
export async function getDocument(pouch, id, request, query) {
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
export async function revsDiff(pouch, request) {
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
export async function missingRevs(pouch, request) {
  const diff = await revsDiff(pouch, request);
  return { missing_revs: Object.fromEntries(Object.entries(diff).map(([id, { missing }]) => [id, missing])) };
}

/** The documents that a selector finds. @param {any} pouch @param {CountedRequest} request */
export async function findDocuments(pouch, request) {
  const { selector, fields, sort, limit, skip } = await readObject(request, accessLimits.request);
  if (typeof pouch.find !== "function") throw new Problem(501, "not_implemented", "Queries need PouchDB's plugin pouchdb-find.");
  checkSelector(selector);
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) throw bad("limit is a number.");
  await request.take("lists", 4);
  const { docs } = await pouch.find({ selector, fields, sort, limit: Math.min(limit ?? 25, accessLimits.found), skip });
  return { docs, bookmark: "nil" };
}
