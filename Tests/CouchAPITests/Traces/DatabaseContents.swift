import PouchCore

/// All that replication carries from a database: the leaves of its documents, each with its history and attachments.
struct DatabaseContents {
  /// What of an attachment is looked at.
  enum Attachments {
    /// Type and bytes.
    case asRead
    /// Their digests and positions as well, which depend on how a database stores them.
    case asStored
  }

  private struct Leaf: Equatable {
    let revisions: [RevisionID]?
    let isDeleted: Bool
    let body: JSON
    var files: [String: File] = [:]
  }

  private struct File: Equatable {
    let type: String
    let bytes: [UInt8]
    var digest: String?
    var position: Int?
  }

  private var leaves: [String: Leaf] = [:]

  init(of database: any Database, _ attachments: Attachments) async throws {
    var query = ChangesQuery.once
    query.style = .allLeaves
    for try await change in database.changes(query) {
      let found = try await database.openRevisions(
        of: change.id, .these(change.revisions), GetOptions(including: .revisions))
      for document in found.compactMap(\.document) {
        var leaf = Leaf(revisions: document.revisions, isDeleted: document.isDeleted, body: document.body.json)
        for (name, attachment) in document.attachments {
          let download = try await database.getAttachment(
            name.string, of: change.id, at: document.revision, range: nil, form: .identity)
          var file = File(type: attachment.contentType, bytes: try await download.content.bytes())
          if case .asStored = attachments {
            file.digest = attachment.digest
            file.position = attachment.revisionPosition
          }
          leaf.files[name.string] = file
        }
        leaves["\(change.id) \(document.revision?.description ?? "")"] = leaf
      }
    }
  }

  /// How many leaves there are.
  var count: Int { leaves.count }

  /// The leaves, by id and revision, that are not the same in two databases.
  func differences(from other: DatabaseContents) -> [String] {
    Set(leaves.keys).union(other.leaves.keys).filter { leaves[$0] != other.leaves[$0] }.sorted()
  }
}
