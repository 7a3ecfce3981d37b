import Foundation
import GRDB
import PouchCore
import Synchronization

/// One open database file, or one database in memory: shared by all `LocalDatabase`s of the process that use it.
///
/// Reads run on the calling thread with a connection of ``ReaderPool``. Writes run on the writer's own thread, grouped by
/// ``CommitQueue``, so that a commit's wait for the disk never holds up Swift's threads.
final class Store: Sendable {
  /// The file, or `nil` for a database in memory.
  let path: String?
  let clock = CommitClock()
  let pins = BlobPins()
  let epoch: UInt64
  let uuid: String
  let created: Int64

  /// The connection that writes; in memory, the only one.
  private let database: DatabaseQueue
  private let readers: ReaderPool?
  private let commits = CommitQueue()
  private let presence: FilePresence?
  private let lifecycle = Mutex(Lifecycle())

  private struct Lifecycle {
    var watcher: FileWatcher?
    var isClosed = false
    var hasMarkedFile = false
    var isCompacting = false
    /// An estimate of the rows of `superseded`, which decides about automatic compaction.
    var supersededBodies = 0
    var automaticCompaction: Task<Void, Never>?
  }

  // MARK: - Opening

  /// Opens a file, which is made if it is missing, or a new database in memory.
  init(path: String?, durability: Durability) throws {
    self.path = path
    var configuration = GRDB.Configuration()
    configuration.busyMode = .timeout(StoreTuning.busySeconds)
    configuration.prepareDatabase { database in
      let connection = Connection(database)
      try Schema.check(connection)
      if !database.configuration.readonly { try Schema.prepareFile(connection) }
      try Schema.configure(connection)
    }
    if let path {
      configuration.journalMode = .wal
      database = try Store.openFile(path, configuration)
    } else {
      database = try DatabaseQueue(configuration: configuration)
    }
    readers = path.map { ReaderPool(path: $0, configuration) }
    let state = try database.writeWithoutTransaction { database in
      let connection = Connection(database)
      if path != nil {
        // GRDB sets NORMAL when it turns on the log.
        try connection.execute("PRAGMA synchronous = \(durability == .full ? "FULL" : "NORMAL")")
      }
      return try Store.prepareState(connection, path: path)
    }
    epoch = state.epoch
    uuid = state.uuid
    created = state.created
    presence = path.flatMap { FilePresence(path: $0 + "-wal") }
    clock.advance(to: state.lastSequence)
    let superseded = try readOnce { try $0.count("superseded") }
    lifecycle.withLock { $0.supersededBodies = superseded }
  }

  /// Opens the file, and waits for other processes that are doing so: turning on the log fails at once where other
  /// statements wait.
  private static func openFile(_ path: String, _ configuration: GRDB.Configuration) throws -> DatabaseQueue {
    let deadline = ContinuousClock.now + .seconds(StoreTuning.busySeconds)
    while true {
      do {
        return try DatabaseQueue(path: path, configuration: configuration)
      } catch let error where PouchError(storage: error).code == .databaseBusy && ContinuousClock.now < deadline {
        Thread.sleep(forTimeInterval: StoreTuning.openingPause)
      }
    }
  }

