// Attachments on their own.

import { accessLimits } from "../basics/limits.js";
import { json, missing, Problem } from "./answers.js";
import { checkSpace, WriteGuard } from "./guards.js";
import { inflate } from "./multipart.js";
import { neededRevision, readRange, readRevision, revisionOf } from "./requests.js";
import { readFile } from "./spool.js";

/** @typedef {import("./requests.js").IncomingRequest} IncomingRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

/** Raster images, which may be shown as they are; everything else is to be saved. */
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"]);

export class Attachments {
  /** @param {any} pouch @param {import("./targets.js").Grant} grant */
  constructor(pouch, grant) {
    this.pouch = pouch;
    this.grant = grant;
  }

  /** @param {string} id @param {string} name @param {IncomingRequest} request @param {Parameters} query */
  async get(id, name, request, query) {
    const rev = query.text("rev");
    const options = rev === null ? {} : { rev: readRevision(rev) };
    const { _attachments: attachments = {} } = await this.pouch.get(id, options);
    if (!Object.hasOwn(attachments, name)) throw new Problem(404, "not_found", "Document is missing attachment");
    const { content_type: type, digest } = attachments[name];
    const tag = `"${String(digest).replace(/^md5-/, "")}"`;
    if (request.headers.get("if-none-match") === tag) return { status: 304, headers: [["etag", tag]], body: null };
    const found = await this.pouch.getAttachment(id, name, options);
    const blob = found instanceof Blob ? found : new Blob([found]);
    const range = readRange(request, blob.size, tag);
    const part = range ? blob.slice(range.start, range.end) : blob;
    const isImage = IMAGES.has(String(type).split(";")[0].trim().toLowerCase());
    /** @type {[string, string][]} */
    const headers = [
      ["content-type", /^[\x20-\x7e]+$/.test(type ?? "") ? type : "application/octet-stream"], ["content-length", String(part.size)],
      ["accept-ranges", "bytes"], ["etag", tag], ["x-content-type-options", "nosniff"], ["content-security-policy", "sandbox"],
      ["content-disposition", isImage ? "inline" : "attachment"],
    ];
    if (range) headers.push(["content-range", `bytes ${range.start}-${range.end - 1}/${blob.size}`]);
    return { status: range ? 206 : 200, headers, body: part };
  }

  /** @param {string} id @param {string} name @param {IncomingRequest} request @param {Parameters} query */
  async put(id, name, request, query) {
    const rev = revisionOf(request, query);
    if (this.grant.access === "inbox" && rev !== null) throw missing();
    await checkSpace();
    await new WriteGuard(this.pouch, this.grant).allow({ _id: id }, true);
    const type = request.headers.get("content-type") ?? "application/octet-stream";
    let blob = await readFile(request, accessLimits.attachment, type);
    const encoding = request.headers.get("content-encoding");
    if (encoding === "gzip") blob = await inflate(blob, accessLimits.attachment);
    else if (encoding !== undefined && encoding !== "identity") throw new Problem(415, "bad_ctype", "Attachments are plain or compressed by gzip.");
    const result = await this.pouch.putAttachment(id, name, rev ?? undefined, blob, type);
    return json(201, { ok: true, id, rev: result.rev });
  }

  /** @param {string} id @param {string} name @param {IncomingRequest} request @param {Parameters} query */
  async remove(id, name, request, query) {
    const rev = neededRevision(request, query);
    await new WriteGuard(this.pouch, this.grant).allow({ _id: id }, true);
    const result = await this.pouch.removeAttachment(id, name, rev);
    return json(200, { ok: true, id, rev: result.rev });
  }
}
