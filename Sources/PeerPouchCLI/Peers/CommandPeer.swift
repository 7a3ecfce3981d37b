import Logging
import PeerPouch
import Synchronization

/// This command among peers: its identity, its hubs, and its connections. Made when it is first needed, and closed when the
/// command ends.
final class CommandPeer: Sendable {
  private struct State {
    var peer: LocalPeer?
    var isClosed = false
  }

  private let state = Mutex(State())
  private let diagnostics: Diagnostics

  init(_ diagnostics: Diagnostics) {
    self.diagnostics = diagnostics
  }

  /// - Parameter hub: whose STUN and TURN servers are used, if the user wants that.
  /// - Throws: what `LocalPeer` and reading the settings throw; ``UsageError``.
  func peer(_ options: ConnectionOptions, hub: String?) async throws -> LocalPeer {
    if let peer = state.withLock(\.peer) { return peer }
    let keys = try HubKeys(options)
    var peerOptions = PeerOptions()
    peerOptions.logger = Logger(label: "peerpouch.peer") { [diagnostics] _ in NoteLog(diagnostics: diagnostics) }
    peerOptions.openHub = { [self] name in try await open(hub: name, keys, .mustExist) }
    #if WebRTC
      peerOptions.transport = try await transport(options, hub: hub, keys)
    #endif
    let made = try LocalPeer(options: peerOptions)
    return try state.withLock { state in
      guard !state.isClosed else { throw CancellationError() }
      let peer = state.peer ?? made
      state.peer = peer
      return peer
    }
  }

  /// Opens a hub.
  func hub(_ name: String, _ options: ConnectionOptions, _ presence: DatabasePresence) async throws -> any Database {
    try await open(hub: name, HubKeys(options), presence)
  }

  private func open(
    hub name: String, _ keys: HubKeys, _ presence: DatabasePresence
  ) async throws -> any Database {
    // A peer's shared database can be a hub too.
    let adapters = state.withLock(\.peer).map { [PouchAdapter.peer($0)] } ?? []
    return try await Pouch(keys.url(of: name), presence, adapters: adapters)
  }

  /// Says goodbye to other peers, and removes shares from their hubs.
  func close() async {
    let peer = state.withLock { state in
      state.isClosed = true
      return state.peer
    }
    await peer?.close()
  }

  #if WebRTC
    private func transport(
      _ options: ConnectionOptions, hub: String?, _ keys: HubKeys
    ) async throws -> any PeerTransport {
      let settings = try Settings.read()
      let named = options.iceServers.isEmpty ? PeerEnvironment.iceServers ?? settings.iceServers : options.iceServers
      var servers = try named.map { try IceServerArgument.read($0) }
      if options.iceFromHub || settings.usesHubServers, let hub {
        let opened = try await open(hub: hub, keys, .mustExist)
        servers += try await IceServerArgument.published(by: opened)
        try? await opened.close()
      }
      return IceServerArgument.transport(
        servers, isRelayOnly: options.relayOnly,
        addresses: options.address.isEmpty ? PeerEnvironment.addresses ?? [] : options.address)
    }
  #endif
}

/// The users and passwords of hubs, by the names that addresses and tickets give them, which have none.
struct HubKeys: Sendable {
  private var urls: [String: String] = [:]

  /// Those of `--hub`, the environment and the settings.
  init(_ options: ConnectionOptions) throws {
    for hub in [try Settings.read().hub, PeerEnvironment.hub, options.hub] {
      guard let hub, let carrier = try? HTTPCarrier(hub), carrier.credentials != nil else { continue }
      urls[carrier.url] = hub
    }
  }

  /// How to open a hub.
  func url(of name: String) -> String {
    // Servers of this user on this machine are known, and need no password to be typed.
    urls[name] ?? PouchServer.authorized(name) ?? name
  }
}

/// Notes what the library has to say of peers.
private struct NoteLog: LogHandler {
  let diagnostics: Diagnostics
  var logLevel = Logger.Level.notice
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    diagnostics.note(
      "\(event.message)" + (details.isEmpty ? "" : " (\(details.joined(separator: ", ")))"))
  }
}
