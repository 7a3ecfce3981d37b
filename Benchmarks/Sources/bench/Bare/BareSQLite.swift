import GRDBSQLite

/// SQLite by its C API with nothing around it: what the store is compared with.
///
/// The tables, the page size, the log and its checkpoints, the cache and the durability are those of the store
/// (`Schema` and `StoreTuning` in PouchStore). Statements are prepared once, and nothing is copied on binding.
final class BareSQLite {
  private var database: OpaquePointer?

  /// How a file is opened.
  enum Mode {
    /// A new file with the tables.
    case create
    /// A file that is there, as readers of the store open it.
    case read
  }

  init(_ path: String, _ mode: Mode) throws {
    let flags = mode == .create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
    try check(sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_NOMUTEX, nil))
    if mode == .create {
      try execute(
        """
        PRAGMA page_size = 4096;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 16000;
        PRAGMA journal_size_limit = 67108864;
        """)
    }
    try execute("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY")
    if mode == .create {
      try execute(
        """
        CREATE TABLE document(
          key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, winner INTEGER NOT NULL,
          deleted INTEGER NOT NULL, tree BLOB NOT NULL);
        CREATE TABLE revision(
          seq INTEGER PRIMARY KEY, document INTEGER NOT NULL, body BLOB NOT NULL, attachments BLOB);
        CREATE TABLE chunk(key INTEGER PRIMARY KEY, data BLOB NOT NULL);
        """)
    }
  }

  deinit {
    sqlite3_close_v2(database)
  }

  func execute(_ sql: String) throws {
    try check(sqlite3_exec(database, sql, nil, nil, nil))
  }

  /// Prepares a statement, which lives as long as what is returned.
  func prepare(_ sql: String) throws -> BareStatement {
    var handle: OpaquePointer?
    try check(sqlite3_prepare_v3(database, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil))
    return BareStatement(handle: handle, connection: self)
  }

  var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(database) }

  fileprivate func check(_ code: Int32) throws {
    guard code == SQLITE_OK else {
      throw BareError(message: sqlite3_errmsg(database).map { String(cString: $0) } ?? "SQLite error \(code)")
    }
  }
}

/// A prepared statement.
final class BareStatement {
  private let handle: OpaquePointer?
  private let connection: BareSQLite

  fileprivate init(handle: OpaquePointer?, connection: BareSQLite) {
    self.handle = handle
    self.connection = connection
  }

  deinit {
    sqlite3_finalize(handle)
  }

  func bind(_ index: Int32, _ value: Int64) {
    sqlite3_bind_int64(handle, index, value)
  }

  /// Binds text that must stay where it is until the statement has run.
  func bind(_ index: Int32, text: UnsafeRawBufferPointer) {
    sqlite3_bind_text(handle, index, text.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(text.count), nil)
  }

  /// Binds bytes that must stay where they are until the statement has run.
  func bind(_ index: Int32, blob: UnsafeRawBufferPointer) {
    sqlite3_bind_blob(handle, index, blob.baseAddress, Int32(blob.count), nil)
  }

  /// Runs a statement that has no results, and makes it ready for the next time.
  func run() throws {
    let code = sqlite3_step(handle)
    sqlite3_reset(handle)
    guard code == SQLITE_DONE else { throw BareError(message: "SQLite error \(code)") }
  }

  /// Moves to the next row; `false` at the end.
  func step() throws -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw BareError(message: "SQLite error \(code)")
    }
  }

  func reset() {
    sqlite3_reset(handle)
  }

  func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  /// A copy of a column's bytes.
  func bytes(_ column: Int32) -> [UInt8] {
    let start = sqlite3_column_blob(handle, column)
    return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }
}

struct BareError: Error, CustomStringConvertible {
  let message: String
  var description: String { message }
}
