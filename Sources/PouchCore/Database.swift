/// A document database: embedded, at a CouchDB server, or at a peer. All of them read and write the same way.
///
/// Documents have revisions. An edit names the revision it was made from; when another edit came first it fails with
/// ``PouchError/conflict`` and nothing is written. Edits that were made apart and meet by replication are all kept:
/// every database then picks the same winner, and the others are conflicts that a program may look at and resolve
/// (``resolveConflicts(of:_:)``).
///
/// The requirements below are what a database must be able to do; most programs use the conveniences built on them:
///
/// | to … | use |
/// |---|---|
/// | write and read a document | ``put(_:)``, ``post(_:)``, ``get(_:at:including:)``, ``remove(_:at:)`` |
/// | use a type of one's own | ``put(_:id:)``, ``get(_:as:)``, ``update(_:as:_:)`` |
/// | write many | ``bulkDocs(_:_:)`` |
/// | list | ``allDocs(_:)``, ``documents(_:)`` |
/// | follow | ``changes(_:)`` |
/// | keep files | ``putAttachment(_:_:to:at:)``, ``getAttachment(_:of:at:range:)`` |
///
/// Every method may throw ``PouchError/closed`` after ``close()``, and ``PouchError/Code/ioError``,
/// ``PouchError/Code/diskFull`` or ``PouchError/Code/corrupt`` when storage fails; a write that throws has changed
/// nothing, and a write that returned survives a crash. Only other errors are listed with the methods.
public protocol Database: Sendable {
  /// What the database is called: a file's name, or a URL.
  var name: String { get }

  /// The state of the database as a whole.
  func info() async throws -> DatabaseInfo

  // MARK: Reading

  /// Returns a document: the winning revision, or the one that the options name.
  ///
  /// Attachments are stubs unless the options ask for them. An id that starts with `_local/` reads a local document,
  /// which has no history and is never replicated.
  /// - Throws: ``PouchError/missing`` if there is no such document or revision, or its body was compacted away;
  ///   ``PouchError/deleted`` if the winner is a deletion and no revision was named.
  func get(_ id: DocumentID, _ options: GetOptions) async throws -> Document

  /// Returns several revisions of a document: all leaves, or those named.
  /// - Throws: ``PouchError/missing`` if there is no such document and all leaves were asked for.
  func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision]

  /// Returns revisions of many documents at once, in the order of the requests; the first ones only when
  /// ``GetOptions/byteLimit`` is reached.
  func bulkGet(_ requests: [BulkGetRequest], _ options: GetOptions) async throws -> [BulkGetResult]

  /// Lists documents in the order of their ids; deleted ones are left out, unless named by key.
  func allDocs(_ query: AllDocsQuery) async throws -> AllDocsPage

  /// Lists local documents in the order of their ids. `_local/` is part of an id, and of the query's bounds.
  ///
  /// Only the query's keys, bounds, order, numbers and whether rows carry documents count.
  /// - Throws: ``PouchError/Code/notImplemented`` if the database cannot list them.
  func localDocs(_ query: AllDocsQuery) async throws -> AllDocsPage

  /// Returns the next changes after a position, at most `limit`, and fewer when they are large.
  ///
  /// This is what feeds are built on; programs use ``changes(_:)``. `feed`, `limit`, `start` and `filter` of the query
  /// are the feed's business except that a live query suspends here until there is something to return, and that
  /// `start` is used when `position` is `nil`. Positions that this database did not give start at the beginning.
  /// When a long stretch of the log has nothing that the query asks for, a batch without changes tells how far it was
  /// read, and that there is more.
  /// - Throws: ``PouchError/Code/cancelled`` when the task is cancelled while it waits.
  func nextChanges(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch

  /// Returns how many changes come after a position: how far its reader is behind. An estimate from above when there
  /// are many, since earlier changes of one document do not count.
  func pendingChanges(after position: UpdateSequence) async throws -> Int

  // MARK: Writing

  /// Writes documents in one transaction, each with an outcome of its own, in the order given.
  ///
  /// Documents that are invalid fail alone; the others are written. With ``WriteMode/edits`` a document names the
  /// revision it replaces and gets a new one, with ``WriteMode/replicated`` it keeps the revisions it comes with.
  /// - Returns: for each document its id, and its new revision or the error that hit it.
  func bulkDocs(_ documents: [Document], _ mode: WriteMode) async throws -> [WriteResult]

  /// Tells which of some revisions this database lacks.
  /// - Returns: entries only for documents of which something is missing.
  func revsDiff(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: RevisionsDiff]

  // MARK: Attachments

  /// Opens an attachment for reading.
  ///
  /// A range of a compressed attachment counts bytes of the form that is read; in ``AttachmentForm/identity`` the
  /// range of a compressed one is ignored, as CouchDB does.
  /// - Throws: ``PouchError/missing`` if there is no such document, revision or attachment;
  ///   ``PouchError/Code/rangeNotSatisfiable`` if the range lies beyond the end.
  func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID?, range: AttachmentRange?, form: AttachmentForm
  ) async throws -> AttachmentDownload

  /// Adds or replaces an attachment, which makes a new revision of the document, or a new document.
  /// - Parameter revision: the revision to edit; `nil` only when there is no such document.
  /// - Throws: ``PouchError/conflict`` if the revision is not a leaf, ``PouchError/Code/digestMismatch`` if a digest
  ///   is given and is not that of the content.
  @discardableResult
  func putAttachment(
    _ name: String, _ attachment: Attachment, to id: DocumentID, at revision: RevisionID?
  ) async throws -> RevisionID

  /// Removes an attachment, which makes a new revision of the document.
  /// - Throws: ``PouchError/conflict`` if the revision is not a leaf, ``PouchError/Code/notFound`` if there is no such
  ///   attachment.
  @discardableResult
  func removeAttachment(_ name: String, of id: DocumentID, at revision: RevisionID) async throws -> RevisionID

  // MARK: Upkeep

  /// Drops the bodies of old revisions and what only they used, and gives the space back. Safe at any time.
  func compact() async throws

  /// Removes leaves as if they had never been, without a tombstone; the removal is not replicated.
  /// - Returns: the revisions that were leaves and are gone.
  @discardableResult
  func purge(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: [RevisionID]]

  /// How many ancestors of each leaf are remembered.
  func revsLimit() async throws -> Int

  /// Sets how many ancestors of each leaf are remembered; documents follow when they are next written.
  /// - Throws: ``PouchError/Code/badRequest`` unless the limit is at least 1.
  func setRevsLimit(_ limit: Int) async throws

  /// Ends this use of the database. Live feeds end, writes under way are finished. Closing twice does nothing.
  func close() async throws

  /// Removes the database with all that is in it.
  /// - Throws: ``PouchError/Code/forbidden`` for a database that is a peer's.
  func destroy() async throws
}

