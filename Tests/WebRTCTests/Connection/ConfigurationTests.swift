import Testing
import WebRTC

@Suite("The settings of a connection")
struct ConfigurationTests {
  private typealias Configuration = PeerConnection.Configuration

  /// Whether a connection can be made with the settings.
  private func isValid(_ change: (inout Configuration) -> Void) async throws -> Bool {
    var configuration = Configuration()
    change(&configuration)
    do throws(RTCError) {
      await (try PeerConnection(configuration)).close()
      return true
    } catch .invalid {
      return false
    } catch {
      throw error
    }
  }

  @Test func `the usual settings are valid`() async throws {
    #expect(try await isValid { _ in })
  }

  @Test(arguments: [(575, false), (576, true), (16_384, true), (16_385, false), (-1, false), (Int.max, false)])
  func `a packet has 576 to 16384 bytes`(size: Int, valid: Bool) async throws {
    #expect(try await isValid { $0.packetSize = size } == valid)
  }

  @Test(arguments: [(0, false), (1, true), (64 << 20, true), (64 << 20 + 1, false), (-1, false), (Int.max, false)])
  func `the largest message has 1 byte to 64 MiB`(size: Int, valid: Bool) async throws {
    #expect(try await isValid { $0.maxMessageSize = size } == valid)
  }

  @Test(arguments: [(65_535, false), (65_536, true), (1 << 30, true), (1 << 30 + 1, false), (-1, false)])
  func `the window has 64 KiB to 1 GiB`(size: Int, valid: Bool) async throws {
    #expect(try await isValid { $0.window = size } == valid)
  }

  @Test(arguments: [(999, false), (1_000, true), (3_600_000, true), (0, false), (-5_000, false)])
  func `a peer counts as lost after a second or more`(milliseconds: Int, valid: Bool) async throws {
    #expect(try await isValid { $0.peerTimeout = .milliseconds(milliseconds) } == valid)
  }

  @Test func `port 0 is none`() async throws {
    #expect(try await isValid { $0.portRange = 1...65_535 })
    #expect(try await isValid { $0.portRange = 5_000...5_000 })
    #expect(try await !isValid { $0.portRange = 0...5_000 })
  }

  @Test func `relayed candidates need a TURN server`() async throws {
    let turn = IceServer(.turn(.udp, username: "me", credential: "secret"), host: "127.0.0.1")
    #expect(
      try await isValid {
        $0.isRelayOnly = true
        $0.iceServers = [turn]
      })
    #expect(
      try await !isValid {
        $0.isRelayOnly = true
        $0.iceServers = [IceServer(.stun, host: "127.0.0.1")]
      })
  }

  @Test func `sockets are bound within the range of ports`() async throws {
    var configuration = Pair.configuration
    configuration.portRange = 47_000...47_099
    let connection = try await PeerConnection(configuration)
    try await connection.setLocalDescription(connection.createOffer())
    var ports: [UInt16] = []
    for await case .candidate(let candidate) in connection.localCandidates { ports.append(candidate.port) }
    #expect(!ports.isEmpty && ports.allSatisfy { 47_000...47_099 ~= $0 })
    await connection.close()
  }

  @Test(arguments: ["not an address", "127.0.0.256", "localhost", ""])
  func `what is no address is refused`(address: String) async throws {
    #expect(try await !isValid { $0.addresses = .addresses([address]) })
  }
}
