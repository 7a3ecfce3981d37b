public import PouchCore

/// What a replication did, in numbers. Whatever is counted as written was acknowledged by the target.
public struct ReplicationCounts: Sendable, Hashable {
  /// Changes that were read from the source's feed.
  public var changesRead = 0
  /// Revisions that the target was asked about.
  public var revisionsChecked = 0
  /// Revisions of these that it did not have.
  public var revisionsMissing = 0
  /// Revisions that were read from the source.
  public var documentsRead = 0
  /// Revisions that the target took.
  public var documentsWritten = 0
  /// Revisions that could not be copied; see ``ReplicationFailure``.
  public var documentsFailed = 0
  /// Revisions that the source does not have any more, because they were superseded and compacted or purged.
  public var documentsSkipped = 0
  /// Bytes of bodies and attachments that the target took.
  public var bytesWritten: Int64 = 0

  public init() {}

  /// What was done since an earlier moment.
  func since(_ earlier: ReplicationCounts) -> ReplicationCounts {
    var counts = self
    counts.changesRead -= earlier.changesRead
    counts.revisionsChecked -= earlier.revisionsChecked
    counts.revisionsMissing -= earlier.revisionsMissing
    counts.documentsRead -= earlier.documentsRead
    counts.documentsWritten -= earlier.documentsWritten
    counts.documentsFailed -= earlier.documentsFailed
    counts.documentsSkipped -= earlier.documentsSkipped
    counts.bytesWritten -= earlier.bytesWritten
    return counts
  }
}

/// One of the two databases of a replication.
public enum ReplicationSide: String, Sendable, Hashable {
  case source
  case target
}

/// A document that could not be copied. It is left out, and not tried again until it changes.
public struct ReplicationFailure: Sendable, Equatable {
  public let id: DocumentID
  public let revision: RevisionID
  /// Which database refused.
  public let side: ReplicationSide
  public let error: PouchError

  public init(id: DocumentID, revision: RevisionID, side: ReplicationSide, error: PouchError) {
    self.id = id
    self.revision = revision
    self.side = side
    self.error = error
  }
}

/// What came of a replication.
public struct ReplicationResult: Sendable {
  /// How it ended, when it did not fail.
  public enum End: Sendable, Hashable {
    /// All that there was is copied.
    case completed
    /// It was stopped. The next one goes on from where it was.
    case cancelled
  }

  public let end: End
  /// Identifies this run in the checkpoints of both databases; the last one, if it had to start again. `nil` if it was
  /// cancelled before it reached both.
  public let sessionID: String?
  public let counts: ReplicationCounts
  /// The first ``ReplicationTuning/failuresListed`` failures; ``ReplicationCounts/documentsFailed`` has their number.
  public let failures: [ReplicationFailure]
  /// The position in the source up to which everything was dealt with.
  public let lastSequence: UpdateSequence?
}
