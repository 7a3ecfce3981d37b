extension Database {
  /// Resolves the conflicts of a document: makes one revision of all of its leaves.
  ///
  /// The closure gets the leaves that are not deleted, the winner first, and returns what the document shall be; `nil`
  /// deletes it. What it returns is written on top of the winner, and only when that is stored the other leaves are
  /// deleted, so that nothing is lost whatever comes in between. Two peers that resolve the same conflict to the same content write the same revision, so their
  /// resolutions do not conflict again.
  ///
  /// ```swift
  /// try await notes.resolveConflicts(of: "shopping") { leaves in
  ///   var merged = leaves[0]
  ///   merged["items"] = union(of: leaves.map { $0["items"] })
  ///   return merged
  /// }
  /// ```
  /// - Parameter merge: called again when another edit comes in between; not called when there is no conflict.
  /// - Returns: the revision that the document has now, or `nil` if there was no conflict.
  /// - Throws: ``PouchError/missing`` if there is no such document, what the closure throws, and what ``put(_:)``
  ///   throws.
  @discardableResult
  public func resolveConflicts(
    of id: DocumentID, _ merge: ([Document]) throws -> Document?
  ) async throws -> RevisionID? {
    var written: RevisionID?
    for _ in 0..<Tuning.updateAttempts {
      let leaves = try await openRevisions(of: id).compactMap(\.document).filter { !$0.isDeleted }
      guard leaves.count > 1 else { return written }
      var resolved = try merge(leaves) ?? Document(isDeleted: true)
      resolved.id = id
      resolved.revision = leaves[0].revision
      resolved.revisions = nil
      do {
        written = try await put(resolved)
        let tombstones = leaves.dropFirst().map { Document(id: id, revision: $0.revision, isDeleted: true) }
        for result in try await bulkDocs(tombstones) { _ = try result.outcome.get() }
        return written
      } catch let error as PouchError where error.code == .conflict {
        // Another edit came in between: its content is to be merged as well.
        continue
      }
    }
    throw PouchError.conflict
  }

  /// Resolves the conflicts of a document as values of a type; see ``resolveConflicts(of:_:)``.
  ///
  /// Fields that the type does not know are those of the winner.
  @discardableResult
  public func resolveConflicts<Value: Codable>(
    of id: DocumentID, as type: Value.Type, _ merge: ([Value]) throws -> Value?
  ) async throws -> RevisionID? {
    try await resolveConflicts(of: id) { leaves in
      let values = try leaves.map { try $0.decoded(as: type) }
      guard let merged = try merge(values) else { return nil }
      var document = leaves[0]
      try document.merge(before: values[0], after: merged)
      return document
    }
  }
}
