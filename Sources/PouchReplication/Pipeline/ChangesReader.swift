import PouchCore

/// Reads the source's feed ahead of those who copy, and queues what has changed.
struct ChangesReader: Sendable {
  let pipeline: Pipeline

  private var options: ReplicationOptions { pipeline.options }

  /// Reads on from a position: to the end of the feed, or live for ever.
  /// - Parameter head: the newest position when the session began; reading once ends there even if more keeps coming.
  func run(from start: UpdateSequence?, head: UpdateSequence) async throws {
    var position = start
    var isLive = false
    var emptyAnswers = 0
    var limit = ReplicationTuning.changesPerRead
    while true {
      try await pipeline.gate.pass()
      let batch = try await next(after: position, limit: limit, isLive: isLive)
      if batch.changes.isEmpty, batch.hasMore, batch.lastSequence == position {
        throw PouchError(.badResponse, "The feed says that there is more, but does not deliver it.")
      }
      try await queue(batch, after: position)
      position = batch.lastSequence
      // A source that gives less than it was asked for has its reasons.
      limit =
        batch.hasMore && batch.changes.count < limit
        ? max(batch.changes.count, ReplicationTuning.changesPerRead) : min(limit * 2, pipeline.mostChangesPerRead)
      if isLive {
        let isEmpty = batch.changes.isEmpty && !batch.hasMore
        emptyAnswers = isEmpty ? min(emptyAnswers + 1, ReplicationTuning.emptyAnswersDoublings) : 0
        try await pipeline.environment.sleep(ReplicationTuning.liveGathering * (1 << emptyAnswers))
      } else if !batch.hasMore || (options.mode == .once && batch.lastSequence.hasReached(head)) {
        guard options.mode == .live else { return }
        isLive = true
      }
    }
  }

  private func next(after position: UpdateSequence?, limit: Int, isLive: Bool) async throws -> ChangesBatch {
    var query = ChangesQuery(
      isLive ? .live : .once, style: .allLeaves, ids: options.ids, selector: options.selector)
    if options.filter != nil { query.rows = .documents }
    let request = query
    pipeline.board.setReaderWaiting(isLive)
    defer { pipeline.board.setReaderWaiting(false) }
    return try await pipeline.retrier.run {
      try await pipeline.source.nextChanges(request, after: position, limit: limit)
    }
  }

  /// Queues a batch in runs that are small enough to be copied together.
  private func queue(_ batch: ChangesBatch, after position: UpdateSequence?) async throws {
    pipeline.board.count { $0.changesRead += batch.changes.count }
    var documents: [ChangedDocument] = []
    var weight = 0
    for change in batch.changes {
      guard isWanted(change) else { continue }
      let document = ChangedDocument(id: change.id, revisions: change.revisions)
      documents.append(document)
      weight += document.weight
      guard documents.count >= options.batchDocuments || weight >= ReplicationTuning.batchKeyBytes else { continue }
      try await queue(documents, weight: weight, endingAt: change.sequence)
      documents = []
      weight = 0
    }
    if !documents.isEmpty || batch.lastSequence != position {
      try await queue(documents, weight: weight, endingAt: batch.lastSequence)
    }
  }

  private func queue(_ documents: [ChangedDocument], weight: Int, endingAt end: UpdateSequence) async throws {
    let piece = pipeline.ledger.begin(endingAt: end)
    guard !documents.isEmpty else {
      pipeline.ledger.finish(piece)
      return
    }
    try await pipeline.changes.put(ChangesRun(piece: piece, documents: documents, weight: weight), weight: weight)
  }

  /// Whether a change is to be copied. Names that no feed may have are refused: a source could overwrite the target's
  /// local documents by them.
  private func isWanted(_ change: Change) -> Bool {
    do throws(PouchError) {
      try change.id.validate()
      if change.id.isLocal { throw PouchError(.illegalDocumentID) }
    } catch {
      for revision in change.revisions {
        pipeline.board.record(
          ReplicationFailure(id: change.id, revision: revision, side: .source, error: error))
      }
      return false
    }
    if options.designDocuments == .skipped, change.id.isDesign { return false }
    guard let filter = options.filter else { return true }
    return change.document.map(filter.isIncluded) ?? false
  }
}
