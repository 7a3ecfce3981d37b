public import CouchAPI

/// Answers the requests of a peer to a share.
public typealias ShareHandler = @Sendable (Request) async -> Response

/// What a peer who wants to use a share is told.
public enum ShareDecision: Sendable {
  /// It may; this answers its requests.
  case accepted(ShareHandler)
  /// It may not, and is told why: a sentence of at most ``TunnelLimits/reason`` bytes that says nothing of what there
  /// is.
  case refused(String)
}

/// What each side proves in its hello (TRUST.md, step 10): that it holds the keys of the signals.
public struct HelloProof: Sendable {
  /// The proof of this side, at most ``TunnelLimits/proof`` bytes.
  public let own: [UInt8]
  /// Whether the proof of the peer is right. It must compare in constant time.
  public let verify: @Sendable ([UInt8]) -> Bool

  /// - Precondition: `own` has at most ``TunnelLimits/proof`` bytes.
  public init(own: [UInt8], verify: @escaping @Sendable ([UInt8]) -> Bool) {
    precondition(own.count <= TunnelLimits.proof, "The proof is too long.")
    self.own = own
    self.verify = verify
  }
}

/// Which side of the signalling this is.
public enum TunnelSide: Sendable {
  /// Has made the offer; uses the share that the connection was made for.
  case opener
  /// Has answered it; gives that share.
  case sharer(share: String, ShareHandler)

  var role: TunnelMachine.Role {
    switch self {
    case .opener: .opener
    case .sharer: .sharer
    }
  }
}

/// What is known of a session at a moment.
public struct TunnelStatistics: Sendable, Hashable {
  /// Bytes of messages, with all that is around the bodies.
  public var sent: Int64 = 0
  public var received: Int64 = 0
  /// Bytes that wait in the channel.
  public var unsent = 0
  /// How many requests are under way: of this side, and of the peer.
  public var ownRequests = 0
  public var peerRequests = 0
  /// The round-trip time, by pings; `nil` before the first.
  public var roundTrip: Duration?
}
