/// Continuations to be resumed once a lock is free.
///
/// Cancelling a task holds a lock of the task while the handlers of its cancellation run, and resuming a task may take that
/// lock: who resumes while holding what a handler waits for, waits for ever.
struct Resumptions: Sendable {
  private var due: [@Sendable () -> Void] = []

  var isEmpty: Bool { due.isEmpty }

  mutating func add<Value: Sendable, Failure: Error>(
    _ continuation: CheckedContinuation<Value, Failure>?, _ result: Result<Value, Failure>
  ) {
    guard let continuation else { return }
    due.append { continuation.resume(with: result) }
  }

  /// Resumes them, without the lock.
  func run() {
    for resume in due { resume() }
  }
}
