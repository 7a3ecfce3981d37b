/// Which documents ``Database/allDocs(_:)`` lists. Ids are in raw collation: ascending by their bytes.
public struct AllDocsQuery: Sendable, Hashable {
  /// Whether a row carries its document.
  public enum Rows: Sendable, Hashable {
    case idsOnly
    /// `include_docs`, with more about each document if wanted.
    case documents(DocumentParts)

    /// Rows with documents and nothing more.
    public static let documents = Rows.documents([])
  }

  /// The direction of the list.
  public enum Order: Sendable, Hashable {
    case ascending
    case descending
  }

  /// Whether ``end`` itself belongs to the range.
  public enum Bound: Sendable, Hashable {
    case inclusive
    case exclusive
  }

  /// These documents, in this order; those that are missing or deleted have a row that says so. Excludes a range.
  public var keys: [DocumentID]?
  /// The first id of the range in the direction of the list.
  public var start: DocumentID?
  /// The last id of the range in the direction of the list.
  public var end: DocumentID?
  public var endBound: Bound
  public var order: Order
  /// How many rows to leave out first.
  public var skip: Int
  /// How many rows to return at most; all when `nil`. The rows are in memory: page through large databases, or use
  /// ``Database/rows(_:)``.
  public var limit: Int?
  public var rows: Rows
  /// Whether to return the update sequence that the list reflects.
  public var reportsSequence = false

  public init(
    keys: [DocumentID]? = nil, from start: DocumentID? = nil, to end: DocumentID? = nil,
    _ endBound: Bound = .inclusive, order: Order = .ascending, skip: Int = 0, limit: Int? = nil,
    rows: Rows = .idsOnly
  ) {
    self.keys = keys
    self.start = start
    self.end = end
    self.endBound = endBound
    self.order = order
    self.skip = skip
    self.limit = limit
    self.rows = rows
  }

  /// One document: CouchDB's `key`.
  public static func key(_ id: DocumentID, rows: Rows = .idsOnly) -> AllDocsQuery {
    AllDocsQuery(from: id, to: id, rows: rows)
  }

  /// All ids that begin with a text.
  public static func prefix(_ prefix: String, rows: Rows = .idsOnly) -> AllDocsQuery {
    // No UTF-8 text has a byte above F4, so the highest scalar closes the range.
    AllDocsQuery(from: DocumentID(prefix), to: DocumentID(prefix + "\u{10FFFF}\u{10FFFF}"), rows: rows)
  }

  /// All documents with their bodies.
  public static let withDocuments = AllDocsQuery(rows: .documents)
}

/// A list of documents.
public struct AllDocsPage: Sendable {
  /// A document in the list, or a key that was asked for.
  public struct Row: Sendable {
    public let id: DocumentID
    /// The winning revision; `nil` when there is no such document, which occurs only for keys.
    public let revision: RevisionID?
    /// Whether the document is deleted, which occurs only for keys.
    public let isDeleted: Bool
    /// The document, if asked for and not deleted.
    public let document: Document?

    public init(id: DocumentID, revision: RevisionID?, isDeleted: Bool = false, document: Document? = nil) {
      self.id = id
      self.revision = revision
      self.isDeleted = isDeleted
      self.document = document
    }
  }

  /// The number of documents in the database, deleted ones not counted.
  public let totalRows: Int
  /// How many rows were skipped, as asked.
  public let offset: Int
  public let rows: [Row]
  /// The sequence that the list reflects, if asked for.
  public let updateSequence: UpdateSequence?

  public init(totalRows: Int, offset: Int, rows: [Row], updateSequence: UpdateSequence? = nil) {
    self.totalRows = totalRows
    self.offset = offset
    self.rows = rows
    self.updateSequence = updateSequence
  }
}
