import ArgumentParser
import Foundation
import PeerPouch

/// The database that a command works on.
struct DatabaseArgument: ParsableArguments, Sendable {
  @Argument(help: "The database: a name, a path with a slash, memory:, a URL, or a ticket; - reads it from the input.")
  var database: DatabaseName
  @OptionGroup(title: "Options for databases of other peers") var connection: ConnectionOptions

  /// The same with the name read from standard input if that is where it is. To be called before anything else is read
  /// from there.
  func resolved(_ console: Console) throws -> DatabaseArgument {
    var resolved = self
    resolved.database = try database.resolved(console)
    return resolved
  }

  /// Runs something with the database open, and closes it; see ``DatabaseName/open(_:_:options:_:_:)``.
  func open<Value>(
    _ presence: DatabasePresence, _ console: Console, options: StoreOptions = StoreOptions(),
    _ body: (any Database) async throws -> Value
  ) async throws -> Value {
    try await database.open(presence, DatabaseOpener(console, connection), options: options, .none, body)
  }
}

/// What opening databases needs besides their names.
struct DatabaseOpener: Sendable {
  let console: Console
  let connection: ConnectionOptions

  init(_ console: Console, _ connection: ConnectionOptions) {
    self.console = console
    self.connection = connection
  }
}

/// A database as it is named in arguments.
struct DatabaseName: ExpressibleByArgument, CustomStringConvertible, Sendable {
  let text: String

  var description: String { text }

  init(argument: String) {
    text = argument
  }

  /// The same, with a name read from the first line of standard input if it is `-`: so tickets need not stand in the list
  /// of processes. What follows that line is left to be read.
  /// - Throws: ``UsageError`` if there is no such line.
  func resolved(_ console: Console) throws -> DatabaseName {
    guard text == "-" else { return self }
    let input = try InputFile("-", console.interruption)
    if input.isTerminal { console.diagnostics.note("Type the name, URL or ticket of the database.") }
    var line: [UInt8] = []
    // One at a time: what is read here is not there for what reads the rest.
    while let byte = try input.read(upTo: 1).first, byte != 0x0A {
      guard line.count < DatabaseName.longest else { break }
      line.append(byte)
    }
    let name = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    guard !name.isEmpty, name != "-", line.count < DatabaseName.longest else {
      throw UsageError(reason: "The input does not begin with a database.")
    }
    return DatabaseName(argument: name)
  }

  /// In bytes. Tickets and addresses with a long hub have some 3 KiB.
  private static let longest = 16 << 10

  /// Runs something with the database open, and closes it.
  /// - Parameter patience: what to do while the database's server or owner is away.
  /// - Throws: `PouchError` of the code `notFound` if it must exist and does not, and what opening and the body throw.
  func open<Value>(
    _ presence: DatabasePresence, _ opener: DatabaseOpener, options: StoreOptions = StoreOptions(),
    _ patience: Patience = .none, _ body: (any Database) async throws -> Value
  ) async throws -> Value {
    let name = try resolved(opener.console)
    guard !PeerPlace.isMeant(by: name.text) else { return try await name.openPeer(opener, patience, body) }
    let opened = try await name.open(presence, options, patience)
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

  private func openPeer<Value>(
    _ opener: DatabaseOpener, _ patience: Patience, _ body: (any Database) async throws -> Value
  ) async throws -> Value {
    let place = try PeerPlace(text)
    let peer = try opener.console.peer.peer(opener.connection)
    let opened = try await peer.open(place, info: opener.connection.info, waiting: .nothing)
    let report = ConnectionReport(opener.console, peer.identity.fingerprint, by: place.address.hub)
    let following = Task { await report.follow(opened.connection) }
    let outcome: Result<Value, any Error>
    do {
      switch patience {
      case .none: try await opened.connected()
      case .waits: try await DatabaseName.waitForConnection(to: opened)
      }
      outcome = .success(try await body(opened))
    } catch {
      outcome = .failure(error)
    }
    try? await opened.close()
    // The connection goes on if the command has opened the same share twice.
    following.cancel()
    await following.value
    return try outcome.get()
  }

  /// Waits for an owner who may be away; the report tells why.
  private static func waitForConnection(to database: PeerDatabase) async throws {
    while true {
      do {
        return try await database.connected()
      } catch let error as PouchError where error.code.isTransient || error.code == .notFound {
        try await Task.sleep(for: ReplicationTuning.firstRetryDelay)
      }
    }
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
