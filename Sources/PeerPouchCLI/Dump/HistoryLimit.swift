import PeerPouch

/// The `revs_limit` of a database while documents are loaded into it, whose histories must not be cut.
///
/// Documents may have longer histories than their database is set to keep: they follow a lowered limit only when they
/// are next edited. The limit is raised for them until all is loaded, for each leaf of a document that is written cuts
/// the histories of the others as well.
struct HistoryLimit {
  private let database: any Database
  /// What the limit shall be in the end, while it is raised.
  private var lasting: Int?
  /// What the limit is, once it was asked for.
  private var present: Int?

  init(of database: any Database) {
    self.database = database
  }

  /// Takes over the limit of a dump: into an empty database as it is, into one with documents only if it is higher.
  /// - Returns: what was changed in a database with documents.
  mutating func take(_ limit: Int) async throws -> (before: Int, after: Int)? {
    try await restore()
    let before = try await database.revsLimit()
    let info = try await database.info()
    let isEmpty = info.documentCount == 0 && info.deletedCount == 0
    guard limit > before || (isEmpty && limit < before) else { return nil }
    try await database.setRevsLimit(limit)
    present = limit
    return isEmpty ? nil : (before, limit)
  }

  /// Raises the limit, if it must be, for a document that is about to be written, or is there already: other leaves of it
  /// may follow.
  mutating func makeRoom(for document: Document) async throws {
    // A history of one revision is never cut.
    guard let length = document.revisions?.count, length > 1 else { return }
    let before: Int
    if let present { before = present } else { before = try await database.revsLimit() }
    present = before
    guard length > before else { return }
    lasting = lasting ?? before
    try await database.setRevsLimit(length)
    present = length
  }

  /// Sets the limit to what it shall be, when all is written or nothing more will be.
  mutating func restore() async throws {
    guard let limit = lasting else { return }
    try await database.setRevsLimit(limit)
    (lasting, present) = (nil, nil)
  }
}
