// What of a share outlives the page: its record's number, and its tickets.

import { readTicket } from "../trust/tickets.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {{ id: string, hub: { name: string }, book: import("../trust/tickets.js").TicketBook }} Remembered */

const KEPT = "share ";
/** @param {Remembered} share */
const keyOf = ({ id, hub }) => `${KEPT}${id} ${hub.name}`;

/** @param {Store} store @param {Remembered} share @param {number} number */
export async function keepShare(store, share, number) {
  await store.update(keyOf(share), (kept) => ({
    n: Math.max(kept?.n ?? 0, number),
    tickets: [...share.book.entries.values()].map(({ text, claimant, expiry }) => ({
      text, claimant,
      ...(expiry === Infinity ? {} : { left: expiry - performance.now(), until: Date.now() + expiry - performance.now() }),
    })),
  }));
}

/** Puts the tickets that were kept into the share's book. @param {Store} store @param {Remembered} share @returns {Promise<number>} the record's number */
export async function restoreShare(store, share) {
  const kept = await store.get(keyOf(share));
  for (const { text, claimant, left, until } of kept?.tickets ?? []) {
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
    await store.update(key, (kept) => ({ ...kept, tickets: (kept?.tickets ?? []).filter((/** @type {any} */ { claimant }) => claimant !== identity) }));
  }
}
