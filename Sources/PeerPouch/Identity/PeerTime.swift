#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The clocks of a peer: a monotonic one, which all decisions use, and the machine's date, which is only told and
/// compared where a hub has none of its own.
public struct PeerTime: Sendable {
  /// The monotonic time.
  public var now: @Sendable () -> ContinuousClock.Instant
  /// Suspends for a duration.
  /// - Throws: `CancellationError`.
  public var sleep: @Sendable (Duration) async throws -> Void
  /// Seconds since 1970 by the machine's clock.
  public var date: @Sendable () -> Int

  public init(
    now: @escaping @Sendable () -> ContinuousClock.Instant, sleep: @escaping @Sendable (Duration) async throws -> Void,
    date: @escaping @Sendable () -> Int
  ) {
    self.now = now
    self.sleep = sleep
    self.date = date
  }

  /// The machine's clocks.
  public static let system = PeerTime(
    now: { .now }, sleep: { try await Task.sleep(for: $0) }, date: { Int(time(nil)) })

  /// Runs work that has so long.
  /// - Returns: what it gives, or `nil` if the time was over first; the work is then cancelled, and was awaited.
  func limit<Value: Sendable>(
    _ duration: Duration, _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await work() }
      group.addTask { [sleep] in
        try await sleep(duration)
        return nil
      }
      guard let first = try await group.next() else { return nil }
      return first
    }
  }

  /// How long that may take which is done at the end of something.
  static let farewell = Duration.seconds(5)

  /// Does what is to be done at the end of an opening or a share, also where the task was cancelled, and for ``farewell`` at
  /// most: a hub that does not answer holds nothing up.
  /// - Returns: `nil` if that was not enough.
  /// - Throws: what the work throws.
  func lastly<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value? {
    // A task of its own is not cancelled with this one, which waits for it.
    try await Task { try await limit(PeerTime.farewell, work) }.value
  }
}
