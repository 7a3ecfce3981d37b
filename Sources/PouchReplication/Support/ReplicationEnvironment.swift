public import Foundation
import PouchCore

/// What a replication takes from the world besides its databases: time and randomness.
public struct ReplicationEnvironment: Sendable {
  /// The time that has passed since some fixed moment.
  public var elapsed: @Sendable () -> Duration
  /// Suspends for some time.
  /// - Throws: `CancellationError` when the task is cancelled.
  public var sleep: @Sendable (Duration) async throws -> Void
  /// The date, for people who read checkpoints.
  public var date: @Sendable () -> Date
  /// Any number, from a source that nobody can foresee.
  public var random: @Sendable () -> UInt64

  public init(
    elapsed: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void,
    date: @escaping @Sendable () -> Date, random: @escaping @Sendable () -> UInt64
  ) {
    self.elapsed = elapsed
    self.sleep = sleep
    self.date = date
    self.random = random
  }

  /// The machine's own clock and randomness.
  public static let system: ReplicationEnvironment = {
    let start = ContinuousClock.now
    return ReplicationEnvironment(
      elapsed: { ContinuousClock.now - start }, sleep: { try await Task.sleep(for: $0) }, date: { Date() },
      random: { UInt64.random(in: .min ... .max) })
  }()

  /// A new session id: 32 hexadecimal digits, as CouchDB makes them.
  func sessionID() -> String { Hexadecimal.text(random()) + Hexadecimal.text(random()) }
}
