import PeerTrust
import PouchCore
import Synchronization

/// The shares of others that are open in this process: each is connected once, however often it is opened. The owner of
/// the tasks that keep them connected.
final class Connectors: Sendable {
  struct Key: Hashable, Sendable {
    let address: ShareAddress
    let ticket: Ticket?
  }

  private struct Entry {
    let connector: PeerConnector
    let task: Task<Void, Never>
    var users: Int
  }

  private let entries = Mutex<[Key: Entry]>([:])

  /// What keeps a share connected; to be given back.
  func take(_ key: Key, _ make: () -> PeerConnector) -> PeerConnector {
    entries.withLock { entries in
      if let present = entries[key], present.connector.isUsable {
        entries[key]?.users += 1
        return present.connector
      }
      let connector = make()
      entries[key] = Entry(connector: connector, task: Task { await connector.run() }, users: 1)
      return connector
    }
  }

  /// Gives a connector back. The last user ends it.
  /// - Returns: its task, which ends soon.
  @discardableResult
  func giveBack(_ connector: PeerConnector, _ key: Key) -> Task<Void, Never>? {
    entries.withLock { entries in
      guard var entry = entries[key], entry.connector === connector else { return nil }
      entry.users -= 1
      guard entry.users == 0 else {
        entries[key] = entry
        return nil
      }
      entries[key] = nil
      entry.task.cancel()
      connector.end()
      return entry.task
    }
  }

  /// Ends all.
  func close() async {
    let all = entries.withLock { entries in
      defer { entries = [:] }
      return Array(entries.values)
    }
    for entry in all {
      entry.task.cancel()
      await entry.task.value
      entry.connector.end()
    }
  }
}
