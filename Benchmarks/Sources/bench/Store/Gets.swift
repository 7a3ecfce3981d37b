import PeerPouch

/// `get` by id, one after the other, of documents chosen at random among 100,000, against a bare `SELECT` by id.
struct Gets: Benchmark {
  let name = "store.get"

  private let count = 100_000
  private let turns = 10
  private let reads = 10_000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withFile("store.pouch") { path in
      try await LocalDatabase.filled(path, count: count).close()
      let samples = SampleDocuments(ids: .random)
      let ids = (0..<turns).map { _ in (0..<reads).map { _ in samples.id(Int.random(in: 0..<count)) } }
      var results: [Run] = []
      for _ in 0..<runs {
        let database = try LocalDatabase(path: path)
        let bare = try BareLoops.Reader(path)
        let times = try await alternating(turns: turns) { number in
          for id in ids[number] { _ = try await database.get(DocumentID(id)) }
        } against: { number in
          try bare.read(ids[number])
        }
        try await database.close()
        results.append(Run(turns * reads, in: times))
      }
      return [Figure(name, results, unit: "docs/s", against: "bare SELECT", goal: .atLeast(30_000))]
    }
  }
}
