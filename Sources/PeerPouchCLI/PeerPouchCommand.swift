import ArgumentParser
import Foundation
import PeerPouch

/// The command `peerpouch`.
@main
struct PeerPouchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peerpouch", abstract: "A document database that speaks CouchDB's data model.",
    discussion: """
      DB is a name (the file NAME.pouch in $PEERPOUCH_HOME, by default the platform's data folder), a path with a slash,
      or memory:.
      Exit codes: 0 fine, 1 error, 2 usage, 3 not found, 4 conflict, 5 refused.
      """,
    subcommands: [
      Put.self, Get.self, Remove.self, List.self, Changes.self, Attach.self, Detach.self, Fetch.self, Info.self,
      Compact.self, Check.self, Destroy.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch let error as PouchError {
      FileHandle.standardError.write(Data("peerpouch: \(error)\n".utf8))
      Foundation.exit(error.code.exitCode)
    } catch {
      let code = exitCode(for: error)
      if code == .validationFailure {
        FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
        Foundation.exit(2)
      }
      exit(withError: error)
    }
  }
}

/// The database that a command works on.
struct DatabaseArgument: ParsableArguments {
  @Argument(help: "The database: a name, a path with a slash, or memory:.") var database: String

  /// Runs something with the database open, and closes it.
  func open(_ body: (any Database) async throws -> Void) async throws {
    let database = try await Pouch(database)
    do {
      try await body(database)
    } catch {
      try? await database.close()
      throw error
    }
    try await database.close()
  }

  /// The same for commands that only read: a file that is missing is not made.
  func openExisting(_ body: (any Database) async throws -> Void) async throws {
    let path =
      PouchHome.isName(database)
      ? PouchHome.folder + "/" + database + ".pouch" : database.hasPrefix("memory:") ? nil : database
    if let path, !FileManager.default.fileExists(atPath: path) {
      throw PouchError(.notFound, "Database does not exist: \(path)")
    }
    try await open(body)
  }
}

/// Prints a line at once, also into a pipe.
func printLine(_ bytes: some Sequence<UInt8>) {
  FileHandle.standardOutput.write(Data(bytes) + Data([0x0A]))
}
