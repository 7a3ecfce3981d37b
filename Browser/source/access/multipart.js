// Documents with their attachments behind them: `multipart/related`, as CouchDB's replicators send them.

import { isObject, text, textDepth, utf8 } from "../basics/encoding.js";
import { readBytes } from "./requests.js";
import { Spool } from "./spool.js";

/** @param {string} reason @param {number} status */
const badPart = (reason, status = 400) =>
  Object.assign(new Error(reason), { status, name: status === 413 ? "too_large" : "bad_request", reason });

/** Where a sequence of bytes begins. @param {Uint8Array} bytes @param {Uint8Array} wanted @param {number} from @returns {number} -1 if nowhere */
function find(bytes, wanted, from) {
  const [first] = wanted;
  for (let start = bytes.indexOf(first, from); start >= 0 && start + wanted.length <= bytes.length; start = bytes.indexOf(first, start + 1)) {
    let length = 1;
    while (length < wanted.length && bytes[start + length] === wanted[length]) length++;
    if (length === wanted.length) return start;
  }
  return -1;
}

/**
 * Reads a document with its attachments. The parts follow in the order of the attachments that say so, or are named.
 * @param {import("./requests.js").IncomingRequest} request
 * @param {string} type its content type
 * @param {{ multipart: number, documentRequest: number, jsonDepth: number, parts: number }} limits
 * @returns {Promise<any>} with the attachments as blobs
 */
export async function readMultipart(request, type, limits) {
  const [, quoted, plain] = /boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (!boundary) throw badPart("The boundary is missing.");
  const bytes = await readBytes(request, limits.multipart);
  const parts = splitParts(bytes, utf8(`--${boundary}`), limits.parts);
  if (parts.length === 0 || parts[0].body.length > limits.documentRequest) throw badPart("The document is missing.");
  let doc;
  try {
    const json = text(parts[0].body);
    if (textDepth(json) > limits.jsonDepth + 8) throw badPart("JSON from peers must not be nested so deep.");
    doc = JSON.parse(json);
  } catch (error) {
    throw /** @type {any} */ (error).status ? error : badPart("invalid UTF-8 JSON");
  }
  if (!isObject(doc)) throw badPart("Document must be a JSON object");
  const following = Object.entries(isObject(doc._attachments) ? doc._attachments : {}).filter(([, each]) => isObject(each) && each.follows);
  if (following.length !== parts.length - 1) throw badPart("There are not as many attachments as the document says.");
  let left = limits.multipart;
  for (const [index, [name, description]] of following.entries()) {
    const part = parts.slice(1).find((each) => each.name === name) ?? parts[index + 1];
    const { follows, length, encoding, encoded_length: encodedLength, digest, ...kept } = description;
    const contentType = typeof kept.content_type === "string" ? kept.content_type : "application/octet-stream";
    let blob = new Blob([part.body], { type: contentType });
    const expected = encoding ? encodedLength : length;
    if (typeof expected === "number" && expected !== blob.size) throw badPart("An attachment is not as long as it should be.");
    if (encoding === "gzip") blob = await inflate(blob, left);
    left -= blob.size;
    doc._attachments[name] = { ...kept, content_type: contentType, data: blob };
  }
  return doc;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {Uint8Array} delimiter @param {number} most how many there may be @returns {{ name: string | null, body: Uint8Array<ArrayBuffer> }[]} */
function splitParts(bytes, delimiter, most) {
  const blank = utf8("\r\n\r\n");
  const next = utf8("\r\n");
  const parts = [];
  let start = find(bytes, delimiter, 0);
  while (start >= 0) {
    const begin = start + delimiter.length;
    // Two hyphens end it.
    if (bytes[begin] === 0x2d && bytes[begin + 1] === 0x2d) return parts;
    const end = find(bytes, new Uint8Array([...next, ...delimiter]), begin);
    if (end < 0) break;
    const part = bytes.subarray(begin, end);
    const head = part[0] === 0x0d && part[1] === 0x0a && part[2] === 0x0d && part[3] === 0x0a ? 0 : find(part, blank, 0);
    if (head < 0) break;
    if (parts.length >= most) throw badPart("There are too many parts.", 413);
    const headers = new TextDecoder().decode(part.subarray(0, head));
    const [, name] = /content-disposition:[^\r\n]*filename="((?:[^"\\]|\\.)*)"/i.exec(headers) ?? [];
    parts.push({ name: name?.replace(/\\(.)/g, "$1") ?? null, body: part.subarray(head + blank.length) });
    start = end + next.length;
  }
  throw badPart("The parts do not end.");
}

/** The contents of what was compressed by gzip. @param {Blob} blob @param {number} limit bytes @returns {Promise<Blob>} */
export async function inflate(blob, limit) {
  const spool = new Spool();
  try {
    // @ts-ignore: streams can be iterated.
    for await (const piece of blob.stream().pipeThrough(new DecompressionStream("gzip"))) {
      spool.push(piece);
      if (spool.size > limit) throw badPart("The attachment is too large for this peer.", 413);
    }
  } catch (error) {
    throw /** @type {any} */ (error).status ? error : badPart("The attachment is no gzip.");
  }
  return spool.blob(blob.type);
}
