extension Database {
  /// Returns a document.
  /// - Parameters:
  ///   - revision: the revision to read; the winner when left out.
  ///   - parts: what to deliver beyond the body.
  /// - Throws: ``PouchError/missing`` or ``PouchError/deleted``.
  public func get(
    _ id: DocumentID, at revision: RevisionID? = nil, including parts: DocumentParts = []
  ) async throws -> Document {
    try await get(id, GetOptions(at: revision, including: parts))
  }

  /// Writes a new document, or a new revision of the one whose revision it carries.
  /// - Returns: the new revision.
  /// - Throws: ``PouchError/conflict`` if the revision is not a leaf, or none is named and the document exists;
  ///   ``PouchError/Code/illegalDocumentID``, ``PouchError/Code/documentTooLarge``, ``PouchError/Code/missingStub`` or
  ///   ``PouchError/Code/digestMismatch`` for documents that cannot be stored.
  @discardableResult
  public func put(_ document: Document) async throws -> RevisionID {
    guard document.id != nil else { throw PouchError(.illegalDocumentID, "Document id must not be empty") }
    return try await write(document, .edits).outcome.get()
  }

  /// Writes a document under an id that the database makes up, unless it has one.
  /// - Returns: the id and the new revision.
  @discardableResult
  public func post(_ document: Document) async throws -> (id: DocumentID, revision: RevisionID) {
    let result = try await write(document, .edits)
    return (result.id, try result.outcome.get())
  }

  /// Deletes a document: writes a tombstone that replicates like any edit.
  /// - Parameter revision: the revision that is deleted; it must be a leaf.
  /// - Throws: ``PouchError/conflict`` if the revision is not a leaf, ``PouchError/Code/notFound`` if there is nothing
  ///   to delete.
  @discardableResult
  public func remove(_ id: DocumentID, at revision: RevisionID) async throws -> RevisionID {
    let outcome = try await write(Document(id: id, revision: revision, isDeleted: true), .edits).outcome
    // A revision that is no leaf may be one of a document that is not there: that is told first, as CouchDB does.
    if outcome == .failure(PouchError.conflict) { _ = try await get(id) }
    return try outcome.get()
  }

  /// Deletes a document that was read.
  @discardableResult
  public func remove(_ document: Document) async throws -> RevisionID {
    guard let id = document.id, let revision = document.revision else { throw PouchError.conflict }
    return try await remove(id, at: revision)
  }

  private func write(_ document: Document, _ mode: WriteMode) async throws -> WriteResult {
    guard let result = try await bulkDocs([document], mode).first else {
      throw PouchError(.internalError, "The database gave no answer for the document.")
    }
    return result
  }

  /// Writes edits of documents; see ``bulkDocs(_:_:)``.
  public func bulkDocs(_ documents: [Document]) async throws -> [WriteResult] {
    try await bulkDocs(documents, .edits)
  }

  /// Returns several revisions of a document; see ``openRevisions(of:_:_:)``.
  public func openRevisions(
    of id: DocumentID, _ which: OpenRevisions = .all, including parts: DocumentParts = []
  ) async throws -> [OpenRevision] {
    try await openRevisions(of: id, which, GetOptions(including: parts))
  }

  /// Lists all documents, or those of a query.
  public func allDocs() async throws -> AllDocsPage {
    try await allDocs(AllDocsQuery())
  }

  /// The changes that the query selects, each as soon as there is one.
  public func changes(_ query: ChangesQuery = .once) -> ChangesFeed {
    ChangesFeed(of: self, query)
  }

  /// The rows of a list, read page by page: for lists of any length, in a few MiB.
  ///
  /// Documents that change while they are read are delivered in their old or new form, each at most once.
  /// - Parameter query: a list by range; its `keys` are not used.
  public func rows(_ query: AllDocsQuery = AllDocsQuery()) -> AllDocsRows {
    AllDocsRows(database: self, query: query)
  }

  /// All documents of a range with their bodies, read page by page; see ``rows(_:)``.
  public func documents(
    _ query: AllDocsQuery = .withDocuments
  ) -> AsyncCompactMapSequence<AllDocsRows, Document> {
    var query = query
    if query.rows == .idsOnly { query.rows = .documents }
    return rows(query).compactMap(\.document)
  }

  /// Opens an attachment of the winner, or of a revision, for reading; see ``getAttachment(_:of:at:range:form:)``.
  public func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID? = nil, range: AttachmentRange? = nil
  ) async throws -> AttachmentDownload {
    try await getAttachment(name, of: id, at: revision, range: range, form: .identity)
  }

  public func localDocs(_ query: AllDocsQuery) async throws -> AllDocsPage {
    throw PouchError(.notImplemented, "This database does not list its local documents.")
  }

  /// Reads the changes to count them; databases that know better do so.
  public func pendingChanges(after position: UpdateSequence) async throws -> Int {
    var position = position
    var count = 0
    while true {
      let batch = try await nextChanges(.once, after: position, limit: Tuning.changesBatch)
      count += batch.changes.count
      position = batch.lastSequence
      if !batch.hasMore { return count }
    }
  }
}
