import Testing
import WebRTC

@Suite("Data channels")
struct ChannelTests {
  @Test(arguments: [UInt64(1), 2]) func `messages of all sizes come back as they were sent, in order`(seed: UInt64)
    async throws
  {
    let (pair, here, there) = try await Pair.connected()
    async let echoing: Void = there.echo()
    var maker = MessageMaker(seed: seed)
    let sent = (0..<300).map { _ in maker.next(upTo: 256 * 1024) }
    async let sending: Void = {
      for message in sent {
        switch message {
        case .text(let text): try await here.send(text)
        case .binary(let bytes): try await here.send(bytes)
        }
      }
    }()
    var received: [DataChannel.Message] = []
    for try await message in here.messages {
      received.append(message)
      if received.count == sent.count { break }
    }
    try await sending
    #expect(received == sent)
    await here.close()
    try await echoing
    await pair.close()
  }

  @Test func `a channel says what it is to the other side`() async throws {
    var options = DataChannel.Options()
    options.isOrdered = false
    options.reliability = .maxRetransmits(3)
    options.protocolName = "sync/1"
    let (pair, here, there) = try await Pair.connected(options)
    #expect(there.label == "test" && there.isIncoming && !here.isIncoming)
    #expect(!there.options.isOrdered && there.options.reliability == .maxRetransmits(3))
    #expect(there.options.protocolName == "sync/1")
    #expect(here.id == there.id && here.id != nil)
    await pair.close()
  }

  @Test func `a channel that both sides make with one number needs no opening`() async throws {
    var options = DataChannel.Options()
    options.negotiatedID = 5
    let pair = try await Pair()
    let here = try await pair.offerer.createDataChannel("same", options)
    let there = try await pair.answerer.createDataChannel("same", options)
    try await pair.connect()
    try await here.send("hello")
    #expect(try await there.next() == .text("hello"))
    #expect(here.id == 5)
    await #expect(throws: RTCError.self) { try await pair.offerer.createDataChannel("again", options) }
    await pair.close()
  }

  @Test func `what waits to be sent on a numbered channel goes out when the connection is made`() async throws {
    var options = DataChannel.Options()
    options.negotiatedID = 5
    let pair = try await Pair()
    let here = try await pair.offerer.createDataChannel("same", options)
    let there = try await pair.answerer.createDataChannel("same", options)
    let sending = Task { try await here.send("early") }
    try await pair.connect()
    #expect(try await there.next() == .text("early"))
    try await sending.value
    await pair.close()
  }

  @Test func `a hundred channels are opened from both sides, and each gets its own messages`() async throws {
    let pair = try await Pair()
    let channels = try await pair.makeChannels(50)
    try await pair.connect()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for channel in channels { group.addTask { try await channel.send("I am \(channel.label)") } }
      for connection in [pair.offerer, pair.answerer] {
        group.addTask {
          var count = 0
          for await channel in connection.incomingDataChannels {
            let message = try await channel.next()
            #expect(message == .text("I am \(channel.label)"))
            count += 1
            if count == 50 { break }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(Set(channels.compactMap(\.id)).count == 100)
    await pair.close()
  }

  @Test func `a message above the peer's limit is refused, and the channel goes on`() async throws {
    var small = Pair.configuration
    small.maxMessageSize = 1000
    let (pair, here, there) = try await Pair.connected(DataChannel.Options(), Pair.configuration, small)
    await #expect(throws: RTCError.messageTooLarge(limit: 1000)) {
      try await here.send([UInt8](repeating: 0, count: 1001))
    }
    try await here.send([UInt8](repeating: 7, count: 1000))
    #expect(try await there.next()?.byteCount == 1000)
    await pair.close()
  }

  @Test func `a message of 16 MiB passes where both sides allow it`() async throws {
    var large = Pair.configuration
    large.maxMessageSize = 16 * 1024 * 1024
    large.window = 32 * 1024 * 1024
    let (pair, here, there) = try await Pair.connected(DataChannel.Options(), large, large)
    let message = (0..<16 * 1024 * 1024).map { UInt8(truncatingIfNeeded: $0 >> 3) }
    async let sending: Void = here.send(message)
    #expect(try await there.next() == .binary(message))
    try await sending
    await pair.close()
  }

  @Test func `what unordered and unreliable channels deliver is whole`() async throws {
    var options = DataChannel.Options()
    options.isOrdered = false
    options.reliability = .maxPacketLifeTime(milliseconds: 500)
    let (pair, here, there) = try await Pair.connected(options)
    for number in 0..<200 { try await here.send([UInt8](repeating: UInt8(number), count: 3000)) }
    await here.close()
    for try await message in there.messages {
      guard case .binary(let bytes) = message else {
        Issue.record("Text was not sent.")
        break
      }
      #expect(bytes.count == 3000 && Set(bytes).count == 1)
    }
    await pair.close()
  }
}

extension Pair {
  /// Channels from both sides, named by their maker and number.
  fileprivate func makeChannels(_ count: Int) throws -> [DataChannel] {
    try (0..<count).flatMap { number in
      [try offerer.createDataChannel("offerer \(number)"), try answerer.createDataChannel("answerer \(number)")]
    }
  }
}
