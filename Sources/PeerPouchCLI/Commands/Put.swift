import ArgumentParser
import PeerPouch

struct Put: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a document, read as JSON from a file or standard input.",
    discussion: """
      A document that exists is replaced only when its present revision is named, by --rev or in the document; else \
      that is a conflict. Prints the id and the new revision.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The id; if left out, or -, that of the document, or a new one.") var id: DocumentID?
  @Argument(help: "The file to read; standard input if left out, or -.") var file = "-"
  @Option(help: "The revision that this one replaces.") var rev: RevisionID?
  @Flag(help: "Replace whatever revision is there.") var force = false

  func validate() throws {
    if force, rev != nil { throw ValidationError("--force replaces whatever is there: it needs no --rev.") }
  }

  func perform(_ console: Console) async throws {
    let target = try target.resolved(console)
    let input = try InputFile(file, console.interruption)
    if input.isTerminal { console.diagnostics.note("Type the document as JSON, and end with Ctrl-D.") }
    var document = try Document(parsing: input.all(upTo: FileTuning.lineLimit))
    if let id, id.text != "-" { document.id = id }
    if let rev { document.revision = rev }
    let written = try await target.open(.madeIfMissing, console) { database in
      try await force ? replace(document, in: database) : database.post(document)
    }
    try console.print(written: written.id, written.revision)
  }

  /// Writes on top of the present winner, also when that changes meanwhile.
  private func replace(
    _ document: Document, in database: any Database
  ) async throws -> (id: DocumentID, revision: RevisionID) {
    var document = document
    for _ in 0..<Tuning.updateAttempts {
      document.revision = nil
      if let id = document.id { document.revision = try await database.winner(of: id) }
      do {
        return try await database.post(document)
      } catch let error as PouchError where error.code == .conflict {
        continue
      }
    }
    throw PouchError.conflict
  }
}
