import PouchCore

/// A shared database as one peer sees it: local documents are those of its own room, an inbox is empty, and writes are
/// within ``AccessLimits``.
struct PeerView: Database {
  let base: any Database
  /// What the peer calls the database.
  let name: String
  let grant: PeerGrant
  let room: LocalRoom
  let limits: AccessLimits
  let quota: PeerQuota
  /// How many bytes the disk has left; `nil` if that is not known.
  let freeSpace: @Sendable () -> Int64?

  // MARK: Reading

  func info() async throws -> DatabaseInfo {
    let info = try await base.info()
    guard grant.reads else {
      // That the box is there is all that is told of it.
      return DatabaseInfo(
        name: name, uuid: info.uuid, documentCount: 0, deletedCount: 0, updateSequence: .start, fileSize: 0,
        activeSize: 0, instanceStartTime: 0, isCompacting: false)
    }
    return DatabaseInfo(
      name: name, uuid: info.uuid, documentCount: info.documentCount, deletedCount: info.deletedCount,
      updateSequence: info.updateSequence, fileSize: info.fileSize, activeSize: info.activeSize,
      instanceStartTime: info.instanceStartTime, isCompacting: info.isCompacting)
  }

  func get(_ id: DocumentID, _ options: GetOptions) async throws -> Document {
    guard id.isLocal else { return try await base.get(id, options) }
    var document = try await base.get(room.inside(id), options)
    document.id = id
    return document
  }

  func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    guard !id.isLocal else { throw PouchError.missing }
    return try await base.openRevisions(of: id, which, options)
  }

  func bulkGet(_ requests: [BulkGetRequest], _ options: GetOptions) async throws -> [BulkGetResult] {
    guard requests.contains(where: \.id.isLocal) else { return try await base.bulkGet(requests, options) }
    var found = try await base.bulkGet(requests.filter { !$0.id.isLocal }, options)[...]
    var results: [BulkGetResult] = []
    for request in requests {
      if request.id.isLocal {
        results.append(BulkGetResult(id: request.id, outcome: .failure(.missing)))
      } else if let result = found.popFirst() {
        results.append(result)
      } else {
        // The limit of bytes is reached.
        return results
      }
    }
    return results
  }

  func allDocs(_ query: AllDocsQuery) async throws -> AllDocsPage {
    guard let keys = query.keys, keys.contains(where: \.isLocal) else { return try await base.allDocs(query) }
    // Local documents are in no list: their rows say that they are missing.
    let ordered = query.order == .ascending ? keys : keys.reversed()
    let wanted = ordered.dropFirst(max(0, query.skip)).prefix(max(0, query.limit ?? .max))
    var others = AllDocsQuery(keys: wanted.filter { !$0.isLocal }, rows: query.rows)
    others.reportsSequence = query.reportsSequence
    let page = try await base.allDocs(others)
    var found = page.rows[...]
    let rows = wanted.compactMap { $0.isLocal ? AllDocsPage.Row(id: $0, revision: nil) : found.popFirst() }
    return AllDocsPage(
      totalRows: page.totalRows, offset: max(0, query.skip), rows: rows, updateSequence: page.updateSequence)
  }

  func localDocs(_ query: AllDocsQuery) async throws -> AllDocsPage { throw PouchError.missing }

  func nextChanges(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch {
    try await base.nextChanges(query, after: position, limit: limit)
  }

  func pendingChanges(after position: UpdateSequence) async throws -> Int {
    try await base.pendingChanges(after: position)
  }

  func revsDiff(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: RevisionsDiff] {
    try await base.revsDiff(revisions.filter { !$0.key.isLocal })
  }

  func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID?, range: AttachmentRange?, form: AttachmentForm
  ) async throws -> AttachmentDownload {
    guard !id.isLocal else { throw PouchError.missing }
    return try await base.getAttachment(name, of: id, at: revision, range: range, form: form)
  }

  // MARK: Writing

  func bulkDocs(_ documents: [Document], _ mode: WriteMode) async throws -> [WriteResult] {
    try checkSpace()
    var guards = WriteGuards(self, mode)
    if mode == .replicated { try await guards.readLeaves(of: documents) }
    var allowed: [Document] = []
    var refusals: [PouchError?] = []
    for document in documents {
      if document.id?.isLocal == true {
        // Written below, one by one.
        refusals.append(nil)
        continue
      }
      do throws(PouchError) {
        try guards.check(document)
        allowed.append(document)
        refusals.append(nil)
      } catch {
        refusals.append(error)
      }
    }
    var written = try await allowed.isEmpty ? [] : base.bulkDocs(allowed, mode)[...]
    var results: [WriteResult] = []
    for (document, refusal) in zip(documents, refusals) {
      let id = document.id ?? ""
      if let refusal {
        results.append(WriteResult(id: id, outcome: .failure(refusal)))
      } else if id.isLocal {
        results.append(WriteResult(id: id, outcome: await writeLocal(document, id)))
      } else if let result = written.popFirst() {
        results.append(result)
      }
    }
    return results
  }

  /// Writes a local document into the peer's room.
  private func writeLocal(_ document: Document, _ id: DocumentID) async -> Result<RevisionID, PouchError> {
    do {
      guard grant.kind != .inbox else { throw PouchError.missing }
      guard document.body.bytes.count <= limits.localDocument else { throw PouchError(.documentTooLarge) }
      // Held until the document is written: two that each find the last place free must not both take it.
      let turn = try await quota.localWrites.take()
      defer { withExtendedLifetime(turn) {} }
      if !document.isDeleted { try await room.makePlace(for: id, in: base, atMost: limits.localDocuments) }
      var inside = document
      inside.id = room.inside(id)
      guard let result = try await base.bulkDocs([inside], .edits).first else { throw PouchError(.internalError) }
      if document.isDeleted, case .success = result.outcome { try await room.forget(id, in: base) }
      return result.outcome
    } catch let error as PouchError {
      return .failure(error)
    } catch {
      return .failure(PouchError(.internalError, underlying: error))
    }
  }

  func putAttachment(
    _ name: String, _ attachment: Attachment, to id: DocumentID, at revision: RevisionID?
  ) async throws -> RevisionID {
    try checkSpace()
    guard !id.isLocal else { throw PouchError.missing }
    guard grant.kind == .readWrite || revision == nil else { throw PouchError.missing }
    return try await base.putAttachment(name, attachment, to: id, at: revision)
  }

  func removeAttachment(_ name: String, of id: DocumentID, at revision: RevisionID) async throws -> RevisionID {
    guard grant.kind == .readWrite, !id.isLocal else { throw PouchError.missing }
    return try await base.removeAttachment(name, of: id, at: revision)
  }

  /// - Throws: ``PouchError/Code/diskFull`` if the disk has less space than peers may use up.
  private func checkSpace() throws(PouchError) {
    guard let free = freeSpace(), free < limits.freeSpace else { return }
    throw PouchError(.diskFull, "There is not enough free space to take anything from peers.")
  }

  // MARK: What is not for peers

  func compact() async throws { throw PouchError.missing }
  func purge(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: [RevisionID]] {
    throw PouchError.missing
  }
  func revsLimit() async throws -> Int { throw PouchError.missing }
  func setRevsLimit(_ limit: Int) async throws { throw PouchError.missing }
  func close() async throws { throw PouchError.missing }
  func destroy() async throws { throw PouchError(.forbidden, "A peer's database cannot be removed from here.") }
}
