import Dispatch
import Foundation

/// A temporary folder for the data of benchmarks, removed at the end, also on Ctrl-C.
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
}
