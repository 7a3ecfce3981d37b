import Crypto
import PouchCore

extension LocalDatabase {
  /// Examines the whole database: SQLite's own check, then that tables, trees, counters and attachments agree with each
  /// other, and that attachments have the content that their SHA-256 promises.
  ///
  /// Reads everything, in one read transaction: the log cannot be reset meanwhile.
  /// - Returns: a sentence for each thing that is wrong; none if all is well.
  @concurrent
  public func integrityCheck() async throws -> [String] {
    try store.read { try IntegrityCheck(connection: $0).run() }
  }
}

private struct IntegrityCheck {
  let connection: Connection

  func run() throws -> [String] {
    let pages = try pageProblems()
    guard pages.isEmpty else { return pages }
    return try documentProblems() + revisionProblems() + blobProblems()
  }

  private func pageProblems() throws -> [String] {
    let check = try connection.statement("PRAGMA integrity_check")
    defer { check.reset() }
    var problems: [String] = []
    while try check.step() {
      if check.text(0) != "ok" { problems.append("SQLite: \(check.text(0))") }
    }
    return problems
  }

  private func documentProblems() throws -> [String] {
    var problems: [String] = []
    var counts: (documents: Int64, deleted: Int64) = (0, 0)
    let state = try DatabaseState.load(connection)
    let select = try connection.statement("SELECT \(DocumentRow.columns), d.id, d.winner FROM document d")
    defer { select.reset() }
    while try select.step() {
      let id = select.text(4)
      guard let row = try? DocumentRow(select) else {
        problems.append("\(id): its revision tree cannot be read")
        continue
      }
      if row.isDeleted { counts.deleted += 1 } else { counts.documents += 1 }
      if row.winner.body != select.int(5) { problems.append("\(id): its winner is not that of its tree") }
      if row.winner.isDeleted != row.isDeleted { problems.append("\(id): is not as deleted as its winner") }
      if row.sequence > state.lastSequence { problems.append("\(id): changed after the newest change") }
      if try !isStored(row.sequence, row.key) { problems.append("\(id): its newest change is not in the log") }
      for leaf in row.tree.leaves {
        guard let body = leaf.body, try isStored(body, row.key) else {
          problems.append("\(id): leaf \(leaf.revision) has no body")
          continue
        }
      }
    }
    if counts != (state.documents, state.deleted) {
      problems.append(
        "counted \(counts.documents) and \(counts.deleted) deleted documents, not \(state.documents), \(state.deleted)")
    }
    return problems
  }

  private func isStored(_ sequence: Int64, _ key: Int64) throws -> Bool {
    let select = try connection.statement("SELECT 1 FROM revision WHERE seq = ?1 AND document = ?2")
      .bind(1, sequence).bind(2, key)
    defer { select.reset() }
    return try select.step()
  }

  private func revisionProblems() throws -> [String] {
    var problems: [String] = []
    let select = try connection.statement(
      """
      SELECT r.seq, r.body, r.attachments, d.tree, d.id, r.seq IN (SELECT seq FROM superseded)
      FROM revision r LEFT JOIN document d ON d.key = r.document
      """)
    defer { select.reset() }
    while try select.step() {
      let sequence = select.int(0)
      guard !select.isNull(3) else {
        problems.append("revision \(sequence) belongs to no document")
        continue
      }
      let tree = try select.withBytes(3) { bytes throws(PouchError) in try StoredTree.decode(bytes) }
      let isLeaf = tree.leaves.contains { $0.body == sequence }
      if isLeaf == (select.int(5) != 0) {
        problems.append("\(select.text(4)): revision \(sequence) is \(isLeaf ? "" : "not ")marked as superseded")
      }
      guard let text = try? JSONText(select.bytes(1)), text.isObject else {
        problems.append("\(select.text(4)): the body at \(sequence) is no JSON object")
        continue
      }
      let stored = try RevisionRow(select, from: 1).attachments
      if try Set(stored.map(\.blob)) != usedBlobs(sequence) {
        problems.append("\(select.text(4)): the attachments at \(sequence) are not those noted")
      }
    }
    return problems
  }

  private func usedBlobs(_ sequence: Int64) throws -> Set<Int64> {
    let select = try connection.statement(
      "SELECT a.blob FROM attachment a JOIN blob b ON b.id = a.blob WHERE a.revision = ?1 AND b.sha256 IS NOT NULL"
    ).bind(1, sequence)
    var blobs: Set<Int64> = []
    while try select.step() { blobs.insert(select.int(0)) }
    return blobs
  }

  private func blobProblems() throws -> [String] {
    var problems: [String] = []
    let select = try connection.statement("SELECT id, sha256, length FROM blob WHERE sha256 IS NOT NULL")
    defer { select.reset() }
    while try select.step() {
      let chunks = try connection.statement(
        "SELECT data FROM chunk WHERE key >= ?1 << 24 AND key < (?1 + 1) << 24 ORDER BY key"
      ).bind(1, select.int(0))
      var hash = SHA256()
      var length: Int64 = 0
      while try chunks.step() {
        chunks.withBytes(0) { bytes in
          hash.update(bufferPointer: bytes)
          length += Int64(bytes.count)
        }
      }
      if length != select.int(2) || Array(hash.finalize()) != select.bytes(1) {
        problems.append("blob \(select.int(0)): its content is not what its name says")
      }
    }
    return problems
  }
}
