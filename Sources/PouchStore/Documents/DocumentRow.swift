import PouchCore

/// A document as its table has it.
struct DocumentRow {
  let key: Int64
  let sequence: Int64
  let isDeleted: Bool
  let tree: RevisionTree

  /// The columns that ``init(_:from:)`` reads, to be put into a `SELECT` whose table is named `d`.
  static let columns = "d.key, d.seq, d.deleted, d.tree"

  /// - Parameter column: where the columns start.
  init(_ row: Statement, from column: Int32 = 0) throws {
    key = row.int(column)
    sequence = row.int(column + 1)
    isDeleted = row.int(column + 2) != 0
    tree = try row.withBytes(column + 3) { bytes throws(PouchError) in try StoredTree.decode(bytes) }
  }

  static func find(_ id: DocumentID, _ connection: Connection) throws -> DocumentRow? {
    let select = try connection.statement("SELECT \(columns) FROM document d WHERE d.id = ?1").bind(1, id.text)
    defer { select.reset() }
    return try select.step() ? DocumentRow(select) : nil
  }

  /// The winner; a stored tree has at least one node.
  var winner: RevisionTree.Node { tree.winner! }
}

/// The body of a stored revision.
struct RevisionRow {
  let body: [UInt8]
  let attachments: [StoredAttachment]

  static func find(_ sequence: Int64, _ connection: Connection) throws -> RevisionRow? {
    let select = try connection.statement("SELECT body, attachments FROM revision WHERE seq = ?1").bind(1, sequence)
    defer { select.reset() }
    guard try select.step() else { return nil }
    return try RevisionRow(select, from: 0)
  }

  /// - Parameter column: where `body` and `attachments` stand.
  init(_ row: Statement, from column: Int32) throws {
    body = row.bytes(column)
    attachments = row.isNull(column + 1) ? [] : try StoredAttachment.decode(row.bytes(column + 1))
  }
}
