/// Lets workers pass, or holds them while the replication is paused.
final class PauseGate: Sendable {
  private struct State {
    var isPaused = false
    var isCancelled = false
  }

  private let monitor = Monitor(State())

  func setPaused(_ isPaused: Bool) {
    monitor.update { $0.isPaused = isPaused }
  }

  /// Ends the replication.
  func cancel() {
    monitor.update { $0.isCancelled = true }
  }

  /// Waits while paused.
  func pass() async throws {
    try await monitor.wait { state -> Void? in state.isPaused ? nil : () }
  }

  /// Waits for the call of ``cancel()``.
  func cancellation() async throws {
    try await monitor.wait { state -> Void? in state.isCancelled ? () : nil }
  }
}
