import WebRTC

/// What has come in over a channel.
struct Received {
  private(set) var messages = 0
  private(set) var bytes = 0
  private var checksum: UInt = 0
  private var first: ContinuousClock.Instant?
  private var last = ContinuousClock.now

  mutating func add(_ message: DataChannel.Message, isDigested: Bool) {
    last = .now
    if first == nil { first = last }
    messages += 1
    bytes += message.byteCount
    if isDigested { checksum = Patterns.checksum(message, checksum) }
  }

  func fields(isDigested: Bool) -> [String: Field] {
    var fields: [String: Field] = [
      "messages": .whole(messages), "bytes": .whole(bytes),
      "seconds": .real(first.map { (last - $0) / .seconds(1) } ?? 0),
    ]
    if isDigested { fields["crc32"] = Field(checksum) }
    return fields
  }
}
