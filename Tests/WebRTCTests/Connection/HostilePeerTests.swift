import TestSupport
import Testing

@testable import WebRTC

/// A peer that has shaken hands may say anything: here the offerer does, below its channels.
@Suite("A hostile peer", .timeLimit(.minutes(1)))
struct HostilePeerTests {
  @Test(
    arguments: [
      // An unknown type, an opening without its length, one that ends too soon, one that goes on, one of an unknown kind of
      // channel, one whose label is no text, a confirmation that goes on.
      [0x04], [0x03], [3, 0, 1, 0, 0, 0, 0, 0, 0, 9, 0, 0, 65], [3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 65, 66],
      [3, 0x05, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 65], [3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff], [2, 2],
    ] as [[UInt8]])
  func `a nonsensical opening opens nothing`(message: [UInt8]) async throws {
    let subject = try await HostilePair()
    try await subject.say(message, .control, on: subject.own)
    try await subject.expectThatItGoesOn()
    await subject.pair.close()
  }

  @Test func `an opening with a number that is not the peer's to give opens nothing`() async throws {
    let subject = try await HostilePair()
    try await subject.say(subject.opening("foreign"), .control, on: subject.foreign)
    try await subject.expectThatItGoesOn()
    await subject.pair.close()
  }

  @Test func `an opening of a channel that is open closes it, and the connection goes on`() async throws {
    let subject = try await HostilePair()
    let other = try await subject.pair.offerer.createDataChannel("other")
    let end = try await subject.pair.incoming()
    try await subject.say(subject.opening("again"), .control, on: #require(other.id))
    #expect(await end.closed() == nil)
    #expect(await other.closed() == nil)
    try await subject.expectThatItGoesOn()
    await subject.pair.close()
  }

  @Test func `messages on streams that nobody opened, and of unknown kinds, are nobody's`() async throws {
    let subject = try await HostilePair()
    for stream in [subject.own, subject.foreign, 1023] as [UInt16] {
      for payload in [.text, .binary, .emptyText, .other(0), .other(54), .other(.max)] as [PayloadProtocol] {
        try await subject.say([1, 2, 3], payload, on: stream)
      }
    }
    try await subject.say([1, 2, 3], .other(99), on: #require(subject.here.id))
    try await subject.expectThatItGoesOn()
    await subject.pair.close()
  }

  @Test func `confirmations that nobody asked for mean nothing`() async throws {
    let subject = try await HostilePair()
    for stream in [subject.own, subject.foreign, try #require(subject.here.id)] {
      try await subject.say([2], .control, on: stream)
    }
    try await subject.expectThatItGoesOn()
    await subject.pair.close()
  }

  @Test func `text that is not UTF-8 is read with replacement characters`() async throws {
    let subject = try await HostilePair()
    try await subject.say([0x61, 0xff, 0x62], .text, on: #require(subject.here.id))
    #expect(try await subject.there.next() == .text("a\u{fffd}b"))
    try await subject.expectThatItGoesOn()
    await subject.pair.close()
  }

  @Test(arguments: [70_000, 200_000, 1_000_000])
  func `a message above the announced size ends the connection`(size: Int) async throws {
    var configuration = Pair.configuration
    configuration.maxMessageSize = 64 * 1024
    let subject = try await HostilePair(configuration)
    try await subject.say([UInt8](repeating: 1, count: size), .binary, on: #require(subject.here.id))
    let end = await subject.there.closed()
    guard case .violation = end else {
      Issue.record("\(String(describing: end))")
      return
    }
    #expect(await subject.here.closed() == .closedByPeer)
    await subject.pair.close()
  }

  @Test func `an abort of SCTP ends the connection`() async throws {
    let subject = try await HostilePair()
    try await subject.association.close()
    #expect(await subject.there.closed() == .closedByPeer)
    #expect(await subject.pair.answerer.connectionState == .failed(.closedByPeer))
    await subject.pair.close()
  }

  @Test func `a goodbye of DTLS ends the connection`() async throws {
    let subject = try await HostilePair()
    await subject.pair.offerer.transport.dtls?.close()
    #expect(await subject.there.closed() == .closedByPeer)
    #expect(await subject.pair.answerer.connectionState == .failed(.closedByPeer))
    await subject.pair.close()
  }

  @Test func `packets that are no packets of SCTP are passed over`() async throws {
    let subject = try await HostilePair()
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 1...1100, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      await subject.sendPacket(bytes)
    }
    try await subject.expectThatItGoesOn()
    await subject.pair.close()
  }

  @Test func `a channel is opened anew before the end of the last one with its number is confirmed`() async throws {
    let subject = try await HostilePair()
    try await subject.reuse(#require(subject.here.id), for: "again")
    #expect(try await subject.pair.incoming().label == "again")
    #expect(await subject.there.closed() == nil)
    await subject.pair.close()
  }
}
