import TestSupport
import Testing

@testable import WebRTC

@Suite("Followers of states and candidates", .timeLimit(.minutes(1)))
struct FollowerTests {
  @Test func `those that are let go of before they are added are not kept`() async throws {
    try await onEngine {
      let (broadcast, log) = (Broadcast(0, bound: 1), CandidateLog())
      for _ in 0..<10 {
        _ = broadcast.values
        _ = log.values
      }
      // Made after the others, and so added after they were taken out.
      for await value in broadcast.values {
        #expect(value == 0)
        break
      }
      try await eventually { broadcast.followerCount == 0 && log.followerCount == 0 }
    }
  }

  @Test func `those that follow until the end are not kept`() async throws {
    try await onEngine {
      let broadcast = Broadcast(0, bound: 4)
      let following = Task { @RTCEngine in
        var values: [Int] = []
        for await value in broadcast.values { values.append(value) }
        return values
      }
      try await eventually { broadcast.followerCount != 0 }
      broadcast.set(1)
      broadcast.end(2)
      #expect(await following.value == [0, 1, 2])
      #expect(broadcast.followerCount == 0)
      // Later ones get the last value.
      var late = broadcast.values.makeAsyncIterator()
      #expect(await late.next() == 2)
      #expect(await late.next() == nil)
    }
  }
}
