/// What remotes may do with a share.
public enum ShareAccess: String, Sendable, Hashable, CaseIterable {
  /// Read everything, write nothing.
  case readOnly = "read-only"
  /// Read and write.
  case readWrite = "read-write"
  /// Create documents, read nothing: for receiving files.
  case inbox

  /// What a share gives unless told otherwise: everything behind a gate, and reading to anyone.
  public static func usual(behind ways: Set<GateWay>) -> ShareAccess {
    ways.contains(.anyone) ? .readOnly : .readWrite
  }
}

/// A way through the gate of a share. It is published so that openers know what they need; it is the sharer who decides.
public enum GateWay: String, Sendable, Hashable, CaseIterable {
  /// To be on the sharer's list of identities.
  case allow
  /// To hold a ticket.
  case ticket
  /// To be let in by whom the sharer asks.
  case ask
  /// None is needed. This includes the hub's operator.
  case anyone
}
