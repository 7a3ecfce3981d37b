import Synchronization
import TestSupport
import Testing
import WebRTC

@Suite("Back-pressure")
struct BackPressureTests {
  /// What may be taken of a sender whose peer does not read: its own queue and one message, both ends of SCTP's window with
  /// what is unsent, and the reader's queue.
  private static let bound = 1024 * 1024 + 64 * 1024 + 2 * 1024 * 1024 + 1024 * 1024

  @Test func `a reader that does not read stops the sender, and lets it go on when it reads`() async throws {
    var configuration = Pair.configuration
    configuration.window = 512 * 1024
    let (pair, here, there) = try await Pair.connected(DataChannel.Options(), configuration, configuration)
    let total = 16 * 1024 * 1024
    let taken = Counter()
    let sending = Task {
      let message = [UInt8](repeating: 1, count: 64 * 1024)
      for _ in 0..<(total / message.count) {
        try await here.send(message)
        taken.add(message.count)
      }
    }
    // The sender has stopped when nothing moves for longer than SCTP needs to ask whether the window is open.
    var last = -1
    while last != taken.value {
      last = taken.value
      try await Task.sleep(for: .milliseconds(1200))
    }
    #expect(taken.value < Self.bound, "\(taken.value)")
    #expect(here.bufferedAmount <= here.options.highMark + 64 * 1024)
    var read = 0
    for try await message in there.messages {
      read += message.byteCount
      if read == total { break }
    }
    try await sending.value
    #expect(read == total)
    await pair.close()
  }

  @Test func `a message is taken at once or not at all from those who cannot wait`() async throws {
    var options = DataChannel.Options()
    (options.highMark, options.lowMark) = (1000, 100)
    let pair = try await Pair()
    let early = try await pair.offerer.createDataChannel("early", options)
    #expect(!early.offer([1]))
    try await pair.connect()
    let there = try await pair.incoming()
    try await early.opened()
    // More than SCTP takes over while nobody reads: sooner or later there is no room.
    let message = [UInt8](repeating: 3, count: 64 * 1024)
    var taken = 0
    while early.offer(message) { taken += 1 }
    #expect(taken > 0)
    for _ in 0..<taken { #expect(try await there.next() == .binary(message)) }
    await early.close()
    #expect(!early.offer([1]))
    await pair.close()
  }

  @Test func `senders that wait are let in in their order`() async throws {
    var options = DataChannel.Options()
    (options.highMark, options.lowMark) = (1000, 100)
    let (pair, here, there) = try await Pair.connected(options)
    for number in 0..<500 { try await here.send("\(number) " + String(repeating: "x", count: 400)) }
    for number in 0..<500 {
      let text = try #require(try await there.next()?.text)
      #expect(text.hasPrefix("\(number) "))
    }
    await pair.close()
  }

  @Test func `a sender that is cancelled while it waits sends nothing`() async throws {
    var configuration = Pair.configuration
    configuration.window = 128 * 1024
    // Nobody reads, and so the sender waits in the end, with more queued than the low mark, which here is the high one.
    var options = DataChannel.Options()
    options.lowMark = options.highMark
    let (pair, here, _) = try await Pair.connected(options, configuration, configuration)
    let sending = Task {
      while true { try await here.send([UInt8](repeating: 1, count: 32 * 1024)) }
    }
    try await eventually { here.bufferedAmount >= options.highMark }
    sending.cancel()
    await #expect(throws: RTCError.cancelled) { try await sending.value }
    #expect(here.currentState == .open)
    await pair.close()
  }

  @Test func `a reader that is cancelled leaves the messages to the next one`() async throws {
    let (pair, here, there) = try await Pair.connected()
    let reading = Task { try await there.next() }
    reading.cancel()
    _ = await reading.result
    try await here.send("still there")
    #expect(try await there.next() == .text("still there"))
    await pair.close()
  }
}

/// A number that tasks count on.
final class Counter: Sendable {
  private let number = Atomic(0)

  var value: Int { number.load(ordering: .relaxed) }

  func add(_ amount: Int) {
    number.add(amount, ordering: .relaxed)
  }
}
