/// What to deliver with a document beyond its body.
public struct DocumentParts: OptionSet, Sendable, Hashable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// The ancestry: CouchDB's `revs`.
  public static let revisions = DocumentParts(rawValue: 1 << 0)
  /// The ancestry and whether each body is still there: `revs_info`.
  public static let revisionsInfo = DocumentParts(rawValue: 1 << 1)
  /// The leaves alive that lost: `conflicts`.
  public static let conflicts = DocumentParts(rawValue: 1 << 2)
  /// The deleted leaves: `deleted_conflicts`.
  public static let deletedConflicts = DocumentParts(rawValue: 1 << 3)
  /// When the document last changed: `local_seq`.
  public static let localSequence = DocumentParts(rawValue: 1 << 4)
  /// The bytes of attachments, as ``Attachment/Content-swift.enum/stream(_:)``, in stored form: `attachments`.
  public static let attachments = DocumentParts(rawValue: 1 << 5)
}

/// Which revision of a document to read, and what to deliver with it.
public struct GetOptions: Sendable, Hashable {
  /// How a revision that was asked for is looked up.
  public enum Lookup: Sendable, Hashable {
    /// That revision.
    case exact
    /// The leaf that it led to: CouchDB's `latest`.
    case latest
  }

  /// The revision to read; the winner when `nil`.
  public var revision: RevisionID?
  /// How ``revision`` is looked up.
  public var lookup: Lookup
  /// What to deliver.
  public var parts: DocumentParts
  /// Revisions that the caller has: of attachments that one of them had already, only stubs are delivered
  /// (`atts_since`). Implies ``DocumentParts/attachments`` for the others.
  public var attachmentsSince: [RevisionID]?
  /// For ``Database/bulkGet(_:_:)`` only: after about how many bytes of bodies it ends, so that nobody has to know the
  /// sizes of documents before asking for them. The results are then those of the first requests, one at least. All of
  /// them when `nil`.
  public var byteLimit: Int?

  public init(
    at revision: RevisionID? = nil, _ lookup: Lookup = .exact, including parts: DocumentParts = [],
    attachmentsSince: [RevisionID]? = nil, byteLimit: Int? = nil
  ) {
    self.revision = revision
    self.lookup = lookup
    self.parts = parts
    self.attachmentsSince = attachmentsSince
    self.byteLimit = byteLimit
  }
}

/// Which leaves to read.
public enum OpenRevisions: Sendable, Hashable {
  /// All of them, deleted ones too.
  case all
  /// These revisions, leaves or not.
  case these([RevisionID])
}

/// A revision that was asked for.
public enum OpenRevision: Sendable {
  case found(Document)
  case missing(RevisionID)

  /// The document, if it was found.
  public var document: Document? {
    if case .found(let document) = self { document } else { nil }
  }
}

/// One document to read with ``Database/bulkGet(_:_:)``.
public struct BulkGetRequest: Sendable, Hashable {
  public var id: DocumentID
  /// The revision to read; all leaves when `nil`.
  public var revision: RevisionID?
  /// See ``GetOptions/attachmentsSince``.
  public var attachmentsSince: [RevisionID]?

  public init(_ id: DocumentID, at revision: RevisionID? = nil, attachmentsSince: [RevisionID]? = nil) {
    self.id = id
    self.revision = revision
    self.attachmentsSince = attachmentsSince
  }
}

/// What ``Database/bulkGet(_:_:)`` found for one request.
public struct BulkGetResult: Sendable {
  public let id: DocumentID
  /// The revisions asked for, or the error that hit this request alone.
  public let outcome: Result<[OpenRevision], PouchError>

  public init(id: DocumentID, outcome: Result<[OpenRevision], PouchError>) {
    self.id = id
    self.outcome = outcome
  }
}
