import PouchCore
import Synchronization

/// Notices when an exchange shows no sign of life.
final class Watch: Sendable {
  private let signs = Atomic(0)

  /// Something came or went.
  func touch() {
    signs.wrappingAdd(1, ordering: .relaxed)
  }

  /// Returns after a silence of at least a duration, and less than twice of it.
  func waitForSilence(_ duration: Duration, _ clock: any Clock<Duration>) async throws {
    var seen = signs.load(ordering: .relaxed)
    while true {
      try await clock.sleep(for: duration)
      let now = signs.load(ordering: .relaxed)
      if now == seen { return }
      seen = now
    }
  }

  /// Runs work that ends with an error if nothing is heard for too long (unless `silence` is `nil`), or if the database is closed meanwhile.
  /// - Throws: ``PouchError/Code/timeout``, ``PouchError/closed``, ``PouchError/Code/cancelled``, and what the work
  ///   throws.
  static func run<Value: Sendable>(
    silence: Duration?, clock: any Clock<Duration>, until closing: ClosingSignal? = nil,
    _ work: @escaping @Sendable (Watch) async throws -> Value
  ) async throws -> Value {
    let watch = Watch()
    do {
      guard silence != nil || closing != nil else { return try await work(watch) }
      return try await withThrowingTaskGroup(of: Value?.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await work(watch) }
        if let silence {
          group.addTask {
            try await watch.waitForSilence(silence, clock)
            throw PouchError(.timeout)
          }
        }
        if let closing {
          group.addTask {
            await closing.wait()
            if closing.isClosed { throw PouchError.closed }
            throw CancellationError()
          }
        }
        while let value = try await group.next() {
          if let value { return value }
        }
        throw CancellationError()
      }
    } catch is CancellationError {
      throw PouchError(.cancelled)
    }
  }
}

/// A streamed body of a request on its way out: whether it was begun, and what broke it.
///
/// What goes wrong where the bytes come from shall be told to the caller as it was, and not as the failure of the
/// exchange that follows from it.
final class OutgoingBody: Sendable {
  private struct State {
    var wasBegun = false
    var failure: (any Error)?
  }

  private let state = Mutex(State())

  /// Whether bytes were asked for: such a body may not be there a second time.
  var wasBegun: Bool { state.withLock(\.wasBegun) }
  /// What broke it.
  var failure: (any Error)? { state.withLock(\.failure) }

  /// The body, observed.
  func observed(_ body: Body, by watch: Watch) -> Body {
    guard case .stream(let stream, let length) = body else { return body }
    let observed = ByteStream {
      self.state.withLock { $0.wasBegun = true }
      var source = stream.makeAsyncIterator()
      return {
        watch.touch()
        do {
          return try await source.next(isolation: #isolation)
        } catch {
          self.state.withLock { $0.failure = error }
          throw error
        }
      }
    }
    return .stream(observed, length: length)
  }
}
