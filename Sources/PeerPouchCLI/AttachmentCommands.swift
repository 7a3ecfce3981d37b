import ArgumentParser
import Foundation
import PeerPouch

struct Attach: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Puts a file into a document, which is made if missing.")

  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The document.") var id: String
  @Argument(help: "The file.") var file: String
  @Option(help: "What the attachment is called; the file's name if left out.") var name: String?
  @Option(help: "The media type.") var type = "application/octet-stream"

  mutating func run() async throws {
    let id = DocumentID(id)
    let name = name ?? URL(fileURLWithPath: file).lastPathComponent
    let attachment = Attachment(.stream(try ByteStream(contentsOf: file)), contentType: type)
    try await target.open { database in
      var revision: RevisionID?
      do {
        revision = try await database.get(id).revision
      } catch let error as PouchError where error.code == .notFound {
        revision = nil
      }
      printLine("\(id) \(try await database.putAttachment(name, attachment, to: id, at: revision))".utf8)
    }
  }
}

struct Detach: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Removes a file from a document.")

  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The document.") var id: String
  @Argument(help: "The attachment.") var name: String

  mutating func run() async throws {
    let (id, name) = (DocumentID(id), name)
    try await target.openExisting { database in
      guard let revision = try await database.get(id).revision else { throw PouchError.missing }
      printLine("\(id) \(try await database.removeAttachment(name, of: id, at: revision))".utf8)
    }
  }
}

struct Fetch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Writes a document's file to standard output.")

  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The document.") var id: String
  @Argument(help: "The attachment.") var name: String
  @Option(help: "The revision; the winner if left out.") var rev: String?

  mutating func run() async throws {
    let (id, name) = (DocumentID(id), name)
    let revision = try rev.map { try RevisionID($0) }
    try await target.openExisting { database in
      for try await piece in try await database.getAttachment(name, of: id, at: revision).content {
        try FileHandle.standardOutput.write(contentsOf: Data(piece))
      }
    }
  }
}

struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Examines a whole database, and prints what is wrong.")

  @OptionGroup var target: DatabaseArgument

  mutating func run() async throws {
    try await target.openExisting { database in
      guard let local = database as? LocalDatabase else {
        throw PouchError(.notImplemented, "Only embedded databases can be examined.")
      }
      let problems = try await local.integrityCheck()
      for problem in problems { printLine(problem.utf8) }
      if !problems.isEmpty { throw PouchError(.corrupt, "\(problems.count) problems were found.") }
    }
  }
}

extension ByteStream {
  /// The bytes of a file, a mebibyte at a time.
  /// - Throws: ``PouchError/Code/notFound`` if the file cannot be opened.
  init(contentsOf path: String) throws {
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw PouchError(.notFound, "The file cannot be read: \(path)")
    }
    self.init {
      let handle = FileHandle(forReadingAtPath: path)
      return {
        guard let handle else { throw PouchError(.ioError, "The file cannot be read: \(path)") }
        guard let data = try handle.read(upToCount: 1 << 20), !data.isEmpty else { return nil }
        return Array(data)
      }
    }
  }
}
