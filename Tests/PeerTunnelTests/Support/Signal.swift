import Synchronization

/// Something that happens once, and that others wait for.
final class Signal: Sendable {
  private struct State {
    var hasHappened = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  var hasHappened: Bool { state.withLock(\.hasHappened) }

  func happen() {
    let waiting = state.withLock { state in
      state.hasHappened = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Waits until it has happened, whether the task is cancelled or not.
  func wait() async {
    await withCheckedContinuation { continuation in
      let hasHappened = state.withLock { state in
        if !state.hasHappened { state.waiting.append(continuation) }
        return state.hasHappened
      }
      if hasHappened { continuation.resume() }
    }
  }

  /// Waits until the task is cancelled.
  static func cancellation() async {
    let signal = Signal()
    await withTaskCancellationHandler {
      await signal.wait()
    } onCancel: {
      signal.happen()
    }
  }
}

/// Lets a signal happen when it is dropped.
final class DropSignal: Sendable {
  private let signal: Signal

  init(_ signal: Signal) { self.signal = signal }
  deinit { signal.happen() }
}
