import PeerPouch

/// 50,000 documents from one server to another by `peerpouch replicate`, the command's start included, against a bare
/// loop that writes the same documents.
struct ReplicationSpeed: Benchmark {
  let name = "replicate.http"

  private let count = 50_000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let samples = SampleDocuments(ids: .sequential).samples(0..<count)
    return try await scratch.withTwoServers { source, target in
      try source.fill("notes", count: count, .sequential)
      var results: [Run] = []
      for _ in 0..<runs {
        let bare = try await scratch.withFile("bare.sqlite") { path in
          var bare = try BareLoops.Writer(path)
          return try await seconds {
            for start in stride(from: 0, to: count, by: SampleDocuments.batch) {
              try bare.write(samples[start..<start + SampleDocuments.batch])
            }
          }
        }
        try target.makeAnew("copy")
        let time = try await ReplicateCommand.time(source.url("notes"), target.url("copy"), expecting: count)
        results.append(Run(count, in: (time, bare)))
      }
      return [Figure(name, results, unit: "docs/s", against: "bare loop", goal: .ratioAtLeast(0.15))]
    }
  }
}
