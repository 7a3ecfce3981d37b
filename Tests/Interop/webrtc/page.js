"use strict";

// A browser as a peer that speaks the line protocol of PROTOCOL.md. The lines to it are server-sent events of
// `requests`; its own are posted to `lines`, in order.

const unsent = [];
let isPosting = false;

/** Writes one line. */
function say(message) {
  unsent.push(`${JSON.stringify(message)}\n`);
  if (!isPosting) post();
}

async function post() {
  isPosting = true;
  while (unsent.length > 0) await fetch("lines", { method: "POST", body: unsent.splice(0).join("") });
  isPosting = false;
}

let connection = null;
let isTrickling = false;
let channels = new Map();

/** What is said of a candidate; that of null is the end of candidates. */
function candidateEvent(candidate) {
  return { event: "candidate", candidate: candidate?.candidate ?? "", mid: candidate?.sdpMid ?? null,
    index: candidate?.sdpMLineIndex ?? null };
}

function channelNamed(label) {
  const channel = channels.get(label);
  if (channel === undefined) throw new Error(`there is no channel ${label}`);
  return channel;
}

/** The description that was set, with all candidates unless they trickle. */
async function localDescription() {
  const current = connection;
  if (!isTrickling && current.iceGatheringState !== "complete") {
    await new Promise((proceed) => {
      current.onicegatheringstatechange = () => { if (current.iceGatheringState === "complete") proceed(); };
    });
  }
  return { sdp: current.localDescription.sdp };
}

const verbs = {
  about: () => ({ name: navigator.userAgent, largest: 262144, can: ["pair", "trickle"] }),

  create({ trickle = false }) {
    if (connection !== null) throw new Error("there is a connection");
    const made = connection = new RTCPeerConnection();
    isTrickling = trickle;
    made.onconnectionstatechange = () => say({ event: "state", state: made.connectionState });
    made.onicecandidate = (event) => { if (trickle) say(candidateEvent(event.candidate)); };
    made.ondatachannel = (event) => channels.set(event.channel.label, new Channel(event.channel, true));
  },

  async offer() {
    await connection.setLocalDescription(await connection.createOffer());
    return localDescription();
  },

  async answer({ sdp }) {
    await connection.setRemoteDescription({ type: "offer", sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    return localDescription();
  },

  accept: ({ sdp }) => connection.setRemoteDescription({ type: "answer", sdp }),

  candidate: ({ candidate, mid, index }) =>
    connection.addIceCandidate({ candidate, sdpMid: mid, sdpMLineIndex: mid === null ? index ?? 0 : index }),

  close() {
    connection.close();
    connection = null;
    for (const channel of channels.values()) {
      channel.channel.onclose = null;
      channel.forget();
    }
    channels = new Map();
  },

  async statistics() {
    const reports = [...(await connection.getStats()).values()];
    const transport = reports.find((report) => report.type === "transport");
    const pair = reports.find((report) => report.id === transport?.selectedCandidatePairId);
    const candidate = (id) => {
      const found = reports.find((report) => report.id === id);
      return found && `${found.candidateType} ${found.address}:${found.port}`;
    };
    return { pair: pair && { local: candidate(pair.localCandidateId), remote: candidate(pair.remoteCandidateId) },
      heapBytes: performance.memory?.usedJSHeapSize };
  },

  open({ label, protocol = "", ordered = true, maxRetransmits, maxPacketLifeTime, negotiated = false, number }) {
    const options = { protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated, id: number };
    channels.set(label, new Channel(connection.createDataChannel(label, options), false));
  },

  send({ label, text, base64 }) {
    channelNamed(label).channel.send(text ?? Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  },

  exchange: ({ label, count, largest }) => channelNamed(label).exchange(count, largest),
  pump: ({ label, size, bytes = Infinity, seconds = Infinity }) => channelNamed(label).pump(size, bytes, seconds),
  received: ({ label, bytes }) => channelNamed(label).received(bytes),
  ping: ({ label, count, size }) => channelNamed(label).ping(count, size),
  closeChannel: ({ label }) => channelNamed(label).channel.close(),
};

new EventSource("requests").onmessage = async (event) => {
  const request = JSON.parse(event.data);
  try {
    if (!Object.hasOwn(verbs, request.do)) throw new Error(`there is no request ${request.do}`);
    say({ id: request.id, result: (await verbs[request.do](request)) ?? {} });
  } catch (error) {
    say({ id: request.id, error: `${error.name}: ${error.message}` });
  }
};
