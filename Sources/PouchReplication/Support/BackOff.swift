/// How long to wait before the next attempt: twice as long each time, with chance in it so that many who failed
/// together do not come back together.
struct BackOff: Sendable, Equatable {
  /// How many delays were given since the last success.
  private(set) var attempts = 0

  /// The next delay, between half and all of what the number of attempts allows.
  /// - Parameters:
  ///   - retryAfter: what the other side asked for; the delay is not shorter, up to
  ///     ``ReplicationTuning/longestRetryAfter``.
  ///   - random: any number.
  mutating func next(retryAfter: Duration? = nil, random: UInt64) -> Duration {
    var longest = ReplicationTuning.firstRetryDelay
    for _ in 0..<attempts where longest < ReplicationTuning.longestRetryDelay { longest *= 2 }
    longest = min(longest, ReplicationTuning.longestRetryDelay)
    attempts += 1
    let delay = longest * (0.5 + Double(random) / Double(UInt64.max) / 2)
    return max(delay, min(retryAfter ?? .zero, ReplicationTuning.longestRetryAfter))
  }

  /// Starts over after a success.
  mutating func reset() {
    attempts = 0
  }
}
