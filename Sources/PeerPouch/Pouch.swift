@_exported public import PouchCore
@_exported public import PouchStore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Opens a database by its name, its path or its URL.
///
/// ```swift
/// let notes = try await Pouch("notes")                 // notes.pouch in the platform's data folder
/// let there = try await Pouch("./data/notes.pouch")    // a file: anything with a slash
/// let scratch = try await Pouch("memory:")             // memory; "memory:NAME" is shared within the process
/// ```
///
/// What opens a database is an adapter, and the first that recognises the name does: those given, then
/// ``PouchAdapter/standard``. The database is made if it is missing.
/// - Parameters:
///   - name: a name of letters, digits, `_`, `$`, `(`, `)`, `+` and `-`; a path with a slash; or a URL.
///   - options: how an embedded database stores.
///   - adapters: more ways to open databases, asked first.
/// - Throws: ``PouchError/Code/illegalDatabaseName`` if no adapter recognises the name, and what the adapter throws.
public func Pouch(
  _ name: String, options: StoreOptions = StoreOptions(), adapters: [PouchAdapter] = []
) async throws -> any Database {
  for adapter in adapters + PouchAdapter.standard where adapter.recognizes(name) {
    return try await adapter.open(name, options)
  }
  throw PouchError(.illegalDatabaseName, "No adapter opens '\(name)'.")
}

/// One way to open databases.
public struct PouchAdapter: Sendable {
  /// What the adapter is called, such as `file`.
  public let name: String
  /// Whether this adapter opens databases of such a name.
  public let recognizes: @Sendable (String) -> Bool
  /// Opens a database whose name was recognised.
  public let open: @Sendable (String, StoreOptions) async throws -> any Database

  public init(
    _ name: String, recognizes: @escaping @Sendable (String) -> Bool,
    open: @escaping @Sendable (String, StoreOptions) async throws -> any Database
  ) {
    self.name = name
    self.recognizes = recognizes
    self.open = open
  }

  /// Memory, paths and names, in this order.
  public static let standard = [memory, path, name]

  /// `memory:` and `memory:NAME`.
  public static let memory = PouchAdapter("memory", recognizes: { $0.hasPrefix("memory:") }) { name, options in
    try LocalDatabase.inMemory(String(name.dropFirst("memory:".count)), options: options)
  }

  /// A path, which has a slash, and no scheme.
  public static let path = PouchAdapter(
    "file", recognizes: { $0.contains("/") && !$0.contains("://") }
  ) { path, options in
    try LocalDatabase(path: path, options: options)
  }

  /// A plain name: the file `NAME.pouch` in ``PouchHome/folder``.
  public static let name = PouchAdapter("name", recognizes: PouchHome.isName) { name, options in
    try LocalDatabase(path: PouchHome.path(of: name), options: options)
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
