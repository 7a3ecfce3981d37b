public import PeerTrust
public import PeerTunnel

// What another transport, and options, are written with.
@_exported public import struct PeerTunnel.AccessLimits
@_exported public import protocol PeerTunnel.MessageChannel
@_exported public import struct PeerTunnel.TunnelLimits

/// Makes connections between peers, given a way to exchange descriptions and candidates: WebRTC.
///
/// It knows nothing of hubs, identities and shares; whoever uses it has verified what it is given. An app on a platform
/// without this package's WebRTC may bring another one.
public protocol PeerTransport: Sendable {
  /// Begins one side of a connection.
  /// - Parameters:
  ///   - role: the opener describes itself first, and controls ICE; the sharer begins the DTLS handshake.
  ///   - remote: the opener's description, for the sharer; `nil` for the opener.
  /// - Throws: ``PouchError`` if no connection can be begun.
  func link(as role: Role, to remote: IceDescription?) async throws -> any PeerLink
}

/// One side of a connection that is being made, and then is there.
public protocol PeerLink: Sendable {
  /// This side's description with the candidates that are found within a short while. Asked once, before the others.
  func description() async throws -> IceDescription

  /// Candidates that were found since, some at a time, as few texts as possible: suspends until there are any.
  /// - Returns: `nil` when there will be no more.
  func furtherCandidates() async -> [IceCandidate]?

  /// For the opener: what the sharer answered.
  func connect(to remote: IceDescription) async throws

  /// Adds candidates that the other side found later.
  func add(_ candidates: [IceCandidate]) async

  /// Suspends until the connection is made and both certificates are verified.
  /// - Returns: its one channel. Asked once.
  /// - Throws: what the connection fails with.
  func channel() async throws -> any MessageChannel

  /// The path in use, once there is a connection. Later ones may be better.
  func path() async -> PeerPath?

  /// Ends the connection. Closing twice does nothing.
  func close() async
}

/// Which way the bytes between two peers take.
public struct PeerPath: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable {
    /// From one peer to the other.
    case direct
    /// By way of a TURN server.
    case relayed
    /// Within this process.
    case memory
  }

  public let kind: Kind
  /// This side's address and port, as far as it is known.
  public let local: String
  /// The other side's.
  public let remote: String

  public init(_ kind: Kind, local: String = "", remote: String = "") {
    self.kind = kind
    self.local = local
    self.remote = remote
  }
}
