public import PouchCore

extension LocalDatabase {
  @concurrent
  @discardableResult
  public func purge(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: [RevisionID]] {
    try await store.write { transaction in
      var purged: [DocumentID: [RevisionID]] = [:]
      for (id, unwanted) in revisions {
        purged[id] = try DocumentPurge(transaction: transaction).purge(unwanted, of: id)
      }
      return purged
    }
  }
}

/// Removes leaves within a transaction.
private struct DocumentPurge {
  let transaction: WriteTransaction

  private var connection: Connection { transaction.connection }

  func purge(_ revisions: [RevisionID], of id: DocumentID) throws -> [RevisionID] {
    guard let row = try DocumentRow.find(id, connection) else { return [] }
    let (tree, removed) = row.tree.removing(leaves: revisions)
    guard !removed.isEmpty else { return [] }
    try RevisionRow.delete(bodiesOf: row.tree, butThoseOf: tree, connection)
    count(row.isDeleted, -1)
    if let winner = tree.winner {
      count(winner.isDeleted, 1)
      try log(tree, winner, of: row)
    } else {
      try connection.statement("DELETE FROM document WHERE key = ?1").bind(1, row.key).run()
    }
    return removed.map(\.revision)
  }

  private func count(_ isDeleted: Bool, _ change: Int64) {
    if isDeleted { transaction.state.deleted += change } else { transaction.state.documents += change }
  }

  /// Logs what is left of a document as changed: the winner's body moves to the end of the log.
  private func log(_ tree: RevisionTree, _ winner: RevisionTree.Node, of row: DocumentRow) throws {
    guard let body = winner.body else { throw BinaryReader.damaged }
    let sequence = transaction.nextSequence()
    try connection.statement("UPDATE revision SET seq = ?2 WHERE seq = ?1").bind(1, body).bind(2, sequence).run()
    try connection.statement("UPDATE attachment SET revision = ?2 WHERE revision = ?1")
      .bind(1, body).bind(2, sequence).run()
    try connection.statement("UPDATE document SET seq = ?2, winner = ?2, deleted = ?3, tree = ?4 WHERE key = ?1")
      .bind(1, row.key).bind(2, sequence).bind(3, winner.isDeleted ? 1 : 0)
      .bind(4, StoredTree.encode(tree.movingBody(from: body, to: sequence))).run()
  }
}
