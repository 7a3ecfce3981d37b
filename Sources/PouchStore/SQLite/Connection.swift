import GRDB
import GRDBSQLite
import PouchCore

/// A connection to the database file, valid within a read or write access.
///
/// GRDB owns connections, threads and transactions; statements on hot paths go straight to SQLite, because GRDB's
/// argument arrays would cost more than the statements.
struct Connection {
  private let database: GRDB.Database

  init(_ database: GRDB.Database) {
    self.database = database
  }

  /// A prepared statement, kept by the connection for the next use and ready to be bound.
  func statement(_ sql: String) throws -> Statement {
    let handle = try database.cachedStatement(sql: sql).sqliteStatement
    sqlite3_reset(handle)
    return Statement(handle: handle)
  }

  /// Runs one or more statements without results or parameters.
  func execute(_ sql: String) throws {
    guard sqlite3_exec(database.sqliteConnection, sql, nil, nil, nil) == SQLITE_OK else { throw lastError }
  }

  /// The number of rows of a table.
  func count(_ table: String) throws -> Int {
    let select = try statement("SELECT count(*) FROM \(table)")
    defer { select.reset() }
    return try select.step() ? Int(select.int(0)) : 0
  }

  /// How many rows the last statement changed.
  var changedRows: Int { Int(sqlite3_changes(database.sqliteConnection)) }

  /// The row id of the last insertion.
  var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(database.sqliteConnection) }

  /// Whether SQLite is within a transaction; some failures end it by themselves.
  var isInTransaction: Bool { sqlite3_get_autocommit(database.sqliteConnection) == 0 }

  /// Drops the pages that this connection has cached, so that the bytes of attachments do not stay in memory.
  func releaseMemory() { sqlite3_db_release_memory(database.sqliteConnection) }

  private var lastError: SQLiteError { SQLiteError(of: database.sqliteConnection) }
}

/// A statement to be bound, stepped and read; valid only until the same SQL is prepared again or the access ends.
///
/// Indices are constants and lengths are bounded where documents are checked, so a parameter that SQLite does not take
/// is a programmer's error; it must not leave the value bound before in its place.
struct Statement {
  fileprivate let handle: OpaquePointer

  /// SQLite copies what is bound with this.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  @discardableResult
  func bind(_ index: Int32, _ value: Int64) -> Statement {
    bound(sqlite3_bind_int64(handle, index, value))
    return self
  }

  @discardableResult
  func bind(_ index: Int32, _ text: String) -> Statement {
    var copy = text
    copy.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { characters in
        bound(
          sqlite3_bind_text64(
            handle, index, characters.baseAddress, UInt64(characters.count), Statement.transient, UInt8(SQLITE_UTF8)))
      }
    }
    return self
  }

  @discardableResult
  func bind(_ index: Int32, _ bytes: some ContiguousBytes) -> Statement {
    bytes.withContiguousBytes { buffer in
      if buffer.count == 0 {
        bound(sqlite3_bind_zeroblob(handle, index, 0))
      } else {
        bound(sqlite3_bind_blob64(handle, index, buffer.baseAddress, UInt64(buffer.count), Statement.transient))
      }
    }
    return self
  }

  @discardableResult
  func bindNull(_ index: Int32) -> Statement {
    bound(sqlite3_bind_null(handle, index))
    return self
  }

  private func bound(_ code: Int32) {
    precondition(code == SQLITE_OK, "SQLite takes the parameter.")
  }

  /// Moves to the next row; `false` at the end.
  func step() throws -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE:
      sqlite3_reset(handle)
      return false
    default:
      let error = SQLiteError(of: sqlite3_db_handle(handle))
      sqlite3_reset(handle)
      throw error
    }
  }

  /// Runs a statement to its end.
  func run() throws {
    while try step() {}
  }

  /// Ends reading before the last row.
  func reset() {
    sqlite3_reset(handle)
  }

  func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func text(_ column: Int32) -> String {
    guard let text = sqlite3_column_text(handle, column) else { return "" }
    let bytes = UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, column)))
    return String(decoding: bytes, as: UTF8.self)
  }

  func bytes(_ column: Int32) -> [UInt8] {
    withBytes(column) { Array($0) }
  }

  /// The bytes of a column in SQLite's own memory.
  func withBytes<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let start = sqlite3_column_blob(handle, column)
    return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }
}

/// Bytes that lie in one piece and can be bound to a statement.
protocol ContiguousBytes {
  func withContiguousBytes(_ body: (UnsafeRawBufferPointer) -> Void)
}

extension [UInt8]: ContiguousBytes {
  func withContiguousBytes(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }
}

extension ArraySlice<UInt8>: ContiguousBytes {
  func withContiguousBytes(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }
}

/// What SQLite reported.
struct SQLiteError: Error {
  /// The primary result code.
  let code: Int32
  let message: String

  init(of connection: OpaquePointer?) {
    code = sqlite3_errcode(connection)
    message = sqlite3_errmsg(connection).map { String(cString: $0) } ?? "unknown"
  }

  init(code: Int32, message: String) {
    self.code = code
    self.message = message
  }
}

extension PouchError {
  /// The public form of any error that came out of the storage layer.
  init(storage error: any Error) {
    switch error {
    case let error as PouchError: self = error
    case let error as SQLiteError: self.init(error)
    case let error as GRDB.DatabaseError:
      self.init(
        SQLiteError(code: error.resultCode.rawValue, message: error.message ?? error.resultCode.description))
    case is CancellationError: self.init(.cancelled)
    default: self.init(.ioError, "\(error)", underlying: error)
    }
  }

  private init(_ error: SQLiteError) {
    let code: Code =
      switch error.code & 0xFF {
      case SQLITE_FULL: .diskFull
      case SQLITE_BUSY, SQLITE_LOCKED: .databaseBusy
      case SQLITE_NOTADB: .unsupportedFormat
      case SQLITE_CORRUPT: .corrupt
      case SQLITE_MISUSE: .databaseClosed
      case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH: .ioError
      default: .internalError
      }
    switch code {
    case .diskFull, .databaseBusy: self.init(code, underlying: error)
    default: self.init(code, error.message, underlying: error)
    }
  }
}
