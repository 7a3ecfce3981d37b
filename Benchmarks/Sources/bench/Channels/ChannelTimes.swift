/// The round trip of a message of 100 bytes between two processes, against aiortc's.
struct ChannelRoundTrip: Benchmark {
  let name = "channel.rtt"

  private let size = 100
  private let count = 5000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let (ours, other) = (try ChannelPair(PeerProcess.ours), try ChannelPair(PeerProcess.aiortc))
    defer { for pair in [ours, other] { pair.stop() } }
    for pair in [ours, other] { try pair.connect() }
    var results: [Run] = []
    for _ in 0..<runs {
      let limit = try other.roundTrip(size: size, count: count / 10)
      results.append(Run(try ours.roundTrip(size: size, count: count), peer: limit))
    }
    return [Figure(name, results, unit: "µs", against: "aiortc", goal: .below(150))]
  }
}

/// From no connection to an open channel on both sides, between two processes that run already, the way of the
/// descriptions through pipes included. Each run is the median of several connections.
struct ChannelSetUp: Benchmark {
  let name = "channel.setup"

  private let count = 15

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let (ours, other) = (try ChannelPair(PeerProcess.ours), try ChannelPair(PeerProcess.aiortc))
    defer { for pair in [ours, other] { pair.stop() } }
    var results: [Run] = []
    for _ in 0..<runs { results.append(Run(try time(ours), peer: try time(other))) }
    return [Figure(name, results, unit: "ms", against: "aiortc", goal: .below(60))]
  }

  private func time(_ pair: ChannelPair) throws -> Double {
    median(
      try (0..<count).map { _ in
        let seconds = try pair.connect()
        try pair.disconnect()
        return seconds * 1000
      })
  }
}
