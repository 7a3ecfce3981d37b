import PeerPouch

/// 1,000 documents with an attachment of 100 KiB each, from one server to another.
struct ReplicationAttachments: Benchmark {
  let name = "replicate.attachments"

  private let count = 1_000
  private let length = 100 << 10

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withTwoServers { source, target in
      try fill(source)
      var results: [Run] = []
      for _ in 0..<runs {
        try target.makeAnew("copy")
        let time = try await ReplicateCommand.time(source.url("album"), target.url("copy"), expecting: count)
        results.append(Run(Double(count * length) / time / 1_000_000))
      }
      return [Figure(name, results, unit: "MB/s", goal: .atLeast(80))]
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
