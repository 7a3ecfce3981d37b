// Writes of peers: documents one by one, and many at a time.

import { accessLimits } from "../basics/limits.js";
import { bad, json, missing, problemOf, tooLarge } from "./answers.js";
import { checkSpace, inLine, LeafCount } from "./guards.js";
import { readMultipart } from "./multipart.js";
import { neededRevision, readObject, revisionOf } from "./requests.js";

/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

export class DocumentWriter {
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
