import PouchCore

/// The parts of a session that its workers share.
struct Pipeline: Sendable {
  let source: any Database
  let target: any Database
  let options: ReplicationOptions
  /// How many changes one request comes to read.
  let mostChangesPerRead: Int
  let environment: ReplicationEnvironment
  let board: ProgressBoard
  let gate: PauseGate
  let ledger: Ledger
  let retrier: Retrier
  let changes = BoundedQueue<ChangesRun>(capacity: ReplicationTuning.queuedChangesBytes)
  let singles = BoundedQueue<SingleRevision>(capacity: ReplicationTuning.queuedSingles)
  let budget = ByteBudget(total: ReplicationTuning.bytesInFlight)
  let estimate = Monitor(SizeEstimate())

  init(
    source: any Database, target: any Database, _ options: ReplicationOptions,
    mostChangesPerRead: Int, environment: ReplicationEnvironment, board: ProgressBoard, gate: PauseGate
  ) {
    self.source = source
    self.target = target
    self.options = options
    self.mostChangesPerRead = mostChangesPerRead
    self.environment = environment
    self.board = board
    self.gate = gate
    ledger = Ledger(board: board)
    retrier = Retrier(environment: environment, board: board, attempts: ReplicationTuning.attemptsInPlace)
  }

  /// Copies what the source has after a position: one task reads the feed, some copy batches of it, others documents
  /// that go alone.
  ///
  /// Returns when all is copied, which a live replication never is.
  func run(from start: UpdateSequence?, head: UpdateSequence) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await ChangesReader(pipeline: self).run(from: start, head: head)
        changes.finish()
      }
      group.addTask {
        try await together(ReplicationTuning.batchesInFlight) { try await BatchCopier(pipeline: self).run() }
        singles.finish()
      }
      group.addTask {
        try await together(ReplicationTuning.singlesInFlight) { try await SingleCopier(pipeline: self).run() }
      }
      while try await group.next() != nil {}
    }
  }

  /// Runs several workers until all have ended, or one fails.
  private func together(_ count: Int, _ worker: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<count { group.addTask { try await worker() } }
      while try await group.next() != nil {}
    }
  }
}
