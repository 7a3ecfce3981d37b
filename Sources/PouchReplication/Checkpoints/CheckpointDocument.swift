import PouchCore

/// The checkpoint as one of the two databases has it.
struct CheckpointDocument: Sendable {
  let database: any Database
  let id: DocumentID
  private(set) var checkpoint: Checkpoint?
  /// Whether the database refuses to have it.
  private(set) var isRefused = false
  private var revision: RevisionID?

  init(_ id: DocumentID, in database: any Database) {
    self.database = database
    self.id = id
  }

  /// The same with what the database has.
  func loaded() async throws -> CheckpointDocument {
    var copy = self
    try await copy.read()
    return copy
  }

  private mutating func read() async throws {
    do {
      let document = try await database.get(id, GetOptions())
      revision = document.revision
      checkpoint = Checkpoint(document.fields)
    } catch let error as PouchError where error.code == .notFound {
      revision = nil
      checkpoint = nil
    } catch let error as PouchError where CheckpointDocument.isRefusal(error) {
      isRefused = true
    }
  }

  /// Writes a checkpoint over what is there. Should somebody else have written one in between, their sessions are
  /// remembered too.
  mutating func write(_ new: Checkpoint) async throws {
    guard !isRefused, let session = new.newest else { return }
    var new = new
    for attempt in 1... {
      do {
        let document = Document(id: id, revision: revision, fields: new.fields)
        guard let result = try await database.bulkDocs([document], .edits).first else {
          throw PouchError(.badResponse, "The database gave no answer for the checkpoint.")
        }
        revision = try result.outcome.get()
        checkpoint = new
        return
      } catch let error as PouchError where CheckpointDocument.isRefusal(error) {
        isRefused = true
        return
      } catch let error as PouchError
        where error.code == .conflict && attempt <= ReplicationTuning.checkpointConflicts
      {
        try await read()
        let known = Set(new.sessions.map(\.id))
        let others = checkpoint?.history(without: session.id).filter { !known.contains($0.id) } ?? []
        new.sessions = Array((new.sessions + others).prefix(ReplicationTuning.historyEntries))
      }
    }
  }

  private static func isRefusal(_ error: PouchError) -> Bool {
    switch error.code {
    case .unauthorized, .forbidden, .methodNotAllowed, .notImplemented: true
    default: false
    }
  }
}
