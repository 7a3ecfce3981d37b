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

  /// - Throws: what `LocalPeer` and reading the settings throw; ``UsageError``.
  func peer(_ options: ConnectionOptions) throws -> LocalPeer {
    try state.withLock { state in
      if let peer = state.peer { return peer }
      guard !state.isClosed else { throw CancellationError() }
      let peer = try make(options)
      state.peer = peer
      return peer
    }
  }

  private func make(_ options: ConnectionOptions) throws -> LocalPeer {
    let keys = try HubKeys(options)
    var peerOptions = PeerOptions()
    peerOptions.logger = Logger(label: "peerpouch.peer") { [diagnostics] _ in NoteLog(diagnostics: diagnostics) }
    peerOptions.openHub = { [self] name in try await open(hub: name, keys, .mustExist) }
    #if WebRTC
      try connect(&peerOptions, options)
    #endif
    return try LocalPeer(options: peerOptions)
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
    /// How connections are made: with the servers that were named, and those that each hub offers if the user wants that.
    private func connect(_ peerOptions: inout PeerOptions, _ options: ConnectionOptions) throws {
      let settings = try Settings.read()
      let named = options.iceServers.isEmpty ? PeerEnvironment.iceServers ?? settings.iceServers : options.iceServers
      let servers = try named.map { try IceServerArgument.read($0) }
      let addresses = options.address.isEmpty ? PeerEnvironment.addresses ?? [] : options.address
      peerOptions.transport = IceServerArgument.transport(
        servers, isRelayOnly: options.relayOnly, addresses: addresses)
      guard options.iceFromHub || settings.usesHubServers else { return }
      peerOptions.transportBy = { [diagnostics, isRelayOnly = options.relayOnly] hub in
        var all = servers
        do {
          all += try await IceServerArgument.published(by: hub)
        } catch {
          diagnostics.note("The hub does not tell its STUN and TURN servers: \(error)")
        }
        return IceServerArgument.transport(all, isRelayOnly: isRelayOnly, addresses: addresses)
      }
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
