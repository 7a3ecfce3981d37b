import ArgumentParser
import Foundation
import PeerPouch

/// The database that a command works on.
struct DatabaseArgument: ParsableArguments, Sendable {
  @Argument(help: "The database: a name, a path with a slash, or memory:.") var database: String

  enum Presence: Sendable {
    /// For commands that have nothing to do in a new database.
    case mustExist
    case madeIfMissing
  }

  /// Runs something with the database open, and closes it.
  /// - Throws: `PouchError` of the code `notFound` if it must exist and does not, and what opening and the body throw.
  func open<Value>(
    _ presence: Presence, options: StoreOptions = StoreOptions(), _ body: (any Database) async throws -> Value
  ) async throws -> Value {
    let opened = try await open(presence, options)
    do {
      let value = try await body(opened)
      try await opened.close()
      return value
    } catch {
      try? await opened.close()
      throw error
    }
  }

  private func open(_ presence: Presence, _ options: StoreOptions) async throws -> any Database {
    if let path { try check(path, presence) }
    do {
      return try await Pouch(database, options: options)
    } catch let error as PouchError where error.code == .illegalDatabaseName {
      throw PouchError(.illegalDatabaseName, "'\(database)' is no name of a database, and a path needs a slash.")
    } catch let error as PouchError {
      guard let path else { throw error }
      throw PouchError(error.code, "\(path): \(error.reason)", underlying: error)
    }
  }

  /// Tells what is wrong with a path in better words than the database has.
  private func check(_ path: String, _ presence: Presence) throws {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR { throw PouchError(.ioError, "\(path) is a folder.") }
    // Opening an empty file would make a database of it.
    if presence == .mustExist, !exists || status.st_size == 0 {
      throw PouchError(.notFound, "There is no database at \(path).")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    // The folder of those that have a plain name is made.
    if presence == .madeIfMissing, !PouchHome.isName(database), !FileManager.default.fileExists(atPath: folder) {
      throw PouchError(.ioError, "There is no folder \(folder).")
    }
  }

  /// The file of the database; `nil` if it is in none.
  private var path: String? {
    if PouchHome.isName(database) { return "\(PouchHome.folder)/\(database).pouch" }
    return PouchAdapter.path.recognizes(database) && !PouchAdapter.memory.recognizes(database) ? database : nil
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
