import Logging
public import PeerTrust
import PouchCore
import Synchronization

/// Who this program is among peers: its identity, the databases that it shares, and its connections.
///
/// Most programs need none of their own: ``standard()`` is made at first use, with the identity of this installation.
/// Each instance counts as somebody of its own in lists of shared databases, even where several have one identity.
public final class LocalPeer: Sendable {
  public let identity: Identity
  public let options: PeerOptions
  let folder: PeerFolder?
  let hubs: Hubs
  let shares = OwnShares()
  let switchboard: Switchboard
  let records = Mutex(RecordMemory())
  private let remembered: Mutex<KnownIdentities>
  let connectors = Connectors()

  /// A peer with the identity of an installation.
  /// - Parameter folder: where the identity, the list of known ones, and tickets are kept.
  /// - Throws: ``PouchError/Code/corrupt``, ``PouchError/Code/forbidden`` or ``PouchError/Code/ioError`` if the files
  ///   in it cannot be used.
  public convenience init(folder: String = PouchHome.folder, options: PeerOptions = PeerOptions()) throws {
    let folder = try PeerFolder(folder)
    var generator = options.random
    self.init(try folder.identity(using: &generator), folder, options)
  }

  /// A peer that keeps nothing.
  public convenience init(_ identity: Identity, options: PeerOptions = PeerOptions()) {
    self.init(identity, nil, options)
  }

  init(_ identity: Identity, _ folder: PeerFolder?, _ options: PeerOptions) {
    self.identity = identity
    self.folder = folder
    self.options = options
    hubs = Hubs(open: options.openHub)
    switchboard = Switchboard(options)
    remembered = Mutex(KnownIdentities())
  }

  private static let process = Mutex<LocalPeer?>(nil)

  /// The process's own, which calls use that name no other.
  /// - Throws: what ``init(folder:options:)`` throws.
  public static func standard() throws -> LocalPeer {
    try process.withLock { peer in
      if let peer { return peer }
      let made = try LocalPeer()
      peer = made
      return made
    }
  }

  // MARK: Known identities

  /// Whom this installation has dealt with.
  public var knownIdentities: KnownIdentities {
    get throws { try folder?.knownIdentities() ?? remembered.withLock(\.self) }
  }

  /// How an identity that comes under a name looks beside those that are known.
  func standing(of fingerprint: Fingerprint, named name: String) -> KnownIdentities.Standing {
    (try? knownIdentities)?.standing(of: fingerprint, named: name) ?? .new
  }

  /// Remembers an identity that was let in, or whose share was opened.
  func remember(_ fingerprint: Fingerprint, named name: String) {
    let date = options.time.date()
    do {
      guard let folder else {
        return remembered.withLock { $0.remember(fingerprint, named: name, at: date) }
      }
      try folder.updateKnownIdentities { $0.remember(fingerprint, named: name, at: date) }
    } catch {
      options.logger.warning("An identity could not be remembered.", metadata: ["error": "\(error)"])
    }
  }

  /// Forgets an identity: its connections to this peer end, and the tickets that it claimed are revoked. Those of shares
  /// that are not running too, and of shares in other processes of this installation, which notice within a second.
  /// - Returns: whether it was known.
  /// - Throws: ``PouchError/Code/ioError``.
  @discardableResult
  public func forget(_ fingerprint: Fingerprint) async throws -> Bool {
    var wasKnown = false
    if let folder {
      try folder.forget(fingerprint)
      try folder.updateKnownIdentities { wasKnown = $0.forget(fingerprint) }
    } else {
      wasKnown = remembered.withLock { $0.forget(fingerprint) }
    }
    for share in shares.all {
      if folder == nil { await share.desk.forget(fingerprint) } else { await share.desk.noteForgotten() }
    }
    await switchboard.disconnect(fingerprint)
    return wasKnown
  }

  // MARK: End

  /// Stops all shares, and ends all connections. Databases that were opened from peers are closed.
  public func close() async {
    await withTaskGroup(of: Void.self) { group in
      for share in shares.all { group.addTask { await share.stop() } }
    }
    await connectors.close()
    await switchboard.close()
  }
}
