import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program beside the benchmark. It is ended when the benchmark says so, and when the benchmark itself is interrupted.
final class ChildProcess {
  let identifier: pid_t
  private let output: FileHandle
  private let input: FileHandle?
  private var unread = Data()
  private var hasEnded = false

  /// How long a program may take to end after it was asked to.
  private static let patience = Duration.seconds(20)

  /// Starts one of the programs that were built together with this one.
  convenience init(
    _ program: String, _ arguments: [String], takesInput: Bool = false, environment: [String: String] = [:]
  ) throws {
    let folder = Bundle.main.executableURL?.deletingLastPathComponent()
    try self.init(
      path: folder?.appendingPathComponent(program).path ?? program, arguments, takesInput: takesInput,
      environment: environment)
  }

  /// Starts a program.
  /// - Parameters:
  ///   - takesInput: whether it reads what ``write(_:)`` is told; it has the input of this process otherwise.
  ///   - environment: variables of it that differ from those of this process.
  init(
    path: String, _ arguments: [String], takesInput: Bool = false, environment: [String: String] = [:]
  ) throws {
    let pipe = Pipe()
    let inputPipe = takesInput ? Pipe() : nil
    for handle in [pipe.fileHandleForReading, inputPipe?.fileHandleForWriting] {
      // Only this process keeps this end.
      if let handle { _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC) }
    }
    identifier = try ChildProcess.spawn(
      path, arguments, input: inputPipe?.fileHandleForReading.fileDescriptor,
      output: pipe.fileHandleForWriting.fileDescriptor, environment)
    try pipe.fileHandleForWriting.close()
    try inputPipe?.fileHandleForReading.close()
    output = pipe.fileHandleForReading
    input = inputPipe?.fileHandleForWriting
    ChildProcess.running.withLock { _ = $0.insert(identifier) }
  }

  deinit {
    stop()
  }

  /// Writes a line to its input.
  /// - Precondition: it takes input.
  func write(_ line: String) throws {
    guard let input else { preconditionFailure("The program was started without input.") }
    try input.write(contentsOf: Data((line + "\n").utf8))
  }

  /// The next line of what it prints, once there is one.
  func line() throws -> String {
    while true {
      if let end = unread.firstIndex(of: 0x0A) {
        defer { unread = unread[(end + 1)...] }
        return String(decoding: unread[..<end], as: UTF8.self)
      }
      let more = output.availableData
      guard !more.isEmpty else { throw BareError(message: "A program has ended before it was ready.") }
      unread += more
    }
  }

  /// Waits for its end.
  /// - Returns: what it printed.
  /// - Throws: if it fails.
  func finish() throws -> String {
    unread += output.readDataToEndOfFile()
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) == -1, errno == EINTR {}
    ended()
    guard status == 0 else { throw BareError(message: "A program has failed: status \(status).") }
    return String(decoding: unread, as: UTF8.self)
  }

  /// Asks it to end and waits until it has; one that does not is killed.
  func stop() {
    guard !hasEnded else { return }
    kill(identifier, SIGTERM)
    let deadline = ContinuousClock.now + ChildProcess.patience
    while waitpid(identifier, nil, WNOHANG) == 0 {
      if ContinuousClock.now > deadline {
        kill(identifier, SIGKILL)
        waitpid(identifier, nil, 0)
        break
      }
      usleep(10_000)
    }
    ended()
  }

  private func ended() {
    hasEnded = true
    ChildProcess.running.withLock { _ = $0.remove(identifier) }
  }

  // MARK: All of them

  private static let running = Mutex<Set<pid_t>>([])

  /// Ends all that still run; for the end of this process.
  static func endAll() {
    running.withLock { running in
      for identifier in running { kill(identifier, SIGKILL) }
    }
  }

  // MARK: Starting

  private static func spawn(
    _ path: String, _ arguments: [String], input: Int32?, output: Int32, _ environment: [String: String]
  ) throws -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    if let input { posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) }
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    // What this process ignores is not to be ignored by others.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    var words = ([path] + arguments).map { strdup($0) } + [nil]
    let variables = ProcessInfo.processInfo.environment.merging(environment) { _, own in own }
    var settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + settings { free(text) } }
    var identifier = pid_t()
    let code = posix_spawn(&identifier, path, &actions, &attributes, &words, &settings)
    guard code == 0 else { throw BareError(message: "\(path) cannot be started: error \(code).") }
    return identifier
  }
}
