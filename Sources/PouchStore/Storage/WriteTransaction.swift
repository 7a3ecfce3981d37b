import PouchCore

/// The counters of a database, and what identifies it: the one row of `state`.
struct DatabaseState: Sendable, Equatable {
  var uuid = ""
  var created: Int64 = 0
  var epoch: UInt64 = 0
  var lastSequence: Int64 = 0
  var documents: Int64 = 0
  var deleted: Int64 = 0
  var revsLimit = Limits.revisions
  var fileID = ""
  var fileToken = ""

  static func load(_ connection: Connection) throws -> DatabaseState {
    let row = try connection.statement(
      "SELECT uuid, created, epoch, last_seq, documents, deleted, revs_limit, file_id, file_token FROM state")
    defer { row.reset() }
    guard try row.step() else { throw PouchError(.corrupt, "The database has lost its state.") }
    return DatabaseState(
      uuid: row.text(0), created: row.int(1), epoch: UInt64(bitPattern: row.int(2)), lastSequence: row.int(3),
      documents: row.int(4), deleted: row.int(5), revsLimit: Int(row.int(6)), fileID: row.text(7),
      fileToken: row.text(8))
  }

  func save(_ connection: Connection) throws {
    try connection.statement(
      """
      UPDATE state SET epoch = ?1, last_seq = ?2, documents = ?3, deleted = ?4, revs_limit = ?5, file_id = ?6,
      file_token = ?7
      """
    ).bind(1, Int64(bitPattern: epoch)).bind(2, lastSequence).bind(3, documents).bind(4, deleted)
      .bind(5, Int64(revsLimit)).bind(6, fileID).bind(7, fileToken).run()
  }
}

/// What a write sees: the connection within a transaction, and the state that the transaction will leave.
///
/// Lives on the writer's thread only, as long as the transaction.
final class WriteTransaction {
  let connection: Connection
  var state: DatabaseState
  /// How many bodies this transaction left to compaction.
  var supersededBodies = 0

  init(_ connection: Connection, _ state: DatabaseState) {
    self.connection = connection
    self.state = state
  }

  /// The number under which the next change is logged.
  func nextSequence() -> Int64 {
    state.lastSequence += 1
    return state.lastSequence
  }
}
