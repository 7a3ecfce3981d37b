public import Logging
public import PeerTunnel
public import PouchCore

/// How a ``LocalPeer`` behaves, and what it takes from the world besides.
public struct PeerOptions: Sendable {
  /// What makes connections.
  public var transport: any PeerTransport = PeerOptions.standardTransport
  /// What makes the connections that are agreed on by way of a hub, asked at each opening, if that depends on the hub: as
  /// with STUN and TURN servers that it offers, see `Database.publishedIceServers()`. Else ``transport`` does.
  public var transportBy: (@Sendable (_ hub: any Database) async -> any PeerTransport)?
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

  /// How long ``transportBy`` may take, which asks the hub; then ``transport`` has to do.
  static let lookup = Duration.seconds(5)

  func transport(by hub: any Database) async throws -> any PeerTransport {
    guard let transportBy else { return transport }
    return try await time.limit(PeerOptions.lookup) { await transportBy(hub) } ?? transport
  }

  /// Refuses what would be of no use: to be found by others whom nobody can connect to.
  /// - Throws: ``PouchError/Code/notImplemented`` where there is no transport.
  func checkTransport() throws(PouchError) {
    if transport is MissingTransport, transportBy == nil { throw MissingTransport.error }
  }

  private static var standardTransport: any PeerTransport {
    #if WebRTC
      WebRTCTransport()
    #else
      MissingTransport()
    #endif
  }
}
