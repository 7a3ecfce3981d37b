import PeerTrust
import PouchCore
import PouchStore
import Synchronization

/// The hubs that a peer uses, by the names that addresses give them: one that is open is used again.
final class Hubs: Sendable {
  private let known = Mutex<[HubName: any Database]>([:])
  private let open: @Sendable (String) async throws -> any Database

  /// - Parameter open: opens a hub that is not open yet.
  init(open: @escaping @Sendable (String) async throws -> any Database) {
    self.open = open
  }

  /// The name by which others, or a later process, can open a hub.
  /// - Throws: ``PouchError/Code/illegalDatabaseName`` if there is none that addresses can carry.
  func name(of hub: any Database) throws(PouchError) -> HubName {
    var text = hub.name
    if let local = hub as? LocalDatabase { text = local.path ?? "memory:" + local.name }
    guard let name = HubName(text) else {
      throw PouchError(.illegalDatabaseName, "'\(text)' cannot be the name of a hub in addresses.")
    }
    known.withLock { $0[name] = hub }
    return name
  }

  /// The hub of this name.
  func hub(_ name: HubName) async throws -> any Database {
    if let hub = known.withLock({ $0[name] }) { return hub }
    let hub = try await open(name.text)
    known.withLock { $0[name] = hub }
    return hub
  }

  /// Forgets a hub that was found to be closed.
  func forget(_ name: HubName) {
    known.withLock { _ = $0.removeValue(forKey: name) }
  }
}
