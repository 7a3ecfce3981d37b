// Local documents of remotes, checkpoints most of all: a room for each identity.

import { byteLength, depth } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { bad, forbidden, json, missing, tooLarge } from "./answers.js";
import { readObject } from "./requests.js";

/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

export class LocalRoom {
  #room;
  #index;
  /** They are counted and written one at a time. */
  #writes = Promise.resolve();

  /** @param {any} pouch @param {string} fingerprint the remote's @param {boolean} isClosed whether it takes nothing */
  constructor(pouch, fingerprint, isClosed) {
    this.pouch = pouch;
    this.isClosed = isClosed;
    this.#room = `_local/peer-${fingerprint}-`;
    this.#index = `_local/peers-${fingerprint}`;
  }

  /** @param {string} method @param {string} id @param {CountedRequest} request @param {Parameters} query */
  async answer(method, id, request, query) {
    if (method === "GET") {
      const doc = await this.pouch.get(this.#inside(id));
      return json(200, { ...doc, _id: id });
    }
    const doc = method === "PUT" ? await readObject(request, accessLimits.documentRequest) : { _rev: query.text("rev") ?? undefined, _deleted: true };
    return json(method === "PUT" ? 201 : 200, await this.put(id, doc));
  }

  /** @param {string} id */
  #inside(id) {
    return this.#room + id.slice("_local/".length);
  }

  /** @param {string} id @param {any} doc */
  put(id, doc) {
    const write = async () => {
      if (this.isClosed) throw missing();
      const body = Object.fromEntries(Object.entries(doc).filter(([name]) => !name.startsWith("_")));
      if (byteLength(JSON.stringify(body)) > accessLimits.localDocument) throw tooLarge("The document is too large.", "document_too_large");
      if (depth(body) > accessLimits.jsonDepth) throw bad("JSON from peers must not be nested so deep.");
      const inside = this.#inside(id);
      // PouchDB cannot list local documents: which there are is kept in one of them.
      const index = await this.pouch.get(this.#index).catch((/** @type {any} */ error) => {
        if (error.status === 404) return { _id: this.#index, ids: [] };
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
    const turn = this.#writes.then(write, write);
    this.#writes = turn.then(() => {}, () => {});
    return turn;
  }
}
