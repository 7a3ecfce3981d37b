public import PeerTrust

/// How a database that was opened from a peer is reached.
public enum PeerConnectionState: Sendable, Hashable {
  /// The share is looked up, and its owner asked, by way of the hub.
  case signalling
  /// The owner may have to be asked, for up to a minute: this is what its record says. The fingerprints of both sides are
  /// to be compared.
  case asking(SharedDatabase)
  /// The owner has let this peer in; a path to it is looked for.
  case connecting
  /// Requests go to the owner, by this path; the time there and back is `nil` before it was measured.
  case connected(PeerPath?, roundTrip: Duration?)
  /// There is no connection, for this reason; it is made again.
  case reconnecting(String)
  /// The owner does not let this peer in. It is not tried again.
  case refused(Refusal)
  /// The database was closed.
  case closed

  public var isConnected: Bool {
    if case .connected = self { true } else { false }
  }
}

/// What became of the connection to a peer: the present state, and each that follows. Ends after `closed`.
///
/// A follower that does not keep up loses the oldest of 64 states that wait for it.
public struct PeerConnectionStates: AsyncSequence, Sendable {
  public typealias Element = PeerConnectionState

  let broadcast: Broadcast<PeerConnectionState>

  /// The state now.
  public var present: PeerConnectionState { broadcast.present ?? .closed }

  public func makeAsyncIterator() -> AsyncStream<PeerConnectionState>.Iterator {
    broadcast.values.makeAsyncIterator()
  }
}
