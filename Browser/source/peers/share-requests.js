// Requests to a share as `fetch` makes them to a server.

import { TunnelError } from "../tunnel/exchanges.js";
import { Absent, Refused } from "./refusals.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** Requests that change nothing, which may be sent again. */
const SAFE = new Set(["_all_docs", "_changes", "_bulk_get", "_revs_diff", "_missing_revs", "_find"]);

/** Whether a request changes nothing, and so may be sent again. @param {string} method @param {string} path */
export const isSafe = (method, path) => ["GET", "HEAD"].includes(method) || (method === "POST" && SAFE.has(routeOf(path)));

/** Whether it is answered at once, and the answer goes on for long. @param {string} path */
export const isLongPoll = (path) => routeOf(path) === "_changes" && /[?&]feed=longpoll(&|$)/.test(path);

/** @param {string} path */
const routeOf = (path) => path.slice(1).split(/[/?]/, 1)[0];

/** What `fetch` fails with. @param {unknown} error */
export function fetchError(error) {
  if (error instanceof TunnelError && error.code === "aborted") return new DOMException(error.message, "AbortError");
  if (error instanceof Refused || error instanceof Absent) return error;
  return new TypeError(error instanceof Error ? error.message : String(error));
}

/** Headers that mean something to a peer. */
const HEADERS = ["accept", "content-type", "if-match", "if-none-match", "if-range", "range", "content-encoding", "content-md5"];

/** @param {Headers} headers @returns {[string, string][]} */
export const peerHeaders = (headers) => HEADERS.flatMap((name) => {
  const value = headers.get(name);
  return value === null ? [] : [/** @type {[string, string]} */ ([name, value])];
});

/** @param {BodyInit | null} body @returns {Promise<Blob | Bytes | null>} */
export async function bodyOf(body) {
  if (body === null || body instanceof Blob || body instanceof Uint8Array) return /** @type {any} */ (body);
  if (typeof body === "string") return new TextEncoder().encode(body);
  return new Response(body).blob();
}
