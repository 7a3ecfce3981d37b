// What a peer is answered: JSON, and why there is no result. Of what is not allowed and of what does not exist it learns the same.

import { utf8 } from "../basics/encoding.js";
import { abandon, lengthOf } from "../tunnel/bodies.js";

/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */

/** What is answered in place of a result. */
export class Problem extends Error {
  /** @param {number} status @param {string} error @param {string} reason */
  constructor(status, error, reason) {
    super(reason);
    this.status = status;
    this.error = error;
  }
}
export const missing = () => new Problem(404, "not_found", "missing");
/** @param {string} reason */
export const bad = (reason) => new Problem(400, "bad_request", reason);
/** @param {string} reason */
export const forbidden = (reason) => new Problem(403, "forbidden", reason);
/** @param {string} reason */
export const tooLarge = (reason, name = "too_large") => new Problem(413, name, reason);

/** What of an error a peer is told. @param {any} error @returns {Problem} */
export function problemOf(error) {
  if (error instanceof Problem) return error;
  const { status, name, reason, message } = error ?? {};
  if (status === 404) return new Problem(404, "not_found", reason === "deleted" ? "deleted" : "missing");
  if (typeof status === "number" && status >= 400 && status < 500) return new Problem(status, String(name ?? "error"), String(reason ?? message));
  if (name === "QuotaExceededError") return new Problem(507, "insufficient_storage", "There is not enough free space.");
  return new Problem(500, "internal_server_error", "The request could not be answered.");
}

/** @param {number} status @param {unknown} value @param {[string, string][]} headers @returns {OutgoingResponse} */
export const json = (status, value, headers = []) =>
  ({ status, headers: [["content-type", "application/json"], ...headers], body: utf8(`${JSON.stringify(value)}\n`) });

/** @param {OutgoingResponse} answer @returns {OutgoingResponse} */
export function withoutBody({ status, headers, body, length: told }) {
  const length = body === null ? told : lengthOf(body) ?? told;
  abandon(body);
  const kept = headers.filter(([name]) => name !== "content-length");
  if (typeof length === "number") kept.push(["content-length", String(length)]);
  return { status, headers: kept, body: null };
}
