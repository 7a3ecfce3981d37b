import HTTPTypes
public import PouchCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension RemoteDatabase {
  /// Writes documents; see ``Database/bulkDocs(_:_:)``.
  ///
  /// Documents go out in batches; those with attachments that are streams or large, one by one. The batches are no
  /// common transaction. When the server refuses a batch for what is in it, the batch is halved until the documents
  /// are found that it does not take.
  @concurrent
  public func bulkDocs(_ documents: [Document], _ mode: WriteMode) async throws -> [WriteResult] {
    try checkOpen()
    var outcomes: [Int: Result<RevisionID, PouchError>] = [:]
    var batch: [OutgoingDocument] = []
    var batchBytes = 0
    var alone: [OutgoingDocument] = []
    let ids = documents.map { $0.id ?? DocumentID(UUID().uuidString.lowercased()) }
    let isOne = documents.count == 1
    for (index, document) in documents.enumerated() {
      let outgoing: OutgoingDocument
      do throws(PouchError) {
        outgoing = try OutgoingDocument(document, as: ids[index], mode, at: index)
      } catch {
        outcomes[index] = .failure(error)
        continue
      }
      guard !outgoing.goesAlone, !(isOne && fitsPath(outgoing.id)) else {
        alone.append(outgoing)
        continue
      }
      let bytes = outgoing.approximateBytes
      if !batch.isEmpty, batchBytes + bytes > RemoteTuning.bulkBytes || batch.count >= RemoteTuning.bulkCount {
        outcomes.merge(try await write(batch[...], mode)) { $1 }
        batch = []
        batchBytes = 0
      }
      batch.append(outgoing)
      batchBytes += bytes
    }
    if !batch.isEmpty { outcomes.merge(try await write(batch[...], mode)) { $1 } }
    let written = try await concurrently(alone, atMost: RemoteTuning.uploads) { document in
      (document.index, try await self.writeAlone(document, mode))
    }
    for (index, outcome) in written { outcomes[index] = outcome }
    return ids.enumerated().map { index, id in
      WriteResult(id: id, outcome: outcomes[index] ?? .failure(nonsense("id")))
    }
  }

  // MARK: - Batches

  private func write(
    _ batch: ArraySlice<OutgoingDocument>, _ mode: WriteMode
  ) async throws -> [Int: Result<RevisionID, PouchError>] {
    do {
      return try await writeAtOnce(batch, mode)
    } catch let error as PouchError where error.isAboutDocuments {
      guard batch.count > 1 else {
        return Dictionary(uniqueKeysWithValues: batch.map { ($0.index, .failure(error.ofOneDocument)) })
      }
      let middle = batch.startIndex + batch.count / 2
      var outcomes = try await write(batch[..<middle], mode)
      outcomes.merge(try await write(batch[middle...], mode)) { $1 }
      return outcomes
    }
  }

  private func writeAtOnce(
    _ batch: ArraySlice<OutgoingDocument>, _ mode: WriteMode
  ) async throws -> [Int: Result<RevisionID, PouchError>] {
    var writer = JSONWriter(capacity: batch.reduce(64) { $0 + $1.approximateBytes })
    mode == .replicated ? writer.raw("{\"new_edits\":false,\"docs\":[") : writer.raw("{\"docs\":[")
    writer.writeList(batch) { $0.write($1.document) }
    writer.raw("]}")
    let request = request(.post, ["_bulk_docs"], json: JSONText(stored: writer.bytes))
    let answer = try await client.json(request, mode == .replicated ? .harmless : .harmful)
    guard answer.isArray else { throw nonsense("_bulk_docs") }
    let entries = try answer.elements.map { try BulkDocsEntry($0, self) }
    return mode == .replicated ? replicated(batch, entries) : try edited(batch, entries)
  }

  /// With `new_edits: false` servers tell of failures; some tell of successes too.
  private func replicated(
    _ batch: ArraySlice<OutgoingDocument>, _ entries: [BulkDocsEntry]
  ) -> [Int: Result<RevisionID, PouchError>] {
    var failures: [ExactString: [BulkDocsEntry]] = [:]
    for entry in entries where entry.error != nil { failures[entry.id.name, default: []].append(entry) }
    var outcomes: [Int: Result<RevisionID, PouchError>] = [:]
    for document in batch {
      let failure = failures[document.id.name]?.first { $0.revision == nil || $0.revision == document.revision }
      if let error = failure?.error {
        outcomes[document.index] = .failure(error)
      } else if let revision = document.revision {
        outcomes[document.index] = .success(revision)
      }
    }
    return outcomes
  }

  private func edited(
    _ batch: ArraySlice<OutgoingDocument>, _ entries: [BulkDocsEntry]
  ) throws(PouchError) -> [Int: Result<RevisionID, PouchError>] {
    guard entries.count == batch.count else { throw nonsense("_bulk_docs") }
    var outcomes: [Int: Result<RevisionID, PouchError>] = [:]
    for (document, entry) in zip(batch, entries) {
      guard entry.id == document.id else { throw nonsense("id") }
      if let error = entry.error {
        outcomes[document.index] = .failure(error)
      } else if let revision = entry.revision {
        outcomes[document.index] = .success(revision)
      } else {
        throw nonsense("rev")
      }
    }
    return outcomes
  }

  // MARK: - One by one

  private func writeAlone(
    _ outgoing: OutgoingDocument, _ mode: WriteMode
  ) async throws -> Result<RevisionID, PouchError> {
    guard fitsPath(outgoing.id) else {
      return .failure(PouchError(.illegalDocumentID, "The id is too long for a document with attachments."))
    }
    let isReplicated = mode == .replicated && !outgoing.id.isLocal
    var request = request(.put, segments(of: outgoing.id))
    if isReplicated { request.query["new_edits"] = "false" }
    do {
      if outgoing.id.isLocal, outgoing.document.isDeleted {
        request.method = .delete
        if let revision = outgoing.document.revision { request.query["rev"] = revision.description }
      } else if outgoing.hasLongAttachments, let parts = MultipartDocument.encode(try await outgoing.measured()) {
        request.headers[.contentType] = parts.contentType
        request.body = parts.body
      } else {
        request.headers[.contentType] = "application/json"
        request.body = .bytes(outgoing.document.encoded)
      }
      let answer = try await client.json(
        request, isReplicated ? .harmless : .harmful, upTo: RemoteLimits.errorAnswer)
      if let error = ErrorAnswer.error(in: answer) { throw error }
      guard let text = answer["rev"]?.string, let revision = try? RevisionID(text) else { throw nonsense("rev") }
      return .success(revision)
    } catch let error as PouchError where error.isAboutDocuments || error.isAboutOneDocument {
      return .failure(error.ofOneDocument)
    }
  }
}

