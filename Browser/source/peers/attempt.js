// One attempt to open a share: from the offer in the hub to the hello over the data channel.

import { base64url, equal } from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { OutgoingOffer, readSignal, signalKind } from "../trust/signals.js";
import { Rejection } from "../trust/shares.js";
import { ticketKeys } from "../trust/tickets.js";
import { TunnelError } from "../tunnel/exchanges.js";
import { exchangeCandidates } from "./candidates.js";
import { Link } from "./link.js";
import { Absent, Refused } from "./refusals.js";
import { SignalPost } from "./signal-post.js";
import { within } from "./waiting.js";

/** The owner has a new key since the offer was made: it has started again. */
export class NewEpoch extends Error {}

/**
 * One attempt, from the offer to the hello.
 * @param {import("./peer.js").Peer} peer
 * @param {import("./hub.js").Hub} hub
 * @param {import("../trust/shares.js").ShareRecord} record
 * @param {{ ticket: import("../trust/tickets.js").Ticket | null, info: any, signal: AbortSignal, connecting: () => void }} options
 * @returns {Promise<import("./connection.js").Connection>}
 */
export async function attemptOpening(peer, hub, record, { ticket, info, signal, connecting }) {
  const link = new Link(peer.iceServers);
  const post = new SignalPost(hub);
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  /** @type {(() => void)[]} */
  const subscriptions = [];
  try {
    const description = await link.describe();
    const offer = await OutgoingOffer.make({
      record, identity: peer.identity, description, info, ticket: ticket && (await ticketKeys(ticket)),
    });
    /** @type {(answer: Awaited<ReturnType<OutgoingOffer["open"]>>) => void} */
    let answered = () => {};
    /** @type {(error: Error) => void} */
    let failed = () => {};
    const answer = new Promise((resolve, reject) => {
      answered = resolve;
      failed = reject;
    });
    answer.catch(() => {});
    ending.signal.addEventListener("abort", () => failed(new TunnelError("aborted", "The opening was given up.")), { once: true });
    /** Those that come before the answer wait. @type {import("../trust/signals.js").Signal[]} */
    let early = [];
    /** @type {((further: import("../trust/signals.js").Signal) => void) | null} */
    let take = null;
    // One after the other: each costs a key agreement, and anybody can write what looks like an answer.
    let line = Promise.resolve();
    subscriptions.push(await hub.subscribe({
      recipient: base64url(offer.sid),
      take: ({ doc }) => {
        if (!doc) return;
        hub.delete([doc]);
        line = line.then(async () => {
          if (ending.signal.aborted) return;
          const read = readSignal(doc);
          const kind = signalKind(read);
          if (kind === "answer") answered(await offer.open(read));
          else if (kind === "more" && take) take(read);
          else if (kind === "more" && early.length < 4 * limits.furtherSignals) early.push(read);
        }).catch((error) => {
          // What is not valid is ignored; the wait goes on.
          if (!(error instanceof Rejection)) failed(/** @type {Error} */ (error));
        });
      },
    }));
    const watch = async () => {
      const present = await peer.record(hub, record.id);
      // A share that was taken back meanwhile does not answer.
      if (!present) failed(new Absent());
      else if (!equal(present.epoch, record.epoch)) failed(new NewEpoch());
    };
    subscriptions.push(await hub.subscribe({ id: record.id, take: () => { watch().catch(() => {}); } }));
    // It may have changed since it was read.
    await watch();
    await post.write(offer.document, ending.signal);

    const patience = record.gate.includes("ask") ? limits.decision + limits.handshake : limits.handshake;
    const said = /** @type {Awaited<ReturnType<OutgoingOffer["open"]>>} */ (
      await within(answer, patience, "The sharer does not answer."));
    if ("refusal" in said) throw new Refused(said.refusal);
    connecting();
    await link.connect(said.description);
    const exchange = exchangeCandidates(link, said.session, post, ending.signal);
    take = exchange.take;
    for (const further of early) take(further);
    early = [];
    const aborted = new Promise((_, reject) => ending.signal.addEventListener("abort", () => reject(new TunnelError("aborted", "The opening was given up.")), { once: true }));
    aborted.catch(() => {});
    const channel = /** @type {RTCDataChannel} */ (
      await within(Promise.race([exchange.channel, aborted]), limits.handshake, "No path to the peer was found in time."));
    return await peer.connect(channel, link, said.session, {}, null);
  } catch (error) {
    link.close();
    throw error;
  } finally {
    for (const unsubscribe of subscriptions) unsubscribe();
    signal.removeEventListener("abort", end);
    ending.abort();
    post.clear();
  }
}
