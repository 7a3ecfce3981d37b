import PouchCore
import TestSupport
import Testing

@testable import PouchHTTP

/// The watch over exchanges that make no progress.
struct ActivityTests {
  private let forever = Duration.seconds(3600)

  @Test func `a step that ends in time gives its value, one after the other`() async throws {
    let activity = Activity(limit: .seconds(60))
    for number in 0..<100 {
      #expect(try await activity.bounded { number } == number)
    }
  }

  @Test func `every step without progress is a time-out, and its work is cancelled`() async throws {
    let activity = Activity(limit: .milliseconds(20))
    for _ in 0..<3 {
      await #expect(throws: PouchError(.timeout)) {
        try await activity.bounded { [forever] in try await Task.sleep(for: forever) }
      }
    }
  }

  @Test func `progress puts the time-out off`() async throws {
    let limit = Duration.seconds(60)
    let activity = Activity(limit: limit)
    let step = Task { [forever] in
      try await activity.bounded { try await Task.sleep(for: forever) }
    }
    try await eventually { activity.isUnderWay }
    let noted = ContinuousClock.now
    activity.note()
    #expect(activity.look(at: noted + limit - .seconds(1), limit) >= noted + limit)
    activity.look(at: .now + limit, limit)
    await #expect(throws: PouchError(.timeout)) { try await step.value }
  }

  @Test func `the time between two steps is the reader's own`() async throws {
    let limit = Duration.seconds(60)
    let activity = Activity(limit: limit)
    try await activity.bounded {}
    let later = ContinuousClock.now + limit + limit
    #expect(activity.look(at: later, limit) == later + limit)
    #expect(try await activity.bounded { "here" } == "here")
  }

  @Test func `what a step throws is thrown, and cancellation is no time-out`() async throws {
    let activity = Activity(limit: .seconds(60))
    await #expect(throws: PouchError(.forbidden)) { try await activity.bounded { throw PouchError(.forbidden) } }
    let waiting = Task { [forever] in
      try await activity.bounded { try await Task.sleep(for: forever) }
    }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
  }
}
