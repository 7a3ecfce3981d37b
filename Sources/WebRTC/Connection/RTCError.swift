/// Why something that was asked of a connection or a channel could not be done, or why it ended.
public enum RTCError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The call does not fit the state that the connection or the channel is in.
  case invalidState(String)
  /// A description, a candidate or a setting cannot be used.
  case invalid(String)
  /// The message is larger than the peer takes; the value is the peer's limit in bytes.
  case messageTooLarge(limit: Int)
  /// No path to the peer was found.
  case noPath
  /// The handshake, or the end of a channel, did not come about in the time it is given.
  case timedOut
  /// The peer's certificate is not the one that its description announced.
  case wrongCertificate
  /// The encrypted channel failed.
  case encryption(String)
  /// Nothing was heard of the peer for longer than ``PeerConnection/Configuration/peerTimeout``.
  case peerVanished
  /// The peer ended the connection.
  case closedByPeer
  /// The peer broke the protocol.
  case violation(String)
  /// The connection or the channel was closed on this side.
  case closed
  /// The task was cancelled.
  case cancelled
  /// The system has no more of something: sockets, memory, streams.
  case exhausted(String)

  public var description: String {
    switch self {
    case .invalidState(let what), .invalid(let what): what
    case .messageTooLarge(let limit): "The message is larger than the \(limit) bytes that the peer takes."
    case .noPath: "No path to the peer was found."
    case .timedOut: "It did not come about in time."
    case .wrongCertificate: "The peer's certificate is not the one that its description announced."
    case .encryption(let what): "The encrypted channel failed: \(what)"
    case .peerVanished: "Nothing was heard of the peer for too long."
    case .closedByPeer: "The peer ended the connection."
    case .violation(let what): "The peer broke the protocol: \(what)"
    case .closed: "It was closed."
    case .cancelled: "The task was cancelled."
    case .exhausted(let what): what
    }
  }
}
