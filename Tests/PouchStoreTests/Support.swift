import Foundation
import PeerPouch
import Synchronization
import Testing

/// Runs a test in a folder of its own, which is removed afterwards.
func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("peerpouch-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try await body(folder.path)
}

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
///
/// Waiting happens on a thread of its own: Swift's threads are few, and the code under test needs them.
final class ToolProcess: Sendable {
  private let process = Process()
  private let output = Pipe()
  private let buffer = Mutex(Data())
  private let queue = DispatchQueue(label: "tool")

  init(_ mode: String, _ path: String) throws {
    process.executableURL = try ToolProcess.executable()
    process.arguments = [mode, path]
    process.standardOutput = output
    try process.run()
  }

  /// The tool lies beside the test bundle.
  private static func executable() throws -> URL {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    let candidates = [folder, Bundle.main.bundleURL, Bundle.main.executableURL?.deletingLastPathComponent() ?? folder]
    for candidate in candidates {
      folder = candidate
      while folder.path != "/" {
        let tool = folder.appendingPathComponent("StoreTool")
        if FileManager.default.isExecutableFile(atPath: tool.path) { return tool }
        folder.deleteLastPathComponent()
      }
    }
    throw CocoaError(.fileNoSuchFile)
  }

  private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: body()) }
    }
  }

  /// The next line; `nil` when the process has ended and all was read.
  func nextLine() async -> String? {
    await onQueue { [self] in
      while true {
        let line: String? = buffer.withLock { buffer in
          guard let newline = buffer.firstIndex(of: 0x0A) else { return nil }
          defer { buffer.removeSubrange(...newline) }
          return String(decoding: buffer[..<newline], as: UTF8.self)
        }
        if let line { return line }
        let piece = output.fileHandleForReading.availableData
        if piece.isEmpty { return nil }
        buffer.withLock { $0.append(piece) }
      }
    }
  }

  /// The lines that are left, after the process has ended.
  func remainingLines() async -> [String] {
    var lines: [String] = []
    while let line = await nextLine() { lines.append(line) }
    return lines
  }

  /// Ends the process as a crash would, in the middle of whatever it does.
  func kill() async {
    await onQueue { [self] in
      Foundation.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }
}
