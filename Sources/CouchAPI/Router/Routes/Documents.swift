import HTTPTypes
import PouchCore

extension Router {
  /// `GET`, `HEAD`, `PUT`, `POST`, `DELETE` and `COPY /db/doc`
  func document(_ id: DocumentID, _ context: DatabaseContext) async throws -> Response {
    switch context.request.method {
    case .put: return try await putDocument(id, context)
    case .delete: return try await deleteDocument(id, context)
    case .copy: return try await copyDocument(id, context)
    case .post:
      // CouchDB takes attachments from forms of its own pages here.
      try await context.authorize(.writeDocuments)
      guard context.request.headers[.referer] != nil else {
        throw PouchError(.badRequest, "Referer header required.")
      }
      throw PouchError(.notImplemented)
    default:
      try await context.authorize(id.isLocal ? .readLocalDocuments : .readDocuments)
      try context.allow(.delete, .get, .head, .post, .put, .copy)
      return try await getDocument(id, context)
    }
  }

  /// `/db/_local/ID`
  func local(_ id: DocumentID, _ context: DatabaseContext) async throws -> Response {
    try await document(id, context)
  }

  // MARK: Reading

  private func getDocument(_ id: DocumentID, _ context: DatabaseContext) async throws -> Response {
    let query = context.request.query
    guard (try? id.validate()) != nil else { throw PouchError.missing }
    guard !query.isEmpty else {
      return try await answer(try await context.database.get(id, GetOptions()), context)
    }
    let options = try query.documentOptions(context.limits)
    if let open = query["open_revs"], let which = try OpenRevisions(open, limit: context.limits.namedRevisions) {
      return try await openRevisions(which, of: id, options, context)
    }
    return try await answer(try await context.database.get(id, options), context)
  }

  private func answer(_ document: Document, _ context: DatabaseContext) async throws -> Response {
    var headers: HTTPFields = [:]
    // What is told about a document changes without it, so that its revision is no tag of the answer.
    if document.metadata == nil, let tag = document.revision?.description {
      if context.request.hasCurrent(tag) { return .notModified(tag) }
      headers[.eTag] = Response.quoted(tag)
    }
    guard !document.attachments.isEmpty else { return Response(encoded: document.encoded, headers: headers) }
    if document.attachments.contains(where: { !$0.value.isStub }), context.request.accepts("multipart/related") {
      var response = try await multipartDocument(document, context)
      response.headers[.eTag] = headers[.eTag]
      return response
    }
    var writer = SegmentWriter(context.database, AttachmentForms(context.request.query))
    writer.write(document)
    writer.json.raw(byte: 0x0A)
    headers[.contentType] = Response.jsonType
    return Response(.ok, headers: headers, body: writer.take().body)
  }

  private func openRevisions(
    _ which: OpenRevisions, of id: DocumentID, _ options: GetOptions, _ context: DatabaseContext
  ) async throws -> Response {
    if context.request.accepts("multipart/mixed") {
      // CouchDB's replicator does not ask for the attachments that it wants: a multipart answer always has them.
      var options = options
      options.parts.insert(.attachments)
      let revisions = try await context.database.openRevisions(of: id, which, options)
      return try await multipartOpenRevisions(revisions, of: id, context)
    }
    let revisions = try await context.database.openRevisions(of: id, which, options)
    var writer = SegmentWriter(context.database, AttachmentForms(context.request.query))
    writer.json.raw(byte: 0x5B)
    for (index, revision) in revisions.enumerated() {
      if index > 0 { writer.json.raw(byte: 0x2C) }
      switch revision {
      case .found(let document):
        writer.json.raw("{\"ok\":")
        writer.write(document)
      case .missing(let revision):
        writer.json.raw("{\"missing\":")
        writer.json.write(revision)
      }
      writer.json.raw(byte: 0x7D)
    }
    writer.json.raw("]\n")
    return Response(.ok, headers: [.contentType: Response.jsonType], body: writer.take().body)
  }

  // MARK: Writing

  private func putDocument(_ id: DocumentID, _ context: DatabaseContext) async throws -> Response {
    try await context.authorize(id.isLocal ? .writeLocalDocuments : .writeDocuments)
    try id.validate()
    var document: Document
    if context.request.mediaType == "multipart/related" {
      document = try await documentOfMultipart(id, context)
    } else {
      document = try Document(parsing: try await context.request.body.collect(upTo: context.limits.documentBody))
    }
    // CouchDB lets the path win.
    document.id = id
    document.revision = try context.request.revision(ofDocument: document.revision)
    return try await write(document, answering: .put, context)
  }

  /// Writes a document and answers as CouchDB does.
  func write(
    _ document: Document, answering method: HTTPRequest.Method, _ context: DatabaseContext
  ) async throws -> Response {
    guard let id = document.id else { throw PouchError(.illegalDocumentID, "Document id must not be empty") }
    try context.checkNotReserved(id)
    if id.isDesign { try await context.authorize(.writeDesignDocuments) }
    if id.isLocal {
      if method == .post { try await context.authorize(.writeLocalDocuments) }
      try await context.router.access.localDocumentBounds(for: context.principal)?.check(document, in: context.database)
    }
    let mode: WriteMode = context.request.query["new_edits"] == "false" ? .replicated : .edits
    if mode == .replicated, document.revision == nil { throw BatchError.needsRevision }
    guard let result = try await context.database.bulkDocs([document], mode).first else {
      throw PouchError(.internalError)
    }
    let revision = try result.outcome.get()
    var response: Response
    if context.request.query["batch"] == "ok" {
      // It is written already; the answer is the one that such clients expect.
      response = Response(.accepted, json: ["ok": true, "id": JSON(id.text)])
    } else {
      response = written(document.isDeleted && method == .put ? .ok : .created, id, revision)
      response.headers[.location] = context.request.location(context.name, id.text)
      if method != .post { response.headers[.eTag] = Response.quoted(revision.description) }
    }
    return response
  }

