/// How long to wait after each failure: twice as long as the last time, up to a bound, with chance in it so that many who
/// failed together do not come back together.
struct BackOff: Sendable {
  /// The wait after the first failure, without chance.
  static let first = Duration.seconds(1)
  static let longest = Duration.seconds(60)

  private var failures = 0

  /// - Returns: a wait between one half and the whole of the present step.
  mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
    let whole = min(BackOff.first * (1 << min(failures, 10)), BackOff.longest)
    failures += 1
    return whole * Double.random(in: 0.5...1, using: &generator)
  }

  /// The same, but nothing after the first failure: for what mostly comes back at once.
  mutating func nextButFirst(using generator: inout some RandomNumberGenerator) -> Duration {
    let isFirst = failures == 0
    let wait = next(using: &generator)
    return isFirst ? .zero : wait
  }

  mutating func reset() { failures = 0 }
}
