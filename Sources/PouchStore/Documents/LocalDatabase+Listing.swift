public import PouchCore

extension LocalDatabase {
  @concurrent
  public func allDocs(_ query: AllDocsQuery) async throws -> AllDocsPage {
    let store = try store
    return try store.read { connection in
      let state = try DatabaseState.load(connection)
      let reader = DocumentReader(connection: connection, store: store)
      let rows = try query.keys.map { try self.rows(of: $0, query, reader) } ?? range(query, reader)
      return AllDocsPage(
        totalRows: Int(state.documents), offset: max(0, query.skip), rows: rows,
        updateSequence: query.reportsSequence ? store.sequence(state.lastSequence) : nil)
    }
  }

  @concurrent
  public func localDocs(_ query: AllDocsQuery) async throws -> AllDocsPage {
    let store = try store
    return try store.read { connection in
      let documents =
        try query.keys.map { keys in try keys.compactMap { try LocalDocuments.read($0, connection) } }
        ?? LocalDocuments.list(query, connection)
      let rows = documents.map { document in
        AllDocsPage.Row(
          id: document.id ?? "", revision: document.revision, document: query.rows == .idsOnly ? nil : document)
      }
      return AllDocsPage(totalRows: try connection.count("local"), offset: max(0, query.skip), rows: rows)
    }
  }

  private func rows(
    of keys: [DocumentID], _ query: AllDocsQuery, _ reader: DocumentReader
  ) throws -> [AllDocsPage.Row] {
    let ordered = query.order == .ascending ? keys[...] : keys.reversed()[...]
    return try ordered.dropFirst(max(0, query.skip)).prefix(max(0, query.limit ?? .max)).map { id in
      guard let row = try DocumentRow.find(id, reader.connection) else {
        return AllDocsPage.Row(id: id, revision: nil)
      }
      return try self.row(id, row, query, reader) {
        guard let winner = row.winner.body else { return nil }
        return try RevisionRow.find(winner, reader.connection)
      }
    }
  }

  private func range(_ query: AllDocsQuery, _ reader: DocumentReader) throws -> [AllDocsPage.Row] {
    let isAscending = query.order == .ascending
    let exclusive = query.endBound == .exclusive
    var conditions = ["d.deleted = 0"]
    if query.start != nil { conditions.append("d.id \(isAscending ? ">=" : "<=") ?1") }
    if query.end != nil {
      conditions.append("d.id \(isAscending ? "<" : ">")\(exclusive ? "" : "=") ?2")
    }
    let hasBodies = query.rows != .idsOnly
    let select = try reader.connection.statement(
      """
      SELECT \(DocumentRow.columns), d.id\(hasBodies ? ", r.body, r.attachments" : "") FROM document d
      \(hasBodies ? "JOIN revision r ON r.seq = d.winner" : "") WHERE \(conditions.joined(separator: " AND "))
      ORDER BY d.id \(isAscending ? "ASC" : "DESC") LIMIT ?3 OFFSET ?4
      """)
    if let start = query.start { select.bind(1, start.text) }
    if let end = query.end { select.bind(2, end.text) }
    select.bind(3, query.limit.map { Int64(max(0, $0)) } ?? -1).bind(4, Int64(max(0, query.skip)))
    defer { select.reset() }
    var rows: [AllDocsPage.Row] = []
    while try select.step() {
      let row = try DocumentRow(select)
      rows.append(
        try self.row(DocumentID(select.text(4)), row, query, reader) { try RevisionRow(select, from: 5) })
    }
    return rows
  }

  private func row(
    _ id: DocumentID, _ row: DocumentRow, _ query: AllDocsQuery, _ reader: DocumentReader,
    stored: () throws -> RevisionRow?
  ) throws -> AllDocsPage.Row {
    guard let winner = row.tree.winnerIndex else { throw BinaryReader.damaged }
    let revision = row.tree.nodes[winner].revision
    var document: Document?
    if case .documents(let parts) = query.rows, !row.isDeleted, let stored = try stored() {
      document = try reader.document(id, row, node: winner, stored, GetOptions(including: parts))
    }
    return AllDocsPage.Row(id: id, revision: revision, isDeleted: row.isDeleted, document: document)
  }
}
