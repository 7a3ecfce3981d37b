import ArgumentParser
import PeerPouch

struct Destroy: PouchCommand {
  static let configuration = CommandConfiguration(abstract: "Removes a database with all that is in it.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Flag(help: "Do it without asking.") var yes = false

  func perform(_ console: Console) async throws {
    try await target.open(.mustExist, console) { database in
      if !yes {
        let count = ProgressMeter.counted(try await database.info().documentCount, "document")
        let question = "Remove \(target.database) with \(count) for good? Type yes: "
        guard let answer = try console.diagnostics.ask(question, console.interruption) else {
          throw UsageError(reason: "This removes everything in the database; say --yes.")
        }
        guard answer == "yes" else { throw ReportedFailure(exitCode: ExitCodes.failure) }
      }
      try await database.destroy()
    }
    if console.isJSON { try console.print(json: ["ok": true]) }
  }
}
