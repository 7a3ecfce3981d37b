// One side of a WebRTC connection: the browser's part of an opening.

import { isCandidate, ownDescription, sessionDescription } from "../trust/descriptions.js";
import { limits, tunnelLimits } from "../basics/limits.js";

/** How long candidates are gathered before the first description goes out, and later ones collected, in milliseconds. */
const GATHERING = 200;
const COALESCING = 300;
/** How long a connection stays open for the last bytes of its channel. */
const FAREWELL = 1000;
/** How long a path may be without a sign of life, after the browser has noticed that. */
const PATIENCE = 10_000;
/** How many bytes may come before the tunnel is there to take them. */
const EARLY = 2 * tunnelLimits.connectionCredit;

export class Link {
  /** @type {string[]} candidates that the other side was not told yet */
  #untold = [];
  #told = 0;
  #isGathered = false;
  /** @type {(() => void) | null} */
  #wake = null;
  #isClosed = false;
  /** @type {ArrayBuffer[]} */
  #early = [];
  #earlyBytes = 0;

  /** @param {RTCIceServer[]} iceServers */
  constructor(iceServers) {
    // Without a certificate given, the browser makes a fresh one for each connection.
    this.connection = new RTCPeerConnection({ iceServers });
    this.channel = this.connection.createDataChannel("peerpouch", { negotiated: true, id: 0, ordered: true });
    this.mid = "0";
    // What comes before the tunnel is there would be lost.
    this.channel.binaryType = "arraybuffer";
    this.channel.onmessage = ({ data }) => {
      this.#earlyBytes += data.byteLength ?? Infinity;
      if (this.#earlyBytes <= EARLY && this.#early.length < tunnelLimits.earlyMessages) this.#early.push(data);
      else this.close();
    };
    /** When the channel can be used. @type {Promise<RTCDataChannel>} */
    this.open = new Promise((resolve, reject) => {
      this.channel.addEventListener("open", () => resolve(this.channel), { once: true });
      this.channel.addEventListener("close", () => reject(new Error("The connection was closed.")), { once: true });
      this.connection.addEventListener("connectionstatechange", () => {
        if (this.connection.connectionState === "failed") reject(new Error("No path to the peer was found."));
      });
    });
    /**
     * When the other side is gone without a word: a channel does not notice. @type {Promise<void>}
     */
    this.lost = new Promise((resolve) => {
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let timer;
      this.connection.addEventListener("connectionstatechange", () => {
        const { connectionState: state } = this.connection;
        clearTimeout(timer);
        if (state === "failed" || state === "closed") resolve();
        // It may come back by itself.
        else if (state === "disconnected") timer = setTimeout(resolve, PATIENCE);
      });
    });
    // Nobody may be waiting for it when it fails.
    this.open.catch(() => {});
    this.connection.addEventListener("icecandidate", ({ candidate }) => {
      if (!candidate) this.#isGathered = true;
      // Others, such as marks of the end, are nothing to a peer.
      else if (isCandidate(candidate.candidate)) this.#untold.push(candidate.candidate);
      this.#wake?.();
    });
  }

  /**
   * Describes this side. For the sharer the other side's description is to be given.
   * @param {import("../trust/descriptions.js").Description | null} remote
   * @returns {Promise<import("../trust/descriptions.js").Description>}
   */
  async describe(remote = null) {
    const { connection } = this;
    if (remote) await connection.setRemoteDescription(sessionDescription("offer", remote));
    await connection.setLocalDescription(remote ? await connection.createAnswer() : await connection.createOffer());
    await this.#gathered(GATHERING);
    const { mid, ...description } = ownDescription(connection.localDescription?.sdp ?? "");
    this.mid = mid;
    return { ...description, candidates: this.#take(limits.candidates) };
  }

  /** Waits until all candidates are there, or the time is over. @param {number} time */
  async #gathered(time) {
    const end = performance.now() + time;
    while (!this.#isGathered && performance.now() < end) await this.#change(end - performance.now());
  }

  /** @param {number} time @returns {Promise<void>} */
  #change(time) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** @param {number} count */
  #take(count) {
    const taken = this.#untold.splice(0, Math.min(count, limits.candidates - this.#told));
    this.#told += taken.length;
    return taken;
  }

  /**
   * Candidates that were found after the description; waits for some.
   * @param {number} count at most so many
   * @returns {Promise<string[] | null>} `null` when there are no more
   */
  async furtherCandidates(count) {
    while (!this.#isClosed && this.channel.readyState === "connecting") {
      if (this.#untold.length > 0) {
        await this.#gathered(COALESCING);
        const found = this.#take(count);
        return found.length > 0 ? found : null;
      }
      if (this.#isGathered) return null;
      await this.#change(limits.handshake);
    }
    return null;
  }

  /** What came of the channel until now; whoever takes it takes what follows from the channel. */
  takeEarly() {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  /** For the opener: where the sharer is. @param {import("../trust/descriptions.js").Description} remote */
  async connect(remote) {
    await this.connection.setRemoteDescription(sessionDescription("answer", remote, this.mid));
  }

  /** Candidates of the other side that came later. @param {string[]} candidates */
  async add(candidates) {
    for (const candidate of candidates) {
      try {
        await this.connection.addIceCandidate({ candidate, sdpMid: this.mid, sdpMLineIndex: 0 });
      } catch {
        // A connection that has ended needs no more, and one that cannot be used does no harm.
      }
    }
  }

  /** Whether a relay is between the peers; `null` if it is not known. @returns {Promise<boolean | null>} */
  async isRelayed() {
    const stats = await this.connection.getStats().catch(() => new Map());
    for (const report of stats.values()) {
      if (report.type !== "transport" || !report.selectedCandidatePairId) continue;
      const pair = stats.get(report.selectedCandidatePairId);
      const ends = [stats.get(pair?.localCandidateId), stats.get(pair?.remoteCandidateId)];
      return ends.some((end) => end?.candidateType === "relay");
    }
    return null;
  }

  /** Ends the connection, after a while for the last bytes if it was open. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake?.();
    if (this.channel.readyState === "connecting") this.connection.close();
    else setTimeout(() => this.connection.close(), FAREWELL);
  }
}
