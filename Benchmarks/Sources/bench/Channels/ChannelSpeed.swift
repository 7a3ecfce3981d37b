import PeerPouch

/// Messages one way in packets of 1200 bytes, against the bare limit and against aiortc.
struct ChannelSpeed: Benchmark {
  enum Peer {
    case bare, aiortc
  }

  let name: String
  /// Of each message, in bytes.
  let size: Int
  let peer: Peer

  /// How long each measurement sends.
  private let seconds = 3
  /// The size of messages that the tunnel between databases sends, in bytes.
  static let tunnelled = 16384

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let ours = try ChannelPair(PeerProcess.ours)
    defer { ours.stop() }
    let other = peer == .aiortc ? try ChannelPair(PeerProcess.aiortc) : nil
    defer { other?.stop() }
    try ours.connect()
    try other?.connect()
    var (rates, senders, receivers): ([Run], [Run], [Run]) = ([], [], [])
    for _ in 0..<runs {
      let limit =
        try other?.speed(size: size, seconds: seconds)
        ?? BareChannel.speed(payload: BareChannel.smallPayload, seconds: seconds)
      let speed = try ours.speed(size: size, seconds: seconds)
      rates.append(Run(speed.rate, peer: limit.rate))
      senders.append(Run(speed.senderPerCPU, peer: limit.senderPerCPU))
      receivers.append(Run(speed.receiverPerCPU, peer: limit.receiverPerCPU))
    }
    let against = peer == .aiortc ? "aiortc" : "bare packets"
    return [
      Figure(name, rates, unit: "MB/s", against: against, goal: .ratioAtLeast(peer == .aiortc ? 12 : 0.4)),
      Figure("\(name).sender", senders, unit: "MB/CPU s", against: against, goal: .none),
      Figure("\(name).receiver", receivers, unit: "MB/CPU s", against: against, goal: .none),
    ]
  }
}

/// Messages of 64 KiB one way in packets of 16,000 bytes, against the same in packets of 1200.
struct ChannelLargePackets: Benchmark {
  let name = "channel.large"

  private let size = 65536
  private let seconds = 3
  private let packetSize = 16000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let pair = try ChannelPair(PeerProcess.ours)
    defer { pair.stop() }
    var (results, toLimit): ([Run], [Run]) = ([], [])
    for _ in 0..<runs {
      try pair.connect()
      let small = try pair.speed(size: size, seconds: seconds)
      try pair.disconnect()
      try pair.connect(["packetSize": JSON(packetSize)])
      let large = try pair.speed(size: size, seconds: seconds)
      try pair.disconnect()
      let limit = try BareChannel.speed(payload: packetSize, seconds: seconds)
      results.append(Run(large.rate, peer: small.rate))
      toLimit.append(Run(large.rate, peer: limit.rate))
    }
    return [
      Figure(name, results, unit: "MB/s", against: "1200-byte packets", goal: .ratioAtLeast(4)),
      Figure("\(name).bare", toLimit, unit: "MB/s", against: "bare packets", goal: .none),
    ]
  }
}
