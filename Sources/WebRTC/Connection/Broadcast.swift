/// A value that changes, and those who follow it.
///
/// Each follower gets the present value first. One that does not keep up loses the oldest of the changes that wait for it.
@RTCEngine
final class Broadcast<Value: Sendable & Equatable> {
  private(set) var value: Value
  private var followers: [Int: AsyncStream<Value>.Continuation] = [:]
  private var lastFollower = 0
  private var isEnded = false
  private nonisolated let bound: Int

  /// - Parameter bound: how many changes wait for a follower.
  nonisolated init(_ value: Value, bound: Int) {
    self.value = value
    self.bound = bound
  }

  nonisolated var values: AsyncStream<Value> {
    AsyncStream(bufferingPolicy: .bufferingNewest(bound)) { continuation in
      RTCEngine.submit { self.add(continuation) }
    }
  }

  private func add(_ continuation: AsyncStream<Value>.Continuation) {
    continuation.yield(value)
    guard !isEnded else { return continuation.finish() }
    lastFollower += 1
    let number = lastFollower
    followers[number] = continuation
    continuation.onTermination = { _ in RTCEngine.submit { [weak self] in self?.followers[number] = nil } }
  }

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
