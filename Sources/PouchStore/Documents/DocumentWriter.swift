import PouchCore

/// Writes prepared documents within a transaction.
struct DocumentWriter {
  let transaction: WriteTransaction
  let policy: CompactionPolicy
  // Looked up once for all documents of a batch.
  private let insertDocument: Statement
  private let insertRevision: Statement

  init(transaction: WriteTransaction, policy: CompactionPolicy) throws {
    self.transaction = transaction
    self.policy = policy
    insertDocument = try transaction.connection.statement(
      "INSERT OR IGNORE INTO document(id, seq, winner, deleted, tree) VALUES (?1, ?2, ?3, ?4, ?5)")
    insertRevision = try transaction.connection.statement(
      "INSERT INTO revision(seq, document, body, attachments) VALUES (?1, ?2, ?3, ?4)")
  }

  private var connection: Connection { transaction.connection }

  /// Writes one document.
  /// - Returns: its revision: the new one, or with replicated writes the one it came with, known before or not.
  /// - Throws: ``PouchError`` of this document alone; nothing of it was written then.
  func write(_ document: PreparedDocument) throws -> RevisionID {
    if document.id.isLocal { return try LocalDocuments.write(document, connection) }
    if let revision = try insertNew(document) { return revision }
    return try add(document, to: DocumentRow.find(document.id, connection))
  }

  // MARK: - New documents

  /// The common case, tried first: a document that is not there yet, and needs nothing looked up.
  /// - Returns: `nil` if this is not that case; nothing was written then.
  private func insertNew(_ document: PreparedDocument) throws -> RevisionID? {
    guard document.attachments.isEmpty else { return nil }
    let path: [RevisionID]
    switch document.mode {
    case .edits:
      guard let revision = document.firstRevision else { return nil }
      path = [revision]
    case .replicated:
      path = Array(document.path.prefix(transaction.state.revsLimit))
    }
    let sequence = transaction.state.lastSequence + 1
    let tree = RevisionTree.empty.merging(
      RevisionTree.Branch(path, isDeleted: document.isDeleted, body: sequence)
    ).tree
    try insertDocument.bind(1, document.id.text).bind(2, sequence).bind(3, sequence)
      .bind(4, document.isDeleted ? 1 : 0).bind(5, StoredTree.encode(tree)).run()
    guard connection.changedRows == 1 else { return nil }
    transaction.state.lastSequence = sequence
    count(document.isDeleted, 1)
    try insertRevision(sequence, of: connection.lastInsertedRow, document.body, [])
    return path[0]
  }

  private func count(_ isDeleted: Bool, _ change: Int64) {
    if isDeleted { transaction.state.deleted += change } else { transaction.state.documents += change }
  }

  private func insertRevision(
    _ sequence: Int64, of key: Int64, _ body: JSONText, _ attachments: [StoredAttachment]
  ) throws {
    insertRevision.bind(1, sequence).bind(2, key).bind(3, body.bytes)
    if attachments.isEmpty {
      try insertRevision.bindNull(4).run()
    } else {
      try insertRevision.bind(4, StoredAttachment.encode(attachments)).run()
      try BlobTable.use(attachments.map(\.blob), by: sequence, connection)
    }
  }

  // MARK: - Documents that exist, or have attachments

  private func add(_ document: PreparedDocument, to row: DocumentRow?) throws -> RevisionID {
    let tree = row?.tree ?? .empty
    let parent = document.mode == .edits ? try editedLeaf(document, row) : nil
    if document.mode == .replicated, tree.index(of: document.path[0]) != nil { return document.path[0] }
    let generation =
      document.mode == .edits ? try RevisionDigest.generation(after: parent) : document.path[0].generation
    let attachments = try document.attachments.map {
      try resolve($0, of: document, in: tree, parent: parent, generation: generation)
    }
    let path: [RevisionID]
    switch document.mode {
    case .edits:
      let revision = try RevisionDigest.next(
        after: parent, isDeleted: document.isDeleted, bodyDigest: document.bodyDigest, attachments: attachments)
      path = parent.map { [revision, $0] } ?? [revision]
    case .replicated:
      // All of it: what lies beyond the limit may be where the branch joins the tree.
      path = document.path
    }
    let sequence = transaction.state.lastSequence + 1
    let (merged, outcome) = tree.merging(
      RevisionTree.Branch(path, isDeleted: document.isDeleted, body: sequence))
    guard outcome != .known else { throw PouchError.conflict }
    transaction.state.lastSequence = sequence
    let stemmed = merged.stemmed(to: transaction.state.revsLimit)
    let key = try store(stemmed, sequence: sequence, id: document.id, over: row)
    try insertRevision(sequence, of: key, document.body, attachments)
    try supersede(leavesOf: tree, by: merged)
    try RevisionRow.delete(bodiesOf: merged, butThoseOf: stemmed, connection)
    return path[0]
  }

