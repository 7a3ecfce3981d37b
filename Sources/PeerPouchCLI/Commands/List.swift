import ArgumentParser
import PeerPouch

struct List: PouchCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists the documents in the order of their ids.",
    discussion: "Prints the id and the revision of each, or with --docs the document, a line each.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Flag(help: "Print the documents, as JSON.") var docs = false
  @Option(help: "The first id in the direction of the list.") var start: DocumentID?
  @Option(help: "The last id in the direction of the list.") var end: DocumentID?
  @Option(help: "Only ids that begin with this.") var prefix: String?
  @Option(help: "Only this id; may be given several times.") var key: [DocumentID] = []
  @Flag(help: "Backwards.") var descending = false
  @Option(help: "How many to print at most.") var limit: Int?
  @Option(help: "How many to leave out first.") var skip = 0

  func validate() throws {
    let selections = [start != nil || end != nil, prefix != nil, !key.isEmpty].filter { $0 }.count
    if selections > 1 { throw ValidationError("A range, --prefix and --key exclude each other.") }
    if skip < 0 || limit ?? 0 < 0 { throw ValidationError("--limit and --skip count from 0.") }
  }

  private var query: AllDocsQuery {
    var query = prefix.map { AllDocsQuery.prefix($0) } ?? AllDocsQuery(from: start, to: end)
    if descending {
      query.order = .descending
      if prefix != nil { swap(&query.start, &query.end) }
    }
    query.rows = docs ? .documents : .idsOnly
    query.limit = limit
    query.skip = skip
    return query
  }

  func perform(_ console: Console) async throws {
    try await target.open(.mustExist, console) { database in
      if key.isEmpty {
        for try await row in database.rows(query) { try print(row, console) }
      } else {
        // One at a time: their documents may be large.
        let keys = descending ? key.reversed() : key
        for id in keys.dropFirst(skip).prefix(limit ?? .max) {
          let rows = try await database.allDocs(AllDocsQuery(keys: [id], rows: query.rows)).rows
          for row in rows { try print(row, console) }
        }
      }
    }
  }

  private func print(_ row: AllDocsPage.Row, _ console: Console) throws {
    guard docs || console.isJSON else {
      let state = row.revision.map(\.description) ?? "missing"
      try console.print([row.id.text, state] + (row.isDeleted ? ["deleted"] : []))
      return
    }
    if let document = row.document {
      try console.print(json: document.encoded)
    } else if let revision = row.revision {
      var object: JSON.Object = ["id": JSON(row.id.text), "rev": JSON(revision.description)]
      if row.isDeleted { object["deleted"] = true }
      try console.print(json: .object(object))
    } else {
      try console.print(json: ["key": JSON(row.id.text), "error": "not_found"])
    }
  }
}
