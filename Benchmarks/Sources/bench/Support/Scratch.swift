import Dispatch
import Foundation

/// A temporary folder for the data of benchmarks, removed at the end, also on Ctrl-C, which ends programs that were
/// started as well.
final class Scratch {
  private let folder: String
  private let interrupts: [any DispatchSourceSignal]

  /// - Parameter parent: the folder in which the temporary one is made.
  init(in parent: String) throws {
    let folder = parent + "/bench-data-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    self.folder = folder
    interrupts = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler {
        ChildProcess.endAll()
        try? FileManager.default.removeItem(atPath: folder)
        _exit(128 + number)
      }
      source.resume()
      return source
    }
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Runs something with the path of a new file, and removes the file with all that belongs to it.
  func withFile<Value>(_ name: String, _ body: (String) async throws -> Value) async throws -> Value {
    let path = folder + "/" + name
    defer {
      for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }
    return try await body(path)
  }

  /// Runs something with the path of a new folder, and removes it with all that is in it.
  func withFolder<Value>(_ name: String, _ body: (String) async throws -> Value) async throws -> Value {
    let path = folder + "/" + name
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
  }

  /// Runs something with servers that have an empty folder each, and ends them.
  /// - Parameter names: those of the folders.
  func withServers<Value>(
    _ names: [String], _ body: ([PouchServerProcess]) async throws -> Value
  ) async throws -> Value {
    let folders = names.map { folder + "/" + $0 }
    var servers: [PouchServerProcess] = []
    defer {
      for server in servers { server.stop() }
      for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
    }
    for folder in folders { servers.append(try PouchServerProcess(folder: folder)) }
    return try await body(servers)
  }

  /// Runs something with a server that has an empty folder.
  func withServer<Value>(_ body: (PouchServerProcess) async throws -> Value) async throws -> Value {
    try await withServers(["server"]) { try await body($0[0]) }
  }

  /// Runs something with two servers: `source` and `target`.
  func withTwoServers<Value>(
    _ body: (_ source: PouchServerProcess, _ target: PouchServerProcess) async throws -> Value
  ) async throws -> Value {
    try await withServers(["source", "target"]) { try await body($0[0], $0[1]) }
  }
}
