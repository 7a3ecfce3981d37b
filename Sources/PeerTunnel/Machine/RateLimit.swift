/// At most so many events within any second, counted in seconds that begin with their first event.
struct RateLimit: Sendable {
  private let perSecond: Int
  private var start: ContinuousClock.Instant?
  private var count = 0

  init(_ perSecond: Int) {
    self.perSecond = perSecond
  }

  /// Notes an event.
  /// - Returns: whether it is within the limit.
  mutating func allows(at now: ContinuousClock.Instant) -> Bool {
    if start.map({ now - $0 >= .seconds(1) }) ?? true {
      start = now
      count = 0
    }
    count += 1
    return count <= perSecond
  }

  /// Whether an event would be within the limit.
  func wouldAllow(at now: ContinuousClock.Instant) -> Bool {
    guard let start, now - start < .seconds(1) else { return true }
    return count < perSecond
  }
}
