import ArgumentParser
import PeerPouch

struct Load: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads documents into a database, from a dump or plain ones.",
    discussion: """
      Lines with a _rev are taken over as they are, with their history; loading them twice changes nothing. Lines \
      without one are new documents, with a new id unless they have one. What cannot be written is reported on \
      standard error, and the rest is loaded; a line that is no JSON ends the loading there.

      A dump's revs_limit, the number of ancestors that each leaf remembers, is set in a database that is empty; in one \
      with documents it is only ever raised. No history is cut: one that is longer than the limit stays whole until its \
      document is next edited.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The file to read; standard input if left out, or -.") var file = "-"

  func perform(_ console: Console) async throws {
    let target = try target.resolved(console)
    let input = try InputFile(file, console.interruption)
    if input.isTerminal { console.diagnostics.note("Type a document as JSON on each line, and end with Ctrl-D.") }
    let progress = console.progress("load", in: .bytes, of: input.size)
    // A database may have been set to take longer documents than the usual limit, and its dump shall load.
    let options = StoreOptions(documentBodyLimit: FileTuning.lineLimit)
    try await target.open(.madeIfMissing, console, options: options) { database in
      var loader = Loader(database, from: LineReader(input), progress, console.diagnostics)
      do {
        try await loader.run()
      } catch {
        progress.finish()
        console.diagnostics.note("\(ProgressMeter.counted(loader.loaded, "document")) loaded before it ended.")
        throw error
      }
      progress.finish()
      if console.isJSON {
        try console.print(
          json: ["ok": JSON(loader.failed == 0), "loaded": JSON(loader.loaded), "failed": JSON(loader.failed)])
      } else {
        let failures = loader.failed > 0 ? ", \(ProgressMeter.grouped(Int64(loader.failed))) failed" : ""
        try console.print("\(ProgressMeter.counted(loader.loaded, "document")) loaded\(failures)")
      }
      if loader.failed > 0 {
        throw ReportedFailure(exitCode: loader.hasOnlyConflicts ? ExitCodes.conflict : ExitCodes.failure)
      }
    }
  }
}
