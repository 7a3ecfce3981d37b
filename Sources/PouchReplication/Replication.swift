public import PouchCore

/// Copies the documents of one database to another, with their whole revision histories: CouchDB's replication, between
/// any two databases.
///
/// ```swift
/// let replication = Replication(from: notes, to: hub, .live)
/// Task { try await replication.run() }
/// for await progress in replication.progress { print(progress.counts.documentsWritten) }
/// ```
///
/// Revisions that the target has are not copied again, so replications may be repeated, run at the same time and in both
/// directions. How far one came is kept in both databases; the next one between the same two goes on from there.
///
/// A document that the target refuses is reported and left out. When a database is away, overloaded or cut off, the
/// replication waits and goes on from its checkpoint: a live one for as long as it takes.
///
/// Memory is bounded whatever the databases hold: see ``ReplicationTuning``. Attachments are streamed.
public final class Replication: Sendable {
  public let source: any Database
  public let target: any Database
  /// What was asked for, with ``ReplicationOptions/DesignDocuments/usual`` replaced by what that means for the source.
  public let options: ReplicationOptions
  private let environment: ReplicationEnvironment
  private let board = ProgressBoard()
  private let gate = PauseGate()
  private let hasStarted = Monitor(false)

  /// A replication that has not begun; ``run()`` begins it.
  public init(
    from source: any Database, to target: any Database, _ options: ReplicationOptions = .once,
    environment: ReplicationEnvironment = .system
  ) {
    self.source = source
    self.target = target
    self.options = options.resolved(for: source)
    self.environment = environment
  }

  /// Replicates, and returns when that is over: for a live replication, when it is cancelled.
  ///
  /// Cancelling the task or calling ``cancel()`` ends it; what the target has acknowledged is written down first.
  /// - Throws: ``PouchError`` that ended it: ``PouchError/Code/unauthorized`` or ``PouchError/Code/forbidden`` if a
  ///   database may not be read or written at all; the last transient error of a replication that runs once, after
  ///   ``ReplicationTuning/attemptsOnce`` attempts; what storage throws. ``status`` has what was done until then.
  /// - Precondition: it is called once.
  @discardableResult
  public func run() async throws -> ReplicationResult {
    let isFirst = hasStarted.update { hasStarted in
      defer { hasStarted = true }
      return !hasStarted
    }
    precondition(isFirst, "A replication runs once; make another one to repeat it.")
    do {
      try await untilCancelled { try await self.runSessions() }
      board.finish(.completed)
      return result(.completed)
    } catch {
      let error = PouchError(wrapping: error)
      guard error.code == .cancelled else {
        board.finish(.failed(error))
        throw error
      }
      board.finish(.cancelled)
      return result(.cancelled)
    }
  }

  // MARK: - Watching and steering

  /// The progress at this moment.
  public var status: ReplicationProgress { board.progress }

  /// The progress as it changes; ends when the replication does.
  public var progress: ReplicationProgressFeed { ReplicationProgressFeed(board: board) }

  /// Holds the replication: what is under way is finished, and nothing new begun.
  public func pause() {
    gate.setPaused(true)
    board.setPaused(true)
  }

  /// Goes on after ``pause()``.
  public func resume() {
    gate.setPaused(false)
    board.setPaused(false)
  }

  /// Ends the replication; ``run()`` returns soon after. Cancelling twice, or after the end, does nothing.
  public func cancel() {
    gate.cancel()
  }

  // MARK: - Running

  private func result(_ end: ReplicationResult.End) -> ReplicationResult {
    let progress = board.progress
    return ReplicationResult(
      end: end, sessionID: progress.sessionID, counts: progress.counts, failures: progress.failures,
      lastSequence: progress.lastSequence)
  }

  /// Runs a body until it ends or ``cancel()`` is called.
  private func untilCancelled(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let gate = gate
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await gate.cancellation()
        throw PouchError(.cancelled)
      }
      try await group.next()
      group.cancelAll()
    }
  }

  /// Runs sessions until one reaches the end. Each starts from what both databases say, since after a failure either
  /// may be another one, or an older copy.
  private func runSessions() async throws {
    var backOff = BackOff()
    while true {
      let before = board.progress
      do {
        return try await Session(
          source: source, target: target, options: options, environment: environment, board: board, gate: gate
        ).run()
      } catch {
        let error = PouchError(wrapping: error)
        if Task.isCancelled { throw PouchError(.cancelled) }
        let after = board.progress
        if after.counts.documentsWritten > before.counts.documentsWritten || after.lastSequence != before.lastSequence {
          backOff.reset()
        }
        guard Verdict(error).isWorthRetrying,
          options.mode == .live || backOff.attempts + 1 < ReplicationTuning.attemptsOnce
        else { throw error }
        let delay = backOff.next(retryAfter: error.retryAfter, random: environment.random())
        try await board.retrying(error, after: delay) { try await environment.sleep(delay) }
      }
    }
  }
}
