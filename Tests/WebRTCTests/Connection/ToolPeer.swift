import Foundation
import TestSupport
import Testing
import WebRTC

/// A peer in a process of its own: `RTCTool`, told what to do by `Tests/Interop/webrtc/PROTOCOL.md`.
actor ToolPeer {
  /// A line that it writes.
  struct Line: Decodable, Sendable {
    struct Result: Decodable, Sendable {
      var sdp: String?
      var messages: Int?
      var bytes: Int?
      var crc32: UInt?
    }

    var id: Int?
    var result: Result?
    var error: String?
    var event: String?
    var state: String?
    var label: String?
    var reason: String?
  }

  /// What it answered instead of a result, or that it is gone.
  struct Failure: Error {
    var text: String?
  }

  private let process = Process()
  private let input = Pipe()
  private let output = ProcessLines()
  private var lastRequest = 0
  private var events: [Line] = []

  init() throws {
    process.executableURL = try BuiltProduct.url("RTCTool")
    process.standardInput = input
    process.standardOutput = output.pipe
    try process.run()
    // Only the child writes from now on, so that its end is seen.
    try output.pipe.fileHandleForWriting.close()
  }

  /// Asks for something, and suspends until it is done.
  @discardableResult
  func ask(_ verb: String, _ members: [String: any Sendable] = [:]) async throws -> Line.Result {
    lastRequest += 1
    let request = members.merging(["id": lastRequest, "do": verb]) { member, _ in member }
    let text = try JSONSerialization.data(withJSONObject: request)
    try input.fileHandleForWriting.write(contentsOf: text + Data("\n".utf8))
    while let line = try await next() {
      guard line.id == lastRequest else { continue }
      guard let result = line.result else { throw Failure(text: line.error) }
      return result
    }
    throw Failure()
  }

  /// Suspends until it tells of something that was not asked for yet.
  func event(_ kind: String, where condition: (Line) -> Bool = { _ in true }) async throws -> Line {
    while true {
      if let index = events.firstIndex(where: { $0.event == kind && condition($0) }) { return events.remove(at: index) }
      guard try await next() != nil else { throw Failure() }
    }
  }

  /// The next line; events are kept. If the task is cancelled, as at a test's time limit, the process is ended.
  private func next() async throws -> Line? {
    let number = process.processIdentifier
    let text = await withTaskCancellationHandler {
      await output.next()
    } onCancel: {
      _ = Foundation.kill(number, SIGKILL)
    }
    guard let text else { return nil }
    let line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
    if line.event != nil { events.append(line) }
    return line
  }

  /// Ends it at once, as a crash does.
  func kill() async {
    _ = Foundation.kill(process.processIdentifier, SIGKILL)
    await exited()
  }

  /// Ends its input, and suspends until it has ended.
  /// - Returns: its status.
  @discardableResult
  func end() async throws -> Int32 {
    try input.fileHandleForWriting.close()
    await exited()
    return process.terminationStatus
  }

  private func exited() async {
    await output.blocking { [process] in process.waitUntilExit() }
  }
}
