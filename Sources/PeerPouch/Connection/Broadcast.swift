import Synchronization

/// Tells any number of followers what happens.
///
/// A follower that does not keep up loses the oldest of what waits for it, beyond ``bound``. What is told before there is any
/// waits for the first.
final class Broadcast<Value: Sendable>: Sendable {
  private struct State {
    var present: Value?
    var isEnded = false
    var followers: [Int: AsyncStream<Value>.Continuation] = [:]
    /// What nobody has heard; `nil` once there was a follower.
    var unheard: [Value]? = []
    var nextKey = 0
  }

  /// How many values wait for a follower.
  static var bound: Int { 64 }

  private let state: Mutex<State>

  /// - Parameter present: what new followers get first; nothing if `nil`, and then nothing of what others have heard.
  init(_ present: Value? = nil) {
    state = Mutex(State(present: present))
  }

  /// What was told last, if there was something from the beginning.
  var present: Value? { state.withLock(\.present) }

  func send(_ value: Value) {
    state.withLock { state in
      guard !state.isEnded else { return }
      if state.present != nil {
        state.present = value
      } else if state.unheard != nil {
        state.unheard?.append(value)
        state.unheard = state.unheard?.suffix(Self.bound)
      }
      for follower in state.followers.values { follower.yield(value) }
    }
  }

  /// Nothing more will happen.
  func end() {
    let followers = state.withLock { state in
      state.isEnded = true
      defer { state.followers = [:] }
      return state.followers
    }
    for follower in followers.values { follower.finish() }
  }

  /// The present value, if there is one, and what follows.
  var values: AsyncStream<Value> {
    AsyncStream(bufferingPolicy: .bufferingNewest(Self.bound)) { continuation in
      let key: Int? = state.withLock { state in
        if let present = state.present { continuation.yield(present) }
        for value in state.unheard ?? [] { continuation.yield(value) }
        state.unheard = nil
        guard !state.isEnded else { return nil }
        state.nextKey += 1
        state.followers[state.nextKey] = continuation
        return state.nextKey
      }
      guard let key else { return continuation.finish() }
      continuation.onTermination = { _ in _ = self.state.withLock { $0.followers.removeValue(forKey: key) } }
    }
  }
}
