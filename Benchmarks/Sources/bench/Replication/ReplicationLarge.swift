import PeerPouch

/// One attachment of 2 GiB from one server to another: by how much the memory of the three programs grows. That of the
/// replicating one is compared with the same command when it has nothing to do.
struct ReplicationLarge: Benchmark {
  let name = "replicate.large"

  private let length = 2 << 30
  private let mebibyte = Double(1 << 20)
  private let goal = Goal.below(64)

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withTwoServers { source, target in
      try fill(source)
      var results: (speed: [Run], replicator: [Run], source: [Run], target: [Run]) = ([], [], [], [])
      for _ in 0..<runs {
        // So that no memory that earlier work has left hides growth.
        for server in [source, target] { try server.restart() }
        try source.makeAnew("nothing")
        try target.makeAnew("copy")
        let idle = try await ReplicateCommand.peakMemory(source.url("nothing"), target.url("copy"), expecting: 0)
        let servers = [source, target].map(\.process.identifier)
        let before = servers.map { ProcessUsage.residentBytes(of: $0) }
        for server in servers { ProcessUsage.forgetPeak(of: server) }
        let (time, bytes) = try await ReplicateCommand.peakMemory(
          source.url("films"), target.url("copy"), expecting: 1)
        let after = servers.map { ProcessUsage.peakBytes(of: $0) }
        results.speed.append(Run(Double(length) / time / 1_000_000))
        results.replicator.append(growth(idle.bytes, bytes))
        results.source.append(growth(before[0], after[0]))
        results.target.append(growth(before[1], after[1]))
      }
      return [
        Figure(name + ".replicator", results.replicator, unit: "MiB", goal: goal),
        Figure(name + ".source", results.source, unit: "MiB", goal: goal),
        Figure(name + ".target", results.target, unit: "MiB", goal: goal),
        Figure(name + ".speed", results.speed, unit: "MB/s", goal: .none),
      ]
    }
  }

  private func growth(_ before: Int, _ after: Int) -> Run {
    Run(Double(max(0, after - before)) / mebibyte)
  }

  private func fill(_ server: PouchServerProcess) throws {
    try server.makeAnew("films")
    let client = try server.connect()
    var generator = SystemRandomNumberGenerator()
    let piece = (0..<(256 << 10) / 8).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64, Array.init) }
    try client.send(RawClient.head("PUT", "/films/holiday/film", length: length, type: "video/mp4"))
    for _ in 0..<length / piece.count { try client.send(piece) }
    guard try client.receive({ _ in }) == 201 else { throw BareError(message: "The attachment was not stored.") }
  }
}
