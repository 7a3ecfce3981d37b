/// The settings of SCTP that are not a connection's. Times in milliseconds, sizes in bytes.
enum SctpTuning {
  /// How often usrsctp's timers are looked after.
  static let tick: Duration = .milliseconds(10)

  /// Streams of an association, each way: what a peer with 1,024 channels needs (Chromium's own limit).
  static let streams: UInt16 = 1024

  /// Retransmission time-outs (RFC 9260, section 6.3.1). Not below the time that a peer may wait before it acknowledges, and
  /// with a maximum that lets a path that comes back be noticed soon.
  static let (rtoInitial, rtoMin, rtoMax): (UInt32, UInt32, UInt32) = (500, 400, 2000)

  /// How long an acknowledgement may be held back. Two packets are acknowledged at once.
  static let delayedAcknowledgement: UInt32 = 20

  /// A dead peer is noticed by ``PeerConnection/Configuration/peerTimeout``, never by counting what was sent again: these are
  /// out of its way.
  static let maxRetransmissions: UInt16 = 1000
  static let maxInitRetransmissions: UInt32 = 100

  /// The first congestion window, in packets (RFC 6928).
  static let initialWindow: UInt32 = 10

  /// How much more than the congestion window the send buffer holds, so that an acknowledgement always finds something to
  /// send. What lies there cannot be overtaken by a message of another channel.
  static let unsent = 256 * 1024

  /// By how many milliseconds a round trip may be longer than twice the shortest one before the send buffer stops to grow.
  static let queueingDelay = 10

  /// Up to here the send buffer grows as fast as the congestion window; beyond, by a twentieth each interval.
  static let quickGrowth = 2 * 1024 * 1024
  static let growthInterval: Duration = .milliseconds(10)

  /// The common header of a packet, and the header of its first chunk.
  static let (headerBytes, chunkHeaderBytes) = (12, 16)
}
