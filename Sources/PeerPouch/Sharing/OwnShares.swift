import PeerTrust
import Synchronization

/// The shares of a peer that are running.
final class OwnShares: Sendable {
  private struct Key: Hashable {
    let hub: HubName
    let share: ShareID
  }

  private let running = Mutex<[Key: Share]>([:])

  var all: [Share] { running.withLock { Array($0.values) } }

  /// The shares of a database, by way of whatever hubs; those that nobody has to be asked about first.
  func shares(_ id: ShareID) -> [Share] {
    let shares = running.withLock { $0.filter { $0.key.share == id }.map(\.value) }
    return shares.filter { !$0.desk.asks } + shares.filter(\.desk.asks)
  }

  func share(_ id: ShareID, at hub: HubName) -> Share? { running.withLock { $0[Key(hub: hub, share: id)] } }

  /// Whether a share is this peer's, and therefore left out of its lists.
  func isOwn(_ id: ShareID, at hub: HubName) -> Bool { share(id, at: hub) != nil }

  /// - Returns: whether there was none of its kind.
  func add(_ share: Share) -> Bool {
    running.withLock { running in
      let key = Key(hub: share.address.hub, share: share.address.share)
      guard running[key] == nil else { return false }
      running[key] = share
      return true
    }
  }

  func remove(_ share: Share) {
    running.withLock { running in
      let key = Key(hub: share.address.hub, share: share.address.share)
      if running[key] === share { running[key] = nil }
    }
  }
}
