public import PeerTrust
public import PouchCore
import PouchStore
import Synchronization

/// Files of this machine as a database, to be shared with whoever shall have them.
///
/// ```swift
/// let outbox = try await FileOutbox(["film.mkv"])
/// let share = try await hub.shareDatabase(
///   outbox, name: "files", access: .readOnly, gate: Gate(takesTickets: true),
///   ticketLifetime: TrustLimits.sendTicketLife)
/// try await outbox.prepare()
/// for await receipt in outbox.receipts where receipt.isComplete { break }
/// await share.end()
/// ```
///
/// There is a document for each file, whose attachment is the file itself: nothing is copied, and what is read comes
/// straight from the disk. `docs/sending-files.md` says what is in the documents, and how a receiver confirms.
public final class FileOutbox: Database {
  /// What a receiver has confirmed.
  public struct Receipt: Sendable, Hashable {
    /// Who: verified.
    public let identity: Fingerprint
    /// The names of the files that it has by now, in the order in which they were offered.
    public let files: [String]
    /// Whether these are all.
    public let isComplete: Bool
  }

  private struct State {
    var digests: [DocumentID: OfferedFile.Digests] = [:]
    var received: [Fingerprint: Set<DocumentID>] = [:]
    var bytesRead: Int64 = 0
  }

  public let name = "files"
  /// How many bytes the files have.
  public let size: Int64
  private let files: [OfferedFile]
  private let filesByID: [DocumentID: OfferedFile]
  /// Documents without their attachments, and local documents.
  private let base: LocalDatabase
  private let state = Mutex(State())
  private let receiptsSent = Broadcast<Receipt>()

  /// Offers files, which can be read as soon as they are prepared.
  /// - Parameters:
  ///   - paths: of regular files; the last parts of them are all different.
  ///   - contentType: the media type of a file of some name.
  /// - Throws: ``PouchError/Code/ioError`` if a file cannot be read, or is a folder; ``PouchError/Code/badRequest`` if two
  ///   have one name, or there are more than ``FileDocuments/limit``.
  public init(
    _ paths: [String], contentType: (String) -> String = { _ in "application/octet-stream" }
  ) async throws {
    guard paths.count <= FileDocuments.limit else {
      throw PouchError(.badRequest, "At most \(FileDocuments.limit) files are offered at once.")
    }
    let files = try paths.enumerated().map { index, path in
      try OfferedFile(path, as: DocumentID("file-\(index + 1)"), contentType: contentType(path))
    }
    guard Set(files.map { ExactString($0.name) }).count == files.count else {
      throw PouchError(.badRequest, "Two of the files have one name, which the receiver could not tell apart.")
    }
    let size = files.reduce(0) { $0 + $1.state.size }
    let base = try LocalDatabase.inMemory()
    try await base.put(FileDocuments.offer(files, size: size))
    self.files = files
    filesByID = Dictionary(uniqueKeysWithValues: files.map { ($0.id, $0) })
    self.size = size
    self.base = base
  }

  /// Reads the files once, to know their digests. Each has its document from then on.
  /// - Parameter progress: hears how many bytes were read since it heard last.
  /// - Throws: ``PouchError/Code/ioError`` if a file cannot be read; `CancellationError`.
  public func prepare(_ progress: @escaping @Sendable (Int64) -> Void = { _ in }) async throws {
    for file in files {
      let digests = try await file.digests(progress)
      // First: whoever finds the document reads the attachment.
      state.withLock { $0.digests[file.id] = digests }
      try await base.put(FileDocuments.file(file, digests))
    }
  }

  /// What receivers confirm from now on.
  public var receipts: AsyncStream<Receipt> { receiptsSent.values }

  /// How many bytes of the files peers have read, what was read twice counted twice.
  public var bytesRead: Int64 { state.withLock(\.bytesRead) }

  // MARK: - Attachments

  private func attachment(of id: DocumentID?, _ content: (OfferedFile) -> Attachment.Content) -> (String, Attachment)? {
    guard let file = id.flatMap({ filesByID[$0] }), let digests = state.withLock({ $0.digests[file.id] }) else {
      return nil
    }
    var attachment = Attachment(content(file), contentType: file.contentType, digest: digests.md5)
    attachment.length = file.state.size
    attachment.revisionPosition = 1
    return (file.attachmentName, attachment)
  }

  private func content(of file: OfferedFile, _ range: Range<Int64>) -> ByteStream {
    file.content(range) { count in self.state.withLock { $0.bytesRead += count } }
  }

  /// A document with its attachment.
  private func complete(_ document: Document, _ options: GetOptions) -> Document {
    let isWanted =
      options.attachmentsSince.map { known in document.revision.map { !known.contains($0) } ?? true }
      ?? options.parts.contains(.attachments)
    let found = attachment(of: document.id) { isWanted ? .stream(content(of: $0, 0..<$0.state.size)) : .stub }
    guard let (name, attachment) = found, !document.isDeleted else { return document }
    var document = document
    document.attachments[ExactString(name)] = attachment
    return document
  }

  /// The options without what only ``complete(_:_:)`` does.
  private func plain(_ options: GetOptions) -> GetOptions {
    var options = options
    options.parts.remove(.attachments)
    options.attachmentsSince = nil
    return options
  }

  private func plain(_ parts: DocumentParts) -> DocumentParts { parts.subtracting(.attachments) }

