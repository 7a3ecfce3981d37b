import WebRTC

extension PeerChannel {
  /// Sends messages as fast as they are taken.
  func pump(_ total: Int, size: Int) async throws -> [String: Field] {
    try await channel.opened()
    let block = Patterns.block(size)
    let start = ContinuousClock.now
    var (messages, sent, checksum) = (0, 0, UInt(0))
    while sent < total {
      var message = total - sent < size ? Array(block[..<(total - sent)]) : block
      Patterns.write(messages, into: &message)
      if isDigested { checksum = Patterns.checksum(message, checksum) }
      sent += message.count
      messages += 1
      try await channel.send(message)
    }
    try await channel.drained()
    var fields: [String: Field] = [
      "messages": .whole(messages), "bytes": .whole(sent),
      "seconds": .real((ContinuousClock.now - start) / .seconds(1)),
    ]
    if isDigested { fields["crc32"] = Field(checksum) }
    return fields
  }
}
