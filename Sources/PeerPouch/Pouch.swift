@_exported public import PeerTrust
@_exported public import PouchCore
@_exported public import PouchHTTP
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
/// let theirs = try await Pouch("webrtc://…/share-…")            // what a peer shares; a ticket opens it as well
/// ```
///
/// What opens a database is an adapter, and the first that recognises the name does: those given, then
/// ``PouchAdapter/standard``.
/// - Parameters:
///   - name: a name of letters, digits, `_`, `$`, `(`, `)`, `+` and `-`; a path with a slash; a URL; or a ticket.
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

  /// Memory, peers, URLs, paths and names, in this order.
  public static let standard = [memory, peer(), http, path, name]

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

  private static func isEmpty(_ path: String) -> Bool {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int == 0
  }

  private static func file(
    _ path: String, _ presence: DatabasePresence, _ options: StoreOptions
  ) throws -> any Database {
    // A file without contents would become one.
    if presence == .mustExist, !FileManager.default.fileExists(atPath: path) || isEmpty(path) {
      throw PouchError(.notFound, "There is no database at \(path).")
    }
    return try LocalDatabase(path: path, options: options)
  }
}