  /// Makes the tables of a new file, and gives a copied one a new epoch.
  private static func prepareState(_ connection: Connection, path: String?) throws -> DatabaseState {
    let isNew = try Schema.pragma("application_id", connection) == 0
    if !isNew {
      let state = try DatabaseState.load(connection)
      if !isForeign(state, path) { return state }
    }
    return try transaction(connection) {
      try Schema.create(
        connection, uuid: UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: ""),
        created: Int64(Date().timeIntervalSince1970 * 1_000_000), epoch: .random(in: .min ... .max))
      var state = try DatabaseState.load(connection)
      if isForeign(state, path) {
        state.epoch = .random(in: 0 ... .max)
        state.fileToken = ""
      }
      state.fileID = path.map { FileIdentity.inode(of: $0) } ?? ""
      try state.save(connection)
      return state
    }
  }

  private static func isForeign(_ state: DatabaseState, _ path: String?) -> Bool {
    guard let path, !state.fileID.isEmpty else { return false }
    if state.fileID != FileIdentity.inode(of: path) { return true }
    guard !state.fileToken.isEmpty, let token = FileIdentity.token(of: path) else { return false }
    return token != state.fileToken
  }

  private static func transaction<Value>(_ connection: Connection, _ body: () throws -> Value) throws -> Value {
    try connection.statement("BEGIN IMMEDIATE").run()
    do {
      let value = try body()
      try connection.statement("COMMIT").run()
      return value
    } catch {
      if connection.isInTransaction { try? connection.statement("ROLLBACK").run() }
      throw error
    }
  }

  // MARK: - Reading

  /// Runs a read that sees one state of the database throughout. Keep it short: the log cannot be reset meanwhile.
  func read<Value>(_ body: (Connection) throws -> Value) throws(PouchError) -> Value {
    do {
      return try withReader { reader in try reader.read { try body(Connection($0)) } }
    } catch {
      throw failure(error)
    }
  }

  /// Runs a read of a single statement, which needs no transaction of its own.
  func readOnce<Value>(_ body: (Connection) throws -> Value) throws(PouchError) -> Value {
    do {
      return try withReader { reader in try reader.unsafeRead { try body(Connection($0)) } }
    } catch {
      throw failure(error)
    }
  }

  private func withReader<Value>(_ body: (DatabaseQueue) throws -> Value) throws -> Value {
    guard let readers else { return try body(database) }
    return try readers.withReader(body)
  }

  private func failure(_ error: any Error) -> PouchError {
    isClosed ? PouchError.closed : PouchError(storage: error)
  }

  // MARK: - Writing

  /// Runs a write in a transaction, perhaps together with others, and returns when it is on disk.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (WriteTransaction) throws -> Value
  ) async throws(PouchError) -> Value {
    do {
      return try await commits.submit(body) { commitSoon() }
    } catch {
      throw PouchError(storage: error)
    }
  }

  /// Runs statements on the writer's thread outside of a transaction.
  func withWriter<Value: Sendable>(
    _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws(PouchError) -> Value {
    do {
      return try await database.writeWithoutTransaction { try body(Connection($0)) }
    } catch {
      throw failure(error)
    }
  }

  private func commitSoon() {
    database.asyncWriteWithoutTransaction { [self] in
      if commitNextGroup(Connection($0)) { commitSoon() }
    }
  }

  /// - Returns: whether more writes wait.
  private func commitNextGroup(_ connection: Connection) -> Bool {
    commits.commitNext { work in
      let sequence = try Store.transaction(connection) {
        let before = try DatabaseState.load(connection)
        let transaction = WriteTransaction(connection, before)
        try work(transaction)
        markFile(transaction)
        if transaction.state != before { try transaction.state.save(connection) }
        let superseded = transaction.supersededBodies
        if superseded > 0 { lifecycle.withLock { $0.supersededBodies += superseded } }
        return transaction.state.lastSequence
      }
      lifecycle.withLock { $0.hasMarkedFile = true }
      clock.advance(to: sequence)
      boundLog(connection)
    }
  }

  /// With the first commit of a session the file and its inode get a new token; see ``FileIdentity``.
  private func markFile(_ transaction: WriteTransaction) {
    guard let path, !lifecycle.withLock({ $0.hasMarkedFile }) else { return }
    let token = String(UInt64.random(in: .min ... .max), radix: 16)
    transaction.state.fileToken = FileIdentity.setToken(token, of: path) ? token : ""
  }

  /// Starts the log anew when overlapping readers have kept SQLite from doing so for long.
  private func boundLog(_ connection: Connection) {
    guard let path else { return }
    var status = stat()
    let ceiling = StoreTuning.journalCeilingPages * Schema.pageSize
    guard stat(path + "-wal", &status) == 0, Int(status.st_size) > ceiling else { return }
    // Failing is not fatal: the next commit tries again.
    try? connection.execute("PRAGMA wal_checkpoint(RESTART)")
  }

  // MARK: - Other processes

  /// Makes sure that commits of other processes move the clock.
  func watchOtherProcesses() {
    guard let path else { return }
    lifecycle.withLock { lifecycle in
      guard lifecycle.watcher == nil, !lifecycle.isClosed else { return }
      lifecycle.watcher = FileWatcher(path: path + "-wal") { [weak self] in self?.catchUp() ?? true }
    }
  }

  /// Moves the clock to what the file says.
  /// - Returns: whether that was news.
  private func catchUp() -> Bool {
    guard let state = try? readOnce(DatabaseState.load) else { return false }
    return clock.advance(to: state.lastSequence)
  }

  /// Runs something while no other process has the file open, if none has.
  func withoutOtherProcesses(_ body: () throws -> Void) rethrows -> Bool {
    if path == nil {
      try body()
      return true
    }
    // Without a way to tell, there may be others.
    return try presence?.withoutOthers(body) ?? false
  }

  // MARK: - Upkeep and end

  /// Claims the right to compact; one compaction runs at a time.
  func beginCompaction() -> Bool {
    lifecycle.withLock { lifecycle in
      guard !lifecycle.isCompacting else { return false }
      lifecycle.isCompacting = true
      return true
    }
  }

  func endCompaction() {
    lifecycle.withLock { lifecycle in
      lifecycle.isCompacting = false
      lifecycle.supersededBodies = 0
    }
  }

  /// Starts a compaction in the background if enough has gathered, owned by the store until it is closed.
  func compactInBackground(moreThan threshold: Int, _ compact: @escaping @Sendable () async -> Void) {
    lifecycle.withLock { lifecycle in
      guard lifecycle.supersededBodies > threshold, !lifecycle.isCompacting, !lifecycle.isClosed else { return }
      lifecycle.supersededBodies = 0
      lifecycle.automaticCompaction = Task(priority: .utility) { await compact() }
    }
  }

  var isCompacting: Bool { lifecycle.withLock { $0.isCompacting } }
  var isClosed: Bool { lifecycle.withLock { $0.isClosed } }

  /// Finishes the writes that wait, ends feeds, and closes the file. Does nothing the second time.
  func close() throws(PouchError) {
    let watcher: FileWatcher?? = lifecycle.withLock { lifecycle in
      guard !lifecycle.isClosed else { return nil }
      lifecycle.isClosed = true
      lifecycle.automaticCompaction?.cancel()
      defer { lifecycle.watcher = nil }
      return .some(lifecycle.watcher)
    }
    guard let watcher else { return }
    watcher?.cancel()
    commits.close()
    clock.close()
    do {
      // No write is accepted any more; those that were are done.
      database.writeWithoutTransaction { connection in
        while commitNextGroup(Connection(connection)) {}
      }
      if let readers {
        readers.close()
        // Only a connection that can write empties the log and removes it, and only the last one.
        _ = try? database.writeWithoutTransaction { try Connection($0).execute("PRAGMA wal_checkpoint(TRUNCATE)") }
      }
      try database.close()
    } catch {
      throw PouchError(storage: error)
    }
  }
}

/// When a write counts as done.
public enum Durability: Sendable, Hashable {
  /// When it is on the disk: nothing that was acknowledged is lost, not even in a power cut. The default.
  case full
  /// When the operating system has it: a crash of the program loses nothing, a power cut may lose the newest writes, and
  /// the database is whole in any case.
  case relaxed
}
