import PeerTrust
import PouchCore

/// Writes a share's record into its hub, over whatever is there.
struct RecordWriter: Sendable {
  let hub: any Database
  let share: ShareID
  private var id: DocumentID { DocumentID(share.text) }

  /// How often it is tried while others write the same document.
  private static let attempts = 8

  init(_ hub: any Database, _ share: ShareID) {
    self.hub = hub
    self.share = share
  }

  /// What the hub has of the share.
  struct Present: Sendable {
    /// The winning revision, to be written over.
    var revision: RevisionID?
    /// Other leaves, left by those who wrote at the same time.
    var others: [RevisionID] = []
    /// The valid record with the highest number.
    var record: ShareRecord?
  }

  func present() async throws -> Present {
    var present = Present()
    do {
      let winner = try await hub.get(id, including: .conflicts)
      present.revision = winner.revision
      present.others = winner.metadata?.conflicts ?? []
      var leaves = [winner]
      if !present.others.isEmpty { leaves = try await hub.openRevisions(of: id).compactMap(\.document) }
      let valid = leaves.compactMap { leaf in try? SignedRecord(leaf).record }.filter { $0.id == share }
      present.record = valid.max { $0.number < $1.number }
    } catch let error as PouchError where error.code == .notFound {
      // Nothing is there.
    }
    return present
  }

  /// Writes a record whose number is higher than all before.
  /// - Parameters:
  ///   - number: the highest number that this sharer knows to have been used.
  ///   - make: signs the record of a number.
  /// - Returns: the number that was written, and the record that was there before.
  /// - Throws: what the hub throws.
  func write(
    above number: Int, _ make: (Int) async throws -> SignedRecord
  ) async throws -> (number: Int, before: ShareRecord?) {
    for _ in 0..<RecordWriter.attempts {
      let present = try await present()
      let next = max(number, present.record?.number ?? 0) + 1
      var document = try await make(next).document
      document.revision = present.revision
      do {
        _ = try await hub.put(document)
      } catch let error as PouchError where error.code == .conflict {
        continue
      }
      // What cannot be deleted now loses against the higher number, and is tried with the next record.
      _ = try? await hub.bulkDocs(present.others.map { Document(id: id, revision: $0, isDeleted: true) })
      return (next, present.record)
    }
    throw PouchError.conflict
  }

  /// Deletes the record; nothing if there is none.
  func remove() async throws {
    let present = try await present()
    let leaves = (present.revision.map { [$0] } ?? []) + present.others
    _ = try await hub.bulkDocs(leaves.map { Document(id: id, revision: $0, isDeleted: true) })
  }
}
