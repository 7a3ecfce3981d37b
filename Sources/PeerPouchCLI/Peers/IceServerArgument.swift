#if WebRTC
  import ArgumentParser
  import PeerPouch
  import WebRTC

  /// STUN and TURN servers as they are written in arguments, the environment and the settings: `stun:HOST`, or
  /// `turn:HOST,USER,CREDENTIAL`, each with a port and a transport as in RFC 7064 and RFC 7065.
  enum IceServerArgument {
    typealias Server = IceServer

    /// - Throws: `ValidationError`.
    static func read(_ text: String) throws -> Server {
      let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      guard parts.count != 2 else { throw ValidationError("\(parts[0]): after the user follows the credential.") }
      do throws(RTCError) {
        return try IceServer(
          parts[0], username: parts.count == 3 ? parts[1] : nil, credential: parts.count == 3 ? parts[2] : nil)
      } catch {
        throw ValidationError("\(parts[0]) is no STUN or TURN server: \(error)")
      }
    }

    /// The servers that a hub offers.
    static func published(by hub: any Database) async throws -> [Server] {
      try await hub.publishedIceServers()
    }

    /// - Parameter addresses: those of this machine that take part; the usual ones if there are none.
    static func transport(_ servers: [Server], isRelayOnly: Bool, addresses: [String]) -> WebRTCTransport {
      var configuration = PeerConnection.Configuration()
      configuration.iceServers = servers
      configuration.isRelayOnly = isRelayOnly
      if !addresses.isEmpty { configuration.addresses = .addresses(addresses) }
      return WebRTCTransport(configuration)
    }
  }
#endif
