public import PouchCore

/// An embedded database: a file, or memory.
///
/// ```swift
/// let notes = try LocalDatabase(path: "/home/me/notes.pouch")
/// let scratch = try LocalDatabase.inMemory()
/// ```
///
/// Any number of tasks may use one at the same time, and so may several processes one file; each sees the others'
/// changes live. Opening a path again within a process joins the database that is open. See ``Database`` for what it
/// can do.
public final class LocalDatabase: Database {
  /// The name of the file without its extension, or what the database in memory was called.
  public let name: String
  let options: StoreOptions
  private let use: StoreUse

  /// Opens a file, which is made if it is missing. The folder must exist.
  /// - Parameter options: those of storage as such (``StoreOptions/durability``) count with the first opening.
  /// - Throws: ``PouchError/Code/unsupportedFormat`` if the file is no database or of a newer format, which leaves it
  ///   untouched; ``PouchError/Code/ioError`` if it cannot be opened.
  public init(path: String, options: StoreOptions = StoreOptions()) throws(PouchError) {
    let path = FilePath.resolve(path)
    name = FilePath.name(of: path)
    self.options = options
    use = try StoreUse(path, path: path, durability: options.durability)
  }

  private init(memory name: String, key: String, options: StoreOptions) throws(PouchError) {
    self.name = name
    self.options = options
    use = try StoreUse(key, path: nil, durability: .relaxed)
  }

  /// Opens a database in memory, which is gone when the last of its users closes it.
  /// - Parameter name: databases of one name within the process are the same; each unnamed one is its own.
  public static func inMemory(
    _ name: String = "", options: StoreOptions = StoreOptions()
  ) throws(PouchError) -> LocalDatabase {
    let key = name.isEmpty ? "memory:\(UInt64.random(in: .min ... .max))/" : "memory:" + name
    return try LocalDatabase(memory: name.isEmpty ? "memory" : name, key: key, options: options)
  }

  /// The file; `nil` for a database in memory.
  public var path: String? { use.store.path }

  /// The open store.
  /// - Throws: ``PouchError/closed`` after the end of this use.
  var store: Store {
    get throws(PouchError) {
      guard !use.isEnded, !use.store.isClosed else { throw PouchError.closed }
      return use.store
    }
  }

  @concurrent
  public func info() async throws -> DatabaseInfo {
    let store = try store
    return try store.read { connection in
      let state = try DatabaseState.load(connection)
      let pageSize = try Schema.pragma("page_size", connection)
      let pages = try Schema.pragma("page_count", connection)
      let free = try Schema.pragma("freelist_count", connection)
      return DatabaseInfo(
        name: name, uuid: state.uuid, documentCount: Int(state.documents), deletedCount: Int(state.deleted),
        updateSequence: store.sequence(state.lastSequence), fileSize: pages * pageSize,
        activeSize: (pages - free) * pageSize, instanceStartTime: state.created, isCompacting: store.isCompacting)
    }
  }

  @concurrent
  public func revsLimit() async throws -> Int {
    try store.read { try DatabaseState.load($0).revsLimit }
  }

  public func setRevsLimit(_ limit: Int) async throws {
    guard limit >= 1 else { throw PouchError(.badRequest, "`_revs_limit` must be a positive integer") }
    try await store.write { $0.state.revsLimit = limit }
  }

  @concurrent
  public func close() async throws {
    try use.end()
  }

  /// Removes the database. All of this process's uses of it end; another process that has the file open keeps what it
  /// has until it closes it.
  @concurrent
  public func destroy() async throws {
    _ = try store
    try use.destroy()
  }
}

/// How an embedded database stores.
public struct StoreOptions: Sendable, Hashable {
  /// When a write counts as done.
  public var durability: Durability
  /// The largest body of a document in bytes, attachments not counted; 8 MiB unless set, and at most
  /// ``Limits/documentBodyCeiling``.
  public var documentBodyLimit: Int {
    didSet { documentBodyLimit = min(documentBodyLimit, Limits.documentBodyCeiling) }
  }
  /// When bodies of old revisions are dropped.
  public var compaction: CompactionPolicy

  public init(
    durability: Durability = .full, documentBodyLimit: Int = Limits.documentBody,
    compaction: CompactionPolicy = .automatic
  ) {
    self.durability = durability
    self.documentBodyLimit = min(documentBodyLimit, Limits.documentBodyCeiling)
    self.compaction = compaction
  }
}

/// When the bodies of revisions that are no longer leaves are dropped.
public enum CompactionPolicy: Sendable, Hashable {
  /// By a compaction in the background, when there are more than 10,000 of them and more than documents.
  case automatic
  /// By ``Database/compact()`` only.
  case manual
  /// As soon as they are superseded: PouchDB's `auto_compaction`.
  case immediate
}

extension Store {
  /// The public form of a position in the log.
  func sequence(_ number: Int64) -> UpdateSequence {
    UpdateSequence(number: number, epoch: epoch)
  }

  /// The number of a position; 0 for positions in another history.
  func number(of position: UpdateSequence?, last: Int64) -> Int64 {
    guard let numbered = position?.numbered, numbered.epoch == epoch, numbered.number <= last else { return 0 }
    return numbered.number
  }
}
