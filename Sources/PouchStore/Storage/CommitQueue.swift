import PouchCore
import Synchronization

/// Writes that wait for the writer; those that arrive while a commit is under way share the next one.
///
/// A write that fails is undone alone. The bound on waiting writes is their callers: each holds one task.
final class CommitQueue: Sendable {
  /// Tells the caller of a write that it is committed.
  typealias Completion = @Sendable () -> Void

  /// Runs something within one transaction and commits.
  typealias Commit = ((WriteTransaction) throws -> Void) throws -> Void

  private struct Job: Sendable {
    /// Runs the write, perhaps more than once, and returns how to tell its caller once it is committed.
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
  /// - Parameters:
  ///   - body: what writes; it is run again if a write that shared its transaction failed.
  ///   - wakeUp: called when the queue was idle; must see to it that ``commitNext(_:)`` is called.
  func submit<Value: Sendable>(
    _ body: @escaping @Sendable (WriteTransaction) throws -> Value, wakeUp: () -> Void
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
      let job = Job(
        run: { transaction in
          let value = try body(transaction)
          return { continuation.resume(returning: value) }
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

  /// Commits the next group of those that wait, on the writer's thread.
  ///
  /// One group at a time, so that whatever else wants the writer, such as a compaction, gets its turn under steady load.
  /// - Parameter commit: runs its argument within one transaction and commits.
  /// - Returns: whether more wait, and this must be called again.
  func commitNext(_ commit: Commit) -> Bool {
    let group = waiting.withLock { waiting in
      let group = Array(waiting.jobs.prefix(StoreTuning.groupedWrites))
      waiting.jobs.removeFirst(group.count)
      return group
    }
    if !group.isEmpty { finish(group, commit) }
    return waiting.withLock { waiting in
      waiting.isDraining = !waiting.jobs.isEmpty
      return waiting.isDraining
    }
  }

  /// Commits a group of writes together. If one of them fails, nothing of the group is kept, and each is done again in
  /// a transaction of its own: that is rare, and cheaper than a savepoint around every write.
  private func finish(_ group: [Job], _ commit: Commit) {
    var completions: [Completion] = []
    var isWriteToBlame = false
    do {
      try commit { transaction in
        for job in group {
          isWriteToBlame = true
          completions.append(try job.run(transaction))
        }
        isWriteToBlame = false
      }
      for completion in completions { completion() }
    } catch {
      if isWriteToBlame, group.count > 1 {
        for job in group { finish([job], commit) }
      } else {
        for job in group { job.fail(PouchError(storage: error)) }
      }
    }
  }
}
