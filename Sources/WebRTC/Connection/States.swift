extension PeerConnection {
  /// How far a connection is: `RTCPeerConnectionState` with the reason of a failure.
  public enum ConnectionState: Hashable, Sendable {
    /// The descriptions are not exchanged yet.
    case new
    /// A path is looked for, or the handshakes are made.
    case connecting
    /// Channels can be used.
    case connected
    /// Nothing was heard of the peer for a while. It may come back.
    case disconnected
    /// It cannot be made, or was lost.
    case failed(RTCError)
    /// It was closed on this side.
    case closed
  }

  /// How far the search for this side's candidates is.
  public enum GatheringState: Hashable, Sendable {
    case new
    case gathering
    case complete
  }

  /// Which description is awaited (RFC 8829, section 3.2).
  public enum SignalingState: Hashable, Sendable {
    case stable
    case haveLocalOffer
    case haveRemoteOffer
    case closed
  }
}

/// What a connection has carried so far.
public struct ConnectionStatistics: Hashable, Sendable {
  /// SCTP's packets: neither STUN nor the handshake is counted.
  public var packetsSent = 0
  public var packetsReceived = 0
  /// The bytes in them, with SCTP's headers.
  public var bytesSent = 0
  public var bytesReceived = 0
  /// Parts of messages that were sent again.
  public var retransmissions = 0
  /// The smoothed round-trip time at a resolution of 1 ms; `nil` before the first.
  public var roundTripTime: Duration?
  /// How many bytes may be on their way to the peer, by congestion control.
  public var congestionWindow: Int?
}
