import PouchCore

/// Sends requests again that failed for a reason that may pass.
struct Retrier: Sendable {
  let environment: ReplicationEnvironment
  let board: ProgressBoard
  /// How often a request is sent at most.
  let attempts: Int

  /// - Throws: the last error, always as ``PouchError``.
  func run<Value>(_ request: () async throws -> Value) async throws -> Value {
    var backOff = BackOff()
    while true {
      do {
        return try await request()
      } catch {
        let error = PouchError(wrapping: error)
        if Task.isCancelled { throw PouchError(.cancelled) }
        guard Verdict(error).isWorthRetrying, backOff.attempts + 1 < attempts else { throw error }
        let delay = backOff.next(retryAfter: error.retryAfter, random: environment.random())
        try await board.retrying(error, after: delay) { try await environment.sleep(delay) }
      }
    }
  }
}
