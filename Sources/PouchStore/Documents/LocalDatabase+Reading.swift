public import PouchCore

extension LocalDatabase {
  @concurrent
  public func get(_ id: DocumentID, _ options: GetOptions) async throws -> Document {
    let store = try store
    try id.validate()
    if id.isLocal { return try localDocument(id, store) }
    if options.revision == nil, options.parts.isEmpty, options.attachmentsSince == nil {
      return try store.readOnce { try winner(of: id, store, $0) }
    }
    return try store.read { connection in
      guard let row = try DocumentRow.find(id, connection) else { throw PouchError.missing }
      let reader = DocumentReader(connection: connection, store: store)
      let index: Int
      if let revision = options.revision {
        guard let found = row.tree.index(of: revision) else { throw PouchError.missing }
        index = options.lookup == .latest ? try latest(below: found, row.tree) : found
      } else {
        guard !row.isDeleted else { throw PouchError.deleted }
        guard let winner = row.tree.winnerIndex else { throw BinaryReader.damaged }
        index = winner
      }
      guard let document = try reader.document(id, row, node: index, options) else { throw PouchError.missing }
      return document
    }
  }

  private func localDocument(_ id: DocumentID, _ store: Store) throws -> Document {
    guard let document = try store.readOnce({ try LocalDocuments.read(id, $0) }) else { throw PouchError.missing }
    return document
  }

  private static let winnerSelection = """
    SELECT \(DocumentRow.columns), r.body, r.attachments FROM document d JOIN revision r ON r.seq = d.winner
    WHERE d.id = ?1
    """

  /// The common case, by one statement.
  private func winner(of id: DocumentID, _ store: Store, _ connection: Connection) throws -> Document {
    let select = try connection.statement(LocalDatabase.winnerSelection).bind(1, id.text)
    defer { select.reset() }
    guard try select.step() else { throw PouchError.missing }
    let row = try DocumentRow(select)
    guard !row.isDeleted else { throw PouchError.deleted }
    guard let winner = row.tree.winnerIndex else { throw BinaryReader.damaged }
    return try DocumentReader(connection: connection, store: store)
      .document(id, row, node: winner, RevisionRow(select, from: 4), GetOptions())
  }

  private func latest(below index: Int, _ tree: RevisionTree) throws -> Int {
    guard let leaf = tree.leaves(below: index).first, let found = tree.index(of: leaf.revision) else {
      throw PouchError.missing
    }
    return found
  }

  @concurrent
  public func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    let store = try store
    return try store.read { connection in
      try openRevisions(of: id, which, options, DocumentReader(connection: connection, store: store))
    }
  }

  private func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions, _ reader: DocumentReader
  ) throws -> [OpenRevision] {
    let row = try DocumentRow.find(id, reader.connection)
    switch which {
    case .all:
      guard let row else { throw PouchError.missing }
      return try row.tree.leaves.map { leaf in
        guard let index = row.tree.index(of: leaf.revision),
          let document = try reader.document(id, row, node: index, options)
        else { return .missing(leaf.revision) }
        return .found(document)
      }
    case .these(let revisions):
      var found: [OpenRevision] = []
      var delivered: Set<RevisionID> = []
      for revision in revisions {
        guard let row, let known = row.tree.index(of: revision) else {
          found.append(.missing(revision))
          continue
        }
        // With `latest` one revision may have become several, or several one.
        let nodes = options.lookup == .latest ? row.tree.leaves(below: known) : [row.tree.nodes[known]]
        for node in nodes where delivered.insert(node.revision).inserted {
          guard let index = row.tree.index(of: node.revision),
            let document = try reader.document(id, row, node: index, options)
          else {
            found.append(.missing(node.revision))
            continue
          }
          found.append(.found(document))
        }
      }
      return found
    }
  }

  @concurrent
  public func bulkGet(_ requests: [BulkGetRequest], _ options: GetOptions) async throws -> [BulkGetResult] {
    let store = try store
    return try store.read { connection in
      let reader = DocumentReader(connection: connection, store: store)
      var results: [BulkGetResult] = []
      results.reserveCapacity(requests.count)
      var bytes = 0
      for request in requests {
        if let limit = options.byteLimit, bytes >= limit, !results.isEmpty { break }
        var options = options
        options.attachmentsSince = request.attachmentsSince ?? options.attachmentsSince
        do {
          let which = request.revision.map { OpenRevisions.these([$0]) } ?? .all
          let found = try openRevisions(of: request.id, which, options, reader)
          bytes += found.reduce(0) { $0 + ($1.document?.body.bytes.count ?? 0) }
          results.append(BulkGetResult(id: request.id, outcome: .success(found)))
        } catch let error as PouchError {
          results.append(BulkGetResult(id: request.id, outcome: .failure(error)))
        }
      }
      return results
    }
  }

  @concurrent
  public func revsDiff(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: RevisionsDiff] {
    try store.read { connection in
      var differences: [DocumentID: RevisionsDiff] = [:]
      for (id, wanted) in revisions {
        guard let tree = try DocumentRow.find(id, connection)?.tree else {
          if !wanted.isEmpty { differences[id] = RevisionsDiff(missing: wanted) }
          continue
        }
        let missing = wanted.filter { tree.index(of: $0) == nil }
        guard let newest = missing.map(\.generation).max() else { continue }
        let ancestors = tree.leaves.map(\.revision).filter { $0.generation < newest }
        differences[id] = RevisionsDiff(missing: missing, possibleAncestors: ancestors)
      }
      return differences
    }
  }
}
