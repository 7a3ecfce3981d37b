import PeerPouch

/// A changes feed with documents over 100,000 of them, against a bare `SELECT` of the same rows of the same file, which
/// copies ids and bodies. Both open the file anew and close it, which is in the operating system's cache.
struct ChangesReading: Benchmark {
  let name = "store.changes"

  private let count = 100_000
  private let turns = 5

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withFile("store.pouch") { path in
      try await LocalDatabase.filled(path, count: count).close()
      var results: [Run] = []
      for _ in 0..<runs {
        let times = try await alternating(turns: turns) { _ in
          let database = try LocalDatabase(path: path)
          var read = 0
          for try await change in database.changes(.once.including(.documents)) where change.document != nil {
            read += 1
          }
          guard read == count else { throw BareError(message: "Changes are missing.") }
          try await database.close()
        } against: { _ in
          guard try BareLoops.readChanges(of: path) == count else { throw BareError(message: "Rows are missing.") }
        }
        results.append(Run(turns * count, in: times))
      }
      return [
        Figure(name, results, unit: "docs/s", against: "bare SELECT", goal: .either(value: 150_000, ratio: 0.4))
      ]
    }
  }
}
