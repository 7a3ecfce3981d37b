import ArgumentParser
import PeerPouch

struct Changes: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints what changed, a line each.",
    discussion: """
      Each document is listed once, where it last changed: sequence, id, revision, and 'deleted' if it is. With --json \
      or --docs the lines are JSON, as in CouchDB's feed.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Option(
    help: ArgumentHelp(
      "Start after this sequence, or now. One that is not of this database starts at the beginning.",
      valueName: "seq|now"))
  var since: String?
  @Flag(help: "Go on with what comes, until interrupted.") var live = false
  @Flag(help: "With the documents, as JSON.") var docs = false
  @Flag(help: "List all leaf revisions, the winner first and commas between them.") var allLeaves = false
  @Option(help: "How many to print at most.") var limit: Int?
  @Flag(help: "The newest first.") var descending = false

  var isLive: Bool { live }

  func validate() throws {
    if live, descending { throw ValidationError("--live and --descending exclude each other.") }
    if limit ?? 0 < 0 { throw ValidationError("--limit counts from 0.") }
  }

  private var query: ChangesQuery {
    let start: ChangesQuery.Start =
      switch since {
      case nil: .beginning
      case "now": .now
      case let sequence?: .after(UpdateSequence(sequence))
      }
    return ChangesQuery(
      live ? .live : .once, since: start, order: descending ? .descending : .ascending,
      style: allLeaves ? .allLeaves : .winner, rows: docs ? .documents : .idsOnly, limit: limit)
  }

  func perform(_ console: Console) async throws {
    try await target.open(.mustExist, console) { database in
      if live, !console.output.isTerminal { console.interruption.watchForClosedOutput(console.output.descriptor) }
      for try await change in database.changes(query) {
        try print(change, console)
        if live { try console.output.flush() }
      }
      // A feed just ends when it is cancelled.
      try Task.checkCancellation()
    }
  }

  private func print(_ change: Change, _ console: Console) throws {
    guard docs || console.isJSON else {
      let revisions = change.revisions.map(\.description).joined(separator: ",")
      try console.print(
        [change.sequence.description, change.id.text, revisions] + (change.isDeleted ? ["deleted"] : []))
      return
    }
    var writer = JSONWriter()
    writer.raw("{\"seq\":")
    writer.write(change.sequence.description)
    writer.raw(",\"id\":")
    writer.write(change.id.text)
    writer.raw(",\"changes\":[")
    writer.writeList(change.revisions) { writer, revision in
      writer.raw("{\"rev\":")
      writer.write(revision)
      writer.raw("}")
    }
    writer.raw("]")
    if change.isDeleted { writer.raw(",\"deleted\":true") }
    if let document = change.document {
      writer.raw(",\"doc\":")
      writer.write(document)
    }
    writer.raw("}")
    try console.print(json: writer.bytes)
  }
}
