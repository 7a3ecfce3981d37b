import ArgumentParser
import PeerPouch

struct Get: PouchCommand {
  static let configuration = CommandConfiguration(abstract: "Prints a document as JSON.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The id of the document.") var id: DocumentID
  @Option(help: "The revision; the winner if left out.") var rev: RevisionID?
  @Flag(help: "With its ancestry, as _revisions.") var revs = false
  @Flag(help: "With its ancestry and what is left of it, as _revs_info.") var revsInfo = false
  @Flag(help: "With the revisions that lost against the winner, as _conflicts.") var conflicts = false
  @Flag(help: "With the deleted leaves, as _deleted_conflicts.") var deletedConflicts = false
  @Flag(help: "With the content of attachments, as base64; compressed ones as they are stored.")
  var attachments = false
  @Option(help: ArgumentHelp("Print several revisions: all leaves, or those of a JSON array.", valueName: "all|json"))
  var openRevs: OpenRevisionsArgument?

  func validate() throws {
    if openRevs != nil, rev != nil { throw ValidationError("--open-revs and --rev exclude each other.") }
  }

  private var parts: DocumentParts {
    var parts: DocumentParts = []
    if revs { parts.insert(.revisions) }
    if revsInfo { parts.insert(.revisionsInfo) }
    if conflicts { parts.insert(.conflicts) }
    if deletedConflicts { parts.insert(.deletedConflicts) }
    if attachments { parts.insert(.attachments) }
    return parts
  }

  func perform(_ console: Console) async throws {
    try await target.open(.mustExist, console) { database in
      guard let openRevs else {
        let document = try await database.get(id, at: rev, including: parts)
        try console.print(answer: try await complete(document).encoded)
        return
      }
      var writer = JSONWriter()
      writer.raw("[")
      for (index, found) in try await database.openRevisions(of: id, openRevs.which, including: parts).enumerated() {
        if index > 0 { writer.raw(",") }
        switch found {
        case .found(let document):
          writer.raw("{\"ok\":")
          writer.write(try await complete(document))
        case .missing(let revision):
          writer.raw("{\"missing\":")
          writer.write(revision)
        }
        writer.raw("}")
      }
      writer.raw("]")
      try console.print(answer: writer.bytes)
    }
  }

  /// The document with the content of its attachments in it, if that was asked for.
  private func complete(_ document: Document) async throws -> Document {
    guard attachments else { return document }
    let complete = try await document.inliningAttachments(upTo: .max, inAll: Int64(FileTuning.lineLimit))
    for (name, attachment) in complete.attachments {
      if case .stream = attachment.content {
        throw PouchError(.documentTooLarge, "The attachment \(name) is too large to be printed; use fetch.")
      }
    }
    return complete
  }
}

/// `all`, or a JSON array of revisions.
struct OpenRevisionsArgument: ExpressibleByArgument, Sendable {
  let which: OpenRevisions

  init?(argument: String) {
    if argument == "all" {
      which = .all
      return
    }
    guard let list = try? JSON(parsing: argument).array else { return nil }
    let revisions = list.compactMap { $0.string.flatMap { try? RevisionID($0) } }
    guard revisions.count == list.count else { return nil }
    which = .these(revisions)
  }
}
