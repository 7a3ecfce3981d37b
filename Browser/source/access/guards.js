// What peers may write.

import { byteLength, depth, isObject } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { bad, forbidden, Problem, tooLarge } from "./answers.js";

/** How much of the browser's storage is left to its user, in bytes: writes of peers beyond it are refused. */
const FREE_SPACE = 64 << 20;

/** @throws {Problem} while the browser has little space left */
export async function checkSpace() {
  const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => null);
  if (estimate?.quota !== undefined && estimate.usage !== undefined && estimate.quota - estimate.usage < FREE_SPACE) {
    throw new Problem(507, "insufficient_storage", "There is not enough free space to take anything from peers.");
  }
}

export class WriteGuard {
  /** @param {any} pouch @param {import("./targets.js").Grant} grant */
  constructor(pouch, grant) {
    this.pouch = pouch;
    this.grant = grant;
  }

  /**
   * Allows a document by returning.
   * @param {any} doc @param {boolean} isEdit whether it makes a new revision, rather than being a copy of one
   */
  async allow(doc, isEdit) {
    if (!isObject(doc)) throw bad("Document must be a JSON object");
    const { _id: id, _attachments: attachments = {}, ...body } = doc;
    if (id !== undefined && (typeof id !== "string" || id === "")) throw new Problem(400, "illegal_docid", "Document id must be a non-empty string");
    if (!isObject(attachments)) throw bad("Attachments are an object.");
    const members = Object.fromEntries(Object.entries(body).filter(([name]) => !name.startsWith("_")));
    const size = byteLength(JSON.stringify(members));
    if (size > accessLimits.document) throw tooLarge("The document is too large.", "document_too_large");
    if (depth(members) > accessLimits.jsonDepth) throw bad("JSON from peers must not be nested so deep.");
    if (typeof id === "string" && id.startsWith("_design/")) {
      if (this.grant.access === "inbox") throw forbidden("Only new documents are taken.");
      if (!this.grant.designDocuments) throw forbidden("Design documents are not taken from peers.");
    }
    const stubs = Object.entries(attachments).filter(([, each]) => isObject(each) && each.stub);
    if (this.grant.access === "inbox") {
      if (!isEdit || doc._rev !== undefined || doc._deleted || stubs.length > 0) throw forbidden("Only new documents are taken.");
    }
    if (stubs.length > 0) await this.#checkStubs(id, stubs);
    if (!isEdit) await this.#checkLeaves(id);
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

  /** @param {string} id */
  async #checkLeaves(id) {
    const count = await leafCount(this.pouch, id);
    if (count >= accessLimits.leaves) throw forbidden(`The document has ${count} leaves, and no more are taken from peers.`);
  }
}

/** How many leaves a document has. @param {any} pouch @param {string} id @returns {Promise<number>} */
async function leafCount(pouch, id) {
  try {
    // PouchDB's own databases tell it without reading the leaves; those elsewhere do not.
    if (typeof pouch._getRevisionTree !== "function") return (await pouch.get(id, { open_revs: "all" })).length;
    /** @type {any[]} */
    const trees = await new Promise((resolve, reject) => {
      pouch._getRevisionTree(id, (/** @type {any} */ error, /** @type {any} */ tree) => (error ? reject(error) : resolve(tree)));
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
