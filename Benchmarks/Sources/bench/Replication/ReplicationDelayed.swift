import PeerPouch

/// 200,000 documents from one server to another with 50 ms of added round-trip time to both of them, against the same
/// through the same proxies without a delay. What is measured is the time.
struct ReplicationDelayed: Benchmark {
  let name = "replicate.rtt50"

  private let count = 200_000
  private let roundTrip = Duration.milliseconds(50)

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withTwoServers { source, target in
      try source.fill("notes", count: count, .sequential)
      var results: [Run] = []
      for _ in 0..<runs {
        let near = try await time(source, target, .zero)
        let far = try await time(source, target, roundTrip)
        results.append(Run(far, peer: near))
      }
      return [Figure(name, results, unit: "s", against: "no delay", goal: .ratioAtMost(1.3))]
    }
  }

  private func time(
    _ source: PouchServerProcess, _ target: PouchServerProcess, _ roundTrip: Duration
  ) async throws -> Double {
    try target.makeAnew("copy")
    let proxies = try [source, target].map { try DelayingProxy(to: $0.port, roundTrip: roundTrip) }
    defer { for proxy in proxies { proxy.stop() } }
    return try await ReplicateCommand.time(
      source.url("notes", port: proxies[0].port), target.url("copy", port: proxies[1].port), expecting: count)
  }
}
