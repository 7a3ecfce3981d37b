import PouchCore
import Synchronization

/// Notices when an exchange makes no progress any more.
///
/// One task watches over all steps of an exchange: a timer for every piece of a body would cost more than the piece.
final class Activity: Sendable {
  private struct State {
    var last = ContinuousClock.now
    /// Ends the step that is under way.
    var cancelStep: (@Sendable () -> Void)?
    var hasStalled = false
    var watch: Task<Void, Never>?
  }

  private let limit: Duration?
  private let state = Mutex(State())

  /// - Parameter limit: the longest time without progress, if there is one.
  init(limit: Duration?) {
    self.limit = limit
  }

  deinit {
    state.withLock { $0.watch }?.cancel()
  }

  /// Something was sent or received.
  func note() {
    state.withLock { $0.last = .now }
  }

  /// Whether a step is being waited for.
  var isUnderWay: Bool { state.withLock { $0.cancelStep != nil } }

  /// Waits for a step of the exchange, as long as there is progress. There is one step at a time.
  /// - Throws: ``PouchError/Code/timeout``, and what the operation throws.
  func bounded<Value: Sendable>(
    _ operation: @escaping @Sendable @concurrent () async throws -> Value
  ) async throws -> Value {
    guard let limit else { return try await operation() }
    let step = Task { try await operation() }
    begin(limit) { step.cancel() }
    defer { state.withLock { $0.cancelStep = nil } }
    do {
      return try await withTaskCancellationHandler {
        try await step.value
      } onCancel: {
        step.cancel()
      }
    } catch {
      throw state.withLock { $0.hasStalled } ? PouchError(.timeout) : error
    }
  }

  private func begin(_ limit: Duration, _ cancelStep: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.last = .now
      state.cancelStep = cancelStep
      state.hasStalled = false
      guard state.watch == nil else { return }
      state.watch = Task { [weak self] in
        while let deadline = self?.look(at: .now, limit) {
          // It fails only when nobody needs the watch any more.
          guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
        }
      }
    }
  }

  /// Ends a step that has made no progress for too long.
  /// - Returns: when to look again.
  @discardableResult
  func look(at now: ContinuousClock.Instant, _ limit: Duration) -> ContinuousClock.Instant {
    let (deadline, cancelStep) = state.withLock { state -> (ContinuousClock.Instant, (@Sendable () -> Void)?) in
      guard state.cancelStep != nil, state.last + limit <= now else {
        return (state.cancelStep == nil ? now + limit : state.last + limit, nil)
      }
      state.hasStalled = true
      return (now + limit, state.cancelStep)
    }
    cancelStep?()
    return deadline
  }
}
