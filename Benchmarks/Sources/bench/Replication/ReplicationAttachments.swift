import PeerPouch

/// 1,000 documents with an attachment of 100 KiB each, from one server to another, beside a bare loop that inserts as many
/// bytes in one process.
struct ReplicationAttachments: Benchmark {
  let name = "replicate.attachments"

  private let count = 1_000
  private let length = 100 << 10

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withTwoServers { source, target in
      try fill(source)
      let piece = [UInt8](repeating: 0x5A, count: length)
      var results: [Run] = []
      for _ in 0..<runs {
        try target.makeAnew("copy")
        let time = try await ReplicateCommand.time(source.url("album"), target.url("copy"), expecting: count)
        let bare = try await scratch.withFile("bare.sqlite") { path in
          try await seconds { try BareLoops.writeBlob(to: path, length: count * length, piece: piece) }
        }
        let size = Double(count * length) / 1_000_000
        results.append(Run(size / time, peer: size / bare))
      }
      return [Figure(name, results, unit: "MB/s", against: "bare insert loop", goal: .atLeast(80))]
    }
  }

  private func fill(_ server: PouchServerProcess) throws {
    try server.makeAnew("album")
    let client = try server.connect()
    var generator = SystemRandomNumberGenerator()
    for number in 0..<count {
      let bytes = (0..<length / 8).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64, Array.init) }
      _ = try client.answer("PUT", "/album/photo-\(number)/image", bytes, type: "image/jpeg", expecting: 201)
    }
  }
}
