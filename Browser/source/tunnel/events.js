// What a tunnel's machine tells its owner, and which failures of an exchange there are.

import { CANCEL } from "./frames.js";

/**
 * @typedef {"unreachable" | "failed" | "timeout"} FailureCode unreachable: the request was not looked at
 *
 * @typedef {{ type: "ready" }
 *   | { type: "opening", number: number, opening: import("./frames.js").ShareOpening }
 *   | { type: "opened", number: number, refusal: string | null }
 *   | { type: "withdrawn", number: number, reason: string }
 *   | { type: "left", number: number }
 *   | { type: "request", number: number, head: import("./frames.js").RequestHead }
 *   | { type: "response", number: number, head: import("./frames.js").ResponseHead }
 *   | { type: "readable", number: number }
 *   | { type: "unwanted", number: number }
 *   | { type: "failed", number: number, code: FailureCode, reason: string }
 *   | { type: "ended", reason: string }} TunnelEvent
 */

/** What it means that the peer has cancelled a stream. @param {number} number @param {number} code @param {string} reason @returns {TunnelEvent & { type: "failed" }} */
export function cancellation(number, code, reason) {
  switch (code) {
    case CANCEL.refused: return { type: "failed", number, code: "unreachable", reason: "The peer has too much to do to look at the request." };
    case CANCEL.shareClosed: return { type: "failed", number, code: "unreachable", reason: "The peer does not give this share any more." };
    case CANCEL.stalled: return { type: "failed", number, code: "timeout", reason: "The peer says that the exchange has stalled." };
    default: return { type: "failed", number, code: "failed", reason: reason || "The peer could not go on with its answer." };
  }
}
