import ArgumentParser
import PeerPouch

struct Dump: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a whole database as lines of JSON.",
    discussion: """
      Each line is a leaf revision as CouchDB writes it, with _revisions and _attachments; conflicts and deletions \
      included. Attachments over 64 KiB follow their document in lines of their own. A first line holds the revs_limit \
      if it is not the usual one. The dumps of two equal databases are equal once sorted.

      What belongs to one copy of a database is left out: documents under _local/, the bodies of old revisions, the \
      sequences, and the database's own id.

      The file appears under its name only when it is complete. A file of that name is replaced, unless it is a \
      database.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The file to write; standard output if left out, or -.") var file: String?

  func perform(_ console: Console) async throws {
    try await target.open(.mustExist, console) { database in
      let info = try await database.info()
      let total = Int64(info.documentCount + info.deletedCount)
      let progress = console.progress("dump", in: .count("documents"), of: total)
      try await console.write(to: file) { output in
        var writer = DumpWriter(database, to: output, progress)
        try await writer.run()
        try output.flush()
      }
      progress.finish()
    }
  }
}
