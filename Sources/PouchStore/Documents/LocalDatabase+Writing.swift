public import PouchCore
import PouchGzip

extension LocalDatabase {
  @concurrent
  public func bulkDocs(_ documents: [Document], _ mode: WriteMode) async throws -> [WriteResult] {
    let store = try store
    let batch = PreparedBatch()
    let outcomes: [Result<RevisionID, PouchError>]
    // Content of attachments is written before the documents, for which it needs the writer.
    if documents.count >= StoreTuning.preparedAhead, documents.allSatisfy({ $0.attachments.isEmpty }) {
      async let written = write(batch, store)
      try await prepare(documents, mode, store, into: batch)
      outcomes = try await written
    } else {
      try await prepare(documents, mode, store, into: batch)
      outcomes = try await write(batch, store)
    }
    let prepared = batch.documents
    for case .success(let document) in prepared {
      for case .new(let blob) in document.attachments.map(\.content) { await BlobUpload.discard(blob, from: store) }
    }
    compactIfDue(store)
    return documents.indices.map { index in
      var id = documents[index].id
      if id == nil, case .success(let made) = prepared[index] { id = made.id }
      return WriteResult(id: id ?? "", outcome: outcomes[index])
    }
  }

  private func prepare(
    _ documents: [Document], _ mode: WriteMode, _ store: Store, into batch: PreparedBatch
  ) async throws {
    do {
      for start in stride(from: 0, to: documents.count, by: StoreTuning.preparedAhead) {
        var slice: PreparedBatch.Slice = []
        for document in documents[start...].prefix(StoreTuning.preparedAhead) {
          slice.append(try await prepare(document, mode, store))
        }
        batch.add(slice)
      }
      batch.end()
    } catch {
      batch.end(.failure(PouchError(storage: error)))
      throw error
    }
  }

  /// Checks a document. What is wrong with it is its own outcome; trouble of the database or the task is thrown.
  private func prepare(
    _ document: Document, _ mode: WriteMode, _ store: Store
  ) async throws -> Result<PreparedDocument, PouchError> {
    do {
      return .success(
        try await PreparedDocument(document, mode, bodyLimit: options.documentBodyLimit, store: store))
    } catch let error as PouchError where error.isAboutTheDocument {
      return .failure(error)
    }
  }

  private func write(
    _ batch: PreparedBatch, _ store: Store
  ) async throws -> [Result<RevisionID, PouchError>] {
    let policy = options.compaction
    return try await store.write { transaction in
      let writer = try DocumentWriter(transaction: transaction, policy: policy)
      var outcomes: [Result<RevisionID, PouchError>] = []
      var number = 0
      while let slice = try batch.slice(number) {
        number += 1
        for document in slice {
          do {
            outcomes.append(.success(try writer.write(document.get())))
          } catch let error as PouchError where error.isAboutTheDocument {
            outcomes.append(.failure(error))
          }
        }
      }
      return outcomes
    }
  }

  @concurrent
  @discardableResult
  public func putAttachment(
    _ name: String, _ attachment: Attachment, to id: DocumentID, at revision: RevisionID?
  ) async throws -> RevisionID {
    var document: Document
    do {
      document = try await get(id, GetOptions(at: revision))
      if revision == nil { throw PouchError.conflict }
    } catch let error as PouchError where error.code == .notFound && revision == nil {
      document = Document(id: id)
    } catch let error as PouchError where error.code == .notFound {
      throw PouchError.conflict
    }
    document.attachments[ExactString(name)] = attachment
    return try await put(document)
  }

  @concurrent
  @discardableResult
  public func removeAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID
  ) async throws -> RevisionID {
    var document: Document
    do {
      document = try await get(id, GetOptions(at: revision))
    } catch let error as PouchError where error.code == .notFound {
      // An unknown revision of a document that exists is a conflict; one that does not exist is missing.
      _ = try await get(id, GetOptions())
      throw PouchError.conflict
    }
    guard document.attachments[ExactString(name)] != nil else {
      throw PouchError(.notFound, "Document is missing attachment")
    }
    document.attachments[ExactString(name)] = nil
    return try await put(document)
  }

  @concurrent
  public func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID?, range: AttachmentRange?, form: AttachmentForm
  ) async throws -> AttachmentDownload {
    let store = try store
    let (stored, pin) = try store.read { connection in
      guard let row = try DocumentRow.find(id, connection) else { throw PouchError.missing }
      if revision == nil, row.isDeleted { throw PouchError.deleted }
      guard let index = revision.map({ row.tree.index(of: $0) }) ?? row.tree.winnerIndex,
        let body = row.tree.nodes[index].body, let stored = try RevisionRow.find(body, connection)
      else { throw PouchError.missing }
      guard let attachment = stored.attachments.first(where: { $0.name == ExactString(name) }) else {
        throw PouchError(.notFound, "Document is missing attachment")
      }
      return (attachment, store.pins.pin(attachment.blob))
    }
    if stored.encoding != nil, form == .identity {
      return AttachmentDownload(
        attachment: stored.stub, range: 0..<stored.length,
        content: BlobTable.stream(pin, 0..<stored.storedLength, from: store).inflated)
    }
    let bytes = try range?.resolved(length: stored.storedLength) ?? 0..<stored.storedLength
    return AttachmentDownload(
      attachment: stored.stub, range: bytes, content: BlobTable.stream(pin, bytes, from: store))
  }
}

extension PouchError {
  /// Whether one document of a batch can fail by this while the others are written.
  var isAboutTheDocument: Bool {
    switch code {
    case .badRequest, .invalidDocument, .illegalDocumentID, .digestMismatch, .missingStub, .forbidden, .notFound,
      .conflict, .documentTooLarge:
      true
    default: false
    }
  }
}
