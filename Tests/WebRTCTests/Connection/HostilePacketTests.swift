import TestSupport
import Testing

@testable import WebRTC

/// A peer that has shaken hands may send any packets: here the offerer's are changed between SCTP and DTLS.
@Suite("A peer that breaks SCTP", .serialized, .timeLimit(.minutes(1)))
struct HostilePacketTests {
  @Test(arguments: UInt64(1)...8)
  func `mutated packets end their connection at most, and disturb no other`(seed: UInt64) async throws {
    try await onEngine {
      let subject = try await HostilePair()
      let (other, here, there) = try await Pair.connected()
      let (random, mutated) = (Locked(SeededGenerator(seed: seed)), Counter())
      try subject.pair.offerer.changePackets { packet, send in
        send(packet)
        let damaged = random.withLock { random -> [UInt8]? in
          var damaged = SctpPacket(packet)
          damaged.mutate(using: &random)
          return Int.random(in: 0..<3, using: &random) == 0 ? damaged.bytes : nil
        }
        guard let damaged else { return }
        send(damaged)
        mutated.add(1)
      }
      let reading = Task { for try await _ in subject.there.messages {} }
      let sending = Task {
        for _ in 0..<300 { try await subject.here.send([UInt8](repeating: 1, count: 3000)) }
      }
      // A connection that is left with nonsense may stand still without an end.
      let enough = ContinuousClock.now + .seconds(5)
      while mutated.value < 100, ContinuousClock.now < enough, subject.pair.answerer.connectionState == .connected,
        subject.pair.offerer.connectionState == .connected
      { await Task.yield() }
      for number in 0..<50 {
        try await here.send("\(number)")
        #expect(try await there.next() == .text("\(number)"), "seed \(seed)")
      }
      #expect(other.offerer.connectionState == .connected && other.answerer.connectionState == .connected)
      other.close()
      subject.pair.close()
      _ = await (reading.result, sending.result)
      #expect(await subject.there.closed() != .cancelled)
    }
  }

  @Test func `a reset without a list is one of all streams`() async throws {
    try await onEngine {
      let subject = try await HostilePair()
      let second = try subject.pair.offerer.createDataChannel("second")
      let secondThere = try await subject.pair.incoming()
      try await second.opened()
      try subject.pair.offerer.changePackets { packet, send in
        var packet = SctpPacket(packet)
        packet.dropList()
        send(packet.bytes)
      }
      await subject.here.close()
      for channel in [subject.here, subject.there, second, secondThere] { #expect(await channel.closed() == nil) }
      try await subject.expectNewChannel()
      subject.pair.close()
    }
  }

  @Test func `a peer that never confirms the end of a channel is not waited for, and the connection goes on`()
    async throws
  {
    try await onEngine {
      var configuration = Pair.configuration
      configuration.peerTimeout = .seconds(2)
      let subject = try await HostilePair(configuration)
      try subject.pair.offerer.changePackets { packet, send in
        if SctpPacket(packet).first(SctpPacket.reconfiguration) == nil { send(packet) }
      }
      await subject.there.close()
      #expect(subject.there.currentState == .closed(.timedOut))
      try await subject.expectNewChannel()
      subject.pair.close()
    }
  }

  @Test func `a peer that refuses the end of a channel is asked for some times only`() async throws {
    try await onEngine {
      var configuration = Pair.configuration
      configuration.peerTimeout = .seconds(2)
      let subject = try await HostilePair(configuration)
      try subject.pair.offerer.changePackets { packet, send in
        var packet = SctpPacket(packet)
        packet.deny()
        send(packet.bytes)
      }
      let requests = Counter()
      try subject.pair.answerer.changePackets { packet, send in
        if SctpPacket(packet).first(SctpPacket.reconfiguration) != nil { requests.add(1) }
        send(packet)
      }
      await subject.there.close()
      #expect(subject.there.currentState == .closed(.timedOut))
      // Its own answer to the peer's reset is among them.
      #expect((2..<30).contains(requests.value))
      try await subject.expectNewChannel()
      subject.pair.close()
    }
  }

  @Test func `a peer with few streams has as many channels, and the others are refused`() async throws {
    try await onEngine {
      var few = Pair.configuration
      few.streams = 8
      let pair = try Pair(Pair.configuration, few)
      let channels = try (0..<6).map { try pair.offerer.createDataChannel("\($0)") }
      try await pair.connect()
      for channel in channels[..<4] { try await channel.opened() }
      for channel in channels[4...] {
        guard case .exhausted = await channel.closed() else {
          Issue.record("\(channel.currentState)")
          continue
        }
      }
      var agreed = DataChannel.Options()
      agreed.negotiatedID = 8
      for options in [DataChannel.Options(), agreed] {
        do {
          _ = try pair.offerer.createDataChannel("more", options)
          Issue.record("There was a stream.")
        } catch RTCError.exhausted {}
      }
      await channels[0].close()
      #expect(channels[0].currentState == .closed(nil))
      let again = try pair.offerer.createDataChannel("again")
      try await again.opened()
      #expect(again.id == 0 || again.id == 1)
      pair.close()
    }
  }
}

extension PeerConnection {
  /// Has the packets that SCTP sends changed before they are encrypted.
  /// - Parameter change: gets each, and what sends one.
  fileprivate func changePackets(_ change: @escaping @RTCEngine ([UInt8], (_ packet: [UInt8]) -> Void) -> Void) throws {
    let association = try #require(transport.association)
    let send = association.sendPacket
    association.sendPacket = { packet in
      change(Array(packet)) { changed in changed.withUnsafeBytes { send($0) } }
    }
  }
}

extension HostilePair {
  /// Expects that a new channel works. The answerer makes it: its numbers are none of those that were closed.
  fileprivate func expectNewChannel() async throws {
    let next = try pair.answerer.createDataChannel("next")
    var incoming = pair.offerer.incomingDataChannels.makeAsyncIterator()
    let there = try #require(await incoming.next())
    #expect(there.label == "next")
    try await next.send("there")
    #expect(try await there.next() == .text("there"))
    try await there.send("and back")
    #expect(try await next.next() == .text("and back"))
    #expect(pair.answerer.connectionState == .connected)
  }
}
