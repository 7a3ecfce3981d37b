import PeerPouch

/// Messages one way over a path with a long round trip and some loss, against the same path with a short one.
struct ChannelDelayed: Benchmark {
  /// Of the long path, in ms.
  let roundTrip: Int
  /// What the connections are made with, in addition; the benchmark's name ends with the values.
  var options: PeerProcess.Members = [:]

  var name: String {
    let values = options.sorted { $0.key < $1.key }.map { $0.value.string ?? $0.value.text }
    return (["channel.delay\(roundTrip)"] + values).joined(separator: ".")
  }

  private var size: Int { 65536 }
  private var seconds: Int { 8 }
  private var nearRoundTrip: Double { 1 }
  /// In percent.
  private var loss: Double { 0.1 }

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let pair = try ChannelPair(PeerProcess.ours)
    defer { pair.stop() }
    var results: [Run] = []
    for _ in 0..<runs {
      let near = try rate(pair, roundTrip: nearRoundTrip)
      results.append(Run(try rate(pair, roundTrip: Double(roundTrip)), peer: near))
    }
    return [
      Figure(name, results, unit: "MB/s", against: "1 ms", goal: .either(value: 40, ratio: 0.6))
    ]
  }

  private func rate(_ pair: ChannelPair, roundTrip: Double) throws -> Double {
    try pair.connect(options, relay: RelayProcess(roundTrip: roundTrip, loss: loss))
    let speed = try pair.speed(size: size, seconds: seconds)
    try pair.disconnect()
    return speed.rate
  }
}