/// A database that belongs to somebody else, such as a peer's share: code that is in it is not to be trusted.
///
/// Replications leave design documents of such a source where they are, unless they are told otherwise.
public protocol ForeignDatabase: Database {}

/// How documents are written.
public enum WriteMode: Sendable, Hashable {
  /// Edits: each document gets a new revision after the one it names. CouchDB's default.
  case edits
  /// Copies of revisions made elsewhere, kept with their ids and ancestry: `new_edits: false`.
  case replicated
}

/// What became of one document of a batch.
public struct WriteResult: Sendable {
  public let id: DocumentID
  /// The revision that was written, or why none was.
  public let outcome: Result<RevisionID, PouchError>

  public init(id: DocumentID, outcome: Result<RevisionID, PouchError>) {
    self.id = id
    self.outcome = outcome
  }
}

/// What a database lacks of a document.
public struct RevisionsDiff: Sendable, Hashable {
  /// The revisions that are not there.
  public let missing: [RevisionID]
  /// Leaves that may be ancestors of the missing ones; attachments they have need not be sent.
  public let possibleAncestors: [RevisionID]

  public init(missing: [RevisionID], possibleAncestors: [RevisionID] = []) {
    self.missing = missing
    self.possibleAncestors = possibleAncestors
  }
}

/// The state of a database.
public struct DatabaseInfo: Sendable, Hashable {
  public let name: String
  /// Identifies the database wherever its file or URL moves; replication remembers peers by it.
  public let uuid: String
  /// Documents that are not deleted.
  public let documentCount: Int
  /// Documents of which only tombstones are left.
  public let deletedCount: Int
  /// The position after the newest change.
  public let updateSequence: UpdateSequence
  /// The bytes that the database takes on disk, and of these the bytes in use.
  public let fileSize: Int64
  public let activeSize: Int64
  /// When the database was created, in microseconds since 1970: CouchDB's `instance_start_time`.
  public let instanceStartTime: Int64
  /// Whether a compaction is running.
  public let isCompacting: Bool

  public init(
    name: String, uuid: String, documentCount: Int, deletedCount: Int, updateSequence: UpdateSequence,
    fileSize: Int64, activeSize: Int64, instanceStartTime: Int64, isCompacting: Bool
  ) {
    self.name = name
    self.uuid = uuid
    self.documentCount = documentCount
    self.deletedCount = deletedCount
    self.updateSequence = updateSequence
    self.fileSize = fileSize
    self.activeSize = activeSize
    self.instanceStartTime = instanceStartTime
    self.isCompacting = isCompacting
  }
}
