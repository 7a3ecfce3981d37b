// What a page's share answers to peers, without a connection: requests go to its handler, and a database notes what it is asked.

import { Quota } from "./Browser/source/access/quota.js";
import { inflate } from "./Browser/source/access/inflating.js";
import { shareHandler } from "./Browser/source/access/router.js";
import { accessLimits } from "./Browser/source/basics/limits.js";

const missing = () => Object.assign(new Error("missing"), { status: 404, name: "not_found", reason: "missing" });
const encode = (text) => new TextEncoder().encode(text);

/** A database that notes what it is asked, and has the documents that it is given. */
class Notes {
  calls = [];
  trees = {};
  written = [];

  constructor(documents = {}) {
    this.documents = documents;
    for (const name of ["get", "allDocs", "revsDiff", "remove", "putAttachment", "getAttachment", "removeAttachment", "put"]) {
      const method = this[name].bind(this);
      this[name] = async (...values) => {
        this.calls.push([name, ...values.slice(0, 2)]);
        return method(...values);
      };
    }
  }

  async get(id) {
    if (!Object.hasOwn(this.documents, id)) throw missing();
    return this.documents[id];
  }

  async allDocs() {
    return { total_rows: 0, offset: 0, rows: [] };
  }

  async revsDiff() {
    return {};
  }

  async bulkDocs(docs, options) {
    this.calls.push(["bulkDocs", docs, options]);
    this.written.push(...docs);
    return options.new_edits === false ? [] : docs.map(({ _id: id }) => ({ ok: true, id, rev: "1-a" }));
  }

  async put(doc) { return { ok: true, id: doc._id, rev: "0-1" }; }
  async remove() { return { rev: "2-a" }; }
  async putAttachment() { return { rev: "1-a" }; }
  async removeAttachment() { return { rev: "2-a" }; }
  async getAttachment() { return new Blob(["x"]); }

  _getRevisionTree(id, callback) {
    if (Object.hasOwn(this.trees, id)) callback(null, this.trees[id]);
    else callback(missing());
  }
}

/** A body that comes by pieces; `read` tells how many bytes of it were taken. */
function bodyOf(pieces) {
  const body = (async function* () {
    for await (const piece of pieces) {
      state.read += piece.length;
      yield piece;
    }
  })();
  const state = { read: 0, body };
  return state;
}

/** Asks as a peer does. @returns the answer, whose body was not read yet */
function ask(handler, method, target, { body = [], length = null, headers = {}, signal = new AbortController().signal } = {}) {
  const pieces = typeof body === "string" ? [encode(body)] : body;
  const size = typeof body === "string" ? encode(body).length : length;
  const state = bodyOf(pieces);
  const answer = handler({ method, target, headers: new Map(Object.entries(headers)), length: size, body: state.body, signal });
  return { answer, state };
}

async function read({ status, body }) {
  const parts = [];
  if (body instanceof Uint8Array) parts.push(body);
  else if (body instanceof Blob) parts.push(await body.arrayBuffer());
  else if (body) for await (const piece of body) parts.push(piece);
  const text = await new Blob(parts).text();
  return { status, body: text && JSON.parse(text) };
}

const share = (pouch, access = "read-write", quota = new Quota()) =>
  shareHandler(pouch, { id: "share-1", grant: { access, queries: false, designDocuments: true }, fingerprint: "x", quota });

