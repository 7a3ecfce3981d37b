import PouchCore
import Synchronization

/// State that tasks share and wait upon: a lock with conditions.
///
/// Every queue, budget and gate of a replication is one of these around a plain value. Whenever the state may have
/// changed all who wait look again; they are few.
final class Monitor<State: Sendable>: Sendable {
  private struct Shared {
    var state: State
    /// Counts the changes, so that none is missed between looking and waiting.
    var generation: UInt64 = 0
    var nextWaiter: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]

    mutating func wakeAll() -> [CheckedContinuation<Void, any Error>] {
      generation &+= 1
      guard !waiters.isEmpty else { return [] }
      defer { waiters = [:] }
      return Array(waiters.values)
    }
  }

  private let shared: Mutex<Shared>

  init(_ state: State) {
    shared = Mutex(Shared(state: state))
  }

  /// The state at this moment.
  var state: State { shared.withLock { $0.state } }

  /// Changes the state.
  @discardableResult
  func update<Value: Sendable>(_ change: (inout State) -> Value) -> Value {
    let (value, woken) = shared.withLock { shared in
      let value = change(&shared.state)
      return (value, shared.wakeAll())
    }
    for waiter in woken { waiter.resume() }
    return value
  }

  /// Suspends until a condition gives a value.
  /// - Parameter condition: may change the state, but only if it returns a value.
  /// - Throws: ``PouchError/Code/cancelled`` when the task is cancelled.
  func wait<Value: Sendable>(for condition: (inout State) -> Value?) async throws -> Value {
    while true {
      if Task.isCancelled { throw PouchError(.cancelled) }
      let (value, seen, woken) = shared.withLock { shared in
        let value = condition(&shared.state)
        return (value, shared.generation, value == nil ? [] : shared.wakeAll())
      }
      for waiter in woken { waiter.resume() }
      if let value { return value }
      try await waitForChange(since: seen)
    }
  }

  private func waitForChange(since seen: UInt64) async throws {
    let key = shared.withLock { shared in
      shared.nextWaiter += 1
      return shared.nextWaiter
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome: Result<Void, any Error>? = shared.withLock { shared in
          if Task.isCancelled { return .failure(PouchError(.cancelled)) }
          if shared.generation != seen { return .success(()) }
          shared.waiters[key] = continuation
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let waiter = shared.withLock { $0.waiters.removeValue(forKey: key) }
      waiter?.resume(throwing: PouchError(.cancelled))
    }
  }
}
