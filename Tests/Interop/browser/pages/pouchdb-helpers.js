// What the scripts of the PouchDB tests share.
"use strict";

/** The URL of a server, with credentials; the tests set it. */
let server;

/** A database of the server's. */
const remote = (name, options) => new PouchDB(`${server}/${name}`, options);

/** What a promise is rejected with, or that it is not. */
const failure = (promise) => promise.then(
  (value) => ({ value }),
  ({ status, name, message, reason }) => ({ status, name, message, reason }));

const array = (length, make) => Array.from({ length }, (_, index) => make(index));

/** Bytes that repeat only after long, so that misplaced ones show. */
function bytes(length) {
  const values = new Uint32Array(Math.ceil(length / 4));
  let state = 1;
  for (let index = 0; index < values.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[index] = state;
  }
  return new Uint8Array(values.buffer, 0, length);
}

/** The SHA-256 of a blob's bytes, in hexadecimal. */
async function digest(blob) {
  const hash = await crypto.subtle.digest("SHA-256", blob instanceof Blob ? await blob.arrayBuffer() : blob);
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A database's contents: all leaves of all documents, with histories and attachments. */
async function contents(db) {
  const { results } = await db.changes({ style: "all_docs", return_docs: true });
  const documents = {};
  for (const { id, changes } of results) {
    const leaves = await db.get(id, { open_revs: changes.map(({ rev }) => rev), revs: true });
    for (const { ok } of leaves) {
      for (const [name, stub] of Object.entries(ok._attachments ?? {})) {
        const blob = await db.getAttachment(id, name, { rev: ok._rev });
        ok._attachments[name] = { type: stub.content_type, digest: stub.digest, bytes: await digest(blob) };
      }
    }
    documents[id] = leaves.map(({ ok }) => ok).sort((one, other) => (one._rev < other._rev ? -1 : 1));
  }
  return JSON.parse(JSON.stringify(documents, (_, value) => (
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))) : value)));
}

/** How many documents there are; what PouchDB's own databases say of it in `info()` is too low after some conflicts. */
const count = async (db) => (await db.allDocs()).rows.length;

/** Waits until a condition on a database holds, which is asked again after each change. */
async function until(db, condition) {
  const { update_seq: since } = await db.info();
  const feed = db.changes({ live: true, since });
  let changed;
  let next = new Promise((resolve) => { changed = resolve; });
  feed.on("change", () => changed());
  try {
    while (!(await condition())) {
      await next;
      next = new Promise((resolve) => { changed = resolve; });
    }
  } finally {
    feed.cancel();
  }
}

/**
 * What the same steps come to in a database of the browser and in one of the server, with each revision's digest
 * replaced by a name that tells the order in which they first appeared.
 */
async function both(name, steps) {
  const results = {};
  for (const [kind, db] of [["local", new PouchDB(name)], ["remote", remote(name)]]) {
    const names = new Map();
    const result = JSON.stringify(await steps(db)) ?? "null";
    results[kind] = JSON.parse(result.replace(/\b[0-9a-f]{32}\b/g, (digest) => {
      if (!names.has(digest)) names.set(digest, `r${names.size + 1}`);
      return names.get(digest);
    }));
    await db.destroy();
  }
  return results;
}
