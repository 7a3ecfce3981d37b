/// The outgoing streams that are to be reset, one after the other: SCTP allows one request at a time (RFC 6525, section 5.1.1).
struct StreamResets {
  private var waiting: [UInt16] = []
  private var current: UInt16?

  /// The stream to ask for now.
  var next: UInt16? { current == nil ? waiting.first : nil }

  mutating func add(_ stream: UInt16) {
    if stream != current, !waiting.contains(stream) { waiting.append(stream) }
  }

  mutating func begun(_ stream: UInt16) {
    waiting.removeAll { $0 == stream }
    current = stream
  }

  /// - Returns: whether the stream was asked for.
  mutating func confirmed(_ stream: UInt16) -> Bool {
    guard stream == current else { return false }
    current = nil
    return true
  }

  /// The peer refused: the same stream is asked for again.
  mutating func failed() {
    if let current { waiting.insert(current, at: 0) }
    current = nil
  }
}
