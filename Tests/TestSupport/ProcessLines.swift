package import Foundation
import Synchronization

/// The lines that a process writes into a pipe, as they come.
///
/// Waiting happens on a thread of its own: Swift's threads are few, and the code under test needs them.
package final class ProcessLines: Sendable {
  package let pipe = Pipe()
  private let buffer = Mutex(Data())
  private let queue = DispatchQueue(label: "process")

  package init() {}

  /// Does something that blocks, after what was asked for before.
  package func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: body()) }
    }
  }

  /// The next line; `nil` when all was read and nobody can write any more.
  package func next() async -> String? {
    await blocking { [self] in
      while true {
        let line: String? = buffer.withLock { buffer in
          guard let newline = buffer.firstIndex(of: 0x0A) else { return nil }
          defer { buffer.removeSubrange(...newline) }
          return String(decoding: buffer[..<newline], as: UTF8.self)
        }
        if let line { return line }
        let piece = pipe.fileHandleForReading.availableData
        if piece.isEmpty { return nil }
        buffer.withLock { $0.append(piece) }
      }
    }
  }
}
