import Testing
import WebRTC

@Suite("Connections of two processes", .timeLimit(.minutes(2)))
struct TwoProcessTests {
  @Test func `messages go over channels of both sides and come back the same`() async throws {
    let (here, peer) = try await connected()
    let incoming = Task { await here.incomingDataChannels.first { $0.label == "theirs" } }
    try await peer.ask("open", ["label": "theirs", "protocol": "echo"])
    let theirs = try #require(await incoming.value)
    let echoing = Task { try await theirs.echo() }
    let exchanged = try await peer.ask("exchange", ["label": "theirs", "count": 1000, "largest": 262_144])
    #expect(exchanged.messages == 1000)

    let ours = try await here.createDataChannel("ours", options("echo"))
    for size in [0, 1, 1000, 262_144] {
      let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      try await ours.send(message)
      #expect(try await ours.next() == .binary(message))
    }
    await theirs.close()
    try await echoing.value
    let closed = try await peer.event("closed")
    #expect(closed.label == "theirs")
    await here.close()
    #expect(try await peer.end() == 0)
  }

  @Test func `a lot of data arrives whole in both directions at once`() async throws {
    let (here, peer) = try await connected()
    let sink = try await here.createDataChannel("sink", options("sink"))
    let incoming = Task { await here.incomingDataChannels.first { $0.label == "pump" } }
    try await peer.ask("open", ["label": "pump", "protocol": "discard"])
    let pump = try #require(await incoming.value)
    let (count, size) = (500, 65_536)
    let sending = Task {
      for number in 0..<count { try await sink.send([UInt8](repeating: UInt8(number & 255), count: size)) }
    }
    let reading = Task {
      var numbers: [UInt32] = []
      for try await case .binary(let bytes) in pump.messages {
        numbers.append(bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
        if numbers.count == count { break }
      }
      return numbers
    }
    try await peer.ask("pump", ["label": "pump", "bytes": count * size, "size": size])
    #expect(try await reading.value == (0..<UInt32(count)).map { $0 })
    try await sending.value
    let received = try await peer.ask("received", ["label": "sink", "bytes": count * size])
    #expect(received.messages == count && received.bytes == count * size)
    await here.close()
    #expect(try await peer.end() == 0)
  }

  @Test func `a process that dies is missed, and counts as lost after the time that was set`() async throws {
    var configuration = Pair.configuration
    configuration.peerTimeout = .seconds(2)
    let (here, peer) = try await connected(configuration)
    let channel = try await here.createDataChannel("x")
    try await channel.opened()
    let states = here.connectionStates
    await peer.kill()
    var seen: [PeerConnection.ConnectionState] = []
    for await state in states { seen.append(state) }
    #expect(seen.suffix(2) == [.disconnected, .failed(.peerVanished)])
    #expect(await channel.closed() == .peerVanished)
    await #expect(throws: RTCError.peerVanished) { try await channel.send("late") }
  }

  @Test func `a peer that lives but says nothing does not count as lost`() async throws {
    var configuration = Pair.configuration
    configuration.peerTimeout = .seconds(3)
    let (here, peer) = try await connected(configuration, deadAfter: 3)
    let states = Task {
      var states: [PeerConnection.ConnectionState] = []
      for await state in here.connectionStates { states.append(state) }
      return states
    }
    // Nothing can tell that nothing happens but time.
    try await Task.sleep(for: .seconds(6))
    await here.close()
    #expect(await states.value == [.connected, .closed])
    #expect(try await peer.event("state") { $0.state == "failed" }.reason == RTCError.closedByPeer.description)
    #expect(try await peer.end() == 0)
  }

  @Test func `a peer that closes its connection ends ours at once`() async throws {
    let (here, peer) = try await connected()
    let channel = try await here.createDataChannel("x")
    try await channel.opened()
    var states = here.connectionStates.makeAsyncIterator()
    #expect(await states.next() == .connected)
    let start = ContinuousClock.now
    try await peer.ask("close")
    #expect(await states.next() == .failed(.closedByPeer))
    // Long before the silence would have told it.
    #expect(ContinuousClock.now - start < here.configuration.peerTimeout / 3)
    #expect(await channel.closed() == .closedByPeer)
    #expect(try await peer.end() == 0)
  }

  @Test func `our end is told to the peer's channels`() async throws {
    let (here, peer) = try await connected()
    await here.close()
    #expect(try await peer.event("closed").label == "first")
    #expect(try await peer.event("state") { $0.state == "failed" }.reason == RTCError.closedByPeer.description)
    #expect(try await peer.end() == 0)
  }

  // MARK: - Connecting

  /// A connection of this process that the other one answered. It has a channel called `first`, open on both sides.
  /// - Parameter deadAfter: the other's time-out in seconds.
  private func connected(
    _ configuration: PeerConnection.Configuration = Pair.configuration, deadAfter: Int = 15
  ) async throws -> (PeerConnection, ToolPeer) {
    let peer = try ToolPeer()
    try await peer.ask("create", ["address": "127.0.0.1", "deadAfter": deadAfter])
    let here = try await PeerConnection(configuration)
    _ = try await here.createDataChannel("first")
    try await here.setLocalDescription(here.createOffer())
    for await state in here.gatheringStates where state == .complete { break }
    let offer = try #require(await here.localDescription)
    let answer = try #require(try await peer.ask("answer", ["sdp": offer.sdp]).sdp)
    try await here.setRemoteDescription(SessionDescription(.answer, sdp: answer))
    try await here.connected()
    _ = try await peer.event("state") { $0.state == "connected" }
    _ = try await peer.event("open") { $0.label == "first" }
    return (here, peer)
  }

  private func options(_ protocolName: String) -> DataChannel.Options {
    var options = DataChannel.Options()
    options.protocolName = protocolName
    return options
  }
}