/** Whether promises are settled, a while later. */
async function settled(promises) {
  const states = promises.map(() => false);
  promises.forEach((promise, index) => promise.then(() => { states[index] = true; }, () => { states[index] = true; }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  return states.filter(Boolean).length;
}

/** Names that lead elsewhere where they become paths: what is answered, and that the database is not asked. */
globalThis.paths = async () => {
  const pouch = new Notes({ d: { _id: "d", _rev: "1-a", _attachments: { "x/../../../_users/_all_docs": { digest: "md5-x", content_type: "text/plain" } } } });
  const handler = share(pouch);
  const requests = [
    ["PUT", "/share-1/d/x%2F..%2F..%2F..%2Fother%2Fdoc"], ["PUT", "/share-1/d/..%2Fother"], ["PUT", "/share-1/d/x%2F.%2Fy"],
    ["GET", "/share-1/d/x%2F..%2F..%2F..%2F_users%2F_all_docs"], ["DELETE", "/share-1/d/x%2F..%2F..?rev=1-a"],
    ["GET", "/share-1/_design%2F.."], ["GET", "/share-1/_design/%2e%2e"], ["PUT", "/share-1/%2e%2e"], ["GET", "/share-1/_local/..%2Fx"],
    ["GET", "/share-1/d?rev=1-a%26attachments%3Dtrue"], ["DELETE", "/share-1/d/x?rev=1-a%23"], ["PUT", "/share-1/d/x?rev=1-a%2F.."],
    ["DELETE", "/share-1/d?rev=1-a%20b"],
  ];
  const statuses = [];
  for (const [method, target] of requests) statuses.push((await ask(handler, method, target, { body: "{}" }).answer).status);
  const write = async (docs) => (await read(await ask(handler, "POST", "/share-1/_bulk_docs", { body: JSON.stringify({ docs }) }).answer)).body.map(({ error }) => error);
  const errors = await write([
    { _id: "a", _attachments: { "../b": { data: "" } } }, { _id: ".." }, { _id: "_design/.." }, { _id: "..", _attachments: { a: { stub: true } } }, { _id: "https://a.example/b" },
  ]);
  return { statuses, errors, asked: pouch.calls.filter(([name]) => name !== "bulkDocs"), written: pouch.written.map(({ _id }) => _id) };
};

/** How much of a connection's requests and answers is in memory at a time. */
globalThis.memory = async () => {
  const large = { _id: "large", _rev: "1-a", text: "x".repeat(100_000) };
  const pouch = new Notes({ large });
  const handler = share(pouch);
  const outcome = {};

  // Answers that nobody reads have their places, and others wait.
  const unread = Array.from({ length: 40 }, () => ask(handler, "GET", "/share-1/large").answer);
  outcome.answers = [await settled(unread), pouch.calls.length];
  const { status } = await read(await unread[0]);
  outcome.oneMore = [status, await settled(unread)];
  for (const answer of unread) answer.then(({ body }) => body.return());
  outcome.all = await settled(unread);
  await Promise.all(unread.map(async (answer) => (await answer).body.return()));

  const withAttachments = Array.from({ length: 6 }, () => ask(handler, "GET", "/share-1/large?attachments=true").answer);
  outcome.withAttachments = await settled(withAttachments);
  for (const answer of withAttachments) answer.then(({ body }) => body.return());
  await Promise.all(withAttachments);

  const lists = Array.from({ length: 20 }, () => ask(handler, "GET", "/share-1/_all_docs").answer);
  outcome.lists = await settled(lists);
  for (const answer of lists) answer.then(({ body }) => body.return());
  outcome.listStatuses = [...new Set((await Promise.all(lists)).map((answer) => answer.status))];

  // Requests whose bodies are large are not read before there is room for them.
  const ending = new AbortController();
  const hanging = async function* () {
    yield new Uint8Array(1000);
    await new Promise(() => {});
  };
  const requests = Array.from({ length: 20 }, () => ask(handler, "POST", "/share-1/_revs_diff", { body: hanging(), length: 8 << 20, signal: ending.signal }));
  const attachments = Array.from({ length: 3 }, () => ask(handler, "PUT", "/share-1/d/a", { body: hanging(), signal: ending.signal }));
  for (const each of [...requests, ...attachments]) each.answer.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  outcome.reading = [...requests, ...attachments].filter(({ state }) => state.read > 0).length;
  // Who gives up waits no more.
  ending.abort(new Error("over"));
  outcome.givenUp = await settled([...requests, ...attachments].slice(8).map(({ answer }) => answer));
  return outcome;
};

/** What is taken of bodies with parts, and of what is compressed. */
globalThis.bodies = async () => {
  const pouch = new Notes();
  const handler = share(pouch);
  const headers = { "content-type": "multipart/related; boundary=x" };
  const endless = async function* (first) {
    yield encode(first);
    while (true) yield encode("--x\r\n\r\n\r\n".repeat(1000));
  };
  const outcome = {};
  const many = ask(handler, "PUT", "/share-1/many", { headers, body: endless('--x\r\n\r\n{"a":1}\r\n') });
  outcome.many = [(await many.answer).status, many.state.read < 100_000];
  const head = ask(handler, "PUT", "/share-1/head", { headers, body: endless("--x\r\nname: ".padEnd(20_000, "x")) });
  outcome.head = [(await head.answer).status, head.state.read < 100_000];

  const compress = (bytes) => new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).blob();
  const small = await compress(new Uint8Array(1000));
  const room = { left: 1500 };
  outcome.inflated = [(await inflate(small, room)).size, room.left, await inflate(small, room).catch(({ status }) => status)];
  outcome.damaged = await inflate(new Blob(["no gzip"]), { left: 1500 }).catch(({ status }) => status);

  // Whatever the pieces are, a document comes out as it was sent.
  const text = `--x\r\ncontent-type: application/json\r\n\r\n{"_attachments":{"a":{"follows":true,"length":5},"b":{"follows":true,"encoding":"gzip"}}}`
    + "\r\n--x\r\ncontent-disposition: attachment; filename=\"b\"\r\n\r\n";
  const bytes = new Uint8Array(await new Blob([text, small, "\r\n--x\r\ncontent-disposition: attachment; filename=\"a\"\r\n\r\n12\r\n3\r\n--x--"]).arrayBuffer());
  outcome.whole = [];
  for (const step of [1, 7, 100_000]) {
    const pieces = [];
    for (let offset = 0; offset < bytes.length; offset += step) pieces.push(bytes.subarray(offset, offset + step));
    const { status } = await ask(handler, "PUT", "/share-1/whole", { headers, body: pieces, length: bytes.length }).answer;
    const { _attachments: { a, b } } = pouch.written.at(-1);
    outcome.whole.push([status, a.data.size, b.data.size]);
  }
  return outcome;
};

/** Copies of revisions that peers write: what is taken of them, and how many leaves they may make. */
globalThis.copies = async () => {
  const pouch = new Notes();
  const handler = share(pouch);
  const write = async (docs) => {
    const { status, body } = await read(await ask(handler, "POST", "/share-1/_bulk_docs", { body: JSON.stringify({ docs, new_edits: false }) }).answer);
    const written = pouch.written.splice(0);
    return { status, written, errors: body.map(({ error }) => error) };
  };
  const many = await write(Array.from({ length: 150 }, (_, index) => ({ _id: "many", _rev: `1-${index}` })));
  const full = Array.from({ length: 100 }, (_, index) => [`${index}`, {}, []]);
  pouch.trees.full = [{ pos: 1, ids: ["root", {}, full] }];
  const repaired = await write([
    { _id: "full", _rev: "3-a", _revisions: { start: 3, ids: ["a", "7", "root"] } }, { _id: "full", _rev: "2-8" }, { _id: "full", _rev: "1-root" },
    { _id: "full", _rev: "2-new", _revisions: { start: 2, ids: ["new", "root"] } },
  ]);
  const forged = await write([
    { _id: "a", _rev: "1-a", _rev_tree: [{ pos: 999, ids: ["a", {}, []] }] }, { _id: "a", _rev: "1-a", _access: [] },
    { _id: "a", _rev: "1-a", _revisions: { start: 5, ids: ["b"] } }, { _id: "a", _rev: "1-a", _revisions: { start: 1, ids: ["a", "b"] } },
    { _id: "a", _rev: "1-a", _revisions: { start: 1, ids: [["a"]] } }, { _id: "a" }, { _id: "a", _rev: ["1-a"] }, { _id: "a", _rev: "1-a", _deleted: "yes" },
  ]);
  const long = await write([{ _id: "long", _rev: "5000-0", _conflicts: [], _revisions: { start: 5000, ids: Array.from({ length: 5000 }, (_, index) => `${index}`) } }]);
  // Batches at the same time count each other.
  const twice = await Promise.all([0, 1].map((half) => write(Array.from({ length: 80 }, (_, index) => ({ _id: "twice", _rev: `1-${half}-${index}` })))));
  return {
    many: [many.written.length, many.errors.length, new Set(many.errors).size], repaired: [repaired.written.map(({ _rev }) => _rev), repaired.errors],
    forged: [forged.written.length, forged.errors], long: [long.written[0]._revisions.ids.length, Object.keys(long.written[0]).sort()],
    limit: accessLimits.leaves, twice: twice.map(({ status }) => status),
  };
};

/** How requests are read. */
globalThis.parameters = async () => {
  const pouch = new Notes();
  const handler = share(pouch);
  const options = async (query) => {
    await read(await ask(handler, "GET", `/share-1/_all_docs?${query}`).answer);
    const [, { startkey, endkey }] = pouch.calls.at(-1);
    return [startkey, endkey];
  };
  const [underscores, plain] = [await options('start_key="a"&end_key="b"'), await options('startkey="a"&endkey="b"')];
  const empty = [];
  for (const query of ['key=""', 'endkey=""', 'descending=true&startkey=""', 'startkey=""']) {
    await read(await ask(handler, "GET", `/share-1/_all_docs?${query}`).answer);
    empty.push(pouch.calls.at(-1)[1].keys?.length ?? null);
  }
  // A document that is deleted between two pages takes no other one with it.
  const ids = Array.from({ length: 1200 }, (_, index) => `n${String(index).padStart(4, "0")}`);
  pouch.allDocs = async ({ startkey = "", limit, skip = 0 }) => {
    const rows = ids.filter((id) => id >= startkey).slice(skip, skip + limit).map((id) => ({ id, key: id, value: {} }));
    ids.splice(499, 1);
    return { total_rows: 1200, offset: 0, rows };
  };
  const { body: { rows } } = await read(await ask(handler, "GET", "/share-1/_all_docs").answer);
  return {
    empty, pages: [rows.length, rows.some(({ id }) => id === "n0500")], underscores, plain,
    localDeletion: (await ask(handler, "DELETE", "/share-1/_local/x?rev=0-1").answer).status,
  };
};

