import Synchronization

/// A value that comes once, and those who wait for it.
final class Latch<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
    var nextKey = 0
  }

  private let state = Mutex(State())

  var value: Value? { state.withLock(\.value) }

  /// Gives the value; later ones are ignored.
  func open(_ value: Value) {
    let waiting = state.withLock { state in
      guard state.value == nil else { return [Int: CheckedContinuation<Value, any Error>]() }
      state.value = value
      defer { state.waiting = [:] }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume(returning: value) }
  }

  /// Suspends until the value is there.
  /// - Throws: `CancellationError`.
  func wait() async throws -> Value {
    let key = state.withLock { state in
      state.nextKey += 1
      return state.nextKey
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let now = state.withLock { state -> Result<Value, any Error>? in
          if let value = state.value { return .success(value) }
          if Task.isCancelled { return .failure(CancellationError()) }
          state.waiting[key] = continuation
          return nil
        }
        if let now { continuation.resume(with: now) }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: key) }?.resume(throwing: CancellationError())
    }
  }
}
