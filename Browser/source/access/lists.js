// Lists of documents, a page at a time: what a peer does not read is not read here either.

import { isObject } from "../basics/encoding.js";
import { accessLimits } from "../basics/limits.js";
import { bad, tooLarge } from "./answers.js";
import { streamed } from "./quota.js";
import { readObject, readRevision } from "./requests.js";
import { isPath } from "./targets.js";

/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */

/** How many rows of a list are read at a time: fewer of those that are larger, since all of them are held in memory. @param {Record<string, any>} options */
export const pageSize = ({ attachments, include_docs: withDocs }) => (attachments ? 1 : withDocs ? 16 : 500);

/** How much of a connection's lists one with documents in it counts for. @param {Record<string, any>} options */
export const listWeight = ({ attachments, include_docs: withDocs }) => (attachments || withDocs ? 4 : 1);

/** The rows of `_all_docs` that a request asks for. @param {any} pouch @param {CountedRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
export async function allDocs(pouch, request, query) {
  const body = request.method === "POST" ? await readObject(request, accessLimits.request) : {};
  /** @type {Record<string, any>} */
  const options = {
    include_docs: query.flag("include_docs"), conflicts: query.flag("conflicts"), attachments: query.flag("attachments"),
    descending: query.flag("descending"), inclusive_end: query.text("inclusive_end") !== "false", update_seq: query.flag("update_seq"),
  };
  const keys = body.keys ?? query.json("keys");
  const limit = query.count("limit", Infinity) ?? Infinity;
  const skip = query.count("skip", 0) ?? 0;
  const [key, start, end] = [query.json("key"), query.json("startkey", "start_key"), query.json("endkey", "end_key")];
  for (const each of [key, start, end]) if (each !== undefined && typeof each !== "string") throw bad("Keys of documents are texts.");
  if (keys !== undefined) {
    if (!Array.isArray(keys) || !keys.every((each) => typeof each === "string")) throw bad("`keys` member must be an array.");
    const wanted = (options.descending ? keys.toReversed() : keys).slice(skip, limit === Infinity ? undefined : skip + limit);
    await request.take("lists", listWeight(options));
    return streamed(keyRows(pouch, wanted, options, skip));
  }
  // For PouchDB an empty key is none. Before it there is nothing, and nothing is at it.
  if (key === "" || (options.descending ? start : end) === "") return streamed(keyRows(pouch, [], options, skip));
  if (key !== undefined) Object.assign(options, { startkey: key, endkey: key });
  if (start) options.startkey = start;
  if (end) options.endkey = end;
  await request.take("lists", listWeight(options));
  return streamed(rows(pouch, options, skip, limit));
}

/** @param {any} pouch @param {string[]} keys @param {Record<string, any>} options @param {number} offset */
async function* keyRows(pouch, keys, options, offset) {
  let separator = "";
  let isFirst = true;
  const step = pageSize(options);
  for (let index = 0; isFirst || index < keys.length; index += step) {
    const page = keys.slice(index, index + step);
    // Local documents are in no list.
    const listed = await pouch.allDocs({ ...options, descending: false, keys: page.map((key) => (key.startsWith("_local/") ? "" : key)) });
    if (isFirst) yield `{"total_rows":${listed.total_rows},"offset":${offset},"rows":[`;
    isFirst = false;
    for (const [place, row] of listed.rows.entries()) {
      yield `${separator}\n${JSON.stringify(row.error ? { key: page[place], error: "not_found" } : row)}`;
      separator = ",";
    }
  }
  yield "\n]}\n";
}

/** @param {any} pouch @param {Record<string, any>} options @param {number} skip @param {number} limit */
async function* rows(pouch, options, skip, limit) {
  let rest = limit;
  let separator = "";
  const step = pageSize(options);
  let page = await pouch.allDocs({ ...options, skip, limit: Math.min(rest, step) });
  const sequence = options.update_seq ? `"update_seq":${JSON.stringify(page.update_seq)},` : "";
  yield `{"total_rows":${page.total_rows},"offset":${page.offset ?? skip},${sequence}"rows":[`;
  while (page.rows.length > 0) {
    for (const row of page.rows) {
      yield `${separator}\n${JSON.stringify(row)}`;
      separator = ",";
    }
    rest -= page.rows.length;
    if (page.rows.length < step || rest <= 0) break;
    const { id } = page.rows.at(-1);
    const count = Math.min(rest, step);
    const next = await pouch.allDocs({ ...options, startkey: id, limit: count + 1 });
    // It may have been deleted meanwhile.
    page = { rows: next.rows.slice(next.rows[0]?.id === id ? 1 : 0).slice(0, count) };
  }
  yield "\n]}\n";
}

/** The revisions that `_bulk_get` asks for. @param {any} pouch @param {CountedRequest} request @param {Parameters} query @returns {Promise<OutgoingResponse>} */
export async function bulkGet(pouch, request, query) {
  const { docs } = await readObject(request, accessLimits.request);
  if (!Array.isArray(docs)) throw bad("Missing JSON list of 'docs'.");
  if (docs.length > accessLimits.bulkGets) throw tooLarge("There are too many documents in one request.");
  if (!docs.every((each) => isObject(each) && typeof each.id === "string")) throw bad("Each of 'docs' has an id.");
  const options = { revs: query.flag("revs"), latest: query.flag("latest"), attachments: query.flag("attachments") };
  await request.take("lists", listWeight({ ...options, include_docs: true }));
  return streamed(bulkRows(pouch, docs, options));
}

/** @param {any} pouch @param {any[]} docs @param {Record<string, any>} options */
async function* bulkRows(pouch, docs, options) {
  yield "{\"results\":[";
  let separator = "";
  const step = pageSize({ ...options, include_docs: true });
  for (let index = 0; index < docs.length; index += step) {
    const page = docs.slice(index, index + step);
    const readable = page.filter(({ id }) => !id.startsWith("_local/") && !isPath(id)).map(({ id, rev }) => (typeof rev === "string" ? { id, rev: readRevision(rev) } : { id }));
    const { results } = readable.length > 0 ? await pouch.bulkGet({ docs: readable, ...options }) : { results: [] };
    /** @type {Map<string, any[]>} */
    const found = new Map();
    for (const result of results) found.set(result.id, [...(found.get(result.id) ?? []), ...result.docs]);
    for (const { id, rev } of page) {
      const all = found.get(id) ?? [];
      const own = typeof rev === "string" && !options.latest ? all.filter(({ ok }) => ok && ok._rev === rev) : all.filter(({ ok }) => ok);
      const entry = own.length > 0 ? own.map(({ ok }) => ({ ok })) : [{ error: { id, rev: rev ?? "undefined", error: "not_found", reason: "missing" } }];
      yield `${separator}\n${JSON.stringify({ id, docs: entry })}`;
      separator = ",";
    }
  }
  yield "\n]}\n";
}
