// What the pages of hostile peers and hubs share: a hub that is only the page's, and waiting.

import { HubError } from "./Browser/source/peers/hub-databases.js";

export const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** Waits until something is so; tells the value. */
export async function become(condition, wanted, longest = 10_000) {
  const end = performance.now() + longest;
  while (JSON.stringify(await condition()) !== JSON.stringify(wanted) && performance.now() < end) await pause(10);
  return condition();
}

/** A hub in memory, which notes how it is asked. */
export class MemoryHub {
  documents = new Map();
  log = [];
  waiting = new Set();
  wanted = [];
  bulks = { now: 0, most: 0, count: 0 };
  hasDate = true;
  ahead = 0;
  delay = () => {};

  knowsDate() { return this.hasDate; }

  date() { return Math.floor(Date.now() / 1000) + this.ahead; }

  async leaves(id) {
    const doc = this.documents.get(id);
    return doc ? [structuredClone(doc)] : [];
  }

  async put(doc) {
    await this.delay(doc);
    const present = this.documents.get(doc._id);
    if (present?._rev !== doc._rev) throw new HubError(409, "conflict", "");
    const rev = `${Number(present?._rev.split("-")[0] ?? 0) + 1}-${crypto.randomUUID()}`;
    this.write([{ ...structuredClone(doc), _rev: rev }]);
    return { rev };
  }

  write(docs) {
    for (const doc of docs) {
      this.documents.set(doc._id, doc);
      this.log.push({ id: doc._id });
    }
    for (const wake of this.waiting) wake();
  }

  async bulk(docs) {
    this.bulks.now += 1;
    this.bulks.count += 1;
    this.bulks.most = Math.max(this.bulks.most, this.bulks.now);
    await pause(1);
    this.bulks.now -= 1;
    for (const { _id: id, _rev: rev } of docs) {
      if (this.documents.get(id)?._rev !== rev) continue;
      this.documents.delete(id);
      this.log.push({ id, deleted: true });
    }
    for (const wake of this.waiting) wake();
    return [];
  }

  last(doc) { return this.bulk([doc]); }

  async list(prefix) {
    return [...this.documents.values()].filter(({ _id: id }) => id.startsWith(prefix)).map((doc) => ({ id: doc._id, leaves: [structuredClone(doc)] }));
  }

  async position() { return this.log.length; }

  async changes(since, wanted, signal) {
    this.wanted = wanted.ids;
    let position = since;
    while (!signal.aborted) {
      const all = this.log.slice(position).map(({ id, deleted }) => ({ id, deleted, doc: deleted ? undefined : structuredClone(this.documents.get(id)) }));
      const changes = all.filter(({ id, doc }) => wanted.recipients.includes(doc?.recipient) || wanted.ids.includes(id) || (wanted.shares && id.startsWith("share-")));
      position = this.log.length;
      if (changes.length > 0) return { changes, position };
      await new Promise((resolve) => {
        this.waiting.add(resolve);
        signal.addEventListener("abort", resolve, { once: true });
      });
    }
    throw signal.reason;
  }
}
