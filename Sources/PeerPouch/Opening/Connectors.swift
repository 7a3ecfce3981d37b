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

  private struct State {
    /// Those that have users.
    var entries: [ObjectIdentifier: Entry] = [:]
    /// The latest of each share: one that was refused is used no further, and another one made in its place.
    var latest: [Key: PeerConnector] = [:]
  }

  private let state = Mutex(State())

  /// What keeps a share connected; to be given back.
  func take(_ key: Key, _ make: () -> PeerConnector) -> PeerConnector {
    state.withLock { state in
      if let latest = state.latest[key], latest.isUsable {
        state.entries[ObjectIdentifier(latest)]?.users += 1
        return latest
      }
      let connector = make()
      state.latest[key] = connector
      state.entries[ObjectIdentifier(connector)] = Entry(
        connector: connector, task: Task { await connector.run() }, users: 1)
      return connector
    }
  }

  /// Gives a connector back. The last user ends it.
  /// - Returns: its task, which ends soon.
  @discardableResult
  func giveBack(_ connector: PeerConnector, _ key: Key) -> Task<Void, Never>? {
    state.withLock { state in
      let id = ObjectIdentifier(connector)
      state.entries[id]?.users -= 1
      guard let entry = state.entries[id], entry.users == 0 else { return nil }
      state.entries[id] = nil
      if state.latest[key] === connector { state.latest[key] = nil }
      entry.task.cancel()
      connector.end()
      return entry.task
    }
  }

  /// Ends all.
  func close() async {
    let all = state.withLock { state in
      defer { state = State() }
      return Array(state.entries.values)
    }
    for entry in all {
      entry.task.cancel()
      await entry.task.value
      entry.connector.end()
    }
  }
}
