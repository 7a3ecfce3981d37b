import Testing
import WebRTC

@Suite(
  "What TURN servers are used for",
  .enabled(if: TurnServer.executable != nil, "coturn's turnserver is not installed"), .timeLimit(.minutes(1)))
struct TurnServerUseTests {
  /// The settings of a peer that asks a server.
  private func configuration(_ server: IceServer) -> PeerConnection.Configuration {
    var configuration = Pair.configuration
    configuration.iceServers = [server]
    return configuration
  }

  @Test func `a TURN server gives a relayed candidate beside the host`() async throws {
    let server = try await TurnServer()
    defer { server.stop() }
    let found = try await PeerConnection.candidates(configuration(server.asIceServer))
    #expect(Set(found.map(\.kind)) == [.host, .relayed])
    #expect(found.allSatisfy { $0.address == "127.0.0.1" })
  }

  @Test func `wrong credentials give no relayed candidate`() async throws {
    let server = try await TurnServer()
    defer { server.stop() }
    var wrong = server.asIceServer
    wrong.kind = .turn(.udp, username: TurnServer.username, credential: "wrong")
    #expect(try await PeerConnection.candidates(configuration(wrong)).map(\.kind) == [.host])
  }

  @Test func `relay-only peers tell nothing but relays, connect through them, and echo`() async throws {
    let server = try await TurnServer()
    defer { server.stop() }
    var configuration = configuration(server.asIceServer)
    configuration.isRelayOnly = true
    #expect(try await PeerConnection.candidates(configuration).map(\.kind) == [.relayed])

    let pair = try await Pair(configuration, configuration)
    let channel = try await pair.offerer.createDataChannel("echo")
    try await pair.connect()
    let echo = Task {
      for await channel in pair.answerer.incomingDataChannels {
        for try await case .binary(let bytes) in channel.messages { try await channel.send(bytes) }
        return
      }
    }
    var answers = channel.messages.makeAsyncIterator()
    for size in [1, 1_000, 100_000] {
      let message = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
      try await channel.send(message)
      #expect(try await answers.next() == .binary(message))
    }
    let used = try #require(await pair.offerer.selectedCandidatePair)
    #expect(used.isRelayed)
    #expect(used.local.kind == .relayed)
    await channel.close()
    try await echo.value
    await pair.close()
  }
}
