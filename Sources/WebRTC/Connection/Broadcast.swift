import Synchronization

/// A value that changes, and those who follow it.
///
/// Each follower gets the present value first. One that does not keep up loses the oldest of the changes that wait for it.
@RTCEngine
final class Broadcast<Value: Sendable & Equatable> {
  private(set) var value: Value
  private var followers: [Int: AsyncStream<Value>.Continuation] = [:]
  private nonisolated let lastFollower = Atomic(0)
  private var isEnded = false
  private nonisolated let bound: Int

  /// - Parameter bound: how many changes wait for a follower.
  nonisolated init(_ value: Value, bound: Int) {
    self.value = value
    self.bound = bound
  }

  nonisolated var values: AsyncStream<Value> {
    AsyncStream(bufferingPolicy: .bufferingNewest(bound)) { continuation in
      let number = lastFollower.wrappingAdd(1, ordering: .relaxed).newValue
      // Set before the follower is added, so that one that ends at once is not kept.
      continuation.onTermination = { [weak self] _ in
        RTCEngine.submit { [weak self] in self?.followers[number] = nil }
      }
      RTCEngine.submit { self.add(continuation, number) }
    }
  }

  private func add(_ continuation: AsyncStream<Value>.Continuation, _ number: Int) {
    continuation.yield(value)
    guard !isEnded else { return continuation.finish() }
    followers[number] = continuation
  }

  /// How many follow it now.
  var followerCount: Int { followers.count }

  func set(_ value: Value) {
    guard !isEnded, value != self.value else { return }
    self.value = value
    for follower in followers.values { follower.yield(value) }
  }

  /// Sets the last value.
  func end(_ value: Value) {
    guard !isEnded else { return }
    set(value)
    isEnded = true
    for follower in followers.values { follower.finish() }
    followers = [:]
  }
}
