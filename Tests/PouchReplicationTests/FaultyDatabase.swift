import PouchCore
import Synchronization

/// A real database behind a bad line: calls fail before or after they took effect, documents are refused, streams are
/// cut. What happens is up to closures, which tests drive from seeds.
final class FaultyDatabase: Database {
  enum Call: String, Sendable, CaseIterable {
    case info, readCheckpoint, openRevisions, bulkGet, nextChanges, writeCheckpoint, bulkDocs, revsDiff
  }

  enum Fault: Sendable {
    /// The request gets lost.
    case before(PouchError)
    /// The request is carried out, and the answer gets lost.
    case after(PouchError)
  }

  struct Behaviour: Sendable {
    var fault: @Sendable (Call) async throws -> Fault? = { _ in nil }
    /// Why a document is refused, if it is.
    var refusal: @Sendable (Document) -> PouchError? = { _ in nil }
    /// Why a whole write fails because of its documents.
    var rejection: @Sendable ([Document]) -> PouchError? = { _ in nil }
    /// Whether a stream breaks after its first piece.
    var isCut: @Sendable () -> Bool = { false }
    /// Called with every checkpoint before it is written.
    var checkpointWritten: @Sendable (Document) async throws -> Void = { _ in }
    /// Changes what the feed says.
    var feed: @Sendable (ChangesBatch) -> ChangesBatch = { $0 }
    var changesLimit = Int.max
  }

  let base: any Database
  private let behaviour: Mutex<Behaviour>
  private let called = Mutex<[Call]>([])

  init(_ base: any Database, _ behaviour: Behaviour = Behaviour()) {
    self.base = base
    self.behaviour = Mutex(behaviour)
  }

  var name: String { base.name }
  /// The calls that were made, in order.
  var calls: [Call] { called.withLock { $0 } }

  func behave(_ change: (inout Behaviour) -> Void) { behaviour.withLock { change(&$0) } }

  private var now: Behaviour { behaviour.withLock { $0 } }

  private func pass<Value>(_ call: Call, _ body: () async throws -> Value) async throws -> Value {
    called.withLock { $0.append(call) }
    switch try await now.fault(call) {
    case nil: return try await body()
    case .before(let error): throw error
    case .after(let error):
      _ = try await body()
      throw error
    }
  }

  func info() async throws -> DatabaseInfo { try await pass(.info) { try await base.info() } }

  func get(_ id: DocumentID, _ options: GetOptions) async throws -> Document {
    guard id.isLocal else { return try await base.get(id, options) }
    return try await pass(.readCheckpoint) { try await base.get(id, options) }
  }

  func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    try await pass(.openRevisions) {
      try await base.openRevisions(of: id, which, options).map(fray)
    }
  }

  func bulkGet(_ requests: [BulkGetRequest], _ options: GetOptions) async throws -> [BulkGetResult] {
    try await pass(.bulkGet) {
      try await base.bulkGet(requests, options).map { result in
        BulkGetResult(id: result.id, outcome: result.outcome.map { $0.map(fray) })
      }
    }
  }

  private func fray(_ revision: OpenRevision) -> OpenRevision {
    guard case .found(var document) = revision else { return revision }
    for (name, attachment) in document.attachments {
      guard case .stream(let stream) = attachment.content, now.isCut() else { continue }
      document.attachments[name]?.content = .stream(
        ByteStream {
          var iterator = stream.makeAsyncIterator()
          var pieces = 0
          return {
            pieces += 1
            if pieces > 1 { throw PouchError(.unreachable, "cut") }
            return try await iterator.next()
          }
        })
    }
    return .found(document)
  }

  func allDocs(_ query: AllDocsQuery) async throws -> AllDocsPage { try await base.allDocs(query) }

  func localDocs(_ query: AllDocsQuery) async throws -> AllDocsPage { try await base.localDocs(query) }

  func pendingChanges(after position: UpdateSequence) async throws -> Int {
    try await base.pendingChanges(after: position)
  }

  func nextChanges(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch {
    try await pass(.nextChanges) {
      now.feed(try await base.nextChanges(query, after: position, limit: min(limit, now.changesLimit)))
    }
  }

  func bulkDocs(_ documents: [Document], _ mode: WriteMode) async throws -> [WriteResult] {
    if let checkpoint = documents.first, checkpoint.id?.isLocal == true {
      return try await pass(.writeCheckpoint) {
        try await now.checkpointWritten(checkpoint)
        return try await base.bulkDocs(documents, mode)
      }
    }
    return try await pass(.bulkDocs) {
      let behaviour = now
      if let error = behaviour.rejection(documents) { throw error }
      let refusals = documents.map(behaviour.refusal)
      let taken = zip(documents, refusals).filter { $0.1 == nil }.map(\.0)
      var written = try await base.bulkDocs(taken, mode).makeIterator()
      return zip(documents, refusals).map { document, refusal in
        if let refusal { return WriteResult(id: document.id ?? "", outcome: .failure(refusal)) }
        return written.next() ?? WriteResult(id: "", outcome: .failure(PouchError(.internalError)))
      }
    }
  }

  func revsDiff(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: RevisionsDiff] {
    try await pass(.revsDiff) { try await base.revsDiff(revisions) }
  }

  func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID?, range: AttachmentRange?, form: AttachmentForm
  ) async throws -> AttachmentDownload {
    try await base.getAttachment(name, of: id, at: revision, range: range, form: form)
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

extension FaultyDatabase {
  /// Lets every checkpoint that is written to this target be checked: what it covers must be here.
  func checkCheckpoints(of source: any Database, _ violated: @escaping @Sendable (String) -> Void) {
    let target = base
    behave { behaviour in
      behaviour.checkpointWritten = { checkpoint in
        guard let text = checkpoint["source_last_seq"]?.string, let covered = UpdateSequence(text).numbered else {
          return
        }
        var revisions: [DocumentID: [RevisionID]] = [:]
        for change in try await source.changes(ChangesQuery(.once, style: .allLeaves)).collect() {
          guard let numbered = change.sequence.numbered, numbered.number <= covered.number else { continue }
          revisions[change.id] = change.revisions
        }
        let lacking = try await target.revsDiff(revisions)
        if !lacking.isEmpty { violated("The checkpoint covers \(lacking.keys), which the target lacks.") }
      }
    }
  }
}
