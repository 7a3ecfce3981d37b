import TestSupport
import Testing
import WebRTC

extension Pair {
  /// Connects two peers with one channel, and gives both of its ends.
  static func connected(
    _ options: DataChannel.Options = DataChannel.Options(), _ offering: PeerConnection.Configuration = configuration,
    _ answering: PeerConnection.Configuration = configuration
  ) async throws -> (pair: Pair, here: DataChannel, there: DataChannel) {
    let pair = try Pair(offering, answering)
    let here = try pair.offerer.createDataChannel("test", options)
    try await pair.connect()
    return (pair, here, try await pair.incoming())
  }

  /// The next channel that the answerer gets.
  func incoming() async throws -> DataChannel {
    for await channel in answerer.incomingDataChannels { return channel }
    throw RTCError.closed
  }
}

extension DataChannel {
  /// Sends back what comes in, until the channel is closed.
  func echo() async throws {
    for try await message in messages {
      switch message {
      case .text(let text): try await send(text)
      case .binary(let bytes): try await send(bytes)
      }
    }
  }

  func next() async throws(RTCError) -> Message? {
    var iterator = messages.makeAsyncIterator()
    return try await iterator.next()
  }
}

extension DataChannel.Message {
  var text: String? {
    if case .text(let text) = self { text } else { nil }
  }
}

/// Random contents and sizes from a seed.
struct MessageMaker {
  private var generator: SeededGenerator

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
  }

  /// A message of 0 to `largest` bytes; small ones are as likely as large ones.
  mutating func next(upTo largest: Int) -> DataChannel.Message {
    let bits = Int.random(in: 0...(Int.bitWidth - largest.leadingZeroBitCount), using: &generator)
    let count = Int.random(in: 0...min(largest, 1 << bits), using: &generator)
    let start = UInt8.random(in: 0...255, using: &generator)
    guard Bool.random(using: &generator) else {
      return .text(String(repeating: Character(UnicodeScalar(0x61 + start % 26)), count: count))
    }
    return .binary((0..<count).map { UInt8(truncatingIfNeeded: $0) &+ start })
  }
}
