import HTTPTypes
public import PouchCore

extension RemoteDatabase {
  @concurrent
  public func get(_ id: DocumentID, _ options: GetOptions) async throws -> Document {
    try checkOpen()
    try id.validate()
    guard fitsPath(id) else { return try await getByBody(id, options) }
    let documents = AnsweredDocuments(self, options)
    var query = id.isLocal ? Query() : documents.query
    if let revision = options.revision {
      query["rev"] = revision.description
      if options.lookup == .latest { query["latest"] = "true" }
    }
    return try documents.document(
      await client.json(request(.get, segments(of: id), query: query), .harmless), of: id)
  }

  /// Reads a document whose id does not fit a path.
  private func getByBody(_ id: DocumentID, _ options: GetOptions) async throws -> Document {
    guard !id.isLocal else {
      throw PouchError(.illegalDocumentID, "The id of a local document is too long for a request.")
    }
    var revision = options.revision
    if revision == nil {
      let row = try await allDocs(AllDocsQuery(keys: [id])).rows.first
      guard let row, row.revision != nil else { throw PouchError.missing }
      guard !row.isDeleted else { throw PouchError.deleted }
      revision = row.revision
    }
    let result = try await bulkGet([BulkGetRequest(id, at: revision)], options).first
    guard let document = try result?.outcome.get().first?.document else { throw PouchError.missing }
    return document
  }

  @concurrent
  public func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    try checkOpen()
    try id.validate()
    guard fitsPath(id) else { return try await openRevisionsByBody(of: id, which, options) }
    switch which {
    case .all:
      // CouchDB's order is that of the revisions; the winner comes first here.
      return try await openRevisions(of: id, named: "all", options).sorted(by: precedes)
    case .these(let revisions):
      var found: [OpenRevision] = []
      var rest = revisions[...]
      while !rest.isEmpty {
        let named = JSON.array(rest.prefix(RemoteTuning.revisionsInPath).map { JSON($0.description) }).text
        found += try await openRevisions(of: id, named: named, options)
        rest = rest.dropFirst(RemoteTuning.revisionsInPath)
      }
      return found
    }
  }

  private func openRevisionsByBody(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    let requests =
      switch which {
      case .all: [BulkGetRequest(id)]
      case .these(let revisions): revisions.map { BulkGetRequest(id, at: $0) }
      }
    var found: [OpenRevision] = []
    for result in try await bulkGet(requests, options) { found += try result.outcome.get() }
    return found
  }

  private func openRevisions(
    of id: DocumentID, named: String, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    let documents = AnsweredDocuments(self, options)
    var query = documents.query
    query["open_revs"] = named
    if options.lookup == .latest { query["latest"] = "true" }
    let answer = try await client.json(request(.get, segments(of: id), query: query), .harmless)
    guard answer.isArray else { throw nonsense("open_revs") }
    var found: [OpenRevision] = []
    for element in answer.elements {
      if let slice = element["ok"] {
        found.append(.found(try documents.document(slice, of: id)))
      } else if let text = element["missing"]?.string, let revision = try? RevisionID(text) {
        found.append(.missing(revision))
      } else {
        throw nonsense("missing")
      }
    }
    return try await withFacts(found, of: id, options)
  }

  /// Adds what servers only tell about a single revision.
  func withFacts(
    _ found: [OpenRevision], of id: DocumentID, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    let facts: DocumentParts = [.conflicts, .deletedConflicts, .revisionsInfo, .localSequence]
    guard !options.parts.isDisjoint(with: facts), fitsPath(id) else { return found }
    var complete: [OpenRevision] = []
    for revision in found {
      guard let document = revision.document else {
        complete.append(revision)
        continue
      }
      var options = options
      options.revision = document.revision
      options.lookup = .exact
      complete.append(.found(try await get(id, options)))
    }
    return complete
  }

  /// The order of leaves: those that are not deleted before those that are, then the highest revision first.
  private func precedes(_ left: OpenRevision, _ right: OpenRevision) -> Bool {
    func rank(_ revision: OpenRevision) -> (isAlive: Bool, revision: RevisionID?) {
      switch revision {
      case .found(let document): (!document.isDeleted, document.revision)
      case .missing(let revision): (false, revision)
      }
    }
    let (left, right) = (rank(left), rank(right))
    if left.isAlive != right.isAlive { return left.isAlive }
    guard let leftRevision = left.revision, let rightRevision = right.revision else { return false }
    return leftRevision > rightRevision
  }

  @concurrent
  public func revsDiff(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: RevisionsDiff] {
    try checkOpen()
    var differences: [DocumentID: RevisionsDiff] = [:]
    var rest = revisions.compactMap { $0.value.isEmpty ? nil : ($0.key, $0.value) }[...]
    while !rest.isEmpty {
      var bytes = 0
      let part = rest.prefix { id, revisions in
        defer { bytes += id.text.utf8.count + revisions.count * RevisionLists.revisionBytes }
        return bytes < RemoteTuning.revsDiffBytes
      }
      rest = rest[part.endIndex...]
      let answer = try await client.json(
        request(.post, ["_revs_diff"], json: RevisionLists.text(part)), .harmless)
      guard answer.isObject else { throw nonsense("missing") }
      for member in answer.members {
        let missing = try member.value["missing"].map(RevisionLists.revisions) ?? []
        guard !missing.isEmpty else { continue }
        differences[DocumentID(member.name)] = RevisionsDiff(
          missing: missing,
          possibleAncestors: try member.value["possible_ancestors"].map(RevisionLists.revisions) ?? [])
      }
    }
    return differences
  }
}
