// Somebody who wants in.

/** Somebody who wants in, before there is a connection. Whoever is not prevented is let in. */
export class RemoteEvent {
  #isPrevented = false;

  /** @param {string} identity @param {any} info @param {import("../trust/tickets.js").TicketVerdict} ticket @param {import("./store.js").Standing} standing */
  constructor(identity, info, ticket, standing) {
    /** Who it is, by its fingerprint: verified. */
    this.identity = identity;
    /** What it says of itself; it never identifies. */
    this.info = info;
    /** What its ticket is worth, if it showed one that did not let it in. */
    this.ticket = ticket;
    /** Whether this page's identity has dealt with it before. */
    this.standing = standing;
  }

  /** Keeps it out. */
  preventDefault() {
    this.#isPrevented = true;
  }

  get defaultPrevented() {
    return this.#isPrevented;
  }
}
