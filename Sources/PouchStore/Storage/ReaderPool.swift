import Dispatch
import GRDB
import PouchCore
import Synchronization

/// Connections to a file that only read, each lent to one reader at a time.
///
/// GRDB's own pool takes longer to lend one than reading a document takes. There are as many connections as threads have
/// read at the same time, and ``kept`` at most while nobody reads.
final class ReaderPool: Sendable {
  /// How many connections stay open, each with a cache of its own: more than threads read at a time.
  private static let kept = 8

  private struct State {
    var idle: [DatabaseQueue] = []
    var isClosed = false
  }

  private let path: String
  private let configuration: Configuration
  private let state = Mutex(State())
  /// Those that are lent.
  private let lent = DispatchGroup()

  /// - Parameter configuration: that of the connection which writes.
  init(path: String, _ configuration: Configuration) {
    self.path = path
    var configuration = configuration
    configuration.readonly = true
    self.configuration = configuration
  }

  /// Lends a connection to a reader.
  /// - Throws: ``PouchError/closed``, what opening throws, and what the reader throws.
  func withReader<Value>(_ body: (DatabaseQueue) throws -> Value) throws -> Value {
    let reader = try take()
    defer { giveBack(reader) }
    return try body(reader)
  }

  private func take() throws -> DatabaseQueue {
    let reader = try state.withLock { state throws(PouchError) -> DatabaseQueue? in
      if state.isClosed { throw PouchError.closed }
      lent.enter()
      return state.idle.popLast()
    }
    if let reader { return reader }
    do {
      return try DatabaseQueue(path: path, configuration: configuration)
    } catch {
      lent.leave()
      throw error
    }
  }

  private func giveBack(_ reader: DatabaseQueue) {
    let isKept = state.withLock { state in
      guard !state.isClosed, state.idle.count < ReaderPool.kept else { return false }
      state.idle.append(reader)
      return true
    }
    if !isKept { try? reader.close() }
    lent.leave()
  }

  /// Lends no more, and closes all connections once their readers are done.
  func close() {
    let idle = state.withLock { state in
      state.isClosed = true
      defer { state.idle = [] }
      return state.idle
    }
    for reader in idle { try? reader.close() }
    lent.wait()
  }
}
