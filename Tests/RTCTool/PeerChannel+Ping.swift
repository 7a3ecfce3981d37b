import WebRTC

/// A message that goes to an echo and back, again and again.
final class Ping {
  private let message: [UInt8]
  private let count: Int
  private var start = ContinuousClock.now
  private(set) var times: [Duration] = []

  init(_ count: Int, size: Int) {
    message = Patterns.block(size)
    self.count = count
    times.reserveCapacity(count)
  }

  var isDone: Bool { times.count == count }

  func go(over channel: DataChannel) async throws {
    start = .now
    try await channel.send(message)
  }

  /// It came back: it is sent again, from where it was read.
  /// - Returns: whether it did so often enough.
  func came(over channel: DataChannel) async throws -> Bool {
    times.append(.now - start)
    if isDone { return true }
    try await go(over: channel)
    return false
  }
}

extension PeerChannel {
  /// Measures round trips; the results are in microseconds.
  func ping(_ count: Int, size: Int) async throws -> [String: Field] {
    try await channel.opened()
    let ping = Ping(count, size: size)
    awaited = .ping(ping)
    defer { awaited = .nothing }
    try await ping.go(over: channel)
    while !ping.isDone { try await change() }
    let times = ping.times.sorted().map { $0 / .microseconds(1) }
    return [
      "median": .real(times[count / 2]), "best": .real(times[0]), "p99": .real(times[Int(Double(count) * 0.99)]),
    ]
  }
}
