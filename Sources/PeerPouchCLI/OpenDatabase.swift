import ArgumentParser
import Foundation
import PeerPouch

/// The database that a command works on.
struct DatabaseArgument: ParsableArguments, Sendable {
  @Argument(help: "The database: a name, a path with a slash, memory:, or a URL.") var database: DatabaseName

  /// Runs something with the database open, and closes it; see ``DatabaseName/open(_:options:_:)``.
  func open<Value>(
    _ presence: DatabasePresence, options: StoreOptions = StoreOptions(),
    _ body: (any Database) async throws -> Value
  ) async throws -> Value {
    try await database.open(presence, options: options, .none, body)
  }
}

/// A database as it is named in arguments.
struct DatabaseName: ExpressibleByArgument, CustomStringConvertible, Sendable {
  let text: String

  var description: String { text }

  init(argument: String) {
    text = argument
  }

  /// Runs something with the database open, and closes it.
  /// - Parameter patience: what to do while the database's server is away.
  /// - Throws: `PouchError` of the code `notFound` if it must exist and does not, and what opening and the body throw.
  func open<Value>(
    _ presence: DatabasePresence, options: StoreOptions = StoreOptions(), _ patience: Patience = .none,
    _ body: (any Database) async throws -> Value
  ) async throws -> Value {
    let opened = try await open(presence, options, patience)
    do {
      let value = try await body(opened)
      try await opened.close()
      return value
    } catch {
      try? await opened.close()
      throw error
    }
  }

  /// What to do while a server cannot be reached, or has no time.
  enum Patience {
    case none
    /// To wait for it, and to say so once.
    case waits(Diagnostics)
  }

  private func open(
    _ presence: DatabasePresence, _ options: StoreOptions, _ patience: Patience
  ) async throws -> any Database {
    var delay = ReplicationTuning.firstRetryDelay
    var isNoted = false
    while true {
      do {
        return try await open(presence, options)
      } catch let error as PouchError where error.code.isTransient {
        guard case .waits(let diagnostics) = patience else { throw error }
        if !isNoted { diagnostics.note("\(error); waiting for it") }
        isNoted = true
        try await Task.sleep(for: max(delay, error.retryAfter ?? .zero))
        delay = min(delay * 2, ReplicationTuning.longestRetryDelay)
      }
    }
  }

  private func open(_ presence: DatabasePresence, _ options: StoreOptions) async throws -> any Database {
    if let path { try check(path, presence) }
    do {
      // Servers of this user on this machine are known, and need no password to be typed.
      return try await Pouch(PouchServer.authorized(text) ?? text, presence, options: options)
    } catch let error as PouchError where error.code == .illegalDatabaseName {
      throw PouchError(.illegalDatabaseName, "'\(text)' is no name of a database, and a path needs a slash.")
    } catch let error as PouchError {
      guard let path else { throw error }
      throw PouchError(error.code, "\(path): \(error.reason)", underlying: error)
    }
  }

  /// Tells what is wrong with a path in better words than the database has.
  private func check(_ path: String, _ presence: DatabasePresence) throws {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR { throw PouchError(.ioError, "\(path) is a folder.") }
    // Opening an empty file would make a database of it.
    if presence == .mustExist, !exists || status.st_size == 0 {
      throw PouchError(.notFound, "There is no database at \(path).")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    // The folder of those that have a plain name is made.
    if presence == .madeIfMissing, !PouchHome.isName(text), !FileManager.default.fileExists(atPath: folder) {
      throw PouchError(.ioError, "There is no folder \(folder).")
    }
  }

  /// The file of the database; `nil` if it is in none.
  private var path: String? {
    if PouchHome.isName(text) { return "\(PouchHome.folder)/\(text).pouch" }
    return PouchAdapter.path.recognizes(text) && !PouchAdapter.memory.recognizes(text) ? text : nil
  }
}

extension Database {
  /// The revision that an edit continues when none is named: the winner; `nil` if there is none, or it is deleted.
  func winner(of id: DocumentID) async throws -> RevisionID? {
    do {
      return try await get(id).revision
    } catch let error as PouchError where error.code == .notFound {
      return nil
    }
  }

  /// The revision that was named, else the winner.
  /// - Throws: `PouchError` of the code `notFound` if none was named and there is no winner.
  func edited(_ id: DocumentID, _ named: RevisionID?) async throws -> RevisionID {
    if let named { return named }
    guard let winner = try await get(id).revision else { throw PouchError.missing }
    return winner
  }
}
