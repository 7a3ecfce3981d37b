import Synchronization

@testable import PeerPouch

/// A clock that stands still unless it is moved.
final class TestClock: Sendable {
  private struct Sleeper {
    let end: ContinuousClock.Instant
    let duration: Duration
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct Observer {
    let isAwaited: @Sendable (Duration) -> Bool
    let latch: Latch<Void>
  }

  private struct State {
    var now = ContinuousClock.now
    var date: Int
    var sleepers: [Int: Sleeper] = [:]
    var observers: [Observer] = []
    var nextKey = 0
  }

  private let state: Mutex<State>

  init(date: Int = machineDate()) {
    state = Mutex(State(date: date))
  }

  var time: PeerTime {
    PeerTime(
      now: { self.state.withLock(\.now) }, sleep: { try await self.sleep($0) }, date: { self.state.withLock(\.date) })
  }

  /// Moves the clock on. Those whose time has come wake up.
  func advance(by duration: Duration) {
    let woken = state.withLock { state in
      state.now += duration
      state.date += Int(duration.components.seconds)
      let woken = state.sleepers.filter { $0.value.end <= state.now }
      for key in woken.keys { state.sleepers[key] = nil }
      return Array(woken.values)
    }
    for sleeper in woken { sleeper.continuation.resume() }
  }

  /// Suspends until somebody sleeps for such a duration.
  func untilAsleep(_ isAwaited: @escaping @Sendable (Duration) -> Bool) async throws {
    let latch = Latch<Void>()
    let isAsleep = state.withLock { state in
      if state.sleepers.values.contains(where: { $0.end > state.now && isAwaited($0.end - state.now) }) { return true }
      state.observers.append(Observer(isAwaited: isAwaited, latch: latch))
      return false
    }
    if !isAsleep { try await latch.wait() }
  }

  private func sleep(_ duration: Duration) async throws {
    let key = state.withLock { state in
      state.nextKey += 1
      return state.nextKey
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let result = state.withLock { state -> Result<Void, any Error>? in
          if Task.isCancelled { return .failure(CancellationError()) }
          guard duration > .zero else { return .success(()) }
          state.sleepers[key] = Sleeper(end: state.now + duration, duration: duration, continuation: continuation)
          state.observers.removeAll { observer in
            guard observer.isAwaited(duration) else { return false }
            observer.latch.open(())
            return true
          }
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      state.withLock { $0.sleepers.removeValue(forKey: key) }?.continuation.resume(throwing: CancellationError())
    }
  }
}
