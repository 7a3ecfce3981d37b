import ArgumentParser
import Foundation
import PeerPouch

/// Reads the arguments, runs the command until it ends or is interrupted, and turns the outcome into an exit code.
@main
enum Main {
  static func main() async {
    exit(await run(Array(CommandLine.arguments.dropFirst())))
  }

  private static func run(_ arguments: [String]) async -> Int32 {
    Descriptor.occupyStandardOnes()
    // What reads our output may end before we do; writing then fails with EPIPE and ends us quietly.
    signal(SIGPIPE, SIG_IGN)
    let command: any PouchCommand
    do {
      var parsed = try PeerPouchCommand.parseAsRoot(arguments)
      guard let known = parsed as? any PouchCommand else {
        try parsed.run()
        return ExitCodes.success
      }
      command = known
    } catch {
      return report(parsing: error, asJSON: arguments.contains("--json"))
    }
    let interruption = Interruption()
    let console = Console(command.common, interruption)
    let outcome = await interruption.run {
      do {
        try await command.perform(console)
      } catch {
        // What was printed before the failure belongs to it.
        try? console.output.flush()
        throw error
      }
      try console.output.flush()
    }
    // In this task, which is not cancelled: others are to learn that this one is gone.
    await console.peer.close()
    console.diagnostics.clearStatus()
    switch interruption.cause {
    case .signal where !command.isLive: return ExitCodes.interrupted
    case .closedOutput: return ExitCodes.success
    case .signal, nil: break
    }
    guard case .failure(let error) = outcome else { return ExitCodes.success }
    let isCancellation = error is CancellationError || (error as? PouchError)?.code == .cancelled
    if isCancellation, interruption.cause != nil { return ExitCodes.success }
    console.diagnostics.report(error)
    return ExitCodes.code(for: error)
  }

  /// Prints what the arguments asked for instead of a command (help, the version), or what is wrong with them.
  private static func report(parsing error: any Error, asJSON: Bool) -> Int32 {
    let code = ExitCodes.code(for: error)
    let isFailure = code != ExitCodes.success
    if isFailure, asJSON {
      Diagnostics(isJSON: true, isQuiet: false).report("usage", PeerPouchCommand.message(for: error))
      return code
    }
    let text = PeerPouchCommand.fullMessage(for: error)
    if !text.isEmpty {
      let descriptor = isFailure ? STDERR_FILENO : STDOUT_FILENO
      // It may quote the arguments, which need not be the user's own words: ids are copied, or come from scripts.
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
        TerminalText.escaped(String($0), forTerminal: isatty(descriptor) == 1)
      }
      Descriptor.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: descriptor)
    }
    return code
  }
}