  public func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID?, range: AttachmentRange?, form: AttachmentForm
  ) async throws -> AttachmentDownload {
    _ = try await base.get(id, at: revision)
    guard let (known, attachment) = attachment(of: id, { _ in .stub }), ExactString(known) == ExactString(name),
      let file = filesByID[id]
    else { throw PouchError.missing }
    let wanted = try range?.resolved(length: file.state.size) ?? 0..<file.state.size
    return AttachmentDownload(attachment: attachment, range: wanted, content: content(of: file, wanted))
  }

  // MARK: - Reading

  public func info() async throws -> DatabaseInfo { try await base.info() }

  public func get(_ id: DocumentID, _ options: GetOptions) async throws -> Document {
    complete(try await base.get(id, plain(options)), options)
  }

  public func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    try await base.openRevisions(of: id, which, plain(options)).map { complete($0, options) }
  }

  private func complete(_ revision: OpenRevision, _ options: GetOptions) -> OpenRevision {
    switch revision {
    case .found(let document): .found(complete(document, options))
    case .missing: revision
    }
  }

  public func bulkGet(_ requests: [BulkGetRequest], _ options: GetOptions) async throws -> [BulkGetResult] {
    let plainRequests = requests.map { BulkGetRequest($0.id, at: $0.revision) }
    let results = try await base.bulkGet(plainRequests, plain(options))
    return zip(requests, results).map { request, result in
      var options = options
      options.attachmentsSince = request.attachmentsSince ?? options.attachmentsSince
      return BulkGetResult(id: result.id, outcome: result.outcome.map { $0.map { complete($0, options) } })
    }
  }

  public func allDocs(_ query: AllDocsQuery) async throws -> AllDocsPage {
    guard case .documents(let parts) = query.rows else { return try await base.allDocs(query) }
    var plainQuery = query
    plainQuery.rows = .documents(plain(parts))
    let page = try await base.allDocs(plainQuery)
    let rows = page.rows.map { row in
      AllDocsPage.Row(
        id: row.id, revision: row.revision, isDeleted: row.isDeleted,
        document: row.document.map { complete($0, GetOptions(including: parts)) })
    }
    return AllDocsPage(
      totalRows: page.totalRows, offset: page.offset, rows: rows, updateSequence: page.updateSequence)
  }

  public func localDocs(_ query: AllDocsQuery) async throws -> AllDocsPage { try await base.localDocs(query) }

  public func nextChanges(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch {
    guard case .documents(let parts) = query.rows else {
      return try await base.nextChanges(query, after: position, limit: limit)
    }
    let batch = try await base.nextChanges(
      query.including(.documents(plain(parts))), after: position, limit: limit)
    let changes = batch.changes.map { change in
      Change(
        sequence: change.sequence, id: change.id, revisions: change.revisions, isDeleted: change.isDeleted,
        document: change.document.map { complete($0, GetOptions(including: parts)) })
    }
    return ChangesBatch(changes: changes, lastSequence: batch.lastSequence, hasMore: batch.hasMore)
  }

  public func pendingChanges(after position: UpdateSequence) async throws -> Int {
    try await base.pendingChanges(after: position)
  }

  public func revsDiff(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: RevisionsDiff] {
    try await base.revsDiff(revisions)
  }

  // MARK: - Writing

  private static let readOnly = PouchError(.forbidden, "Files that are offered can only be read.")

  /// Takes local documents: checkpoints, and what receivers confirm.
  public func bulkDocs(_ documents: [Document], _ mode: WriteMode) async throws -> [WriteResult] {
    var results: [WriteResult] = []
    for document in documents {
      guard let id = document.id, id.isLocal else {
        results.append(WriteResult(id: document.id ?? "", outcome: .failure(FileOutbox.readOnly)))
        continue
      }
      let written = try await base.bulkDocs([document], mode)
      results += written
      if case .success? = written.first?.outcome { note(document) }
    }
    return results
  }

  /// Looks whether a local document is what a receiver confirms.
  private func note(_ document: Document) {
    guard let identity = document.id.flatMap(FileDocuments.receiver) else { return }
    let receipt: Receipt? = state.withLock { state in
      let before = state.received[identity] ?? []
      var now = before
      for (id, digests) in state.digests where document["files"]?[id.name]?.string == digests.sha256 { now.insert(id) }
      guard now != before else { return nil }
      state.received[identity] = now
      let names = files.filter { now.contains($0.id) }.map(\.name)
      return Receipt(identity: identity, files: names, isComplete: names.count == files.count)
    }
    if let receipt { receiptsSent.send(receipt) }
  }

  public func putAttachment(
    _ name: String, _ attachment: Attachment, to id: DocumentID, at revision: RevisionID?
  ) async throws -> RevisionID { throw FileOutbox.readOnly }

  public func removeAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID
  ) async throws -> RevisionID { throw FileOutbox.readOnly }

  public func compact() async throws { throw FileOutbox.readOnly }

  public func purge(
    _ revisions: [DocumentID: [RevisionID]]
  ) async throws -> [DocumentID: [RevisionID]] { throw FileOutbox.readOnly }

  public func revsLimit() async throws -> Int { try await base.revsLimit() }

  public func setRevsLimit(_ limit: Int) async throws { throw FileOutbox.readOnly }

  public func close() async throws {
    receiptsSent.end()
    try await base.close()
  }

  /// Removes what was made for the offer; the files stay.
  public func destroy() async throws { try await close() }
}
