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
    if presence == .mustExist, let path, !FileManager.default.fileExists(atPath: path) {
      throw PouchError(.notFound, "There is no database at \(path).")
    }
    let opened: any Database
    do {
      opened = try await Pouch(database, options: options)
    } catch let error as PouchError where error.code == .illegalDatabaseName {
      throw PouchError(.illegalDatabaseName, "'\(database)' is no name of a database, and a path needs a slash.")
    }
    do {
      let value = try await body(opened)
      try await opened.close()
      return value
    } catch {
      try? await opened.close()
      throw error
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
