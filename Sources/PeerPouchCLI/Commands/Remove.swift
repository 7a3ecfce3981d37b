import ArgumentParser
import PeerPouch

struct Remove: PouchCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Deletes a document.",
    discussion: "Leaves a tombstone, which replicates like any edit. Prints the id and its revision.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The id of the document.") var id: DocumentID
  @Option(help: "The revision to delete, which may be one in conflict; the winner if left out.") var rev: RevisionID?

  func perform(_ console: Console) async throws {
    let revision = try await target.open(.mustExist, console) { database in
      try await database.remove(id, at: try await database.edited(id, rev))
    }
    try console.print(written: id, revision)
  }
}
