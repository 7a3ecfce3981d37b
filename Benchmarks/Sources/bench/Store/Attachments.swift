import PeerPouch

/// An attachment of 1 GiB that streams in and out again, against a bare loop that inserts it in pieces: speed, and how
/// much resident memory grows at most.
struct Attachments: Benchmark {
  let name = "store.attachment"

  private let length = 1 << 30
  private let mebibyte = Double(1 << 20)

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    var generator = SystemRandomNumberGenerator()
    let piece = (0..<256 << 10).map { _ in UInt8.random(in: 0...255, using: &generator) }
    var results: (incoming: [Run], outgoing: [Run], memory: [Run]) = ([], [], [])
    for _ in 0..<runs {
      // First, so that it is not measured with memory that the bare loop has left.
      let (incoming, outgoing, memory) = try await scratch.withFile("store.pouch") { path in
        try await roundTrip(path, piece)
      }
      let bare = try await scratch.withFile("bare.sqlite") { path in
        try await seconds { try BareLoops.writeBlob(to: path, length: length, piece: piece) }
      }
      let size = Double(length) / mebibyte
      results.incoming.append(Run(size / incoming, peer: size / bare))
      results.outgoing.append(Run(size / outgoing, peer: size / bare))
      results.memory.append(Run(Double(memory) / mebibyte))
    }
    return [
      Figure(
        name + ".in", results.incoming, unit: "MiB/s", against: "bare insert loop", goal: .ratioAtLeast(0.6)),
      Figure(
        name + ".out", results.outgoing, unit: "MiB/s", against: "bare insert loop", goal: .ratioAtLeast(0.6)),
      Figure(name + ".memory", results.memory, unit: "MiB", goal: .below(32)),
    ]
  }

  /// Writes and reads the attachment.
  /// - Returns: the seconds that it took in and out, and by how many bytes the memory grew at most.
  private func roundTrip(
    _ path: String, _ piece: [UInt8]
  ) async throws -> (incoming: Double, outgoing: Double, memory: Int) {
    let database = try LocalDatabase(path: path)
    ProcessUsage.settle()
    let before = ProcessUsage.residentBytes
    let pieces = length / piece.count
    let content = ByteStream {
      var sent = 0
      return {
        defer { sent += 1 }
        return sent < pieces ? piece : nil
      }
    }
    let incoming = try await seconds {
      try await database.putAttachment("film", Attachment(.stream(content)), to: "holiday", at: nil)
    }
    let outgoing = try await seconds {
      var received = 0
      for try await piece in try await database.getAttachment("film", of: "holiday").content { received += piece.count }
      guard received == length else { throw BareError(message: "The attachment is not whole.") }
    }
    let memory = ProcessUsage.peakBytes - before
    try await database.close()
    return (incoming, outgoing, memory)
  }
}
