public import PouchCore

/// What a replication copies, how, and for how long.
///
/// ```swift
/// .once                                                   // all that there is now
/// .live                                                   // and then what comes, until it is cancelled
/// ReplicationOptions(.live, ids: ["n1", "n2"])            // these documents only
/// ```
public struct ReplicationOptions: Sendable {
  /// When the replication ends.
  public enum Mode: Sendable, Hashable {
    /// When it has copied what there is.
    case once
    /// Never by itself: it waits for more changes, and for databases that are away.
    case live
  }

  /// Whether design documents are copied.
  public enum DesignDocuments: Sendable, Hashable {
    /// They are copied, but not from a ``ForeignDatabase``.
    case usual
    case included
    /// They stay where they are: they are code, which one may not want from a stranger.
    case skipped
  }

  /// Where a replication writes how far it came, so that the next one goes on from there.
  public enum Checkpoints: Sendable, Hashable {
    /// In both databases, so that either may be replaced by an older copy without anything being skipped. A source
    /// that refuses it does without.
    case both
    /// In the target only: nothing is ever written to the source.
    case target
    /// Nowhere: every replication looks at everything.
    case none
  }

  public var mode: Mode
  /// Only these documents.
  public var ids: Set<DocumentID>?
  /// Only documents that match; applied by the source, so that others are not even read.
  public var selector: Selector?
  /// Only documents whose winning revision passes; applied here, after reading.
  public var filter: ReplicationFilter?
  /// Where to start when there is no checkpoint. Replications from different starts have different checkpoints.
  public var since: ChangesQuery.Start
  public var designDocuments: DesignDocuments
  public var checkpoints: Checkpoints
  /// How many changed documents one batch has at most, from 1 on; ``ReplicationTuning/batchDocuments`` unless set.
  public var batchDocuments: Int
  /// How many bytes of bodies one request has at most, except that a single document may be larger; from 1 on,
  /// ``ReplicationTuning/batchBytes`` unless set.
  public var batchBytes: Int

  public init(
    _ mode: Mode = .once, ids: Set<DocumentID>? = nil, selector: Selector? = nil, filter: ReplicationFilter? = nil,
    since: ChangesQuery.Start = .beginning, designDocuments: DesignDocuments = .usual,
    checkpoints: Checkpoints = .both, batchDocuments: Int = ReplicationTuning.batchDocuments,
    batchBytes: Int = ReplicationTuning.batchBytes
  ) {
    self.mode = mode
    self.ids = ids
    self.selector = selector
    self.filter = filter
    self.since = since
    self.designDocuments = designDocuments
    self.checkpoints = checkpoints
    self.batchDocuments = batchDocuments
    self.batchBytes = batchBytes
  }

  /// Everything there is, once.
  public static let once = ReplicationOptions(.once)
  /// Everything there is, then everything that comes.
  public static let live = ReplicationOptions(.live)

  /// The same for a source, with what is usual for it.
  func resolved(for source: any Database) -> ReplicationOptions {
    guard designDocuments == .usual else { return self }
    var options = self
    options.designDocuments = source is any ForeignDatabase ? .skipped : .included
    return options
  }

  /// Whether some changes may be left out.
  var isSelective: Bool { ids != nil || selector != nil || filter != nil }
}

/// A condition on documents, written in Swift.
public struct ReplicationFilter: Sendable {
  /// Tells filters apart: replications continue from each other's checkpoints when their filters have the same name.
  /// A filter that means something else needs another name.
  public let name: String
  /// Whether a document is copied. It is shown the winning revision, tombstones too.
  public let isIncluded: @Sendable (Document) -> Bool

  public init(_ name: String, _ isIncluded: @escaping @Sendable (Document) -> Bool) {
    self.name = name
    self.isIncluded = isIncluded
  }
}
