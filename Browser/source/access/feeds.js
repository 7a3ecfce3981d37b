// The changes of a database: those that are there, and those that come.

import { accessLimits } from "../basics/limits.js";
import { bad, missing } from "./answers.js";
import { listWeight, pageSize } from "./lists.js";
import { streamed } from "./quota.js";
import { checkSelector, readObject, readSince } from "./requests.js";

/** @typedef {import("../tunnel/exchanges.js").OutgoingResponse} OutgoingResponse */
/** @typedef {import("./quota.js").CountedRequest} CountedRequest */
/** @typedef {import("./requests.js").Parameters} Parameters */
/** @typedef {{ options: Record<string, any>, limit: number, pulse: number | null, timeout: number, signal: AbortSignal }} Feed times in milliseconds */

/**
 * The changes that a request asks for.
 * @param {any} pouch @param {CountedRequest} request @param {Parameters} query
 * @returns {Promise<OutgoingResponse>}
 */
export async function changes(pouch, request, query) {
  const body = request.method === "POST" ? await readObject(request, accessLimits.request) : {};
  /** @type {Record<string, any>} */
  const options = {
    include_docs: query.flag("include_docs"), conflicts: query.flag("conflicts"), attachments: query.flag("attachments"),
    descending: query.flag("descending"), style: query.text("style") === "all_docs" ? "all_docs" : "main_only", since: readSince(query.text("since")),
  };
  const filter = query.text("filter");
  if (filter === "_doc_ids") {
    const ids = body.doc_ids ?? query.json("doc_ids");
    if (!Array.isArray(ids) || ids.length > accessLimits.bulkDocuments || !ids.every((each) => typeof each === "string")) throw bad("`doc_ids` filter parameter is not a list of doc ids.");
    options.doc_ids = ids;
  } else if (filter === "_selector") {
    options.selector = checkSelector(body.selector);
  } else if (filter === "_design") {
    options.filter = (/** @type {any} */ doc) => doc._id.startsWith("_design/");
  } else if (filter !== null) {
    throw missing();
  }
  const limit = query.count("limit", Infinity) ?? Infinity;
  const feed = query.text("feed") ?? "normal";
  const heartbeat = query.text("heartbeat");
  const silence = accessLimits.heartbeat;
  const pulse = heartbeat === null || heartbeat === "false" ? null
    : heartbeat === "true" ? silence : Math.min(Math.max(accessLimits.shortestHeartbeat, Number(heartbeat) || silence), silence);
  const timeout = pulse === null ? Math.min(query.count("timeout", silence) ?? silence, silence) : Infinity;
  const live = { options, limit: limit === 0 ? 1 : limit, pulse, timeout, signal: request.signal };
  if (feed === "normal") {
    await request.take("lists", listWeight(options));
    return streamed(changeRows(pouch, options, limit));
  }
  if (feed !== "longpoll" && feed !== "continuous") throw bad("There is no such feed for peers.");
  await request.take("feeds");
  return streamed(feed === "longpoll" ? longPoll(pouch, { ...live, limit }) : continuous(pouch, live));
}

/**
 * Changes that are there, page by page.
 * @param {any} pouch @param {Record<string, any>} options @param {number} limit
 * @returns {AsyncGenerator<{ results: any[], last_seq: any }>}
 */
async function* pages(pouch, options, limit) {
  let rest = limit;
  let { since } = options;
  const step = pageSize(options);
  if (since === "now") {
    yield await pouch.changes({ ...options, limit: 1 });
    return;
  }
  if (options.descending) {
    // It has no pages: the documents are read one by one.
    const { include_docs: withDocs, attachments, conflicts, ...list } = options;
    const { results, last_seq: last } = await pouch.changes({ ...list, ...(limit === Infinity ? {} : { limit }) });
    for (const row of results) {
      const doc = withDocs ? { doc: await pouch.get(row.id, { rev: row.changes[0].rev, attachments, conflicts }) } : {};
      yield { results: [{ ...row, ...doc }], last_seq: last };
    }
    if (results.length === 0) yield { results, last_seq: last };
    return;
  }
  while (true) {
    const page = await pouch.changes({ ...options, since, limit: Math.min(rest, step), return_docs: true });
    yield page;
    rest -= page.results.length;
    since = page.last_seq;
    if (page.results.length < step || rest <= 0) return;
  }
}

