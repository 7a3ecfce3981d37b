import CouchAPI
import PouchCore
import PouchStore
import Synchronization

/// A set of databases in memory.
final class MemoryDatabases: DatabaseSet {
  private struct Entry {
    let database: LocalDatabase
    var security: JSON = [:]
  }

  private let entries = Mutex<[String: Entry]>([:])

  private static let missing = PouchError(.notFound, "Database does not exist.")

  func names() async throws -> [String] {
    entries.withLock { $0.keys.sorted { ExactString($0) < ExactString($1) } }
  }

  func database(_ name: String) async throws -> any Database {
    guard let entry = entries.withLock({ $0[name] }) else { throw Self.missing }
    return entry.database
  }

  func create(_ name: String) async throws {
    let database = try LocalDatabase.inMemory()
    let isNew = entries.withLock { entries in
      guard entries[name] == nil else { return false }
      entries[name] = Entry(database: database)
      return true
    }
    guard !isNew else { return }
    try await database.close()
    throw PouchError(.databaseExists)
  }

  func destroy(_ name: String) async throws {
    guard let entry = entries.withLock({ $0.removeValue(forKey: name) }) else { throw Self.missing }
    try await entry.database.destroy()
  }

  func security(of name: String) async throws -> JSON {
    guard let entry = entries.withLock({ $0[name] }) else { throw Self.missing }
    return entry.security
  }

  func setSecurity(_ security: JSON, of name: String) async throws {
    entries.withLock { $0[name]?.security = security }
  }
}

extension MemoryDatabases {
  /// A database of its own.
  static func one() async throws -> any Database { try LocalDatabase.inMemory() }
}
