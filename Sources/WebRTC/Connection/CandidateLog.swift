import Synchronization

/// This side's candidates, and those who follow them. Each follower gets all of them from the first on.
///
/// What waits for a follower is bounded by their number: one for each address and server.
@RTCEngine
final class CandidateLog {
  private(set) var found: [IceCandidate] = []
  private(set) var isComplete = false
  private var isEnded = false
  private var followers: [Int: AsyncStream<TrickledCandidate>.Continuation] = [:]
  private nonisolated let lastFollower = Atomic(0)

  nonisolated init() {}

  nonisolated var values: AsyncStream<TrickledCandidate> {
    AsyncStream { continuation in
      let number = lastFollower.wrappingAdd(1, ordering: .relaxed).newValue
      // Set before the follower is added, so that one that ends at once is not kept.
      continuation.onTermination = { [weak self] _ in
        RTCEngine.submit { [weak self] in self?.followers[number] = nil }
      }
      RTCEngine.submit { self.add(continuation, number) }
    }
  }

  private func add(_ continuation: AsyncStream<TrickledCandidate>.Continuation, _ number: Int) {
    for candidate in found { continuation.yield(.candidate(candidate)) }
    if isComplete { continuation.yield(.end(sdpMid: found.first?.sdpMid, sdpMLineIndex: found.first?.sdpMLineIndex)) }
    guard !isComplete, !isEnded else { return continuation.finish() }
    followers[number] = continuation
  }

  /// How many follow them now.
  var followerCount: Int { followers.count }

  func add(_ candidate: IceCandidate) {
    guard !isComplete else { return }
    found.append(candidate)
    for follower in followers.values { follower.yield(.candidate(candidate)) }
  }

  /// No more will be found.
  func complete(mid: String, index: Int) {
    guard !isComplete else { return }
    isComplete = true
    for follower in followers.values {
      follower.yield(.end(sdpMid: mid, sdpMLineIndex: index))
    }
    end()
  }

  /// The connection has ended.
  func end() {
    isEnded = true
    for follower in followers.values { follower.finish() }
    followers = [:]
  }
}
