import WebRTC

extension PeerChannel {
  /// Sends messages as fast as they are taken, until so many bytes are sent, or the time is over if there is one.
  ///
  /// It makes them aside, as a program does that has other things to do.
  @concurrent
  nonisolated func pump(_ total: Int, size: Int, for time: Duration?) async throws -> [String: Field] {
    try await channel.opened()
    let block = Patterns.block(size)
    let start = ContinuousClock.now
    var (messages, sent, checksum) = (0, 0, UInt(0))
    let end = time.map { start + $0 }
    while sent < total, end.map({ ContinuousClock.now < $0 }) ?? true {
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
