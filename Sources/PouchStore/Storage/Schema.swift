import PouchCore

/// The file format: what a `.pouch` file is, and how one comes to be.
///
/// - `document`: one row a document. `seq` is its newest change, `winner` the sequence of the winning revision's body.
/// - `revision`: one row a stored body, keyed by the sequence at which it was written, so that the changes feed is a
///   scan of this table in order. A row is a document's newest change when the document's `seq` says so.
/// - `superseded`: the rows of `revision` that are no longer leaves, for compaction to remove.
/// - `blob` and `chunk`: attachments by SHA-256 and length, in pieces of `Tuning.chunkSize`; the key of a piece is the
///   blob's id and its number. `attachment` says which stored revision uses which blob.
/// - `local`: `_local/` documents.
/// - `state`: one row of counters and of what identifies the database.
enum Schema {
  /// "Pouc" in ASCII: marks the file as ours, see SQLite's documentation of `application_id`.
  static let applicationID: Int64 = 0x506F_7563
  /// Rises when older versions could not read the file.
  static let formatVersion: Int64 = 1
  static let pageSize = 4096

  private static let tables = """
    CREATE TABLE document(
      key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, winner INTEGER NOT NULL,
      deleted INTEGER NOT NULL, tree BLOB NOT NULL);
    CREATE TABLE revision(seq INTEGER PRIMARY KEY, document INTEGER NOT NULL, body BLOB NOT NULL, attachments BLOB);
    CREATE TABLE superseded(seq INTEGER PRIMARY KEY);
    CREATE TABLE blob(
      id INTEGER PRIMARY KEY, sha256 BLOB, md5 BLOB, length INTEGER NOT NULL,
      touched INTEGER NOT NULL, UNIQUE(sha256, length));
    CREATE TABLE chunk(key INTEGER PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE attachment(
      revision INTEGER NOT NULL, blob INTEGER NOT NULL, PRIMARY KEY(revision, blob)) WITHOUT ROWID;
    CREATE INDEX attachment_by_blob ON attachment(blob);
    CREATE TABLE local(id TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE state(
      id INTEGER PRIMARY KEY CHECK(id = 1), uuid TEXT NOT NULL, created INTEGER NOT NULL, epoch INTEGER NOT NULL,
      last_seq INTEGER NOT NULL, documents INTEGER NOT NULL, deleted INTEGER NOT NULL, revs_limit INTEGER NOT NULL,
      file_id TEXT NOT NULL, file_token TEXT NOT NULL);
    """

  /// Runs first on every connection: recognises the file before anything of it is changed.
  /// - Throws: ``PouchError/Code/unsupportedFormat`` for files that are not ours or of a newer format.
  static func check(_ connection: Connection) throws {
    if try isUnfinished(connection) { return }
    let application = try pragma("application_id", connection)
    let version = try pragma("user_version", connection)
    if application == applicationID && version == formatVersion { return }
    guard application == applicationID else {
      throw PouchError(.unsupportedFormat, "The file is an SQLite database, but not one of PeerPouch.")
    }
    throw PouchError(
      .unsupportedFormat,
      "The file has format \(version); this version of PeerPouch reads format \(formatVersion).")
  }

  /// Whether the file is empty, or has no more than settings: another process is making it, or died while it did.
  ///
  /// What is asked stands in the order in which the answers change, as they may between the questions.
  private static func isUnfinished(_ connection: Connection) throws -> Bool {
    guard try connection.count("sqlite_schema") == 0 else { return false }
    if try pragma("page_count", connection) == 0 { return true }
    return try pragma("application_id", connection) == 0 && pragma("auto_vacuum", connection) == incrementalVacuum
  }

  /// What `PRAGMA auto_vacuum` answers when it is `INCREMENTAL`.
  private static let incrementalVacuum: Int64 = 2

