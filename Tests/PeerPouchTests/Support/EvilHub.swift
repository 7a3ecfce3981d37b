import PouchCore
import PouchStore
import Synchronization

/// A hub that shows other documents than it was given, or none. Whatever is written goes to the database behind it.
final class EvilHub: Database {
  /// What is shown in place of a document; `nil` to hold it back.
  typealias Change = @Sendable (Document) -> Document?

  let base: LocalDatabase
  let name: String
  private let change = Mutex<Change?>(nil)
  private let lost = Mutex(0)

  init(_ base: LocalDatabase) {
    self.base = base
    name = "http://evil.test/\(base.name)"
  }

  /// Begins to change what is shown; `nil` ends it.
  func tamper(_ change: Change?) { self.change.withLock { $0 = change } }

  /// Has so many of the next writes happen without an answer.
  func loseAnswers(_ count: Int) { lost.withLock { $0 = count } }

  private func shown(_ document: Document) -> Document? {
    guard let change = change.withLock(\.self) else { return document }
    return change(document)
  }

  // MARK: Reading

  func info() async throws -> DatabaseInfo { try await base.info() }

  func get(_ id: DocumentID, _ options: GetOptions) async throws -> Document {
    guard let document = shown(try await base.get(id, options)) else { throw PouchError.missing }
    return document
  }

  func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    try await base.openRevisions(of: id, which, options).compactMap { revision in
      revision.document.map { shown($0).map(OpenRevision.found) } ?? revision
    }
  }

  func bulkGet(_ requests: [BulkGetRequest], _ options: GetOptions) async throws -> [BulkGetResult] {
    try await base.bulkGet(requests, options)
  }

  func allDocs(_ query: AllDocsQuery) async throws -> AllDocsPage {
    let page = try await base.allDocs(query)
    let rows = page.rows.compactMap { row -> AllDocsPage.Row? in
      guard let document = row.document else { return row }
      return shown(document).map { AllDocsPage.Row(id: row.id, revision: row.revision, document: $0) }
    }
    return AllDocsPage(totalRows: page.totalRows, offset: page.offset, rows: rows, updateSequence: page.updateSequence)
  }

  func localDocs(_ query: AllDocsQuery) async throws -> AllDocsPage { try await base.localDocs(query) }

  func nextChanges(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch {
    // What is held back is waited over, as a hub would that never had it.
    var position = position
    while true {
      let batch = try await base.nextChanges(query, after: position, limit: limit)
      let changes = batch.changes.compactMap { change -> PouchCore.Change? in
        guard let document = change.document else { return change }
        return shown(document).map {
          PouchCore.Change(
            sequence: change.sequence, id: change.id, revisions: change.revisions, isDeleted: change.isDeleted,
            document: $0)
        }
      }
      if query.feed == .once || !changes.isEmpty {
        return ChangesBatch(changes: changes, lastSequence: batch.lastSequence, hasMore: batch.hasMore)
      }
      position = batch.lastSequence
    }
  }

  func pendingChanges(after position: UpdateSequence) async throws -> Int {
    try await base.pendingChanges(after: position)
  }

  func revsDiff(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: RevisionsDiff] {
    try await base.revsDiff(revisions)
  }

  func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID?, range: AttachmentRange?, form: AttachmentForm
  ) async throws -> AttachmentDownload {
    try await base.getAttachment(name, of: id, at: revision, range: range, form: form)
  }

  // MARK: Writing

  func bulkDocs(_ documents: [Document], _ mode: WriteMode) async throws -> [WriteResult] {
    let results = try await base.bulkDocs(documents, mode)
    let isLost = lost.withLock { lost in
      defer { lost = max(0, lost - 1) }
      return lost > 0
    }
    if isLost { throw PouchError(.badResponse, "The answer was lost.") }
    return results
  }

  func putAttachment(
    _ name: String, _ attachment: Attachment, to id: DocumentID, at revision: RevisionID?
  ) async throws -> RevisionID {
    try await base.putAttachment(name, attachment, to: id, at: revision)
  }

  func removeAttachment(_ name: String, of id: DocumentID, at revision: RevisionID) async throws -> RevisionID {
    try await base.removeAttachment(name, of: id, at: revision)
  }

  func compact() async throws { try await base.compact() }
  func purge(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: [RevisionID]] {
    try await base.purge(revisions)
  }
  func revsLimit() async throws -> Int { try await base.revsLimit() }
  func setRevsLimit(_ limit: Int) async throws { try await base.setRevsLimit(limit) }
  func close() async throws { try await base.close() }
  func destroy() async throws { try await base.destroy() }
}
