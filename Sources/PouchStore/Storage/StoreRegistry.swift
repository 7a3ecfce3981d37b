import Foundation
import PouchCore
import Synchronization

/// One path, one store within a process: SQLite's locks are per process, and feeds must see all writes.
final class StoreRegistry: Sendable {
  static let shared = StoreRegistry()

  private struct Entry {
    let store: Store
    var users: Int
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// Opens a store, or joins the one that is open.
  /// - Parameters:
  ///   - key: the real path, or the name of a shared database in memory.
  ///   - path: the file; `nil` for memory.
  func open(_ key: String, path: String?, durability: Durability) throws -> Store {
    try entries.withLock { entries in
      if var entry = entries[key] {
        entry.users += 1
        entries[key] = entry
        return entry.store
      }
      let store = try Store(path: path, durability: durability)
      entries[key] = Entry(store: store, users: 1)
      return store
    }
  }

  /// Ends one use; the last one closes the store.
  func release(_ key: String, _ store: Store) throws(PouchError) {
    let isLast = entries.withLock { entries in
      guard var entry = entries[key], entry.store === store else { return false }
      entry.users -= 1
      entries[key] = entry.users > 0 ? entry : nil
      return entry.users == 0
    }
    if isLast { try store.close() }
  }

  /// Closes a store for all of its users, who will find it closed.
  func evict(_ key: String, _ store: Store) throws(PouchError) {
    entries.withLock { entries in
      if entries[key]?.store === store { entries[key] = nil }
    }
    try store.close()
  }
}

/// One use of a store; ends with ``end()``, or when it is dropped.
final class StoreUse: Sendable {
  let store: Store
  private let key: String
  private let hasEnded = Mutex(false)

  init(_ key: String, path: String?, durability: Durability) throws(PouchError) {
    self.key = key
    do {
      store = try StoreRegistry.shared.open(key, path: path, durability: durability)
    } catch {
      throw PouchError(storage: error)
    }
  }

  var isEnded: Bool { hasEnded.withLock { $0 } }

  func end() throws(PouchError) {
    let isFirst = hasEnded.withLock { ended in
      defer { ended = true }
      return !ended
    }
    if isFirst { try StoreRegistry.shared.release(key, store) }
  }

  /// Ends all uses and removes the files.
  func destroy() throws(PouchError) {
    hasEnded.withLock { $0 = true }
    try StoreRegistry.shared.evict(key, store)
    guard let path = store.path else { return }
    for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
      do {
        try FileManager.default.removeItem(atPath: path + suffix)
      } catch {
        throw PouchError(.ioError, "The file could not be removed: \(path + suffix)", underlying: error)
      }
    }
  }

  deinit {
    // Nobody is left to be told; a failing close leaves the log to the next opening.
    try? end()
  }
}
