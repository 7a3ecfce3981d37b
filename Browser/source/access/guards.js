// What peers may write.

import { byteLength, depth, isObject } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { bad, forbidden, Problem, tooLarge } from "./answers.js";
import { readRevision } from "./requests.js";
import { isDocumentID, isPath } from "./targets.js";

/** How much of the browser's storage is left to its user, in bytes: writes of peers beyond it are refused. */
const FREE_SPACE = 64 << 20;
/** The members with an underscore that a document may have: others would reach into PouchDB. */
const MEMBERS = new Set(["_id", "_rev", "_deleted", "_attachments", "_revisions"]);

/** @throws {Problem} while the browser has little space left */
export async function checkSpace() {
  const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => null);
  if (estimate?.quota !== undefined && estimate.usage !== undefined && estimate.quota - estimate.usage < FREE_SPACE) {
    throw new Problem(507, "insufficient_storage", "There is not enough free space to take anything from peers.");
  }
}

/** Checks the documents of one request, one after the other. */
export class WriteGuard {
  /** The leaves of documents that were asked for, with those of the request. @type {Map<string, Set<string>>} */
  #leaves = new Map();

  /** @param {any} pouch @param {import("./targets.js").Grant} grant */
  constructor(pouch, grant) {
    this.pouch = pouch;
    this.grant = grant;
  }

  /**
   * Allows a document by returning.
   * @param {any} doc @param {boolean} isEdit whether it makes a new revision, rather than being a copy of one
   * @throws {Problem}
   */
  async allow(doc, isEdit) {
    if (!isObject(doc)) throw bad("Document must be a JSON object");
    const { _id: id, _attachments: attachments = {} } = doc;
    if (id !== undefined && (typeof id !== "string" || id === "")) throw new Problem(400, "illegal_docid", "Document id must be a non-empty string");
    if (id !== undefined && !isDocumentID(id)) throw new Problem(400, "illegal_docid", "The document's id is not taken from peers.");
    const unknown = Object.keys(doc).find((name) => name.startsWith("_") && !MEMBERS.has(name));
    if (unknown !== undefined) throw new Problem(400, "doc_validation", `Bad special document member: ${unknown}`);
    this.#checkBody(doc);
    if (!isObject(attachments) || !Object.keys(attachments).every(isPath)) throw bad("Attachments are an object, by names.");
    if (typeof id === "string" && id.startsWith("_design/")) {
      if (this.grant.access === "inbox") throw forbidden("Only new documents are taken.");
      if (!this.grant.designDocuments) throw forbidden("Design documents are not taken from peers.");
    }
    const stubs = Object.entries(attachments).filter(([, each]) => isObject(each) && each.stub);
    if (this.grant.access === "inbox") {
      if (!isEdit || doc._rev !== undefined || doc._deleted || stubs.length > 0) throw forbidden("Only new documents are taken.");
    }
    if (stubs.length > 0) await this.#checkStubs(id, stubs);
    if (!isEdit) await this.#countLeaf(id, readAncestors(doc));
  }

  /** @param {Record<string, any>} doc */
  #checkBody(doc) {
    const body = Object.fromEntries(Object.entries(doc).filter(([name]) => !name.startsWith("_")));
    if (byteLength(JSON.stringify(body)) > accessLimits.document) throw tooLarge("The document is too large.", "document_too_large");
    if (depth(body) > accessLimits.jsonDepth) throw bad("JSON from peers must not be nested so deep.");
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

  /** Notes the leaf that a copy of a revision becomes. @param {string} id @param {string[]} revisions it and its ancestors, the newest first */
  async #countLeaf(id, revisions) {
    const known = this.#leaves.get(id) ?? await leavesOf(this.pouch, id);
    this.#leaves.set(id, known);
    const [revision] = revisions;
    if (known.has(revision)) return;
    const parent = revisions.find((each) => known.has(each));
    if (parent === undefined && known.size >= accessLimits.leaves) {
      throw forbidden(`The document has ${known.size} leaves, and no more are taken from peers.`);
    }
    if (parent !== undefined) known.delete(parent);
    known.add(revision);
  }
}

/** The revision of a copy and its ancestors, the newest first. @param {any} doc @returns {string[]} */
function readAncestors(doc) {
  if (typeof doc._id !== "string" || typeof doc._rev !== "string") throw bad("Copies of revisions have _id and _rev.");
  readRevision(doc._rev);
  const { _revisions: revisions } = doc;
  if (revisions === undefined) return [doc._rev];
  const { start, ids } = isObject(revisions) ? revisions : {};
  const isRight = Number.isSafeInteger(start) && start > 0 && Array.isArray(ids) && ids.length > 0 && ids.length <= Math.min(start, accessLimits.ancestors)
    && ids.every((each) => typeof each === "string" && each !== "") && `${start}-${ids[0]}` === doc._rev;
  if (!isRight) throw new Problem(400, "doc_validation", "_revisions are not those of the revision.");
  return ids.map((/** @type {string} */ each, /** @type {number} */ index) => `${start - index}-${each}`);
}

/** The leaves of a document, deleted ones too. @param {any} pouch @param {string} id @returns {Promise<Set<string>>} */
async function leavesOf(pouch, id) {
  try {
    // PouchDB's own databases tell it without reading the leaves; those elsewhere do not.
    if (typeof pouch._getRevisionTree !== "function") {
      const answers = await pouch.get(id, { open_revs: "all" });
      return new Set(answers.map((/** @type {any} */ { ok, missing }) => ok?._rev ?? missing));
    }
    /** @type {any[]} */
    const trees = await new Promise((resolve, reject) => {
      pouch._getRevisionTree(id, (/** @type {any} */ error, /** @type {any} */ tree) => (error ? reject(error) : resolve(tree)));
    });
    /** @type {Set<string>} */
    const leaves = new Set();
    const rest = trees.map(({ pos, ids }) => ({ generation: pos, node: ids }));
    while (rest.length > 0) {
      const { generation, node: [digest, , children] } = /** @type {any} */ (rest.pop());
      if (children.length === 0) leaves.add(`${generation}-${digest}`);
      for (const child of children) rest.push({ generation: generation + 1, node: child });
    }
    return leaves;
  } catch (error) {
    if (/** @type {any} */ (error).status === 404) return new Set();
    throw error;
  }
}
