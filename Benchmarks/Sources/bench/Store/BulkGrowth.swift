import PeerPouch

/// How the speed of `bulkDocs` holds as a database grows: the last 100,000 of 1,000,000 documents, against the first
/// 20,000, in whose middle the database has 10,000.
///
/// The window at the end is wide enough to hold the checkpoints of the log that belong to it; the first one has none,
/// which makes the comparison harder. Making the JSON of a batch is not part of the time.
struct BulkGrowth: Benchmark {
  let name = "store.bulk.growth"

  private let count = 1_000_000
  private let first = 0..<20_000
  private let last = 900_000..<1_000_000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    var results: [Run] = []
    for _ in 0..<runs {
      let times = try await scratch.withFile("store.pouch") { path in
        let database = try LocalDatabase(path: path)
        let times = try await fill(database)
        try await database.close()
        return times
      }
      results.append(Run(Double(last.count) / times.last, peer: Double(first.count) / times.first))
    }
    return [Figure(name, results, unit: "docs/s", against: "first 20,000", goal: .ratioAtLeast(0.7))]
  }

  /// Writes all documents and returns how many seconds the two windows took.
  private func fill(_ database: LocalDatabase) async throws -> (first: Double, last: Double) {
    let samples = SampleDocuments(ids: .sequential)
    var times = (first: 0.0, last: 0.0)
    for start in stride(from: 0, to: count, by: SampleDocuments.batch) {
      let batch = samples.samples(start..<start + SampleDocuments.batch)
      let time = try await seconds { try await database.write(batch[...]) }
      if first.contains(start) { times.first += time }
      if last.contains(start) { times.last += time }
    }
    return times
  }
}
