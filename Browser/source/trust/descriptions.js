// What one side says of its connection, checked field by field. Session descriptions are built from these fields only: no
// SDP of a peer is ever read.

import { base64url, fromBase64url, isObject } from "../basics/encoding.js";
import { limits } from "../basics/limits.js";
import { Rejection } from "./shares.js";

/**
 * @typedef {object} Description
 * @property {string} ufrag
 * @property {string} pwd
 * @property {import("../basics/encoding.js").Bytes} fingerprint SHA-256 of the certificate
 * @property {string[]} candidates
 */

const ICE = /^[A-Za-z0-9+/]+$/;

/** @param {unknown} value @param {number} least */
const isCredential = (value, least) =>
  typeof value === "string" && value.length >= least && value.length <= limits.iceCredential && ICE.test(value);

/**
 * The members of a description in a signal.
 * @param {Description} description
 */
export const descriptionMembers = ({ ufrag, pwd, fingerprint, candidates }) =>
  ({ ice: { ufrag, pwd }, fp: base64url(fingerprint), cands: candidates });

/** @param {Record<string, any>} json @returns {Description} @throws {Rejection} body */
export function readDescription(json) {
  if (!isObject(json.ice) || !isCredential(json.ice.ufrag, 4)) throw new Rejection("body", "ufrag");
  if (!isCredential(json.ice.pwd, 22)) throw new Rejection("body", "pwd");
  const fingerprint = fromBase64url(json.fp);
  if (fingerprint?.length !== 32) throw new Rejection("body", "fp");
  return { ufrag: json.ice.ufrag, pwd: json.ice.pwd, fingerprint, candidates: readCandidates(json) };
}

/** @param {Record<string, any>} json @returns {string[]} @throws {Rejection} body */
export function readCandidates(json) {
  const { cands } = json;
  if (!Array.isArray(cands) || cands.length > limits.candidates || !cands.every(isCandidate)) throw new Rejection("body", "cands");
  return cands;
}

/** @param {string} value @param {number} most */
const isNumber = (value, most) => /^\d{1,10}$/.test(value) && Number(value) <= most;

/**
 * Whether a text is a candidate (RFC 8839, section 5.1), without anything that a session description could take for
 * something of its own.
 * @param {unknown} candidate
 */
export function isCandidate(candidate) {
  if (typeof candidate !== "string" || candidate.length > limits.candidate || !/^[\x20-\x7e]*$/.test(candidate)) return false;
  const words = candidate.split(" ");
  if (words.length < 8 || words.length % 2 !== 0 || words.includes("")) return false;
  const [foundation, component, transport, priority, address, port, typ, kind] = words;
  return /^candidate:[A-Za-z0-9+/]{1,32}$/.test(foundation)
    && isNumber(component, 256) && Number(component) >= 1
    && /^(udp|tcp)$/i.test(transport)
    && isNumber(priority, 2 ** 31 - 1) && Number(priority) >= 1
    && isAddress(address)
    && isNumber(port, 65535) && Number(port) >= 1
    && typ === "typ" && ["host", "srflx", "prflx", "relay"].includes(kind)
    && words.slice(8).every((word, index, rest) => {
      const name = rest[index - 1];
      if (index % 2 === 0) return true;
      return name === "raddr" ? isAddress(word) : name === "rport" ? isNumber(word, 65535) : true;
    });
}

/** @param {string} value an IPv4 or IPv6 address, or a name of multicast DNS */
const isAddress = (value) => (value.includes(":") ? isVersion6(value) : isVersion4(value)) || isLocalName(value);

/** @param {string} value */
const isVersion4 = (value) => {
  const numbers = value.split(".");
  return numbers.length === 4 && numbers.every((number) => /^(0|[1-9]\d{0,2})$/.test(number) && Number(number) <= 255);
};

/** @param {string} value */
function isVersion6(value) {
  if (value.length > 45) return false;
  const gap = value.indexOf("::");
  if (gap < 0) return groups(value, true) === 8;
  const [before, after] = [value.slice(0, gap), value.slice(gap + 2)];
  const first = before === "" ? 0 : groups(before, false);
  const last = after === "" ? 0 : groups(after, true);
  return first !== null && last !== null && first + last <= 7;
}

/** How many groups of 16 bits there are. @param {string} value @param {boolean} mayEndInVersion4 */
function groups(value, mayEndInVersion4) {
  const parts = value.split(":");
  let count = 0;
  for (const [index, part] of parts.entries()) {
    if (mayEndInVersion4 && index === parts.length - 1 && part.includes(".")) {
      if (!isVersion4(part)) return null;
      count += 2;
    } else {
      if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return null;
      count += 1;
    }
  }
  return count;
}

/** @param {string} value */
const isLocalName = (value) => value.length <= 255 && /^([A-Za-z0-9-]{1,63}\.)+local$/.test(value);

// MARK: Session descriptions

/**
 * The session description that the other side would have sent.
 * @param {"offer" | "answer"} type
 * @param {Description} description
 * @param {string} mid of the one section
 * @returns {RTCSessionDescriptionInit}
 */
export function sessionDescription(type, description, mid = "0") {
  const digits = Array.from(description.fingerprint, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
  const lines = [
    "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", `a=group:BUNDLE ${mid}`,
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", `a=mid:${mid}`,
    `a=ice-ufrag:${description.ufrag}`, `a=ice-pwd:${description.pwd}`, "a=ice-options:trickle",
    `a=fingerprint:sha-256 ${digits}`, `a=setup:${type === "offer" ? "actpass" : "active"}`,
    "a=sctp-port:5000", "a=max-message-size:262144", ...description.candidates.map((candidate) => `a=${candidate}`),
  ];
  return { type, sdp: lines.map((line) => `${line}\r\n`).join("") };
}

/**
 * What the browser says of its own side.
 * @param {string} sdp of its own local description
 * @returns {{ ufrag: string, pwd: string, fingerprint: import("../basics/encoding.js").Bytes, mid: string }}
 */
export function ownDescription(sdp) {
  /** @param {RegExp} pattern */
  const find = (pattern) => {
    const match = pattern.exec(sdp);
    if (!match) throw new Error("The browser does not describe its connection.");
    return match[1].trim();
  };
  const digits = find(/^a=fingerprint:sha-256 ([0-9A-F:]+)/im);
  return {
    ufrag: find(/^a=ice-ufrag:(.*)$/m), pwd: find(/^a=ice-pwd:(.*)$/m), mid: find(/^a=mid:(.*)$/m),
    fingerprint: Uint8Array.from(digits.split(":"), (byte) => parseInt(byte, 16)),
  };
}
