// A connection to another peer, over which either side uses what the other shares.

import { Quota } from "../access/quota.js";
import { GOODBYE } from "../tunnel/frames.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** A connection between this page and another peer, over which either uses what the other shares. */
export class Connection {
  /** Databases of the remote that are open over it, and shares of this page that the remote uses. */
  #own = 0;
  /** @type {Set<string>} */
  #served = new Set();

  /**
   * @param {object} parts
   * @param {Bytes} parts.remote
   * @param {string} parts.fingerprint of the remote; verified
   * @param {any} parts.info what the remote says of itself
   * @param {import("./link.js").Link} parts.link
   * @param {import("../trust/signals.js").Session} parts.session
   * @param {import("../tunnel/tunnel.js").Tunnel} parts.tunnel
   */
  constructor({ remote, fingerprint: id, info, link, session, tunnel }) {
    this.remote = remote;
    this.fingerprint = id;
    this.info = info;
    this.link = link;
    this.session = session;
    this.tunnel = tunnel;
    this.since = Date.now();
    /** What the quotas of a connection count. */
    this.quota = new Quota();
    tunnel.ended.then(() => link.close());
    link.lost.then(() => tunnel.abandon());
  }

  get hasEnded() {
    return this.tunnel.endReason !== null;
  }

  use() {
    this.#own += 1;
  }

  /** @param {number} share the number that it is used under */
  giveUp(share) {
    this.tunnel.leaveShare(share);
    this.#own -= 1;
    this.#leaveIfIdle(GOODBYE.done);
  }

  /** @param {string} share */
  serves(share) {
    this.#served.add(share);
  }

  /** The remote does not use a share any more. @param {string} share */
  left(share) {
    this.#served.delete(share);
    this.#leaveIfIdle(GOODBYE.done);
  }

  /** Ends the remote's use of a share; the connection too, if nothing else goes over it. @param {string} share */
  withdraw(share) {
    this.tunnel.withdraw(share);
    this.#served.delete(share);
    this.#leaveIfIdle(GOODBYE.notShared);
  }

  /** @param {number} reason */
  #leaveIfIdle(reason) {
    if (this.#own === 0 && this.#served.size === 0) this.tunnel.leave(reason);
  }
}
