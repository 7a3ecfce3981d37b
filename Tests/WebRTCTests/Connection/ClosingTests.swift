import TestSupport
import Testing
import WebRTC

@Suite("Closing")
struct ClosingTests {
  @Test func `what was sent before a channel is closed arrives`() async throws {
    let (pair, here, there) = try await Pair.connected()
    for number in 0..<100 { try await here.send([UInt8](repeating: UInt8(number), count: 10_000)) }
    async let closing: Void = here.close()
    var count = 0
    for try await message in there.messages {
      #expect(message == .binary([UInt8](repeating: UInt8(count), count: 10_000)))
      count += 1
    }
    await closing
    #expect(count == 100)
    #expect(here.currentState == .closed(nil) && there.currentState == .closed(nil))
    await pair.close()
  }

  @Test func `the other side can close, and the number is used again`() async throws {
    let (pair, here, there) = try await Pair.connected()
    let id = here.id
    await there.close()
    #expect(await here.closed() == nil)
    await #expect(throws: RTCError.closed) { try await here.send("late") }
    let next = try await pair.offerer.createDataChannel("next")
    try await next.opened()
    #expect(next.id == id)
    let incoming = try await pair.incoming()
    #expect(incoming.label == "next")
    try await next.send("again")
    #expect(try await incoming.next() == .text("again"))
    await pair.close()
  }

  @Test func `both sides may close at once`() async throws {
    for _ in 0..<20 {
      let (pair, here, there) = try await Pair.connected()
      async let one: Void = here.close()
      async let other: Void = there.close()
      _ = await (one, other)
      #expect(here.currentState == .closed(nil) && there.currentState == .closed(nil))
      await pair.close()
    }
  }

  @Test func `many channels are closed at once`() async throws {
    let pair = try await Pair()
    var channels: [DataChannel] = []
    for number in 0..<40 { channels.append(try await pair.offerer.createDataChannel("\(number)")) }
    try await pair.connect()
    await withTaskGroup { group in
      for channel in channels { group.addTask { await channel.close() } }
    }
    #expect(channels.allSatisfy { $0.currentState == .closed(nil) })
    await pair.close()
  }

  @Test func `a channel that was not open yet can be closed`() async throws {
    let pair = try await Pair()
    let channel = try await pair.offerer.createDataChannel("never")
    await channel.close()
    #expect(channel.currentState == .closed(nil))
    await #expect(throws: RTCError.closed) { try await channel.send("x") }
    await #expect(throws: RTCError.closed) { try await channel.opened() }
    await pair.close()
  }

  @Test func `the end of a connection ends its channels on both sides with a reason`() async throws {
    let (pair, here, there) = try await Pair.connected()
    let reading = Task { try await there.next() }
    let waiting = Task { await here.closed() }
    await pair.offerer.close()
    #expect(await waiting.value == .closed)
    #expect(await there.closed() == .closedByPeer)
    await #expect(throws: RTCError.closedByPeer) { try await reading.value }
    await #expect(throws: RTCError.closed) { try await pair.offerer.createDataChannel("late") }
    var states = pair.answerer.connectionStates.makeAsyncIterator()
    #expect(await states.next() == .failed(.closedByPeer))
    #expect(await states.next() == nil)
    await pair.close()
  }

  @Test func `messages that had come can be read after the connection has ended`() async throws {
    let (pair, here, there) = try await Pair.connected()
    try await here.send("one")
    try await here.send("two")
    await here.close()
    await there.closed()
    await pair.close()
    #expect(try await there.next() == .text("one"))
    #expect(try await there.next() == .text("two"))
    #expect(try await there.next() == nil)
  }

  @Test func `a connection that nobody holds ends`() async throws {
    let (there, answerer) = try await forgotten()
    #expect(await there.closed() == .closedByPeer)
    await answerer.close()
  }

  /// The other side of a connection that nobody holds.
  private func forgotten() async throws -> (DataChannel, PeerConnection) {
    let (pair, _, there) = try await Pair.connected()
    return (there, pair.answerer)
  }

  /// Calls in any order must neither crash nor hang.
  @Test(arguments: UInt64(1)...40) func `any order of closing, cancelling and failing ends well`(seed: UInt64)
    async throws
  {
    var generator = SeededGenerator(seed: seed)
    let pair = try await Pair()
    let channel = try await pair.offerer.createDataChannel("x")
    let connecting = Task { try await pair.connect() }
    let sending = Task {
      for _ in 0..<50 { try await channel.send([UInt8](repeating: 0, count: 5000)) }
    }
    let reading = Task {
      for await incoming in pair.answerer.incomingDataChannels {
        for try await _ in incoming.messages {}
      }
    }
    let actions: [@Sendable () async -> Void] = [
      { await pair.offerer.close() }, { await pair.answerer.close() }, { connecting.cancel() }, { sending.cancel() },
      { reading.cancel() }, { await channel.close() }, { _ = try? await pair.offerer.createDataChannel("y") },
    ]
    let pause = Int.random(in: 0...40, using: &generator)
    for action in actions.shuffled(using: &generator) {
      for _ in 0..<pause { await Task.yield() }
      await withTaskGroup { group in
        group.addTask { await action() }
        // Closing waits for the peer, which may be gone by an action that follows.
        group.addTask { for _ in 0..<pause { await Task.yield() } }
        await group.next()
        group.cancelAll()
      }
    }
    await pair.close()
    _ = await (connecting.result, sending.result, reading.result)
    #expect(await channel.closed() != .cancelled)
  }
}