  /// `{"ok": true, "id": …, "rev": …}`
  func written(_ status: HTTPResponse.Status, _ id: DocumentID, _ revision: RevisionID) -> Response {
    var writer = JSONWriter(capacity: 128)
    writer.raw("{\"ok\":true,\"id\":")
    writer.write(id.text)
    writer.raw(",\"rev\":")
    writer.write(revision)
    writer.raw(byte: 0x7D)
    return Response(status, encoded: writer.bytes)
  }

  private func deleteDocument(_ id: DocumentID, _ context: DatabaseContext) async throws -> Response {
    try await context.authorize(id.isLocal ? .writeLocalDocuments : .writeDocuments)
    if id.isDesign { try await context.authorize(.writeDesignDocuments) }
    try id.validate()
    try context.checkNotReserved(id)
    if id.isLocal {
      let results = try await context.database.bulkDocs([Document(id: id, isDeleted: true)], .edits)
      guard let result = results.first else { throw PouchError(.internalError) }
      return written(.ok, id, try result.outcome.get())
    }
    // What is not there is told first.
    _ = try await context.database.get(id, GetOptions())
    guard let revision = try context.request.revision(ofDocument: nil) else { throw PouchError.conflict }
    let tombstone = try await context.database.remove(id, at: revision)
    var response = written(.ok, id, tombstone)
    response.headers[.eTag] = Response.quoted(tombstone.description)
    return response
  }

  private func copyDocument(_ id: DocumentID, _ context: DatabaseContext) async throws -> Response {
    try await context.authorize(id.isLocal ? .readLocalDocuments : .readDocuments)
    guard let header = context.request.headers[.destination] else {
      throw PouchError(.badRequest, "Destination header is mandatory for COPY.")
    }
    let destination = try CopyDestination(header, database: context.name)
    try await context.authorize(destination.id.isLocal ? .writeLocalDocuments : .writeDocuments)
    var options = GetOptions(at: try context.request.revision(ofDocument: nil))
    options.parts = .attachments
    var document = try await context.database.get(id, options)
    document.id = destination.id
    document.revision = destination.revision
    document.isDeleted = false
    return try await write(document, answering: .copy, context)
  }
}

extension Query {
  /// What `GET /db/doc` delivers.
  /// - Throws: ``PouchError/Code/badRequest``.
  func documentOptions(_ limits: RouterLimits) throws(PouchError) -> GetOptions {
    var parts: DocumentParts = []
    let flags: [(String, DocumentParts)] = [
      ("revs", .revisions), ("revs_info", .revisionsInfo), ("conflicts", .conflicts),
      ("deleted_conflicts", .deletedConflicts), ("local_seq", .localSequence), ("attachments", .attachments),
      ("meta", [.revisionsInfo, .conflicts, .deletedConflicts]),
    ]
    for (name, part) in flags where flag(name) { parts.formUnion(part) }
    return GetOptions(
      at: try revision("rev"), flag("latest") ? .latest : .exact, including: parts,
      attachmentsSince: try revisions("atts_since", limit: limits.namedRevisions))
  }
}

extension OpenRevisions {
  /// Reads `open_revs`.
  /// - Returns: `nil` for an empty list, which CouchDB takes for no list.
  /// - Throws: ``PouchError/Code/badRequest``.
  init?(_ text: String, limit: Int) throws(PouchError) {
    guard text != "all" else {
      self = .all
      return
    }
    let revisions = try RevisionID.list(try Query.json(text), limit: limit)
    guard !revisions.isEmpty else { return nil }
    self = .these(revisions)
  }
}

extension Request {
  /// The revision that a write is about: in the document, in the URL or in `If-Match`, which must agree.
  /// - Throws: ``PouchError/Code/badRequest``.
  func revision(ofDocument own: RevisionID?) throws(PouchError) -> RevisionID? {
    let named = try query.revision("rev")
    if let own, let named, own != named {
      throw PouchError(.badRequest, "Document rev from request body and query string have different values")
    }
    let tag = try entityTags(.ifMatch).first.map { text throws(PouchError) in try RevisionID(text) }
    guard let explicit = named ?? own else { return tag }
    if let tag, tag != explicit {
      throw PouchError(.badRequest, "Document rev and etag have different values")
    }
    return explicit
  }
}

/// Where a document is copied to: `Destination: ID`, or `ID?rev=REV`, percent-encoded.
private struct CopyDestination {
  let id: DocumentID
  let revision: RevisionID?

  /// - Parameter database: the only one that an absolute URL may name.
  /// - Throws: ``PouchError/Code/badRequest``, ``PouchError/Code/illegalDocumentID``.
  init(_ header: String, database: String) throws(PouchError) {
    var target = Substring(header)
    if let scheme = target.firstRange(of: "://") {
      // An absolute URL: what follows the host and the database.
      let path = target[scheme.upperBound...].drop { $0 != "/" }
      let prefix = "/" + PercentCoding.encode(database) + "/"
      guard path.hasPrefix(prefix) else {
        throw PouchError(.badRequest, "Destination URL must be in the same database.")
      }
      target = path.dropFirst(prefix.count)
    }
    let parts = target.split(separator: "?", maxSplits: 1)
    id = DocumentID(try PercentCoding.decode(parts.first ?? ""))
    try id.validate()
    revision = try parts.count > 1 ? Query(parsing: parts[1]).revision("rev") : nil
  }
}
