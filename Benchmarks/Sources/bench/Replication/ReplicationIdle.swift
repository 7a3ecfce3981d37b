import PeerPouch

/// A replication between two servers that has nothing to do: in a process that has both databases open, and as a whole
/// command, whose start is most of its time.
struct ReplicationIdle: Benchmark {
  let name = "replicate.idle"

  private let count = 1_000
  private let turns = 20

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withTwoServers { source, target in
      try source.fill("notes", count: count, .sequential)
      try target.makeAnew("copy")
      let (sourceURL, targetURL) = (source.url("notes"), target.url("copy"))
      let here = try await Pouch(sourceURL, .mustExist)
      let there = try await Pouch(targetURL, .mustExist)
      guard try await there.replicate(from: here).counts.documentsWritten == count else {
        throw BareError(message: "The first replication has not copied everything.")
      }
      var warm: [Run] = []
      var commands: [Run] = []
      for _ in 0..<runs {
        let times = try await alternating(turns: turns) { _ in
          try await there.replicate(from: here)
        } against: { _ in
          _ = try await ReplicateCommand.time(sourceURL, targetURL, expecting: 0)
        }
        warm.append(Run(times.subject / Double(turns) * 1_000))
        commands.append(Run(times.peer / Double(turns) * 1_000))
      }
      try await here.close()
      try await there.close()
      return [
        Figure(name, warm, unit: "ms", goal: .below(20)),
        Figure(name + ".command", commands, unit: "ms", goal: .none),
      ]
    }
  }
}
