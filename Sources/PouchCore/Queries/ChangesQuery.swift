/// Which changes a feed delivers, and how.
///
/// ```swift
/// for try await change in notes.changes(.live) { … }            // everything, then what comes
/// for try await change in notes.changes(.live.since(.now)) { … }
/// ```
public struct ChangesQuery: Sendable {
  /// When the feed ends.
  public enum Feed: Sendable, Hashable {
    /// When it has delivered what there is.
    case once
    /// Never by itself: it waits for more. It ends when its task is cancelled or the database is closed.
    case live
  }

  /// Where the feed starts.
  public enum Start: Sendable, Hashable {
    case beginning
    /// After what is there when the feed is first read.
    case now
    case after(UpdateSequence)
  }

  /// Which revisions a change lists.
  public enum Style: Sendable, Hashable {
    /// The winner.
    case winner
    /// All leaves, the winner first: CouchDB's `all_docs`.
    case allLeaves
  }

  /// Whether a change carries its document.
  public enum Rows: Sendable, Hashable {
    case idsOnly
    /// `include_docs`, with more about each document if wanted.
    case documents(DocumentParts)

    /// Changes with the winning documents and nothing more.
    public static let documents = Rows.documents([])
  }

  /// The direction of the feed.
  public enum Order: Sendable, Hashable {
    case ascending
    /// Newest first; only for ``Feed/once``.
    case descending
  }

  public var feed: Feed
  public var start: Start
  public var order: Order
  public var style: Style
  public var rows: Rows
  /// How many changes to deliver at most, after filtering.
  public var limit: Int?
  /// Only changes of these documents.
  public var ids: Set<DocumentID>?
  /// Only changes whose winning revision matches; with ``Style/allLeaves`` those with leaves that match, which are the
  /// ones listed. The database itself applies it, a remote one at its end.
  public var selector: Selector?
  /// Only changes whose winning revision this approves; tombstones are asked about too.
  public var filter: (@Sendable (Document) -> Bool)?

  public init(
    _ feed: Feed = .once, since start: Start = .beginning, order: Order = .ascending, style: Style = .winner,
    rows: Rows = .idsOnly, limit: Int? = nil, ids: Set<DocumentID>? = nil, selector: Selector? = nil,
    filter: (@Sendable (Document) -> Bool)? = nil
  ) {
    self.feed = feed
    self.start = start
    self.order = order
    self.style = style
    self.rows = rows
    self.limit = limit
    self.ids = ids
    self.selector = selector
    self.filter = filter
  }

  /// All changes there are.
  public static let once = ChangesQuery(.once)
  /// All changes there are, then those that come.
  public static let live = ChangesQuery(.live)

  /// The same query from another start.
  public func since(_ start: Start) -> ChangesQuery {
    var copy = self
    copy.start = start
    return copy
  }

  /// The same query, with documents.
  public func including(_ rows: Rows) -> ChangesQuery {
    var copy = self
    copy.rows = rows
    return copy
  }
}

/// One document that changed: its newest change only, whatever came before.
public struct Change: Sendable {
  /// Where this change stands; reading on from here delivers what came after it.
  public let sequence: UpdateSequence
  public let id: DocumentID
  /// The revisions that the style asks for, the winner first.
  public let revisions: [RevisionID]
  /// Whether the document is deleted: all of its leaves are.
  public let isDeleted: Bool
  /// The winning revision, if asked for.
  public let document: Document?

  public init(
    sequence: UpdateSequence, id: DocumentID, revisions: [RevisionID], isDeleted: Bool, document: Document?
  ) {
    self.sequence = sequence
    self.id = id
    self.revisions = revisions
    self.isDeleted = isDeleted
    self.document = document
  }

  /// The same change without its document.
  func withoutDocument() -> Change {
    Change(sequence: sequence, id: id, revisions: revisions, isDeleted: isDeleted, document: nil)
  }
}

/// Some consecutive changes, as a database delivers them.
public struct ChangesBatch: Sendable {
  public let changes: [Change]
  /// How far the log was read: the position to go on from.
  public let lastSequence: UpdateSequence
  /// Whether the log had more when it was read.
  public let hasMore: Bool

  public init(changes: [Change], lastSequence: UpdateSequence, hasMore: Bool) {
    self.changes = changes
    self.lastSequence = lastSequence
    self.hasMore = hasMore
  }
}
