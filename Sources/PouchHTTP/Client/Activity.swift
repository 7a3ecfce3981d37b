import PouchCore
import Synchronization

/// Notices when an exchange makes no progress any more.
final class Activity: Sendable {
  private let limit: Duration?
  private let last: Mutex<ContinuousClock.Instant>

  /// - Parameter limit: the longest time without progress, if there is one.
  init(limit: Duration?) {
    self.limit = limit
    last = Mutex(.now)
  }

  /// Something was sent or received.
  func note() {
    last.withLock { $0 = .now }
  }

  /// Waits for something, as long as there is progress.
  /// - Throws: ``PouchError/Code/timeout``, and what the operation throws.
  func bounded<Value: Sendable>(
    _ operation: @escaping @Sendable @concurrent () async throws -> Value
  ) async throws -> Value {
    guard let limit else { return try await operation() }
    note()
    return try await withThrowingTaskGroup(of: Value.self) { group in
      group.addTask(operation: operation)
      group.addTask {
        while true {
          let deadline = self.last.withLock { $0 } + limit
          guard deadline > .now else { throw PouchError(.timeout) }
          try await Task.sleep(until: deadline, clock: .continuous)
        }
      }
      defer { group.cancelAll() }
      guard let value = try await group.next() else { throw PouchError(.cancelled) }
      return value
    }
  }
}
