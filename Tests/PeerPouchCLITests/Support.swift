import Foundation
import PeerPouch
import TestSupport
import Testing

/// What a command did.
struct Outcome: Sendable {
  let status: Int32
  let output: Data
  let errors: String

  var text: String { String(decoding: output, as: UTF8.self) }
  var lines: [String] { text.split(separator: "\n").map(String.init) }
  /// The lines as JSON; a line that is none counts as `null`.
  var json: [JSON] { lines.map { (try? JSON(parsing: $0)) ?? .null } }
  /// The columns of the lines.
  var columns: [[String]] { lines.map { $0.split(separator: "\t").map(String.init) } }
}

/// A folder of its own for databases and files, in which commands run.
struct Home: Sendable {
  let folder: URL

  /// Runs a test in a new folder, which is removed afterwards.
  static func with(_ body: (Home) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("peerpouch-cli-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(Home(folder: folder))
  }

  /// The path of a file in the folder.
  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// The names of the files in the folder that are no part of a database.
  var files: Set<String> {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return Set(names.filter { !$0.contains(".pouch") && !$0.hasPrefix("std") })
  }

  /// Runs the command to its end.
  @discardableResult
  func run(_ arguments: String..., input: String = "") async throws -> Outcome {
    try await run(arguments, input: Data(input.utf8))
  }

  @discardableResult
  func run(_ arguments: [String], input: Data) async throws -> Outcome {
    try await finish(process(BuiltProduct.url("peerpouch"), arguments), input: input)
  }

  /// Runs a line of shell, where `$peerpouch` is the command.
  func shell(_ script: String) async throws -> Outcome {
    try await finish(process(URL(fileURLWithPath: "/bin/sh"), ["-c", script]), input: Data())
  }

  func process(_ executable: URL, _ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    var environment = ProcessInfo.processInfo.environment
    environment["PEERPOUCH_HOME"] = folder.path
    // Peers of a test find each other on this machine only, and no hub but the test's.
    environment["PEERPOUCH_ADDRESSES"] = "127.0.0.1"
    environment["PEERPOUCH_HUB"] = nil
    environment["peerpouch"] = try BuiltProduct.url("peerpouch").path
    process.environment = environment
    return process
  }

  private func finish(_ process: Process, input: Data) async throws -> Outcome {
    let token = UUID().uuidString
    let paths = ["in", "out", "err"].map { path("std\($0)-\(token)") }
    try input.write(to: URL(fileURLWithPath: paths[0]))
    for path in paths.dropFirst() { try Data().write(to: URL(fileURLWithPath: path)) }
    process.standardInput = FileHandle(forReadingAtPath: paths[0])
    process.standardOutput = FileHandle(forWritingAtPath: paths[1])
    process.standardError = FileHandle(forWritingAtPath: paths[2])
    try await process.runToEnd()
    return Outcome(
      status: process.terminationStatus, output: try Data(contentsOf: URL(fileURLWithPath: paths[1])),
      errors: String(decoding: try Data(contentsOf: URL(fileURLWithPath: paths[2])), as: UTF8.self))
  }
}

extension Process {
  /// Starts the process and returns when it has ended.
  func runToEnd() async throws {
    let (ends, end) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
    terminationHandler = { _ in end.finish() }
    try run()
    for await _ in ends {}
  }
}

/// A command that is running, whose input and output are pipes.
final class RunningCommand: Sendable {
  /// Which of what the command writes is read; the other is not kept.
  enum Stream {
    case output
    case errors
  }

  private let process: Process
  private let input = Pipe()
  private let lines = ProcessLines()
  private let ends: AsyncStream<Void>

  convenience init(_ arguments: String..., in home: Home, reading stream: Stream = .output) throws {
    try self.init(arguments, in: home, reading: stream)
  }

  init(_ arguments: [String], in home: Home, reading stream: Stream = .output) throws {
    process = try home.process(BuiltProduct.url("peerpouch"), arguments)
    process.standardInput = input
    process.standardOutput = stream == .output ? lines.pipe : FileHandle.nullDevice
    process.standardError = stream == .errors ? lines.pipe : FileHandle.nullDevice
    let end: AsyncStream<Void>.Continuation
    (ends, end) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    process.terminationHandler = { _ in end.finish() }
    try process.run()
  }

  deinit {
    // A test that failed did not end it.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// The next line of output; `nil` at its end.
  func nextLine() async -> String? { await lines.next() }

  /// The next line of output as JSON.
  func nextJSON() async throws -> JSON { try JSON(parsing: try #require(await nextLine())) }

  /// The next line of output that is an event of this kind; those before it are passed over.
  func next(_ event: String) async throws -> JSON {
    while true {
      let json = try await nextJSON()
      if json["event"]?.string == event { return json }
    }
  }

  /// Writes to the command's input; returns when all but what a pipe holds was read.
  func write(_ data: Data) async {
    await lines.blocking { [self] in try? input.fileHandleForWriting.write(contentsOf: data) }
  }

  /// Ends the command's input.
  func closeInput() async {
    await lines.blocking { [self] in try? input.fileHandleForWriting.close() }
  }

  /// Stops reading the command's output.
  func closeOutput() {
    try? lines.pipe.fileHandleForReading.close()
  }

  /// Waits for the end.
  func exitStatus() async -> Int32 {
    for await _ in ends {}
    return process.terminationStatus
  }

  /// Sends a signal and waits for the end.
  func interrupt(_ signal: Int32 = SIGINT) async -> Int32 {
    kill(process.processIdentifier, signal)
    return await exitStatus()
  }
}
