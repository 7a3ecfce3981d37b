// What peers may write.

import { byteLength, depth, isObject } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { bad, forbidden, Problem, tooLarge } from "./answers.js";
import { readRevision } from "./requests.js";
import { isPath } from "./targets.js";

/** How much of the browser's storage is left to its user, in bytes: writes of peers beyond it are refused. */
const FREE_SPACE = 64 << 20;

/** @throws {Problem} while the browser has little space left */
export async function checkSpace() {
  const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => null);
  if (estimate?.quota !== undefined && estimate.usage !== undefined && estimate.quota - estimate.usage < FREE_SPACE) {
    throw new Problem(507, "insufficient_storage", "There is not enough free space to take anything from peers.");
  }
}

/** Members of CouchDB's own that are taken from peers, and those that say nothing about what is to be written. */
const TAKEN = ["_id", "_rev", "_deleted", "_attachments", "_revisions"];
const IGNORED = ["_conflicts", "_deleted_conflicts", "_revs_info", "_local_seq"];

const badMember = (/** @type {string} */ name) => new Problem(400, "doc_validation", `Bad special document member: ${name}`);

export class WriteGuard {
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
export class LeafCount {
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
export function inLine(pouch, work) {
  const turn = (lines.get(pouch) ?? Promise.resolve()).then(work, work);
  lines.set(pouch, turn.catch(() => {}));
  return turn;
}
