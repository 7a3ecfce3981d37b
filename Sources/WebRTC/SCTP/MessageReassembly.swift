/// Puts messages together that SCTP delivers in parts.
struct MessageReassembly {
  /// The largest message, in bytes.
  let limit: Int
  private var parts: [UInt16: [UInt8]] = [:]

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes the next part of a stream's message.
  /// - Parameter body: called with the message when it is whole.
  /// - Throws: ``RTCError/violation(_:)`` if it becomes larger than the peer was told.
  mutating func take(
    _ bytes: UnsafeRawBufferPointer, of stream: UInt16, isEnd: Bool, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(RTCError) {
    guard bytes.count + (parts[stream]?.count ?? 0) <= limit else {
      throw .violation("A message is larger than the \(limit) bytes that are taken.")
    }
    guard isEnd else {
      parts[stream, default: []].append(contentsOf: bytes)
      return
    }
    guard var message = parts.removeValue(forKey: stream) else { return body(bytes) }
    message.append(contentsOf: bytes)
    message.withUnsafeBytes(body)
  }

  /// Drops what has come of a message of which no more will.
  mutating func forget(_ stream: UInt16) {
    parts[stream] = nil
  }
}
