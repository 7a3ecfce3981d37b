public import PouchCore

/// What a receiver confirms to who offers files: their SHA-256, in a document in the receiver's room at the sender's.
///
/// It is a set that only grows. So it can be read, merged and written again, whatever became of the last attempt.
public struct FileReceipt: Sendable {
  private let database: any Database
  /// By the ids of the files' documents.
  private var digests: [DocumentID: String] = [:]
  private var revision: RevisionID?

  /// How often it is tried while answers are lost, or a sender that checks revisions says that the document has changed.
  private static let attempts = 4

  /// Goes on from what was confirmed before.
  /// - Throws: what reading throws.
  public init(to database: any Database) async throws {
    self.database = database
    _ = try await merge()
  }

  /// Confirms a file, and those that could not be confirmed before.
  /// - Throws: what reading and writing throw. The file counts as confirmed by the next call that does not throw.
  public mutating func confirm(_ id: DocumentID, sha256 digest: String) async throws {
    digests[id] = digest
    for attempt in 1... {
      do {
        revision = try await database.put(FileDocuments.receipt(digests, replacing: revision))
        return
      } catch let error as PouchError where error.code == .conflict || error.code.isTransient {
        guard attempt < FileReceipt.attempts else { throw error }
        // It may have been written all the same.
        if try await merge() { return }
      }
    }
  }

  /// Takes in what the sender has.
  /// - Returns: whether that is everything.
  private mutating func merge() async throws -> Bool {
    do {
      let document = try await database.get(FileDocuments.receiptID)
      revision = document.revision
      var known: [DocumentID: String] = [:]
      for (id, digest) in document["files"]?.object ?? [:] { known[DocumentID(id.string)] = digest.string }
      let isComplete = digests.allSatisfy { known[$0.key] == $0.value }
      digests.merge(known) { own, _ in own }
      return isComplete
    } catch let error as PouchError where error.code == .notFound {
      revision = nil
      return digests.isEmpty
    }
  }
}
