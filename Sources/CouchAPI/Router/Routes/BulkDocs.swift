import HTTPTypes
import PouchCore

extension Router {
  /// `POST /db/_bulk_docs`
  func bulkDocs(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.writeDocuments)
    try context.allow(.post)
    try context.request.requireJSON()
    let body = try await context.request.body.collect(upTo: context.limits.bulkBody)
    let batch = try await DocumentBatch(body, limit: context.limits.bulkDocuments, options.documentIDs)
    if batch.documents.contains(where: { $0.id?.isLocal == true }) {
      try await context.authorize(.writeLocalDocuments)
      for document in batch.documents { try document.id.map(context.checkNotReserved) }
    }
    let results = try await write(batch, context)
    return Response(.created, encoded: Self.encode(results, batch))
  }

  /// Writes the documents that the principal may write; the others fail alone.
  private func write(_ batch: DocumentBatch, _ context: DatabaseContext) async throws -> [WriteResult] {
    guard batch.documents.contains(where: { $0.id?.isDesign == true }) else {
      return try await context.database.bulkDocs(batch.documents, batch.mode)
    }
    let refusal: PouchError
    do {
      try await context.authorize(.writeDesignDocuments)
      return try await context.database.bulkDocs(batch.documents, batch.mode)
    } catch let error as PouchError where error.code == .unauthorized || error.code == .forbidden {
      refusal = error
    }
    let allowed = batch.documents.filter { $0.id?.isDesign != true }
    var written = try await context.database.bulkDocs(allowed, batch.mode)[...]
    return batch.documents.compactMap { document in
      guard let id = document.id, id.isDesign else { return written.popFirst() }
      return WriteResult(id: id, outcome: .failure(refusal))
    }
  }

  /// For edits what became of each document, for copies only what failed.
  private static func encode(_ results: [WriteResult], _ batch: DocumentBatch) -> [UInt8] {
    var writer = JSONWriter(capacity: 2 + (batch.mode == .edits ? results.count * 100 : 0))
    writer.raw(byte: 0x5B)
    var isFirst = true
    for (result, document) in zip(results, batch.documents) {
      if batch.mode == .replicated, case .success = result.outcome { continue }
      if !isFirst { writer.raw(byte: 0x2C) }
      isFirst = false
      switch result.outcome {
      case .success(let revision):
        writer.raw("{\"ok\":true,\"id\":")
        writer.write(result.id.text)
        writer.raw(",\"rev\":")
        writer.write(revision)
      case .failure(let error):
        writer.raw("{\"id\":")
        writer.write(result.id.text)
        if batch.mode == .replicated, let revision = document.revision {
          writer.raw(",\"rev\":")
          writer.write(revision)
        }
        writer.raw(",\"error\":")
        writer.write(error.name)
        writer.raw(",\"reason\":")
        writer.write(error.reason)
      }
      writer.raw(byte: 0x7D)
    }
    writer.raw(byte: 0x5D)
    return writer.bytes
  }
}

/// The body of `_bulk_docs`.
private struct DocumentBatch: Sendable {
  let documents: [Document]
  let mode: WriteMode

  /// Reads the body. Each document's bytes are read once, by the document itself.
  /// - Throws: ``PouchError`` for what CouchDB refuses as a whole: a document that is none refuses the batch.
  @concurrent
  init(_ body: [UInt8], limit: Int, _ ids: DocumentIDs) async throws {
    let outline = try JSONOutline(body)
    guard let list = outline["docs"] else {
      throw PouchError(.badRequest, "POST body must include `docs` parameter.")
    }
    guard let elements = try outline.elements(of: list, limit: limit) else {
      throw PouchError(.badRequest, "`docs` parameter must be an array.")
    }
    switch try outline.json("new_edits") {
    case nil, .bool(true): mode = .edits
    case .bool(false): mode = .replicated
    default: throw PouchError(.badRequest, "`new_edits` parameter must be a boolean.")
    }
    var documents: [Document] = []
    documents.reserveCapacity(elements.count)
    for element in elements {
      var document = try Document(parsing: body[element])
      if let id = document.id { try id.validate() } else { document.id = DocumentID(ids.next()) }
      if mode == .replicated, document.revision == nil { throw BatchError.needsRevision }
      documents.append(document)
    }
    self.documents = documents
  }
}

/// Reasons that several routes give.
enum BatchError {
  static let needsRevision = PouchError(
    .badRequest, "When `new_edits: false`, the document needs `_rev` or `_revisions` specified")
}
