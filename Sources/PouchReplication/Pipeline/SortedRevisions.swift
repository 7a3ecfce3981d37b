import PouchCore

/// A revision that was read from the source.
struct ReadRevision: Sendable {
  let missing: MissingRevision
  let document: Document
}

/// What the source answered for some revisions, sorted by how each is to be copied.
struct SortedRevisions: Sendable {
  /// Documents with small attachments that are read once more, with these.
  struct Bundle: Sendable {
    var revisions: [MissingRevision] = []
    /// The bytes of bodies and attachments together.
    var bytes = 0
  }

  /// Whose document is here with all that the target needs.
  private(set) var ready: [ReadRevision] = []
  private(set) var bundles: [Bundle] = []
  /// Which are to be copied one by one.
  private(set) var alone: [MissingRevision] = []
  /// What the source does not give.
  private(set) var failures: [ReplicationFailure] = []
  /// How many the source does not have any more.
  private(set) var skipped = 0
  /// How many revisions were answered.
  let answered: Int
  /// How many documents came, and the bytes of their bodies.
  private(set) var documents = 0
  private(set) var bytes = 0

  init(_ results: [BulkGetResult], of revisions: ArraySlice<MissingRevision>) {
    answered = results.count
    for (missing, result) in zip(revisions, results) {
      switch result.outcome {
      case .failure(let error) where error.code == .notFound:
        skipped += 1
      case .failure(let error) where Verdict(error).isWorthRetrying:
        alone.append(missing)
      case .failure(let error):
        fail(missing, error)
      case .success(let found):
        if found.isEmpty { skipped += 1 }
        for revision in found { sort(revision, for: missing) }
      }
    }
  }

  private mutating func fail(_ missing: MissingRevision, _ error: PouchError) {
    failures.append(
      ReplicationFailure(id: missing.id, revision: missing.revision, side: .source, error: error))
  }

  private mutating func sort(_ revision: OpenRevision, for missing: MissingRevision) {
    guard case .found(let document) = revision else {
      skipped += 1
      return
    }
    documents += 1
    bytes += Int(document.writtenBytes)
    guard document.id == missing.id, document.revision != nil else {
      return fail(missing, PouchError(.badResponse, "The source gave another document than it was asked for."))
    }
    let isAllHere = document.attachments.allSatisfy { !$0.value.isStub }
    if isAllHere || document.hasOnlyAttachments(knownAt: missing.possibleAncestors) {
      ready.append(ReadRevision(missing: missing, document: document))
    } else if let attached = document.attachmentBytes, attached <= ReplicationTuning.inlineAttachmentBytes {
      bundle(missing, bytes: document.body.bytes.count + Int(attached))
    } else {
      alone.append(missing)
    }
  }

  private mutating func bundle(_ missing: MissingRevision, bytes: Int) {
    if let last = bundles.last, last.bytes + bytes <= ReplicationTuning.inlineBundleBytes {
      bundles[bundles.count - 1].revisions.append(missing)
      bundles[bundles.count - 1].bytes += bytes
    } else {
      bundles.append(Bundle(revisions: [missing], bytes: bytes))
    }
  }
}
