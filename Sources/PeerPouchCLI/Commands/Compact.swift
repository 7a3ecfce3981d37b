import ArgumentParser
import PeerPouch

struct Compact: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Drops the bodies of old revisions, and gives their space back.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument

  func perform(_ console: Console) async throws {
    let (before, after) = try await target.open(.mustExist, console) { database in
      let before = try await database.info().fileSize
      try await compact(database, console)
      try Task.checkCancellation()
      return (before, try await database.info().fileSize)
    }
    if console.isJSON {
      try console.print(json: ["ok": true, "before": JSON(before), "after": JSON(after)])
    } else {
      try console.print("\(ProgressMeter.size(before)) before, \(ProgressMeter.size(after)) now")
    }
  }

  private func compact(_ database: any Database, _ console: Console) async throws {
    guard let local = database as? LocalDatabase else {
      try await database.compact()
      return
    }
    let progress = console.progress("compact", in: .count("revisions"))
    try await local.compact { step in
      progress.update { meter in
        // Pages are what SQLite calls pieces of the file.
        meter.unit = .count(step.phase == .space ? "pages" : step.phase.rawValue)
        (meter.done, meter.total) = (Int64(step.done), Int64(step.total))
      }
    }
    progress.finish()
  }
}
