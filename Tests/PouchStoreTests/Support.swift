import Foundation
import PeerPouch
import TestSupport
import Testing

/// The error that something throws, as a PouchError.
func pouchError(_ body: () async throws -> Void) async -> PouchError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? PouchError
  }
}

/// A running `StoreTool`, whose lines are read as they come.
final class ToolProcess: Sendable {
  private let process = Process()
  private let lines = ProcessLines()

  init(_ mode: String, _ path: String) throws {
    process.executableURL = try BuiltProduct.url("StoreTool")
    process.arguments = [mode, path]
    process.standardOutput = lines.pipe
    try process.run()
  }

  /// The next line; `nil` when the process has ended and all was read.
  func nextLine() async -> String? { await lines.next() }

  /// The lines that are left, after the process has ended.
  func remainingLines() async -> [String] {
    var remaining: [String] = []
    while let line = await lines.next() { remaining.append(line) }
    return remaining
  }

  /// Ends the process as a crash would, in the middle of whatever it does.
  func kill() async {
    await lines.blocking { [self] in
      Foundation.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }
}
