import ArgumentParser
import Foundation
import PeerPouch

struct Attach: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts a file into a document, which is made if it is missing.",
    discussion: "Replaces an attachment of the same name. Prints the id and the new revision.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The id of the document.") var id: DocumentID
  @Argument(help: "The file of any size; - is standard input.") var file: String
  @Option(help: "What the attachment is called; the file's name if left out.") var name: String?
  @Option(help: "The media type; by the ending of the name if left out.") var type: String?
  @Option(help: "The revision to edit; the winner if left out.") var rev: RevisionID?

  func validate() throws {
    if file == "-", name == nil { throw ValidationError("What comes from standard input needs a --name.") }
  }

  func perform(_ console: Console) async throws {
    let target = try target.resolved(console)
    let input = try InputFile(file, console.interruption)
    let name = name ?? URL(fileURLWithPath: file).lastPathComponent
    let progress = console.progress("attach", in: .bytes, of: input.size)
    let revision = try await target.open(.madeIfMissing, console) { database in
      var edited = rev
      if edited == nil { edited = try await database.winner(of: id) }
      let attachment = Attachment(
        .stream(input.stream.counted(by: progress)), contentType: type ?? MediaType.of(name))
      return try await database.putAttachment(name, attachment, to: id, at: edited)
    }
    progress.finish()
    try console.print(written: id, revision)
  }
}

struct Detach: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Removes a file from a document.", discussion: "Prints the id and the new revision.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The id of the document.") var id: DocumentID
  @Argument(help: "The name of the attachment.") var name: String
  @Option(help: "The revision to edit; the winner if left out.") var rev: RevisionID?

  func perform(_ console: Console) async throws {
    let revision = try await target.open(.mustExist, console) { database in
      try await database.removeAttachment(name, of: id, at: try await database.edited(id, rev))
    }
    try console.print(written: id, revision)
  }
}
