import ArgumentParser
import PeerPouch

struct Purge: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Removes leaf revisions as if they had never been.",
    discussion: """
      No tombstone is left, and other databases keep what they have. Prints the revisions that are gone; when none \
      was a leaf, exits with 3.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The id of the document.") var id: DocumentID
  @Argument(help: "The revisions.") var revs: [RevisionID]

  func perform(_ console: Console) async throws {
    let purged = try await target.open(.mustExist, console) { try await $0.purge([id: revs])[id] ?? [] }
    guard !purged.isEmpty else { throw PouchError(.notFound, "No such leaf revision.") }
    if console.isJSON {
      let revisions = purged.map { JSON($0.description) }
      try console.print(json: ["purged": [id.text: .array(revisions)]])
    } else {
      for revision in purged { try console.print("\(id) \(revision)") }
    }
  }
}
