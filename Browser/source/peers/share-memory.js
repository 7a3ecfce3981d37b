// What of a share outlives the page: its record's number, and its tickets.

import { readTicket, ticketText } from "../trust/tickets.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("../trust/tickets.js").TicketBook} TicketBook */

/** @param {Store} store @param {string} id @param {number} number @param {TicketBook} book */
export async function keepShare(store, id, number, book) {
  const tickets = await Promise.all([...book.entries.values()].map(async ({ ticket, expiry, claimant }) => ({
    text: await ticketText(ticket), claimant,
    ...(expiry === Infinity ? {} : { left: expiry - performance.now(), until: Date.now() + expiry - performance.now() }),
  })));
  await store.update(`share ${id}`, (kept) => ({ n: Math.max(kept?.n ?? 0, number), tickets }));
}

/** Puts the tickets that were kept into a book. @param {Store} store @param {string} id @param {TicketBook} book @returns {Promise<number>} the record's number */
export async function restoreShare(store, id, book) {
  const kept = await store.get(`share ${id}`);
  for (const { text, claimant, left, until } of kept?.tickets ?? []) {
    // The shorter of the two counts: a clock that was set back gives nobody more than was left.
    const time = left === undefined ? Infinity : Math.min(left, until - Date.now());
    if (time > 0) await book.add(await readTicket(text), performance.now() + time, performance.now(), claimant);
  }
  return Number.isSafeInteger(kept?.n) ? kept.n : 0;
}