  /// The leaf that an edit continues; `nil` for the first revision.
  private func editedLeaf(_ document: PreparedDocument, _ row: DocumentRow?) throws -> RevisionID? {
    guard let row else {
      guard document.path.isEmpty else { throw PouchError.conflict }
      return nil
    }
    guard let revision = document.path.first else {
      // A deleted document may be made anew; its history goes on.
      guard row.isDeleted else { throw PouchError.conflict }
      return row.winner.revision
    }
    guard let index = row.tree.index(of: revision), row.tree.isLeaf(index) else { throw PouchError.conflict }
    return revision
  }

  /// Writes the row of a document.
  /// - Returns: its key.
  private func store(
    _ tree: RevisionTree, sequence: Int64, id: DocumentID, over row: DocumentRow?
  ) throws -> Int64 {
    // Trees that are stored have a winner, and winners have bodies.
    guard let winner = tree.winner, let body = winner.body else { throw BinaryReader.damaged }
    if let row {
      try connection.statement("UPDATE document SET seq = ?2, winner = ?3, deleted = ?4, tree = ?5 WHERE key = ?1")
        .bind(1, row.key).bind(2, sequence).bind(3, body).bind(4, winner.isDeleted ? 1 : 0)
        .bind(5, StoredTree.encode(tree)).run()
      count(row.isDeleted, -1)
      count(winner.isDeleted, 1)
      return row.key
    }
    try insertDocument.bind(1, id.text).bind(2, sequence).bind(3, body).bind(4, winner.isDeleted ? 1 : 0)
      .bind(5, StoredTree.encode(tree)).run()
    count(winner.isDeleted, 1)
    return connection.lastInsertedRow
  }

  /// Notes which bodies are no longer those of leaves.
  private func supersede(leavesOf old: RevisionTree, by new: RevisionTree) throws {
    guard !old.nodes.isEmpty else { return }
    let leaves = Set(new.leafIndices.compactMap { new.nodes[$0].body })
    for leaf in old.leafIndices {
      guard let body = old.nodes[leaf].body, !leaves.contains(body) else { continue }
      switch policy {
      case .immediate: try RevisionRow.delete(body, connection)
      case .automatic, .manual:
        try connection.statement("INSERT OR IGNORE INTO superseded(seq) VALUES (?1)").bind(1, body).run()
        transaction.supersededBodies += 1
      }
    }
  }

  // MARK: - Attachments

  private func resolve(
    _ attachment: PreparedDocument.PreparedAttachment, of document: PreparedDocument, in tree: RevisionTree,
    parent: RevisionID?, generation: Int
  ) throws -> StoredAttachment {
    switch attachment.content {
    case .new(let blob):
      var position = generation
      if document.mode == .replicated, let given = attachment.revisionPosition, (1...generation).contains(given) {
        position = given
      }
      return StoredAttachment(
        name: attachment.name, contentType: attachment.contentType, digest: blob.digest, length: blob.length,
        revisionPosition: position, encoding: attachment.encoding, storedLength: blob.storedLength,
        blob: try BlobTable.link(blob, connection))
    case .stub(let digest):
      for candidate in try storedRevisions(of: document, in: tree, parent: parent) {
        guard let stored = try candidate().first(where: { $0.name == attachment.name }),
          digest == nil || digest == stored.digest,
          attachment.revisionPosition == nil || attachment.revisionPosition == stored.revisionPosition
        else { continue }
        return stored
      }
      throw PouchError(
        .missingStub, "Invalid attachment stub in \(document.id) for \(attachment.name)")
    }
  }

  /// The attachments of the revisions that a stub may refer to, nearest first: for an edit its parent, for a replicated
  /// revision its ancestors, then any of the same document.
  private func storedRevisions(
    of document: PreparedDocument, in tree: RevisionTree, parent: RevisionID?
  ) throws -> [() throws -> [StoredAttachment]] {
    let nodes: [RevisionTree.Node]
    switch document.mode {
    case .edits:
      nodes = parent.flatMap { tree.index(of: $0) }.map { [tree.nodes[$0]] } ?? []
    case .replicated:
      let ancestors = document.path.compactMap { tree.index(of: $0) }.map { tree.nodes[$0] }
      nodes = ancestors + tree.leaves + tree.nodes
    }
    return nodes.compactMap(\.body).map { body in
      { try RevisionRow.find(body, connection)?.attachments ?? [] }
    }
  }
}

extension RevisionRow {
  /// Removes a stored body, and its claim on attachments.
  static func delete(_ sequence: Int64, _ connection: Connection) throws {
    try BlobTable.release(by: sequence, connection)
    try connection.statement("DELETE FROM revision WHERE seq = ?1").bind(1, sequence).run()
    try connection.statement("DELETE FROM superseded WHERE seq = ?1").bind(1, sequence).run()
  }

  /// Removes the bodies of revisions that a smaller tree no longer knows: nothing could ask for them any more.
  static func delete(
    bodiesOf tree: RevisionTree, butThoseOf smaller: RevisionTree, _ connection: Connection
  ) throws {
    guard smaller.nodes.count < tree.nodes.count else { return }
    let kept = Set(smaller.nodes.compactMap(\.body))
    for body in tree.nodes.compactMap(\.body) where !kept.contains(body) { try delete(body, connection) }
  }
}
