import TestSupport
import Testing

@testable import WebRTC

@Suite("What is not read of a whole connection", .timeLimit(.minutes(1)))
struct UnreadBoundTests {
  private static let overhead = ChannelTuning.messageOverhead

  @Test func `channels that nobody reads hold a bounded amount together, and go on when they are read`() async throws {
    try await onEngine {
      let (count, messages, size) = (20, 15, 64 * 1024)
      let pair = try Pair()
      let ours = try (0..<count).map { try pair.offerer.createDataChannel("\($0)") }
      try await pair.connect()
      var theirs: [DataChannel] = []
      while theirs.count < count { theirs.append(try await pair.incoming()) }
      let sending = Task {
        try await withThrowingTaskGroup { group in
          for channel in ours {
            group.addTask {
              for _ in 0..<messages { try await channel.send([UInt8](repeating: 1, count: size)) }
            }
          }
          try await group.waitForAll()
        }
      }
      // None of the channels is full by itself.
      let association = try #require(pair.answerer.transport.association)
      try await eventually { association.isReadingPaused }
      let backlog = pair.answerer.channels.backlog
      #expect(backlog.isFull)
      #expect(backlog.total.held < ChannelTuning.connectionHighMark + size + Self.overhead)
      try await withThrowingTaskGroup { group in
        for channel in theirs {
          group.addTask {
            for _ in 0..<messages {
              let message = try await channel.next()
              #expect(message?.byteCount == size)
            }
          }
        }
        try await group.waitForAll()
      }
      try await sending.value
      #expect(backlog.total == Backlog.Share())
      pair.close()
    }
  }

  @Test func `messages of channels that were refused are dropped`() async throws {
    try await onEngine {
      let (taken, size) = (ChannelTuning.incomingChannels, 1000)
      let pair = try Pair()
      let channels = try (0..<taken + 12).map { try pair.offerer.createDataChannel("\($0)") }
      let sending = Task {
        await withTaskGroup { group in
          // Those that are refused may be closed before they take it.
          for channel in channels { group.addTask { try? await channel.send([UInt8](repeating: 1, count: size)) } }
        }
      }
      try await pair.connect()
      await sending.value
      for channel in channels[taken...] { #expect(await channel.closed() == nil) }
      let backlog = pair.answerer.channels.backlog
      try await eventually { backlog.total.held >= taken * (size + Self.overhead) }
      #expect(backlog.total == Backlog.Share(held: taken * (size + Self.overhead)))
      pair.close()
    }
  }

  @Test func `what a channel held that is let go of makes room`() async throws {
    try await onEngine {
      let backlog: Backlog
      do {
        let (pair, here, there) = try await Pair.connected()
        backlog = pair.answerer.channels.backlog
        try await here.send("unread")
        try await eventually { backlog.total.held != 0 }
        pair.close()
        #expect(there.currentState == .closed(.closed))
      }
      try await eventually { backlog.total == Backlog.Share() }
    }
  }

  @Test func `an abort is noticed while nobody reads`() async throws {
    try await onEngine {
      var configuration = Pair.configuration
      configuration.window = 128 * 1024
      let subject = try await HostilePair(configuration)
      let flooding = Task { while true { try await subject.here.send([UInt8](repeating: 1, count: 32 * 1024)) } }
      let reading = try #require(subject.pair.answerer.transport.association)
      try await eventually { reading.isReadingPaused }
      flooding.cancel()
      _ = await flooding.result
      try subject.association.close()
      #expect(await subject.there.closed() == .closedByPeer)
      subject.pair.close()
    }
  }
}
