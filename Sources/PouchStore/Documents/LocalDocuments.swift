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

  static func read(_ id: DocumentID, _ connection: Connection) throws -> Document? {
    let select = try connection.statement("SELECT revision, body FROM local WHERE id = ?1").bind(1, id.text)
    defer { select.reset() }
    guard try select.step() else { return nil }
    return Document(
      id: id, revision: RevisionID(generation: 0, suffix: String(select.int(0))),
      body: JSONText(stored: select.bytes(1)))
  }
}
