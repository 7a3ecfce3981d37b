import PeerPouch

/// Single documents put by 64 tasks at once, which share commits, against one task that waits for each of its own.
/// Every put is on the disk before it returns. The goal says nothing of the ids, so both kinds are measured: random ones
/// change a page of the id index for nearly every document, and gain less.
struct ConcurrentPuts: Benchmark {
  let name = "store.put.concurrent"

  private let tasks = 64
  private let turns = 10
  private let putsPerTask = 25
  private let putsAlone = 100

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    var figures: [Figure] = []
    for ids in [SampleDocuments.IDs.sequential, .random] {
      figures.append(try await figure(ids, runs: runs, scratch))
    }
    return figures
  }

  private func figure(_ ids: SampleDocuments.IDs, runs: Int, _ scratch: Scratch) async throws -> Figure {
    let samples = SampleDocuments(ids: ids).samples(0..<turns * (tasks * putsPerTask + putsAlone))
    var results: [Run] = []
    for _ in 0..<runs {
      let times = try await scratch.withFile("store.pouch") { path in
        let database = try LocalDatabase(path: path)
        var rest = samples[...]
        let times = try await alternating(turns: turns) { _ in
          try await put(rest.prefix(tasks * putsPerTask), tasks: tasks, database)
          rest = rest.dropFirst(tasks * putsPerTask)
        } against: { _ in
          try await put(rest.prefix(putsAlone), tasks: 1, database)
          rest = rest.dropFirst(putsAlone)
        }
        try await database.close()
        return times
      }
      results.append(
        Run(
          Double(turns * tasks * putsPerTask) / times.subject, peer: Double(turns * putsAlone) / times.peer))
    }
    return Figure(
      "\(name).\(ids.rawValue)", results, unit: "docs/s", against: "one task", goal: .ratioAtLeast(10))
  }

  /// Puts documents one by one, divided among some tasks.
  private func put(
    _ samples: ArraySlice<SampleDocuments.Sample>, tasks: Int, _ database: LocalDatabase
  ) async throws {
    let share = samples.count / tasks
    try await withThrowingTaskGroup(of: Void.self) { group in
      for start in stride(from: samples.startIndex, to: samples.endIndex, by: share) {
        group.addTask {
          for sample in samples[start..<start + share] { try await database.put(Document(parsing: sample.json)) }
        }
      }
      try await group.waitForAll()
    }
  }
}
