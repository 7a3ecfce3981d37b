import Foundation
import PeerPouch

/// A process of its own for tests: it uses a database file and prints a line for whatever was acknowledged.
///
/// `StoreTool write|attach|compact|follow PATH` works until it is killed.
@main
struct StoreTool {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { exit(2) }
    let database = try await Pouch(arguments[2])
    let run = String(UInt32.random(in: .min ... .max), radix: 16)
    switch arguments[1] {
    case "write": try await write(database, run)
    case "attach": try await attach(database, run)
    case "compact": try await compact(database, run)
    case "follow": try await follow(database)
    default: exit(2)
    }
  }

  private static func acknowledge(_ id: DocumentID, _ revision: RevisionID) {
    FileHandle.standardOutput.write(Data("\(id) \(revision)\n".utf8))
  }

  /// Batches and single documents, with edits of what was written before.
  private static func write(_ database: any Database, _ run: String) async throws {
    var number = 0
    while true {
      let batch = (0..<20).map { Document(id: DocumentID("w-\(run)-\(number + $0)"), fields: ["n": JSON(number + $0)]) }
      number += batch.count
      for result in try await database.bulkDocs(batch) { acknowledge(result.id, try result.outcome.get()) }
      let id = DocumentID("w-\(run)-\(Int.random(in: 0..<number))")
      acknowledge(id, try await database.update(id) { $0["edited"] = JSON(number) })
    }
  }

  /// Attachments that take several transactions.
  private static func attach(_ database: any Database, _ run: String) async throws {
    var number = 0
    while true {
      let id = DocumentID("a-\(run)-\(number)")
      let size = Int.random(in: 1..<6_000_000)
      let attachment = Attachment([UInt8](repeating: UInt8.random(in: .min ... .max), count: size))
      acknowledge(id, try await database.putAttachment("file", attachment, to: id, at: nil))
      number += 1
    }
  }

  /// Edits, removals of documents with attachments, and compactions.
  private static func compact(_ database: any Database, _ run: String) async throws {
    let hot = DocumentID("c-\(run)")
    acknowledge(hot, try await database.put(Document(id: hot)))
    var number = 0
    while true {
      for _ in 0..<20 {
        number += 1
        acknowledge(hot, try await database.update(hot) { $0["n"] = JSON(number) })
      }
      let id = DocumentID("r-\(run)-\(number)")
      let attachment = Attachment([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 400_000))
      let revision = try await database.putAttachment("file", attachment, to: id, at: nil)
      acknowledge(id, try await database.remove(id, at: revision))
      try await database.compact()
    }
  }

  /// The changes of other processes, live.
  private static func follow(_ database: any Database) async throws {
    for try await change in database.changes(.live) { acknowledge(change.id, change.revisions[0]) }
  }
}
