// What of a share outlives the page: its record's number, and its tickets.

import { limits } from "../basics/limits.js";
import { readTicket } from "../trust/tickets.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {{ id: string, hub: { name: string }, book: import("../trust/tickets.js").TicketBook }} Remembered */

const KEPT = "share ";
/** @param {Remembered} share */
const keyOf = ({ id, hub }) => `${KEPT}${id} ${hub.name}`;

/** @param {Store} store @param {Remembered} share @param {number} number */
export async function keepShare(store, share, number) {
  await store.update(keyOf(share), (kept) => {
    const present = ticketsOf(kept);
    const own = [...share.book.entries.values()].map(({ text, claimant, expiry }) => {
      const before = present.find((ticket) => ticket.text === text);
      const left = expiry - performance.now();
      // Another page may have given the ticket to somebody.
      return { text, claimant: claimant ?? before?.claimant ?? null, ...(expiry === Infinity ? {} : { left, until: Date.now() + left }) };
    });
    // Those that another page has made.
    const others = present.filter(({ text }) => !share.book.isKnown(text));
    return { n: Math.max(kept?.n ?? 0, number), tickets: [...others, ...own].slice(-limits.tickets) };
  });
}

/** The tickets in what was kept: what is damaged is none. @param {any} kept @returns {any[]} */
const ticketsOf = (kept) => (Array.isArray(kept?.tickets) ? kept.tickets.filter((/** @type {any} */ each) => typeof each?.text === "string") : []);

/** Puts the tickets that were kept into the share's book. @param {Store} store @param {Remembered} share @returns {Promise<number>} the record's number */
export async function restoreShare(store, share) {
  const kept = await store.get(keyOf(share));
  for (const { text, claimant, left, until } of ticketsOf(kept)) {
    // The shorter of the two counts: a clock that was set back gives nobody more than was left.
    const time = left === undefined ? Infinity : Math.min(left, until - Date.now());
    // One that cannot be read must not prevent the sharing.
    if (time > 0) await readTicket(text).then((ticket) => share.book.add(ticket, performance.now() + time, performance.now(), claimant)).catch(() => {});
  }
  return Number.isSafeInteger(kept?.n) ? kept.n : 0;
}

/** Revokes what an identity claimed of shares, also of those that do not run. @param {Store} store @param {string} identity its fingerprint */
export async function forgetClaims(store, identity) {
  for (const key of await store.keys(KEPT)) {
    await store.update(key, (kept) => ({ ...kept, tickets: ticketsOf(kept).filter(({ claimant }) => claimant !== identity) }));
  }
}
