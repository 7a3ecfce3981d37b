#if WebRTC
  import PeerTrust
  import WebRTC

  @testable import PeerPouch

  extension Peers {
    /// A peer that connects by WebRTC on the loopback address.
    static func overWebRTC(
      _ identity: Identity = identity(), _ change: (inout PeerOptions) -> Void = { _ in }
    ) -> LocalPeer {
      var options = options
      var configuration = PeerConnection.Configuration()
      configuration.addresses = .addresses(["127.0.0.1"])
      options.transport = WebRTCTransport(configuration)
      change(&options)
      return LocalPeer(identity, options: options)
    }
  }
#endif
