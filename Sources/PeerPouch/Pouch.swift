@_exported public import PouchCore
@_exported public import PouchReplication
@_exported public import PouchStore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Opens a database by its name, its path or its URL.
///
/// ```swift
/// let notes = try await Pouch("notes")                          // notes.pouch in the platform's data folder
/// let there = try await Pouch("./data/notes.pouch")             // a file: anything with a slash
/// let scratch = try await Pouch("memory:")                      // memory; "memory:NAME" is shared within the process
/// let remote = try await Pouch("https://jan:secret@host/notes") // a CouchDB, or our own server
/// ```
///
/// What opens a database is an adapter, and the first that recognises the name does: those given, then
/// ``PouchAdapter/standard``.
/// - Parameters:
///   - name: a name of letters, digits, `_`, `$`, `(`, `)`, `+` and `-`; a path with a slash; or a URL.
///   - presence: what to do if there is no such database.
///   - options: how an embedded database stores.
///   - adapters: more ways to open databases, asked first.
/// - Throws: ``PouchError/Code/illegalDatabaseName`` if no adapter recognises the name, ``PouchError/Code/notFound`` if
///   it must be there and is not, and what the adapter throws.
public func Pouch(
  _ name: String, _ presence: DatabasePresence = .madeIfMissing, options: StoreOptions = StoreOptions(),
  adapters: [PouchAdapter] = []
) async throws -> any Database {
  for adapter in adapters + PouchAdapter.standard where adapter.recognizes(name) {
    return try await adapter.open(name, presence, options)
  }
  throw PouchError(.illegalDatabaseName, "No adapter opens '\(name)'.")
}

/// What opening does when there is no such database.
public enum DatabasePresence: Sendable, Hashable {
  /// It is made.
  case madeIfMissing
  /// Opening fails with ``PouchError/Code/notFound``.
  case mustExist
}

/// One way to open databases.
public struct PouchAdapter: Sendable {
  /// Opens a database whose name was recognised.
  public typealias Open = @Sendable (String, DatabasePresence, StoreOptions) async throws -> any Database

  /// What the adapter is called, such as `file`.
  public let name: String
  /// Whether this adapter opens databases of such a name.
  public let recognizes: @Sendable (String) -> Bool
  public let open: Open

  public init(_ name: String, recognizes: @escaping @Sendable (String) -> Bool, open: @escaping Open) {
    self.name = name
    self.recognizes = recognizes
    self.open = open
  }

  /// Memory, URLs, paths and names, in this order.
  public static let standard = [memory, http, path, name]

  /// `memory:` and `memory:NAME`. They are always made, since they are there as long as somebody has them open.
  public static let memory = PouchAdapter("memory", recognizes: { $0.hasPrefix("memory:") }) { name, _, options in
    try LocalDatabase.inMemory(String(name.dropFirst("memory:".count)), options: options)
  }

  /// `http://` and `https://`, with the user and password in the URL if there are any: a CouchDB, or a ``PouchServer``.
  ///
  /// Whether the database is there is looked up, so that opening fails when the server cannot be reached.
  public static let http = PouchAdapter(
    "http",
    recognizes: { name in ["http://", "https://"].contains { name.lowercased().hasPrefix($0) } }
  ) { url, presence, _ in
    let (url, credentials) = try OpenedDatabase.separate(url)
    let opened = try OpenedDatabase(url: url, credentials: credentials)
    do {
      switch presence {
      case .madeIfMissing: try await opened.createIfMissing()
      case .mustExist: _ = try await opened.database.info()
      }
    } catch {
      await opened.close()
      throw error
    }
    return opened.database
  }

  /// A path, which has a slash, and no scheme.
  public static let path = PouchAdapter(
    "file", recognizes: { $0.contains("/") && !$0.contains("://") }
  ) { path, presence, options in
    try file(path, presence, options)
  }

  /// A plain name: the file `NAME.pouch` in ``PouchHome/folder``.
  public static let name = PouchAdapter("name", recognizes: PouchHome.isName) { name, presence, options in
    try file(PouchHome.path(of: name), presence, options)
  }

  private static func file(
    _ path: String, _ presence: DatabasePresence, _ options: StoreOptions
  ) throws -> any Database {
    if presence == .mustExist, !FileManager.default.fileExists(atPath: path) {
      throw PouchError(.notFound, "There is no database at \(path).")
    }
    return try LocalDatabase(path: path, options: options)
  }
}

/// Where databases that are opened by a plain name are.
public enum PouchHome {
  /// The folder: `$PEERPOUCH_HOME` if set; else on Linux `$XDG_DATA_HOME/peerpouch` or `~/.local/share/peerpouch`, on
  /// macOS `~/Library/Application Support/PeerPouch`.
  public static var folder: String {
    let environment = ProcessInfo.processInfo.environment
    if let home = environment["PEERPOUCH_HOME"], !home.isEmpty { return home }
    let home = environment["HOME"] ?? "."
    #if os(macOS)
      return home + "/Library/Application Support/PeerPouch"
    #else
      if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/peerpouch" }
      return home + "/.local/share/peerpouch"
    #endif
  }

  /// Whether a text is a plain name, which can be a file's name on every platform.
  public static func isName(_ name: String) -> Bool {
    guard (1...200).contains(name.utf8.count), let first = name.utf8.first, first != 0x2D else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      case UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "+"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }

  /// The file of a named database; the folder is made if it is missing, for its owner's eyes only.
  /// - Throws: ``PouchError/Code/ioError`` if the folder cannot be made.
  public static func path(of name: String) throws -> String {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw PouchError(.ioError, "The folder \(folder) could not be made.", underlying: error)
    }
    return folder + "/" + name + ".pouch"
  }
}
