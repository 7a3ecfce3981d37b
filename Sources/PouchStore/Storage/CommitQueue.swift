import PouchCore
import Synchronization

/// Writes that wait for the writer; those that arrive while a commit is under way share the next one.
///
/// A write that fails is undone alone. The bound on waiting writes is their callers: each holds one task.
final class CommitQueue: Sendable {
  /// Ends a write for its caller: with success, or with the error that hit the commit.
  typealias Completion = @Sendable (PouchError?) -> Void

  private struct Job: Sendable {
    /// Runs the write and returns how to tell its caller once it is committed.
    let run: @Sendable (WriteTransaction) throws -> Completion
    let fail: @Sendable (PouchError) -> Void
  }

  private struct Waiting {
    var jobs: [Job] = []
    var isDraining = false
    var isClosed = false
  }

  private let waiting = Mutex(Waiting())

  /// Adds a write.
  /// - Parameter wakeUp: called when the queue was idle; must see to it that ``drain(_:)`` is called.
  func submit<Value: Sendable>(
    _ body: @escaping @Sendable (WriteTransaction) throws -> Value, wakeUp: () -> Void
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
      let job = Job(
        run: { transaction in
          let value = try body(transaction)
          return { error in
            if let error { continuation.resume(throwing: error) } else { continuation.resume(returning: value) }
          }
        },
        fail: { continuation.resume(throwing: $0) })
      let (isAccepted, mustWake) = waiting.withLock { waiting -> (Bool, Bool) in
        guard !waiting.isClosed else { return (false, false) }
        waiting.jobs.append(job)
        defer { waiting.isDraining = true }
        return (true, !waiting.isDraining)
      }
      if !isAccepted { job.fail(PouchError.closed) }
      if mustWake { wakeUp() }
    }
  }

  /// Refuses writes from now on; those that wait are still done.
  func close() {
    waiting.withLock { $0.isClosed = true }
  }

  /// Commits all that waits, on the writer's thread.
  /// - Parameter commit: runs its argument within one transaction and commits.
  func drain(_ commit: ((WriteTransaction) throws -> Void) throws -> Void) {
    while true {
      let group: [Job] = waiting.withLock { waiting in
        let group = Array(waiting.jobs.prefix(StoreTuning.groupedWrites))
        waiting.jobs.removeFirst(group.count)
        if group.isEmpty { waiting.isDraining = false }
        return group
      }
      guard !group.isEmpty else { return }
      var completions: [Completion] = []
      var unfinished = group[...]
      do {
        try commit { transaction in
          while let job = unfinished.first {
            if let completion = try run(job, in: transaction, alone: group.count == 1) {
              completions.append(completion)
            }
            unfinished.removeFirst()
          }
        }
        for completion in completions { completion(nil) }
      } catch {
        let failure = PouchError(storage: error)
        for completion in completions { completion(failure) }
        for job in unfinished { job.fail(failure) }
      }
    }
  }

  /// Runs one write of a group, undone by itself if it fails.
  /// - Throws: what makes the whole transaction useless.
  private func run(_ job: Job, in transaction: WriteTransaction, alone: Bool) throws -> Completion? {
    if alone { return try job.run(transaction) }
    let connection = transaction.connection
    let before = transaction.state
    try connection.statement("SAVEPOINT write").run()
    do {
      let completion = try job.run(transaction)
      try connection.statement("RELEASE write").run()
      return completion
    } catch let error as PouchError {
      guard connection.isInTransaction else { throw error }
      try connection.statement("ROLLBACK TO write").run()
      try connection.statement("RELEASE write").run()
      transaction.state = before
      job.fail(error)
      return nil
    }
  }
}