/** @param {any} pouch @param {Record<string, any>} options @param {number} limit */
async function* changeRows(pouch, options, limit) {
  yield "{\"results\":[";
  let last = options.since;
  let separator = "";
  let count = 0;
  if (limit > 0) {
    for await (const { results, last_seq: position } of pages(pouch, options, limit)) {
      for (const row of results) {
        yield `${separator}\n${JSON.stringify(row)}`;
        separator = ",";
      }
      count += results.length;
      last = position;
    }
  }
  const rest = count >= limit ? await pending(pouch, options, last) : 0;
  yield `\n],\n"last_seq":${JSON.stringify(last)},"pending":${rest}}\n`;
}

/** How many changes there are behind a position, at least. @param {any} pouch @param {Record<string, any>} options @param {any} since */
async function pending(pouch, { style, doc_ids, selector }, since) {
  const { results } = await pouch.changes({ style, doc_ids, selector, since, limit: 1 });
  return results.length;
}

/** @param {any} pouch @param {Feed} feed */
async function* longPoll(pouch, { options, limit, pulse, timeout, signal }) {
  yield "{\"results\":[";
  let since = options.since;
  if (since === "now") since = (await pouch.info()).update_seq;
  const end = performance.now() + timeout;
  while (true) {
    const most = Math.min(limit, pageSize(options));
    const { results, last_seq: last } = limit > 0
      ? await pouch.changes({ ...options, since, limit: most, return_docs: true }) : { results: [], last_seq: since };
    if (results.length > 0 || limit === 0 || performance.now() >= end || signal.aborted) {
      yield results.map((/** @type {any} */ row) => `\n${JSON.stringify(row)}`).join(",");
      yield `\n],\n"last_seq":${JSON.stringify(last)},"pending":${results.length >= most ? await pending(pouch, options, last) : 0}}\n`;
      return;
    }
    since = last;
    yield* waitForChange(pouch, since, pulse, end, signal);
  }
}

/** @param {any} pouch @param {Feed} feed */
async function* continuous(pouch, { options, limit, pulse, timeout, signal }) {
  let since = options.since;
  if (since === "now") since = (await pouch.info()).update_seq;
  let rest = limit;
  let end = performance.now() + timeout;
  while (!signal.aborted) {
    let count = 0;
    for await (const { results, last_seq: last } of pages(pouch, { ...options, since }, rest)) {
      for (const row of results) yield `${JSON.stringify(row)}\n`;
      count += results.length;
      since = last;
    }
    rest -= count;
    if (count > 0) end = performance.now() + timeout;
    if (rest <= 0 || performance.now() >= end) break;
    yield* waitForChange(pouch, since, pulse, end, signal);
  }
  yield `${JSON.stringify({ last_seq: since, pending: 0 })}\n`;
}

/**
 * Waits until something is written, and shows meanwhile that it lives.
 * @param {any} pouch @param {any} since @param {number | null} pulse @param {number} end @param {AbortSignal} signal
 */
async function* waitForChange(pouch, since, pulse, end, signal) {
  const feed = pouch.changes({ since, live: true, limit: 1, return_docs: false });
  let wake = () => {};
  const changed = new Promise((resolve) => {
    wake = () => resolve(true);
    for (const event of ["change", "complete", "error"]) feed.on(event, wake);
    signal.addEventListener("abort", wake, { once: true });
  });
  try {
    while (!signal.aborted) {
      const time = Math.min(pulse ?? Infinity, end - performance.now());
      /** @type {ReturnType<typeof setTimeout>} */
      let timer;
      const late = new Promise((resolve) => { timer = setTimeout(() => resolve(false), Math.max(0, Math.min(time, 2 ** 31 - 1))); });
      const isOver = await Promise.race([changed, late]);
      // @ts-ignore: it was set.
      clearTimeout(timer);
      if (isOver || performance.now() >= end) return;
      yield "\n";
    }
  } finally {
    signal.removeEventListener("abort", wake);
    feed.cancel();
  }
}
