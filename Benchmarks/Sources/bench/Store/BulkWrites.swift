import PeerPouch

/// `bulkDocs` of new documents, from JSON bytes in memory to the end of the commits, in batches of 500.
struct BulkWrites: Benchmark {
  let ids: SampleDocuments.IDs
  let goal: Double

  /// Enough for several checkpoints of the log, which are part of writing.
  private let count = 200_000
  /// How many documents each writes before it is the other's turn.
  private let turn = 10_000

  var name: String { "store.bulk.\(ids.rawValue)" }

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let samples = SampleDocuments(ids: ids).samples(0..<count)
    var results: [Run] = []
    for _ in 0..<runs {
      results.append(
        try await scratch.withFile("bare.sqlite") { barePath in
          try await scratch.withFile("store.pouch") { path in
            var bare = try BareLoops.Writer(barePath)
            let database = try LocalDatabase(path: path)
            let times = try await alternating(turns: count / turn) { number in
              for batch in batches(of: samples, turn: number) { try await database.write(batch) }
            } against: { number in
              for batch in batches(of: samples, turn: number) { try bare.write(batch) }
            }
            try await database.close()
            return Run(count, in: times)
          }
        })
    }
    return [Figure(name, results, unit: "docs/s", against: "bare loop", goal: .ratioAtLeast(goal))]
  }

  private func batches(
    of samples: [SampleDocuments.Sample], turn number: Int
  ) -> some Sequence<ArraySlice<SampleDocuments.Sample>> {
    stride(from: number * turn, to: (number + 1) * turn, by: SampleDocuments.batch).lazy.map { start in
      samples[start..<start + SampleDocuments.batch]
    }
  }
}

extension LocalDatabase {
  /// Reads documents from their JSON and writes them as one batch.
  func write(_ batch: ArraySlice<SampleDocuments.Sample>) async throws {
    let documents = try batch.map { try Document(parsing: $0.json) }
    for result in try await bulkDocs(documents) { _ = try result.outcome.get() }
  }

  /// A new database of so many sample documents with ids that are not in order.
  static func filled(_ path: String, count: Int) async throws -> LocalDatabase {
    let database = try LocalDatabase(path: path)
    let samples = SampleDocuments(ids: .random)
    for start in stride(from: 0, to: count, by: SampleDocuments.batch) {
      try await database.write(samples.samples(start..<start + SampleDocuments.batch)[...])
    }
    return database
  }
}
