// The bounds of what peers and hubs may say, with their reasons. The same as in Sources/PeerTrust/TrustLimits.swift and
// Sources/PeerTunnel/Limits.

/** Identities, shares, tickets and signals. Times are in milliseconds, sizes in bytes. */
export const limits = Object.freeze({
  /** A signal, as JSON without white space and without CouchDB's own members. */
  signal: 16 * 1024,
  shareDocument: 16 * 1024,
  record: 8 * 1024,
  info: 2 * 1024,
  name: 128,
  /** The deepest nesting of JSON. */
  depth: 128,
  /** The longest reason of a refusal. */
  refusal: 128,
  /** The longest address of a hub. */
  hub: 1024,
  /** The body of an offer is padded to a multiple of this, so that its length tells little. */
  padding: 1024,

  /** Over all signals of one side. */
  candidates: 24,
  candidate: 512,
  iceCredential: 256,
  /** Signals with further candidates, each way. */
  furtherSignals: 8,

  /** How many signals a share looks at in any second: each costs a key agreement and a signature. */
  offersPerSecond: 200,
  /** Openings of a share that are under way, and those of one identity. */
  pending: 128,
  pendingPerIdentity: 2,
  /** An opening, from the offer to the first frames. */
  handshake: 30_000,
  /** How long whoever is asked about a remote may take. */
  decision: 60_000,
  /** How long a share's record promises that its sharer lives, in seconds by the hub's clock. */
  lease: 15 * 60,

  epochLife: 60 * 60 * 1000,
  epochOffers: 4096,
  predecessorLife: 10 * 60 * 1000,

  tickets: 1024,
  rememberedShares: 4096,
  /** Connections that this page takes, and those of one identity. */
  connections: 256,
  connectionsPerIdentity: 4,
});

/** One connection between two peers. */
export const tunnelLimits = Object.freeze({
  /** The longest frame with its header. Part of the protocol. */
  frame: 16 * 1024,
  message: 64 * 1024,
  head: 32 * 1024,
  headers: 64,
  path: 4 * 1024,
  reason: 256,
  proof: 64,
  shareID: 128,

  /** Streams that a peer may have open. */
  streams: 256,
  /** Requests of a peer that are worked on, with those that it has cancelled and that have not noticed yet. */
  requests: 512,
  cancelsPerSecond: 100,
  cancelsSentPerSecond: 40,
  /** Shares that a peer uses over a connection, and those it may ask for in a second. */
  shares: 64,
  openingsPerSecond: 20,
  openingsSentPerSecond: 8,

  streamCredit: 256 * 1024,
  connectionCredit: 1024 * 1024,
  longestStreamCredit: 4 * 1024 * 1024,
  longestConnectionCredit: 16 * 1024 * 1024,
  /** Bytes of a stream that are taken from their maker before they are on their way. */
  unsentStream: 64 * 1024,
  /** Messages that wait until the peer's hello is verified. */
  earlyMessages: 256,
  /** Bytes that the data channel holds unsent. */
  unsentChannel: 1024 * 1024,

  hello: 10_000,
  stall: 60_000,
  answer: 120_000,
  silence: 120_000,
  ping: 20_000,
  busyPing: 1000,
  tick: 1000,
});

/** What a peer may ask of a shared database. */
export const accessLimits = Object.freeze({
  document: 8 << 20,
  /** The JSON of one document with the names of ancestors and small attachments. */
  documentRequest: 12 << 20,
  bulk: 32 << 20,
  bulkDocuments: 10_000,
  bulkGets: 1000,
  request: 8 << 20,
  namedRevisions: 1000,
  jsonDepth: 128,
  selectorDepth: 32,
  selectorValues: 1000,
  leaves: 100,
  localDocuments: 64,
  localDocument: 64 << 10,
  /** An attachment on its own, which the browser keeps outside of the page's memory until it is stored. */
  attachment: 1 << 30,
  /** A document with attachments behind it, also when they are not compressed any more. */
  multipart: 256 << 20,
  /** Its parts. */
  parts: 10_000,
  /** How many of a document's ancestors are taken over with it: as many as databases keep. */
  ancestors: 1000,
  /** Documents that a query finds at a time. */
  found: 1000,
  /** Bytes of requests of a connection that are in memory at a time; those that find too little wait. Small ones do not count. */
  bodiesInMemory: 64 << 20,
  smallBody: 64 << 10,
  /** Live feeds of a connection, and lists and documents that are read for it at a time. */
  feeds: 32,
  lists: 16,
  documents: 32,
  /** How long a feed may be silent. */
  heartbeat: 30_000,
  shortestHeartbeat: 100,
});
