// What a request of a peer says, within bounds.

import { depth, isObject, text, textDepth } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { collect } from "../tunnel/bodies.js";
import { ByteQueue } from "../tunnel/byte-queue.js";
import { bad, Problem, tooLarge } from "./answers.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */
/** @typedef {import("../tunnel/exchanges.js").IncomingRequest} IncomingRequest */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */

/** The parameters of a request, each of them known or left out. */
export class Parameters {
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

/** Waits until so much of a request may be in memory. @param {CountedRequest} request @param {number} limit of what it can be, in bytes */
export async function takeMemory(request, limit) {
  const size = Math.min(request.length ?? limit, limit);
  if (size > accessLimits.smallBody) await request.take("bodies", size);
}

/** The object that is a request's body. @param {CountedRequest} request @param {number} limit in bytes @returns {Promise<any>} */
export async function readObject(request, limit) {
  if (request.length !== null && request.length > limit) throw tooLarge("the request entity is too large");
  await takeMemory(request, limit);
  const bytes = await collect(request, limit);
  if (!bytes) throw tooLarge("the request entity is too large");
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

// MARK: Revisions and positions

/** @param {any} rev @returns {string} */
export function readRevision(rev) {
  // What would mean something in a URL goes into none: databases elsewhere are asked by them.
  if (typeof rev !== "string" || !/^[1-9]\d{0,15}-[^\s&#?/%+]{1,128}$/.test(rev)) throw bad("Invalid rev format");
  return rev;
}

/** The revision that a request is about. @param {IncomingRequest} request @param {Parameters} query @returns {string | null} */
export function revisionOf(request, query) {
  const rev = query.text("rev") ?? request.headers.get("if-match")?.replace(/^"(.*)"$/, "$1") ?? null;
  return rev === null ? null : readRevision(rev);
}

/** The same for what needs one. @param {IncomingRequest} request @param {Parameters} query @returns {string} */
export function neededRevision(request, query) {
  const rev = revisionOf(request, query);
  if (rev === null) throw new Problem(409, "conflict", "Document update conflict.");
  return rev;
}

/** @param {string | null} since @returns {any} */
export function readSince(since) {
  if (since === null || since === "" || since === "0") return 0;
  if (since === "now") return "now";
  if (/^\d{1,15}$/.test(since)) return Number(since);
  // A position of another kind of database.
  return since;
}

/** @param {any} selector @returns {any} it, if it is within the bounds */
export function checkSelector(selector) {
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

/** @param {IncomingRequest} request @param {number} size @param {string} tag @returns {{ start: number, end: number } | null} the part that is wanted; `null` for all */
export function readRange(request, size, tag) {
  const value = request.headers.get("range");
  const condition = request.headers.get("if-range");
  const match = value === null || (condition !== undefined && condition !== tag) ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(value ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return null;
  const start = match[1] === "" ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === "" || match[2] === "" ? size : Math.min(size, Number(match[2]) + 1);
  if (start >= size || start >= end) throw new Problem(416, "requested_range_not_satisfiable", "Requested range not satisfiable");
  return { start, end };
}

// MARK: Files

/** How many bytes of a body are in the page's memory before the browser keeps them elsewhere. */
export const HELD = 4 << 20;

/** Bytes that become a file, a part of them in the page's memory. */
export class BlobWriter {
  #kept = new Blob();
  #held = new ByteQueue();
  size = 0;

  /** @param {Bytes} piece */
  write(piece) {
    this.size += piece.length;
    this.#held.push(piece);
    if (this.#held.length >= HELD) this.#kept = this.blob("");
  }

  /** What was written. @param {string} type */
  blob(type) {
    return new Blob([this.#kept, this.#held.take()], { type });
  }
}

/** The bytes of a request's body as a blob. @param {CountedRequest} request @param {number} limit @param {string} type @returns {Promise<Blob>} */
export async function collectBlob(request, limit, type) {
  const problem = () => tooLarge("The attachment is too large for this peer.", "attachment_too_large");
  if (request.length !== null && request.length > limit) throw problem();
  await takeMemory(request, HELD);
  const file = new BlobWriter();
  for await (const piece of request.body) {
    if (file.size + piece.length > limit) throw problem();
    file.write(piece);
  }
  return file.blob(type);
}
