extension Database {
  /// Writes a value as a new document, or as a new revision if it encodes the `_rev` it was read at.
  ///
  /// To change a document that exists, ``update(_:as:_:)`` is simpler and keeps fields that the type does not know.
  /// - Parameter id: the id; the `_id` or `id` that the value encodes when left out.
  /// - Returns: the new revision.
  /// - Throws: ``PouchError/conflict`` if the document exists and the value does not name its revision, and what
  ///   ``put(_:)`` and the value's encoding throw.
  @discardableResult
  public func put<Value: Encodable>(_ value: Value, id: DocumentID? = nil) async throws -> RevisionID {
    try await put(Document(encoding: value, id: id))
  }

  /// Writes a value under an id that the database makes up, unless it encodes one.
  /// - Returns: the id and the new revision.
  @discardableResult
  public func post<Value: Encodable>(_ value: Value) async throws -> (id: DocumentID, revision: RevisionID) {
    try await post(Document(encoding: value))
  }

  /// Returns a document as a value.
  /// - Throws: ``PouchError/missing`` or ``PouchError/deleted``; `DecodingError` when it does not fit the type.
  public func get<Value: Decodable>(_ id: DocumentID, as type: Value.Type) async throws -> Value {
    try await get(id).decoded(as: type)
  }

  /// Returns a value together with its document, to be changed and written back.
  public func document<Value: Codable & Sendable>(
    _ id: DocumentID, as type: Value.Type
  ) async throws -> TypedDocument<Value> {
    try TypedDocument(await get(id))
  }

  /// Writes a changed value back, and moves it on to the revision that this makes.
  /// - Throws: ``PouchError/conflict`` if the document was changed since.
  @discardableResult
  public func put<Value>(_ document: inout TypedDocument<Value>) async throws -> RevisionID {
    let changed = try document.document
    let revision = try await put(changed)
    document = try document.written(as: changed, revision)
    return revision
  }

  /// Changes a document, on top of whatever revision wins when it is written.
  ///
  /// The closure runs again on the newer document when another edit comes in between, so it should only change the
  /// value. Fields that the type does not know, and attachments, are kept.
  ///
  /// ```swift
  /// try await notes.update("n1", as: Note.self) { note in note.text += ", eggs" }
  /// ```
  /// - Returns: the revision that was written, or the present one if nothing changed.
  /// - Throws: ``PouchError/missing`` or ``PouchError/deleted``, what the closure throws, and ``PouchError/conflict``
  ///   only after ``Tuning/updateAttempts`` attempts.
  @discardableResult
  public func update<Value: Codable>(
    _ id: DocumentID, as type: Value.Type, _ change: (inout Value) throws -> Void
  ) async throws -> RevisionID {
    try await update(id) { document in
      let before = try document.decoded(as: type)
      var after = before
      try change(&after)
      try document.merge(before: before, after: after)
    }
  }

  /// Changes a document, on top of whatever revision wins when it is written; see ``update(_:as:_:)``.
  @discardableResult
  public func update(
    _ id: DocumentID, _ change: (inout Document) throws -> Void
  ) async throws -> RevisionID {
    for _ in 0..<Tuning.updateAttempts {
      let current = try await get(id)
      var changed = current
      try change(&changed)
      if changed.body == current.body, changed.isDeleted == current.isDeleted,
        !changed.isChanged(inAttachmentsFrom: current), let revision = current.revision
      {
        return revision
      }
      changed.id = id
      changed.revision = current.revision
      do {
        return try await put(changed)
      } catch let error as PouchError where error.code == .conflict {
        continue
      }
    }
    throw PouchError.conflict
  }
}

extension Document {
  /// Whether attachments were added, removed, renamed or given new content. Stubs stand for what is stored, whatever
  /// else they say.
  fileprivate func isChanged(inAttachmentsFrom other: Document) -> Bool {
    attachments.names != other.attachments.names || attachments.contains { !$0.value.isStub }
  }
}
