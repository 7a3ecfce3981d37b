import PouchCore
import PouchStore
import Testing

/// The database at the side of PouchDB's replicator: holds what the answers delivered, and what the replicator sent.
struct PulledDatabase {
  let database: any Database
  private var documents: [Document] = []
  private var attachments: [String: [UInt8]] = [:]

  init() throws {
    database = try LocalDatabase.inMemory()
  }

  /// Takes an answer: documents, or an attachment in the form that the server has stored.
  mutating func receive(_ answer: [UInt8], to exchange: RecordedExchange) throws {
    documents += try exchange.documents(of: answer).map { try Document($0) }
    if let (id, name) = exchange.attachment { attachments["\(id)/\(name)"] = answer }
  }

  /// Writes the documents that came, with the attachments that were fetched for them.
  mutating func store() async throws {
    for index in documents.indices {
      for (name, stub) in documents[index].attachments {
        guard let bytes = attachments["\(documents[index].id?.text ?? "")/\(name)"] else { continue }
        var attachment = stub
        attachment.content = .data(bytes)
        if Int64(bytes.count) != stub.length {
          attachment.encoding = .gzip
          attachment.encodedLength = Int64(bytes.count)
        }
        documents[index].attachments[name] = attachment
      }
    }
    for result in try await database.bulkDocs(documents, .replicated) { _ = try result.outcome.get() }
    documents = []
    attachments = [:]
  }

  /// Has the documents that the replicator sends: edits that were made at its side.
  func edit(_ sent: [Document]) async throws {
    for document in sent {
      let id = try #require(document.id)
      let revision = try #require(document.revision)
      guard try await !database.revsDiff([id: [revision]]).isEmpty else { continue }
      for result in try await database.bulkDocs([document], .replicated) { _ = try result.outcome.get() }
    }
  }
}
