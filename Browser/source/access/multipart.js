// Documents with their attachments behind them: `multipart/related`, as CouchDB's replicators send them. Only the document is held in
// memory; attachments become files while they arrive.

import { isObject, text, textDepth, utf8 } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { ByteQueue } from "../tunnel/byte-queue.js";
import { bad, tooLarge } from "./answers.js";
import { inflate } from "./inflating.js";
import { BlobWriter, HELD, takeMemory } from "./requests.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** The longest head of a part, in bytes: a name of the longest kind, and more. */
const HEAD = 16 * 1024;

/**
 * Reads a document with its attachments. The parts follow in the order of the attachments that say so, or are named.
 * @param {import("./quota.js").CountedRequest} request
 * @param {string} type its content type
 * @returns {Promise<any>} with the attachments as blobs
 */
export async function readMultipart(request, type) {
  const [, quoted, plain] = /boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (!boundary) throw bad("The boundary is missing.");
  const { documentRequest, multipart } = accessLimits;
  if (request.length !== null && request.length > multipart) throw tooLarge("The document is too large for this peer.");
  await takeMemory(request, documentRequest + HELD);
  const parts = new PartReader(request.body, boundary);
  const document = new ByteQueue();
  if ((await parts.head()) === null) throw bad("The document is missing.");
  await parts.body((bytes) => {
    if (document.length + bytes.length > documentRequest) throw tooLarge("The document is too large for this peer.");
    document.push(bytes);
  });
  const doc = readDocument(document.take());
  const following = Object.entries(isObject(doc._attachments) ? doc._attachments : {}).filter(([, each]) => isObject(each) && each.follows);
  if (following.length > accessLimits.parts) throw tooLarge("The document has too many attachments for this peer.");
  const files = await readFiles(parts, following.length);
  const room = { left: multipart };
  for (const [index, [name, description]] of following.entries()) {
    const { follows, length, encoding, encoded_length: encodedLength, digest, ...kept } = description;
    const contentType = typeof kept.content_type === "string" ? kept.content_type : "application/octet-stream";
    let blob = (files.named.get(name) ?? files.all[index]).slice(undefined, undefined, contentType);
    const expected = encoding ? encodedLength : length;
    if (typeof expected === "number" && expected !== blob.size) throw bad("An attachment is not as long as it should be.");
    if (encoding === "gzip") blob = await inflate(blob, room);
    doc._attachments[name] = { ...kept, content_type: contentType, data: blob };
  }
  return doc;
}

/** @param {Bytes} bytes */
function readDocument(bytes) {
  let doc;
  try {
    const json = text(bytes);
    if (textDepth(json) > accessLimits.jsonDepth + 8) throw bad("JSON from peers must not be nested so deep.");
    doc = JSON.parse(json);
  } catch (error) {
    throw /** @type {any} */ (error).status ? error : bad("invalid UTF-8 JSON");
  }
  if (!isObject(doc)) throw bad("Document must be a JSON object");
  return doc;
}

/**
 * The parts behind the document.
 * @param {PartReader} parts @param {number} count how many there are to be
 * @returns {Promise<{ all: Blob[], named: Map<string, Blob> }>}
 */
async function readFiles(parts, count) {
  const wrong = "There are not as many attachments as the document says.";
  /** @type {Blob[]} */
  const all = [];
  /** @type {Map<string, Blob>} */
  const named = new Map();
  let rest = accessLimits.multipart;
  for (let head = await parts.head(); head !== null; head = await parts.head()) {
    if (all.length === count) throw bad(wrong);
    const file = new BlobWriter();
    await parts.body((bytes) => {
      rest -= bytes.length;
      if (rest < 0) throw tooLarge("The document is too large for this peer.");
      file.write(bytes);
    });
    const blob = file.blob("");
    const [, name] = /content-disposition:[^\r\n]*filename="((?:[^"\\]|\\.)*)"/i.exec(head) ?? [];
    if (name !== undefined) named.set(name.replace(/\\(.)/g, "$1"), blob);
    all.push(blob);
  }
  if (all.length !== count) throw bad(wrong);
  return { all, named };
}

/** The parts of a body as they arrive: heads and bodies in turn. */
class PartReader {
  #pieces;
  /** @type {Bytes} what has come and was not read */
  #rest = new Uint8Array();
  #delimiter;
  #isFirst = true;

  /** @param {AsyncGenerator<Bytes>} pieces @param {string} boundary */
  constructor(pieces, boundary) {
    this.#pieces = pieces;
    this.#delimiter = utf8(`--${boundary}`);
  }

  /** The head of the next part; `null` behind the last one. @returns {Promise<string | null>} */
  async head() {
    if (this.#isFirst) await this.#until(this.#delimiter, () => {});
    this.#isFirst = false;
    while (this.#rest.length < 2) await this.#more();
    // Two hyphens end it.
    if (this.#rest[0] === 0x2d && this.#rest[1] === 0x2d) return null;
    const head = new ByteQueue();
    await this.#until(utf8("\r\n\r\n"), (bytes) => {
      if (head.length + bytes.length > HEAD) throw bad("The head of a part is too long.");
      head.push(bytes);
    });
    return new TextDecoder().decode(head.take());
  }

  /** Reads on to the end of a part. @param {(bytes: Bytes) => void} take */
  body(take) {
    return this.#until(new Uint8Array([0x0d, 0x0a, ...this.#delimiter]), take);
  }

  /** Reads what is before a mark, and the mark. @param {Uint8Array} mark @param {(bytes: Bytes) => void} take */
  async #until(mark, take) {
    let place = find(this.#rest, mark);
    while (place < 0) {
      // The mark may have begun.
      const whole = Math.max(0, this.#rest.length - mark.length + 1);
      if (whole > 0) take(this.#rest.subarray(0, whole));
      this.#rest = this.#rest.subarray(whole);
      await this.#more();
      place = find(this.#rest, mark);
    }
    if (place > 0) take(this.#rest.subarray(0, place));
    this.#rest = this.#rest.subarray(place + mark.length);
  }

  async #more() {
    const { done, value } = await this.#pieces.next();
    if (done) throw bad("The parts do not end.");
    const rest = new Uint8Array(this.#rest.length + value.length);
    rest.set(this.#rest);
    rest.set(value, this.#rest.length);
    this.#rest = rest;
  }
}

/** Where a sequence of bytes begins. @param {Uint8Array} bytes @param {Uint8Array} wanted @returns {number} -1 if nowhere */
function find(bytes, wanted) {
  const [first] = wanted;
  for (let start = bytes.indexOf(first); start >= 0 && start + wanted.length <= bytes.length; start = bytes.indexOf(first, start + 1)) {
    let length = 1;
    while (length < wanted.length && bytes[start + length] === wanted[length]) length++;
    if (length === wanted.length) return start;
  }
  return -1;
}
