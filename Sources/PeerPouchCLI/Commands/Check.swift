import ArgumentParser
import PeerPouch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct Check: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Examines a whole database, and prints what is wrong.",
    discussion: "Reads everything, attachments too. Exits with 1 when something is wrong.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument

  func perform(_ console: Console) async throws {
    let problems = try await target.open(.mustExist, console) { database in
      guard let local = database as? LocalDatabase else {
        throw PouchError(.notImplemented, "Only embedded databases can be examined.")
      }
      return try await withTaskCancellationHandler {
        try await local.integrityCheck()
      } onCancel: {
        // It is one long read, which nothing can stop half-way; but it has nothing to clean up either.
        _exit(ExitCodes.interrupted)
      }
    }
    if console.isJSON {
      try console.print(json: ["ok": JSON(problems.isEmpty), "problems": .array(problems.map { JSON($0) })])
    } else {
      for problem in problems { try console.print(problem) }
      if problems.isEmpty { try console.print("ok") }
    }
    if !problems.isEmpty { throw ReportedFailure(exitCode: ExitCodes.failure) }
  }
}
