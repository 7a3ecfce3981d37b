import ArgumentParser
import Foundation
import PeerPouch

struct Put: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Writes a document from a file or standard input.")

  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The id; that of the document, or a new one, if left out.") var id: String?
  @Argument(help: "The file with the document as JSON; - is standard input.") var file = "-"

  mutating func run() async throws {
    let data =
      file == "-"
      ? FileHandle.standardInput.readDataToEndOfFile() : try Data(contentsOf: URL(fileURLWithPath: file))
    var document = try Document(parsing: data)
    if let id { document.id = DocumentID(id) }
    let written = document
    try await target.open { database in
      let result = try await database.post(written)
      printLine("\(result.id) \(result.revision)".utf8)
    }
  }
}

struct Get: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Prints a document as JSON.")

  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The document.") var id: String
  @Option(help: "The revision; the winner if left out.") var rev: String?
  @Flag(help: "With its ancestry.") var revs = false
  @Flag(help: "With the revisions that lost against the winner.") var conflicts = false

  mutating func run() async throws {
    var parts: DocumentParts = []
    if revs { parts.insert(.revisions) }
    if conflicts { parts.insert(.conflicts) }
    let options = GetOptions(at: try rev.map { try RevisionID($0) }, including: parts)
    let id = DocumentID(id)
    try await target.openExisting { printLine(try await $0.get(id, options).encoded) }
  }
}

struct Remove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "rm", abstract: "Deletes a document.")

  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The document.") var id: String
  @Option(help: "The revision to delete; the winner if left out.") var rev: String?

  mutating func run() async throws {
    let id = DocumentID(id)
    let given = try rev.map { try RevisionID($0) }
    try await target.openExisting { database in
      let revision: RevisionID?
      if let given { revision = given } else { revision = try await database.get(id).revision }
      guard let revision else { throw PouchError.missing }
      printLine("\(id) \(try await database.remove(id, at: revision))".utf8)
    }
  }
}

struct List: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ls", abstract: "Lists the documents.")

  @OptionGroup var target: DatabaseArgument
  @Flag(help: "Print the documents instead of their ids.") var docs = false
  @Option(help: "The first id.") var start: String?
  @Option(help: "The last id.") var end: String?

  mutating func run() async throws {
    let query = AllDocsQuery(
      from: start.map { DocumentID($0) }, to: end.map { DocumentID($0) }, rows: .documents)
    let showsDocuments = docs
    try await target.openExisting { database in
      for try await document in database.documents(query) {
        guard let id = document.id, let revision = document.revision else { continue }
        printLine(showsDocuments ? document.encoded : Array("\(id)\t\(revision)".utf8))
      }
    }
  }
}

struct Changes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Prints what changed, a line each.")

  @OptionGroup var target: DatabaseArgument
  @Option(help: "Where to start: a sequence printed before.") var since: String?
  @Flag(help: "Go on with what comes.") var live = false

  mutating func run() async throws {
    var query = live ? ChangesQuery.live : .once
    if let since { query.start = .after(UpdateSequence(since)) }
    let selected = query
    try await target.openExisting { database in
      for try await change in database.changes(selected) {
        let revisions = change.revisions.map(\.description).joined(separator: ",")
        printLine("\(change.sequence)\t\(change.id)\t\(revisions)\(change.isDeleted ? "\tdeleted" : "")".utf8)
      }
    }
  }
}
