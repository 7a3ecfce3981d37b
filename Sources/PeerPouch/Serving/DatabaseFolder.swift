public import CouchAPI
public import PouchCore
public import PouchStore
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The databases in a folder, each the file `NAME.pouch`, for a server that offers them by name.
///
/// Names are CouchDB's: they begin with a lower-case letter, then letters, digits and `_$()+-/`; a slash becomes `%2F` in
/// the file's name, so that no name leaves the folder. Files of other names are not offered. Databases stay open, those
/// used last, as with CouchDB's `max_dbs_open`.
///
/// Security objects are read once and kept: one server at a time may use a folder.
public actor DatabaseFolder: DatabaseSet {
  private struct Entry {
    let database: LocalDatabase
    let file: String
    var security: JSON?
    var lastUse: UInt64
  }

  /// The databases that are open, and how often one was asked for.
  private struct Opened {
    var entries: [String: Entry] = [:]
    var uses: UInt64 = 0

    mutating func use(_ name: String) -> Entry? {
      uses += 1
      entries[name]?.lastUse = uses
      return entries[name]
    }
  }

  /// The longest name in bytes; with its suffix and escapes it still is a file's name everywhere.
  private static let nameLimit = 200
  /// The local document that holds the security object. It is the database's own, so it moves with the file.
  static let securityDocument = DocumentID(DocumentID.reservedPrefix + "security")

  /// The folder.
  public nonisolated let path: String
  private let options: StoreOptions
  /// Changed by the actor only; whoever asks for a database that is open need not wait for its turn.
  private nonisolated let opened = Mutex(Opened())
  private let openLimit: Int

  /// - Parameters:
  ///   - path: the folder, which is made if it is missing.
  ///   - openLimit: how many databases stay open when nobody uses them. An open one takes a few descriptors and some
  ///     100 KiB.
  /// - Throws: ``PouchError/Code/ioError`` if the folder cannot be made.
  public init(path: String, options: StoreOptions = StoreOptions(), openLimit: Int = 200) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw PouchError(.ioError, "The folder \(path) could not be made.", underlying: error)
    }
    self.path = path
    self.options = options
    self.openLimit = max(1, openLimit)
  }

  /// How many databases are kept open.
  var openCount: Int { opened.withLock { $0.entries.count } }

  /// Whether a text may name a database (CouchDB documentation, `PUT /{db}`).
  public static func isName(_ name: String) -> Bool {
    if name == "_users" || name == "_replicator" || name == "_global_changes" { return true }
    guard (1...nameLimit).contains(name.utf8.count), let first = name.utf8.first, (0x61...0x7A).contains(first),
      fileName(of: name).utf8.count <= nameLimit + 50
    else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case 0x61...0x7A, 0x30...0x39, UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "("), UInt8(ascii: ")"),
        UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"):
        true
      default: false
      }
    }
  }

  private static let suffix = ".pouch"

  private static func fileName(of name: String) -> String {
    name.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "%2F") + suffix
  }

  private func file(of name: String) -> String { path + "/" + DatabaseFolder.fileName(of: name) }

  public func names() throws -> [String] {
    let files: [String]
    do {
      files = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw PouchError(.ioError, "The folder \(path) could not be read.", underlying: error)
    }
    return files.filter { $0.hasSuffix(DatabaseFolder.suffix) }
      .map { $0.dropLast(DatabaseFolder.suffix.count).split(separator: "%2F", omittingEmptySubsequences: false) }
      .map { $0.joined(separator: "/") }
      .filter(DatabaseFolder.isName)
      .sorted { ExactString($0) < ExactString($1) }
  }

  public nonisolated func database(_ name: String) async throws -> any Database {
    if let entry = openEntry(name) { return entry.database }
    return try await entry(name).database
  }

  public func create(_ name: String) throws {
    guard DatabaseFolder.isName(name) else { throw DatabaseFolder.illegalName(name) }
    guard !FileManager.default.fileExists(atPath: file(of: name)) else { throw PouchError(.databaseExists) }
    forget(name)
    try keep(LocalDatabase(path: file(of: name), options: options), as: name)
  }

  public func destroy(_ name: String) async throws {
    let database = try entry(name).database
    forget(name)
    try await database.destroy()
  }

  public func compacting() async -> [String] {
    var names: [String] = []
    let entries = opened.withLock(\.entries)
    for (name, entry) in entries where (try? await entry.database.info().isCompacting) == true { names.append(name) }
    return names.sorted { ExactString($0) < ExactString($1) }
  }

  public nonisolated func security(of name: String) async throws -> JSON {
    if let security = openEntry(name)?.security { return security }
    return try await readSecurity(of: name)
  }

  private func readSecurity(of name: String) async throws -> JSON {
    let entry = try entry(name)
    if let security = entry.security { return security }
    var security: JSON = [:]
    do {
      security = try await entry.database.get(DatabaseFolder.securityDocument).body.json
    } catch let error as PouchError where error.code == .notFound {}
    // It may have been replaced meanwhile.
    let read = security
    return opened.withLock { opened in
      guard let current = opened.entries[name], current.database === entry.database else { return read }
      if current.security == nil { opened.entries[name]?.security = read }
      return current.security ?? read
    }
  }

  public func setSecurity(_ security: JSON, of name: String) async throws {
    guard case .object(let fields) = security else {
      throw PouchError(.badRequest, "Request body must be a JSON object")
    }
    let database = try entry(name).database
    try await database.put(Document(id: DatabaseFolder.securityDocument, fields: fields))
    opened.withLock { opened in
      if opened.entries[name]?.database === database { opened.entries[name]?.security = security }
    }
  }

  /// Closes all databases.
  public func close() async throws {
    let entries = opened.withLock { opened in
      defer { opened.entries = [:] }
      return opened.entries
    }
    for entry in entries.values { try await entry.database.close() }
  }

  /// The entry of a database that is open.
  private nonisolated func openEntry(_ name: String) -> Entry? {
    // A file that was removed by another process is gone for this one too.
    guard let entry = opened.withLock({ $0.use(name) }), access(entry.file, F_OK) == 0 else { return nil }
    return entry
  }

  private func entry(_ name: String) throws -> Entry {
    if let entry = openEntry(name) { return entry }
    forget(name)
    guard DatabaseFolder.isName(name), FileManager.default.fileExists(atPath: file(of: name)) else {
      throw PouchError(.notFound, "Database does not exist.")
    }
    return try keep(LocalDatabase(path: file(of: name), options: options), as: name)
  }

  private func forget(_ name: String) {
    opened.withLock { $0.entries[name] = nil }
  }

  @discardableResult
  private func keep(_ database: LocalDatabase, as name: String) throws -> Entry {
    opened.withLock { opened in
      // Those who still work with a database that makes room keep it open until they are done.
      if opened.entries.count >= openLimit,
        let oldest = opened.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        opened.entries[oldest.key] = nil
      }
      let entry = Entry(database: database, file: file(of: name), security: nil, lastUse: opened.uses)
      opened.entries[name] = entry
      return entry
    }
  }

  private static func illegalName(_ name: String) -> PouchError {
    PouchError(
      .illegalDatabaseName,
      "Name: '\(name)'. Only lowercase characters (a-z), digits (0-9), and any of the characters _, $, (, ), +, -, and "
        + "/ are allowed. Must begin with a letter.")
  }
}
