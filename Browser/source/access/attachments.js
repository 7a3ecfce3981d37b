// Attachments on their own.

import { accessLimits } from "../basics/limits.js";
import { json, missing, Problem } from "./answers.js";
import { checkSpace } from "./guards.js";
import { inflate } from "./inflating.js";
import { collectBlob, neededRevision, readRange, readRevision, revisionOf } from "./requests.js";

/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

/** Raster images, which may be shown as they are; everything else is to be saved. */
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"]);

export class Attachments {
  /** @param {any} pouch @param {import("./guards.js").WriteGuard} guard */
  constructor(pouch, guard) {
    this.pouch = pouch;
    this.guard = guard;
  }

  /** @param {string} id @param {string} name @param {CountedRequest} request @param {Parameters} query */
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

  /** @param {string} id @param {string} name @param {CountedRequest} request @param {Parameters} query */
  async put(id, name, request, query) {
    const rev = revisionOf(request, query);
    if (this.guard.grant.access === "inbox" && rev !== null) throw missing();
    await checkSpace();
    await this.guard.allow({ _id: id });
    const type = request.headers.get("content-type") ?? "application/octet-stream";
    let blob = await collectBlob(request, accessLimits.attachment, type);
    const encoding = request.headers.get("content-encoding");
    if (encoding === "gzip") blob = await inflate(blob, { left: accessLimits.attachment });
    else if (encoding !== undefined && encoding !== "identity") throw new Problem(415, "bad_ctype", "Attachments are plain or compressed by gzip.");
    const result = await this.pouch.putAttachment(id, name, rev ?? undefined, blob, type);
    return json(201, { ok: true, id, rev: result.rev });
  }

  /** @param {string} id @param {string} name @param {CountedRequest} request @param {Parameters} query */
  async remove(id, name, request, query) {
    const rev = neededRevision(request, query);
    await this.guard.allow({ _id: id });
    const result = await this.pouch.removeAttachment(id, name, rev);
    return json(200, { ok: true, id, rev: result.rev });
  }
}
