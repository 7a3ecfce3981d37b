import Testing
import WebRTC

@Suite("What STUN servers are used for", .timeLimit(.minutes(1)))
struct StunServerUseTests {
  @Test(arguments: ["127.0.0.1", "localhost"])
  func `a STUN server tells a candidate, by its address or its name`(host: String) async throws {
    let server = try StunResponder()
    defer { server.stop() }
    var configuration = Pair.configuration
    configuration.iceServers = [try IceServer("stun:\(host):\(server.port)")]
    let found = try await PeerConnection.candidates(configuration)
    let host = try #require(found.first { $0.kind == .host })
    let reflexive = try #require(found.first { $0.kind == .serverReflexive })
    #expect(reflexive.address == "192.0.2.7")
    #expect(reflexive.port == host.port)
    #expect(reflexive.relatedAddress == "127.0.0.1")
    #expect(reflexive.relatedPort == host.port)
  }

  @Test func `a STUN server that does not answer is given up, and the hosts are there`() async throws {
    let silent = try UDPSocket()
    var configuration = Pair.configuration
    configuration.iceServers = [IceServer(.stun, host: "127.0.0.1", port: silent.port)]
    #expect(try await PeerConnection.candidates(configuration).map(\.kind) == [.host])
  }

  @Test func `a connection may be closed while the names of its servers are looked up`() async throws {
    var configuration = Pair.configuration
    configuration.iceServers = [
      try IceServer("stun:localhost:9"), try IceServer("turn:localhost:9", username: "me", credential: "secret"),
    ]
    for _ in 0..<50 {
      let connection = try await PeerConnection(configuration)
      try await connection.setLocalDescription(connection.createOffer())
      await connection.close()
    }
    // The late answers found nobody, and the engine lives on.
    configuration.iceServers = []
    #expect(try await PeerConnection.candidates(configuration).map(\.kind) == [.host])
  }
}
