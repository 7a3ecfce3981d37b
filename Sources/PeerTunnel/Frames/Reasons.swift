import PouchCore

/// Why a stream ends before its time, as ``FrameKind/cancel`` says it.
public enum CancelReason: UInt16, Sendable, Hashable, CaseIterable {
  /// The rest is not wanted.
  case notWanted = 0
  /// What makes the body has failed.
  case failed = 1
  /// Nothing moved for too long.
  case stalled = 2
  /// The request was not looked at, and may be sent again whatever it does.
  case refused = 3
  /// The share is not given any more, and the request was not looked at.
  case shareClosed = 4

  /// Codes that are not known are taken for failures.
  init(code: UInt16) { self = CancelReason(rawValue: code) ?? .failed }

  /// What the one who waits for the stream is told.
  func error(_ reason: String) -> PouchError {
    switch self {
    case .notWanted, .failed:
      PouchError(.badResponse, reason.isEmpty ? "The peer could not go on with its answer." : reason)
    case .stalled: PouchError(.timeout, "The peer says that the exchange has stalled.")
    case .refused: PouchError(.unreachable, "The peer has too much to do to look at the request.")
    case .shareClosed: PouchError(.unreachable, "The peer does not give this share any more.")
    }
  }
}

/// Why a session ends, as ``FrameKind/goodbye`` says it.
public enum GoodbyeReason: UInt16, Sendable, Hashable, CaseIterable {
  /// Nobody needs the connection any more.
  case done = 0
  /// The other side has broken the protocol.
  case violation = 1
  /// Nothing came for too long.
  case silence = 2
  /// The other side has not proved who it is.
  case wrongProof = 3
  /// No common version.
  case unsupportedVersion = 4
  /// What was shared is not shared any more, or not with this peer.
  case notShared = 5
  /// All numbers of streams are used up; a new connection goes on.
  case numbersUsedUp = 6

  /// Codes that are not known say nothing.
  init(code: UInt16) { self = GoodbyeReason(rawValue: code) ?? .done }

  init(_ violation: ProtocolViolation) {
    switch violation {
    case .wrongProof: self = .wrongProof
    case .unsupportedVersion: self = .unsupportedVersion
    default: self = .violation
    }
  }
}

/// How a session has ended.
public enum SessionEnd: Sendable, Hashable {
  /// This side has ended it.
  case local(GoodbyeReason)
  /// The other side has said goodbye.
  case remote(GoodbyeReason, String)
  /// The other side has broken the protocol.
  case violation(ProtocolViolation)
  /// Nothing came for longer than ``TunnelLimits/silence``, or no hello within ``TunnelLimits/hello``.
  case silence
  /// The channel ended without a goodbye.
  case channelLost

  /// A sentence for people.
  public var reason: String {
    switch self {
    case .local: "The connection to the peer was closed."
    case .remote(let reason, let text): text.isEmpty ? "The peer has closed the connection (\(reason))." : text
    case .violation(let violation): "The peer does not keep to the protocol (\(violation))."
    case .silence: "The peer has not been heard of for too long."
    case .channelLost: "The connection to the peer was lost."
    }
  }
}
