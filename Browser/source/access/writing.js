// Writes of peers: documents one by one, and many at a time.

import { accessLimits } from "../basics/limits.js";
import { bad, json, missing, problemOf, tooLarge } from "./answers.js";
import { checkSpace, WriteGuard } from "./guards.js";
import { readMultipart } from "./multipart.js";
import { neededRevision, readObject, revisionOf } from "./requests.js";

/** @typedef {import("./requests.js").IncomingRequest} IncomingRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

export class DocumentWriter {
  /**
   * @param {any} pouch
   * @param {import("./targets.js").Grant} grant
   * @param {import("./local-documents.js").LocalRoom} room
   */
  constructor(pouch, grant, room) {
    this.pouch = pouch;
    this.grant = grant;
    this.room = room;
  }

  /** @param {IncomingRequest} request */
  async bulk(request) {
    const { docs, new_edits: newEdits = true } = await readObject(request, accessLimits.bulk);
    if (!Array.isArray(docs)) throw bad("POST body must include `docs` parameter.");
    if (docs.length > accessLimits.bulkDocuments) throw tooLarge("There are too many documents in one request.");
    await checkSpace();
    const guard = new WriteGuard(this.pouch, this.grant);
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
        await guard.allow(doc, newEdits !== false);
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
  }

  /** @param {IncomingRequest} request @param {Parameters} query */
  async post(request, query) {
    const doc = await readObject(request, accessLimits.documentRequest);
    return this.#write({ _id: crypto.randomUUID().replaceAll("-", ""), ...doc }, query.text("new_edits") !== "false");
  }

  /** @param {string} id @param {IncomingRequest} request @param {Parameters} query */
  async put(id, request, query) {
    const type = request.headers.get("content-type") ?? "";
    const doc = /^multipart\/related\b/i.test(type)
      ? await readMultipart(request, type, accessLimits) : await readObject(request, accessLimits.documentRequest);
    const rev = revisionOf(request, query);
    if (rev !== null) doc._rev = rev;
    return this.#write({ ...doc, _id: id }, query.text("new_edits") !== "false");
  }

  /** @param {any} doc @param {boolean} isEdit */
  async #write(doc, isEdit) {
    if (doc._id.startsWith("_local/")) throw missing();
    await checkSpace();
    await new WriteGuard(this.pouch, this.grant).allow(doc, isEdit);
    const [result] = await this.pouch.bulkDocs([doc], { new_edits: isEdit });
    if (result?.error) throw result;
    return json(201, { ok: true, id: doc._id, rev: result?.rev ?? doc._rev });
  }

  /** @param {string} id @param {IncomingRequest} request @param {Parameters} query */
  async remove(id, request, query) {
    const rev = neededRevision(request, query);
    await new WriteGuard(this.pouch, this.grant).allow({ _id: id }, true);
    const result = await this.pouch.remove(id, rev);
    return json(200, { ok: true, id, rev: result.rev });
  }
}

/** @param {any} result of PouchDB's `bulkDocs` */
const resultOf = (result) => (result.error
  ? { id: result.id ?? result.docId, error: problemOf(result).error, reason: problemOf(result).message } : { ok: true, id: result.id, rev: result.rev });
