import PouchCore
import Synchronization

/// Tells waiting readers when there is something new: the highest sequence known to be committed.
///
/// A waiter is one continuation; it costs nothing until it is woken.
final class CommitClock: Sendable {
  private struct State {
    var sequence: Int64 = 0
    var isClosed = false
    var nextWaiter: UInt64 = 0
    var waiters: [UInt64: Waiter] = [:]
  }

  private struct Waiter {
    let after: Int64
    let continuation: CheckedContinuation<Void, any Error>
  }

  private let state = Mutex(State())

  /// Moves the clock forward; it never goes back.
  /// - Returns: whether it moved.
  @discardableResult
  func advance(to sequence: Int64) -> Bool {
    let woken: [Waiter]? = state.withLock { state in
      guard sequence > state.sequence else { return nil }
      state.sequence = sequence
      let due = state.waiters.filter { $0.value.after < sequence }
      for key in due.keys { state.waiters[key] = nil }
      return Array(due.values)
    }
    for waiter in woken ?? [] { waiter.continuation.resume() }
    return woken != nil
  }

  /// Suspends until something after `sequence` was committed.
  /// - Throws: ``PouchError/Code/cancelled`` when the task is cancelled, ``PouchError/closed`` when the clock is closed.
  func wait(after sequence: Int64) async throws {
    let key = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome: Result<Void, any Error>? = state.withLock { state in
          if Task.isCancelled { return .failure(PouchError(.cancelled)) }
          if state.isClosed { return .failure(PouchError.closed) }
          if state.sequence > sequence { return .success(()) }
          state.waiters[key] = Waiter(after: sequence, continuation: continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: key) }
      waiter?.continuation.resume(throwing: PouchError(.cancelled))
    }
  }

  /// Ends all waiting, now and later.
  func close() {
    let waiters = state.withLock { state in
      state.isClosed = true
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.continuation.resume(throwing: PouchError.closed) }
  }
}