  /// Settings that only an empty file takes, and that are kept in it.
  static func prepareFile(_ connection: Connection) throws {
    guard try pragma("page_count", connection) == 0 else { return }
    try connection.execute("PRAGMA page_size = \(pageSize); PRAGMA auto_vacuum = INCREMENTAL")
  }

  /// Settings of each connection.
  static func configure(_ connection: Connection) throws {
    try connection.execute(
      """
      PRAGMA cache_size = -\(StoreTuning.cacheKiB);
      PRAGMA wal_autocheckpoint = \(StoreTuning.checkpointPages);
      PRAGMA journal_size_limit = \(StoreTuning.journalBytes);
      PRAGMA temp_store = MEMORY;
      """)
  }

  /// Makes the tables if there are none yet, in the transaction that is open; two processes may come here at once.
  static func create(
    _ connection: Connection, uuid: String, created: Int64, epoch: Int64
  ) throws {
    guard try pragma("application_id", connection) == 0 else { return }
    try connection.execute(tables)
    try connection.statement(
      "INSERT INTO state VALUES (1, ?1, ?2, ?3, 0, 0, 0, ?4, '', '')"
    ).bind(1, uuid).bind(2, created).bind(3, epoch).bind(4, Int64(Limits.revisions)).run()
    try connection.execute("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(formatVersion)")
  }

  static func pragma(_ name: String, _ connection: Connection) throws -> Int64 {
    let statement = try connection.statement("PRAGMA \(name)")
    defer { statement.reset() }
    return try statement.step() ? statement.int(0) : 0
  }
}

/// Sizes of the engine, each with its reason.
enum StoreTuning {
  /// The page cache of each connection in KiB. Random ids touch pages all over the id index; 64 MiB hold that of
  /// about a million documents. Memory is taken only as pages are used.
  static let cacheKiB = 65_536
  /// A checkpoint each 64 MiB of log: with SQLite's 1,000 pages, random ids would write each page of the index back
  /// many times over.
  static let checkpointPages = 16_000
  /// What the log file shrinks to after it was longer.
  static let journalBytes = 64 << 20
  /// When the log grows beyond this because readers overlap, the next writer waits for them and starts it anew.
  static let journalCeilingPages = 4 * checkpointPages
  /// How long a write waits for another process in seconds before it fails with `database_busy`.
  static let busySeconds = 30.0
  /// How long an opening pauses in seconds before it tries again: about as long as another process needs for its own.
  static let openingPause = 0.01
  /// Bytes per row of `chunk`: rows this long hardly cost more than the bytes themselves, and a reader holds one.
  static let chunkSize = 256 << 10
  /// Bytes per transaction while an attachment is uploaded, so that other writers get their turn.
  static let stagingBytes = 4 << 20
  /// Attachments up to this size are written in the transaction of their document.
  static let inlineBlobBytes = 1 << 20
  /// How many documents of a batch are prepared before the writer begins with them, while the next ones are prepared.
  static let preparedAhead = 64
  /// How many single writes share a commit at most, so that the first does not wait for ever.
  static let groupedWrites = 512
  /// Unfinished uploads and blobs without a user are removed when they are older, in seconds, while another process has
  /// the file open, which may be about to use them.
  static let orphanSeconds: Int64 = 3600
  /// How long in seconds an upload that was cut short is kept to be resumed: a night and a weekend day.
  static let resumableSeconds: Int64 = 36 * 3600
  /// After so many seconds without a byte an upload counts as cut short, though another process has the file open, which
  /// may be the one that uploads.
  static let stalledUploadSeconds: Int64 = 120
  /// Superseded bodies beyond this number start a compaction by themselves, once they outnumber the documents.
  static let automaticCompaction = 10_000
  /// Up to how many entries of the log are counted to tell how far a reader is behind; beyond, their number is told.
  static let countedChanges: Int64 = 10_000
  /// How many bodies a compaction removes in one transaction.
  static let compactionBatch = 1000
  /// How many free pages a compaction gives back in one transaction: 16 MiB.
  static let vacuumPages = 4096
}
