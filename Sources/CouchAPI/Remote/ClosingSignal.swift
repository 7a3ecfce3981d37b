import Synchronization

/// Tells those who wait that the database was closed.
final class ClosingSignal: Sendable {
  private struct State {
    var isClosed = false
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    var next = 0
  }

  private let state = Mutex(State())

  var isClosed: Bool { state.withLock(\.isClosed) }

  func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      defer { state.waiting = [:] }
      return state.waiting
    }
    for (_, continuation) in waiting { continuation.resume() }
  }

  /// Waits until the database is closed or the task is cancelled.
  func wait() async {
    let key = state.withLock { state in
      state.next += 1
      return state.next
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // A cancellation before this point has found nothing to resume.
          if state.isClosed || Task.isCancelled { return true }
          state.waiting[key] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: key) }?.resume()
    }
  }
}
