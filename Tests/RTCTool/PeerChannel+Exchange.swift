import DequeModule
import WebRTC

/// Messages that are under way to an echo and back.
final class Exchange {
  /// How much is under way at most, or one message.
  private static let (windowMessages, windowBytes) = (64, 1024 * 1024)

  private var underWay: Deque<DataChannel.Message> = []
  private var underWayBytes = 0
  private var returned = 0
  private(set) var problem: Refusal?

  var isDone: Bool { underWay.isEmpty || problem != nil }

  func hasRoom(for size: Int) -> Bool {
    isDone || (underWay.count < Self.windowMessages && underWayBytes + size <= Self.windowBytes)
  }

  func sent(_ message: DataChannel.Message) {
    underWay.append(message)
    underWayBytes += message.byteCount
  }

  func came(_ message: DataChannel.Message) {
    let expected = underWay.popFirst()
    underWayBytes -= expected?.byteCount ?? 0
    if problem == nil, !(expected.map { Patterns.isSame($0, message) } ?? false) {
      problem = Refusal(description: "message \(returned) came back differently, or unasked")
    }
    returned += 1
  }
}

extension PeerChannel {
  /// Sends messages to an echo, and compares what comes back.
  func exchange(_ count: Int, largest: Int) async throws -> [String: Field] {
    let exchange = Exchange()
    awaited = .exchange(exchange)
    defer { awaited = .nothing }
    let start = ContinuousClock.now
    var bytes = 0
    for number in 0..<count {
      let size = Patterns.size(number, largest: largest)
      while !exchange.hasRoom(for: size) { try await change() }
      if exchange.problem != nil { break }
      let message = Patterns.message(number, size)
      exchange.sent(message)
      bytes += size
      try await channel.send(message)
    }
    while !exchange.isDone { try await change() }
    if let problem = exchange.problem { throw problem }
    return [
      "messages": .whole(count), "bytes": .whole(bytes), "seconds": .real((ContinuousClock.now - start) / .seconds(1)),
    ]
  }
}
