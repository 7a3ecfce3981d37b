import PouchCore

/// `_local/` documents: checkpoints and the like, without history, never replicated, not in the changes feed.
///
/// As in CouchDB their revisions are `0-N`, and a write wins whatever revision it names.
enum LocalDocuments {
  static func write(_ document: PreparedDocument, _ connection: Connection) throws -> RevisionID {
    guard document.attachments.isEmpty else {
      throw PouchError(.badRequest, "Local documents cannot have attachments")
    }
    let current = try read(document.id, connection)
    if document.isDeleted {
      guard current != nil else { throw PouchError.missing }
      try connection.statement("DELETE FROM local WHERE id = ?1").bind(1, document.id.text).run()
      return RevisionID(generation: 0, suffix: "0")
    }
    let number: Int64
    if document.mode == .edits {
      let last = document.path.first.flatMap { Int64($0.suffix) } ?? 0
      number = last < .max ? last + 1 : 1
    } else {
      number = document.path.first.flatMap { Int64($0.suffix) } ?? 1
    }
    try connection.statement("INSERT OR REPLACE INTO local(id, revision, body) VALUES (?1, ?2, ?3)")
      .bind(1, document.id.text).bind(2, number).bind(3, document.body.bytes).run()
    return RevisionID(generation: 0, suffix: String(number))
  }

  /// The documents of a range.
  static func list(_ query: AllDocsQuery, _ connection: Connection) throws -> [Document] {
    let isAscending = query.order == .ascending
    var conditions = ["1"]
    if query.start != nil { conditions.append("id \(isAscending ? ">=" : "<=") ?1") }
    if query.end != nil {
      conditions.append("id \(isAscending ? "<" : ">")\(query.endBound == .exclusive ? "" : "=") ?2")
    }
    let select = try connection.statement(
      """
      SELECT revision, body, id FROM local WHERE \(conditions.joined(separator: " AND "))
      ORDER BY id \(isAscending ? "ASC" : "DESC") LIMIT ?3 OFFSET ?4
      """)
    if let start = query.start { select.bind(1, start.text) }
    if let end = query.end { select.bind(2, end.text) }
    select.bind(3, query.limit.map { Int64(max(0, $0)) } ?? -1).bind(4, Int64(max(0, query.skip)))
    defer { select.reset() }
    var documents: [Document] = []
    while try select.step() { documents.append(document(DocumentID(select.text(2)), select)) }
    return documents
  }

  static func read(_ id: DocumentID, _ connection: Connection) throws -> Document? {
    let select = try connection.statement("SELECT revision, body FROM local WHERE id = ?1").bind(1, id.text)
    defer { select.reset() }
    guard try select.step() else { return nil }
    return document(id, select)
  }

  private static func document(_ id: DocumentID, _ row: Statement) -> Document {
    Document(
      id: id, revision: RevisionID(generation: 0, suffix: String(row.int(0))), body: JSONText(stored: row.bytes(1)))
  }
}
