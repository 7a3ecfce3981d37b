import ArgumentParser
import PeerPouch

struct Info: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Prints the state of a database as JSON.")

  @OptionGroup var target: DatabaseArgument

  mutating func run() async throws {
    try await target.openExisting { database in
      let info = try await database.info()
      let json: JSON = [
        "db_name": JSON(info.name), "uuid": JSON(info.uuid), "doc_count": JSON(info.documentCount),
        "doc_del_count": JSON(info.deletedCount), "update_seq": JSON(info.updateSequence.description),
        "sizes": ["file": JSON(info.fileSize), "active": JSON(info.activeSize)],
        "instance_start_time": JSON(String(info.instanceStartTime)),
      ]
      printLine(json.text.utf8)
    }
  }
}

struct Compact: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Drops old bodies and gives their space back.")

  @OptionGroup var target: DatabaseArgument

  mutating func run() async throws {
    try await target.openExisting { try await $0.compact() }
  }
}

struct Destroy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Removes a database with all that is in it.")

  @OptionGroup var target: DatabaseArgument
  @Flag(help: "Do it; nothing is asked.") var yes = false

  func validate() throws {
    guard yes else { throw ValidationError("This removes everything in the database; say --yes.") }
  }

  mutating func run() async throws {
    try await target.openExisting { try await $0.destroy() }
  }
}