/// A document on its way to a server.
private struct OutgoingDocument: Sendable {
  /// As it is sent: without facts that a server knows better.
  let document: Document
  let id: DocumentID
  /// Its place in the batch that the caller gave.
  let index: Int
  /// The revision that a copy has.
  let revision: RevisionID?
  /// Whether its attachments are sent behind the JSON and not in it.
  let hasLongAttachments: Bool

  /// - Throws: what makes the document unacceptable whatever the server says.
  init(_ document: Document, as id: DocumentID, _ mode: WriteMode, at index: Int) throws(PouchError) {
    try id.validate()
    try document.validateBody()
    var document = document
    document.id = id
    document.metadata = nil
    if mode == .replicated, !id.isLocal {
      revision = try document.replicatedPath.first
    } else {
      revision = nil
      document.revisions = nil
    }
    var inlineBytes = 0
    var isLong = false
    for (name, attachment) in document.attachments {
      if name.hasPrefix("_") {
        throw PouchError(.badRequest, "Attachment name '\(name)' starts with prohibited character '_'")
      }
      switch attachment.content {
      case .stub: break
      case .stream: isLong = true
      case .data(let bytes):
        inlineBytes += bytes.count
        if attachment.encoding != nil { isLong = true }
      }
    }
    hasLongAttachments = isLong || inlineBytes > RemoteTuning.inlineAttachments
    self.document = document
    self.id = id
    self.index = index
  }

  /// The document with attachments whose lengths are known: CouchDB takes no others behind a document.
  /// - Throws: ``PouchError/Code/badRequest`` for one whose length is not known and which is too long to be counted.
  func measured() async throws -> Document {
    var document = document
    for (name, attachment) in document.attachments {
      guard case .stream(let stream) = attachment.content,
        (attachment.encoding == nil ? attachment.length : attachment.encodedLength) == nil
      else { continue }
      var bytes: [UInt8] = []
      for try await piece in stream {
        guard bytes.count + piece.count <= RemoteTuning.measuredAttachment else {
          throw PouchError(
            .badRequest, "The length of the attachment \(name) must be given, or it must be put on its own.")
        }
        bytes += piece
      }
      document.attachments[name]?.content = .data(bytes)
    }
    return document
  }

  /// Whether it does not go into a batch.
  var goesAlone: Bool { hasLongAttachments || id.isLocal }

  /// About how many bytes its JSON has.
  var approximateBytes: Int {
    let attachments = document.attachments.reduce(0) { sum, attachment in
      sum + attachment.name.string.utf8.count + (attachment.value.data?.count ?? 0) * 4 / 3 + OutgoingDocument.stubBytes
    }
    let revisions = (document.revisions?.count ?? 1) * RevisionLists.revisionBytes
    return document.body.bytes.count + id.text.utf8.count + revisions + attachments + OutgoingDocument.stubBytes
  }

  /// About how many bytes the description of an attachment has, or the members of a document besides its body.
  private static let stubBytes = 200
}

/// What a server says about one document of a batch.
private struct BulkDocsEntry {
  let id: DocumentID
  let revision: RevisionID?
  let error: PouchError?

  init(_ slice: JSONSlice, _ database: RemoteDatabase) throws(PouchError) {
    guard let text = slice["id"]?.string else { throw database.nonsense("id") }
    id = DocumentID(text)
    revision = slice["rev"]?.string.flatMap { try? RevisionID($0) }
    error = ErrorAnswer.error(in: slice)
  }
}

extension PouchError {
  /// Whether a request was refused for what is in it, so that the rest of a batch may be taken without that.
  fileprivate var isAboutDocuments: Bool {
    switch code {
    case .badRequest, .invalidDocument, .illegalDocumentID, .digestMismatch, .missingStub, .documentTooLarge,
      .requestTooLarge, .notAcceptable:
      true
    default: false
    }
  }

  /// Whether a document that is sent alone has failed by this, and not the database.
  fileprivate var isAboutOneDocument: Bool {
    switch code {
    case .conflict, .forbidden: true
    case .notFound: !isOfMissingDatabase
    default: false
    }
  }

  /// The same about the one document that the request had.
  fileprivate var ofOneDocument: PouchError {
    code == .requestTooLarge ? PouchError(.documentTooLarge, reason, underlying: self) : self
  }
}
