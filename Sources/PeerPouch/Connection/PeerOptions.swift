public import Logging
public import PeerTunnel
public import PouchCore

/// How a ``LocalPeer`` behaves, and what it takes from the world besides.
public struct PeerOptions: Sendable {
  /// What makes connections.
  public var transport: any PeerTransport = PeerOptions.standardTransport
  /// How long a request to a peer waits for a connection before it fails as unreachable.
  public var patience: Duration = .seconds(30)
  /// The bounds of what peers may do over a connection.
  public var tunnel = TunnelLimits()
  /// The bounds of what peers may ask of a shared database.
  public var access = AccessLimits()
  /// How many connections this peer takes, and how many of them from one identity; more are told to try later.
  public var connections = 256
  public var connectionsPerIdentity = 4
  public var time = PeerTime.system
  public var random = RandomSource.system
  public var logger = Logger(label: "peerpouch.peer")
  /// Opens the hub that an address names, unless it is open already.
  public var openHub: @Sendable (String) async throws -> any Database = { try await Pouch($0, .mustExist) }

  /// The usual behaviour.
  public init() {}

  private static var standardTransport: any PeerTransport {
    #if WebRTC
      WebRTCTransport()
    #else
      MissingTransport()
    #endif
  }
}
