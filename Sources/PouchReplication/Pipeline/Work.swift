import PouchCore

/// A document that changed, with the leaves that it has now.
struct ChangedDocument: Sendable {
  let id: DocumentID
  let revisions: [RevisionID]

  /// About how many bytes it takes in memory and in a question to the target.
  var weight: Int { id.text.utf8.count + revisions.count * ChangedDocument.revisionWeight }

  private static let revisionWeight = 40
}

/// Some consecutive changes, as the reader queues them.
struct ChangesRun: Sendable {
  /// The piece of the feed that they are.
  let piece: Int
  let documents: [ChangedDocument]
  let weight: Int
}

/// A revision that the target lacks.
struct MissingRevision: Sendable, Hashable {
  let id: DocumentID
  let revision: RevisionID
  /// Revisions that the target has, and that may be ancestors.
  let possibleAncestors: [RevisionID]

  /// The request that reads it from the source, or what it became.
  var request: BulkGetRequest { BulkGetRequest(id, at: revision) }
}

/// A revision that is copied on its own.
struct SingleRevision: Sendable {
  let missing: MissingRevision
  /// The batch that it belongs to.
  let pieces: ClosedRange<Int>
}

extension Document {
  /// Whether all attachments were there already at some revision that the target may have, so that it need not get
  /// their bytes.
  func hasOnlyAttachments(knownAt ancestors: [RevisionID]) -> Bool {
    if attachments.isEmpty { return true }
    let known = Set(ancestors)
    guard let newest = revisions?.dropFirst().first(where: known.contains) else { return false }
    return attachments.allSatisfy { _, attachment in
      attachment.revisionPosition.map { $0 <= newest.generation } ?? false
    }
  }

  /// How many bytes of attachments it has, when that is known of each of them.
  var attachmentBytes: Int64? {
    var total: Int64 = 0
    for (_, attachment) in attachments {
      guard let length = attachment.encodedLength ?? attachment.length, length >= 0 else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(length)
      if overflow { return nil }
      total = sum
    }
    return total
  }

  /// How many bytes of body and of attachments that are in memory a target is given.
  var writtenBytes: Int64 {
    Int64(body.bytes.count) + attachments.reduce(0) { $0 + Int64($1.value.data?.count ?? 0) }
  }
}
