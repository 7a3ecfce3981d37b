import PouchCore

/// One attempt of a replication, from reading the checkpoints to writing the last one.
struct Session: Sendable {
  let source: any Database
  let target: any Database
  let options: ReplicationOptions
  let environment: ReplicationEnvironment
  let board: ProgressBoard
  let gate: PauseGate

  /// Copies until there is nothing left, or the task is cancelled. Either way, and if something fails, what was
  /// acknowledged is written down.
  func run() async throws {
    let id = environment.sessionID()
    let countsBefore = board.counts
    let retrier = Retrier(environment: environment, board: board, attempts: ReplicationTuning.attemptsInPlace)
    let (sourceInfo, targetInfo) = try await retrier.run { try await infos() }
    let checkpointer = Checkpointer(
      ReplicationID(source: sourceInfo.uuid, target: targetInfo.uuid, options), source: source, target: target,
      options.checkpoints, sessionID: id, environment: environment)
    let start = try await retrier.run { try await checkpointer.load() } ?? firstPosition(sourceInfo)
    board.beginSession(id, at: start, head: sourceInfo.updateSequence)
    let pipeline = Pipeline(
      source: source, target: target, options,
      mostChangesPerRead: ReplicationTuning.mostChangesPerRead(latency: await checkpointer.sourceLatency),
      environment: environment, board: board, gate: gate)

    @Sendable func record(_ retrier: Retrier) async throws {
      let counts = board.counts.since(countsBefore)
      // Positions of clusters differ from request to request; without a change there is nothing to remember.
      guard let position = pipeline.ledger.position ?? positionToKeep(start),
        counts.changesRead > 0 || options.isSelective || options.since != .beginning
      else { return }
      try await retrier.run { try await checkpointer.record(position, from: start, counts) }
    }

    do {
      try await copy(pipeline, from: start, head: sourceInfo.updateSequence) { try await record(retrier) }
    } catch {
      let once = Retrier(environment: environment, board: board, attempts: 1)
      await atLast { try await record(once) }
      throw error
    }
    try await record(retrier)
  }

  private func infos() async throws -> (DatabaseInfo, DatabaseInfo) {
    async let sourceInfo = source.info()
    let targetInfo = try await target.info()
    return (try await sourceInfo, targetInfo)
  }

  private func firstPosition(_ info: DatabaseInfo) -> UpdateSequence? {
    switch options.since {
    case .beginning: nil
    case .now: info.updateSequence
    case .after(let position): position
    }
  }

  /// A replication from now on remembers when that was, even if nothing came.
  private func positionToKeep(_ start: UpdateSequence?) -> UpdateSequence? {
    options.since == .now ? start : nil
  }

  /// Runs the pipeline, and writes checkpoints meanwhile.
  private func copy(
    _ pipeline: Pipeline, from start: UpdateSequence?, head: UpdateSequence,
    _ record: @escaping @Sendable () async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await pipeline.run(from: start, head: head)
        return true
      }
      group.addTask {
        var seen = 0
        while true {
          seen = try await pipeline.ledger.advance(after: seen)
          try await environment.sleep(ReplicationTuning.checkpointInterval)
          try await record()
        }
      }
      _ = try await group.next()
      group.cancelAll()
    }
  }

  /// Does something in spite of the task's cancellation, and waits for it, but not for long.
  private func atLast(_ action: @escaping @Sendable () async throws -> Void) async {
    let sleep = environment.sleep
    // A task of its own, because children of a cancelled task are cancelled; it ends before this function does.
    await Task {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { try? await action() }
        group.addTask { try? await sleep(ReplicationTuning.lastCheckpointTimeout) }
        await group.next()
        group.cancelAll()
      }
    }.value
  }
}
