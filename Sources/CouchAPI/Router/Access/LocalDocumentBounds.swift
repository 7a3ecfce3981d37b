import PouchCore

/// How much those may write who may write nothing but local documents: anybody, at a server that everybody may read. What
/// is not bounded would fill the disk.
public struct LocalDocumentBounds: Sendable, Hashable {
  /// How many local documents a database may have for another one to be added. One that replicates from a database
  /// keeps one there.
  public var count = 4096
  /// The longest document in bytes of JSON. A checkpoint of CouchDB's replicator has 50 sessions in about 20 KiB.
  public var bytes = 64 << 10

  /// The usual bounds: at most 256 MiB in a database.
  public init() {}

  /// Lets a document be written by returning. What is there already can be written again.
  /// - Throws: ``PouchError/Code/documentTooLarge``; ``PouchError/Code/forbidden`` if there are too many: replicators
  ///   then do without a checkpoint on this side.
  func check(_ document: Document, in database: any Database) async throws {
    guard let id = document.id, !document.isDeleted else { return }
    guard document.body.bytes.count <= bytes else { throw PouchError(.documentTooLarge, id.text) }
    let isFull = try await !database.localDocs(AllDocsQuery(skip: count - 1, limit: 1)).rows.isEmpty
    guard isFull else { return }
    do {
      _ = try await database.get(id)
    } catch let error as PouchError where error.code == .notFound {
      throw PouchError(.forbidden, "There are too many local documents.")
    }
  }
}
