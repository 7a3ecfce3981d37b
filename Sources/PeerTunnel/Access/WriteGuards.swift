import PouchCore

/// Checks the documents of a batch that a peer writes, one after the other.
struct WriteGuards {
  private let grant: PeerGrant
  private let limits: AccessLimits
  private let base: any Database
  private let mode: WriteMode
  /// The leaves of the documents that are there already, with those of the batch.
  private var leaves: [DocumentID: Set<RevisionID>] = [:]

  init(_ view: PeerView, _ mode: WriteMode) {
    grant = view.grant
    limits = view.limits
    base = view.base
    self.mode = mode
  }

  /// Learns how many leaves the documents have; only copies of revisions can add one.
  mutating func readLeaves(of documents: [Document]) async throws {
    let ids = Set(documents.compactMap(\.id).filter { !$0.isLocal })
    guard !ids.isEmpty, grant.kind == .readWrite else { return }
    var position: UpdateSequence?
    var hasMore = true
    while hasMore {
      let query = ChangesQuery(.once, style: .allLeaves, ids: ids)
      let batch = try await base.nextChanges(query, after: position, limit: Tuning.changesBatch)
      for change in batch.changes { leaves[change.id] = Set(change.revisions) }
      position = batch.lastSequence
      hasMore = batch.hasMore
    }
  }

  /// Allows a document by returning.
  /// - Throws: ``PouchError/Code/forbidden``, ``PouchError/Code/documentTooLarge``, ``PouchError/Code/badRequest``.
  mutating func check(_ document: Document) throws(PouchError) {
    guard document.body.bytes.count <= limits.document else { throw PouchError(.documentTooLarge) }
    guard JSONDepth.isWithin(limits.jsonDepth, document.body.bytes) else { throw JSONDepth.error(limits.jsonDepth) }
    if grant.kind == .inbox {
      let isNew = mode == .edits && document.revision == nil && !document.isDeleted
      guard isNew, document.attachments.allSatisfy({ !$0.value.isStub }) else {
        throw PouchError(.forbidden, "Only new documents are taken.")
      }
    }
    if mode == .replicated { try countLeaf(document) }
  }

  /// Notes the leaf that a copy of a revision becomes.
  private mutating func countLeaf(_ document: Document) throws(PouchError) {
    guard let id = document.id, let revision = document.revision else { return }
    var known = leaves[id] ?? []
    guard !known.contains(revision) else { return }
    if let parent = document.revisions?.first(where: { known.contains($0) }) { known.remove(parent) }
    guard known.count < limits.leaves else {
      throw PouchError(.forbidden, "The document has \(known.count) leaves, and no more are taken from peers.")
    }
    known.insert(revision)
    leaves[id] = known
  }
}

/// How deep a JSON text is nested, by counting its brackets: before it is parsed, which recurses.
enum JSONDepth {
  static func error(_ limit: Int) -> PouchError {
    PouchError(.badRequest, "JSON from peers must not be nested deeper than \(limit) levels.")
  }

  /// - Parameter bytes: need not be well-formed; what is not is found by the parser.
  static func isWithin(_ limit: Int, _ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBufferPointer { bytes in
      var depth = 0
      var index = 0
      while index < bytes.count {
        switch bytes[index] {
        case 0x22: index = endOfString(at: index, in: bytes)
        case 0x5B, 0x7B:
          depth += 1
          if depth > limit { return false }
        case 0x5D, 0x7D: depth -= 1
        default: break
        }
        index += 1
      }
      return true
    }
  }

  /// The offset of the closing quote.
  private static func endOfString(at start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var index = start + 1
    while index < bytes.count, bytes[index] != 0x22 { index += bytes[index] == 0x5C ? 2 : 1 }
    return index
  }
}
