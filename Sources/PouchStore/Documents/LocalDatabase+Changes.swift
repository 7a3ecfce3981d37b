public import PouchCore

extension LocalDatabase {
  @concurrent
  public func nextChanges(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch {
    let store = try store
    if query.order == .descending {
      guard query.feed == .once else { throw PouchError(.badRequest, "A live feed cannot be descending.") }
      return try descending(query, before: position, limit: limit, store)
    }
    var start = position
    if start == nil, case .after(let given) = query.start { start = given }
    guard query.feed == .live else { return try ascending(query, after: start, limit: limit, store) }
    store.watchOtherProcesses()
    while true {
      let batch = try ascending(query, after: start, limit: limit, store)
      if !batch.changes.isEmpty || batch.hasMore { return batch }
      start = batch.lastSequence
      try await store.clock.wait(after: batch.lastSequence.numbered?.number ?? 0)
    }
  }

  @concurrent
  public func pendingChanges(after position: UpdateSequence) async throws -> Int {
    let store = try store
    return try store.read { connection in
      let last = try DatabaseState.load(connection).lastSequence
      let start = store.number(of: position, last: last)
      // Counting takes time for each change, and a reader may ask at each of its steps.
      guard last - start <= StoreTuning.countedChanges else { return Int(last - start) }
      let select = try connection.statement(
        "SELECT count(*) FROM revision r JOIN document d ON d.key = r.document WHERE r.seq > ?1 AND d.seq = r.seq"
      ).bind(1, start)
      defer { select.reset() }
      return try select.step() ? Int(select.int(0)) : 0
    }
  }

  private func ascending(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int, _ store: Store
  ) throws -> ChangesBatch {
    try store.read { connection in
      let last = try DatabaseState.load(connection).lastSequence
      var start = store.number(of: position, last: last)
      if position == nil, case .now = query.start { start = last }
      let reader = ChangesReader(
        documents: DocumentReader(connection: connection, store: store), query: query, limit: max(0, limit))
      guard let ids = query.ids else {
        return try reader.batch("r.seq > ?1 AND r.seq <= ?2 AND d.seq = r.seq ORDER BY r.seq", start, upTo: last)
      }
      return try reader.batch(of: ids, after: start, upTo: last)
    }
  }

  private func descending(
    _ query: ChangesQuery, before position: UpdateSequence?, limit: Int, _ store: Store
  ) throws -> ChangesBatch {
    try store.read { connection in
      let last = try DatabaseState.load(connection).lastSequence
      let start = position.map { store.number(of: $0, last: last) } ?? last + 1
      var floor: Int64 = 0
      if case .after(let given) = query.start { floor = store.number(of: given, last: last) }
      if case .now = query.start { floor = last }
      let reader = ChangesReader(
        documents: DocumentReader(connection: connection, store: store), query: query, limit: max(0, limit))
      return try reader.batch(
        "r.seq < ?1 AND r.seq > ?2 AND d.seq = r.seq ORDER BY r.seq DESC", start, upTo: floor,
        keeping: { query.ids?.contains($0) ?? true })
    }
  }
}

/// Reads a batch of changes within one read transaction.
private struct ChangesReader {
  let documents: DocumentReader
  let query: ChangesQuery
  let limit: Int

  private var hasBodies: Bool { query.rows != .idsOnly || query.selector != nil }

  /// What a batch has so far.
  private struct Progress {
    var changes: [Change] = []
    /// The bytes of the bodies that were read.
    var bytes = 0
    var examined = 0

    func isFull(_ limit: Int) -> Bool {
      changes.count >= limit || bytes >= Tuning.changesBatchBytes || examined >= Tuning.changesExamined
    }
  }

  private func select(_ condition: String) throws -> Statement {
    try documents.connection.statement(
      """
      SELECT \(DocumentRow.columns), d.id, d.winner\(hasBodies ? ", r.body, r.attachments" : "")
      FROM revision r JOIN document d ON d.key = r.document WHERE \(condition)
      """)
  }

  /// The changes that a condition on the log selects.
  /// - Parameters:
  ///   - start: where to start, `?1` of the condition.
  ///   - end: how far the log is read when all of them fit, `?2` of the condition.
  func batch(
    _ condition: String, _ start: Int64, upTo end: Int64, keeping isWanted: (DocumentID) -> Bool = { _ in true }
  ) throws -> ChangesBatch {
    let select = try select(condition).bind(1, start).bind(2, end)
    defer { select.reset() }
    var progress = Progress()
    var last = start
    while try select.step() {
      guard !progress.isFull(limit) else { return batch(progress, upTo: last, hasMore: true) }
      let id = DocumentID(select.text(4))
      last = try examine(id, select, isWanted: isWanted(id), &progress)
    }
    return batch(progress, upTo: end, hasMore: false)
  }

  /// The changes of some documents, each looked up by its id.
  func batch(of ids: Set<DocumentID>, after start: Int64, upTo end: Int64) throws -> ChangesBatch {
    let lookup = try documents.connection.statement("SELECT seq FROM document WHERE id = ?1")
    var sequences: [Int64] = []
    for id in ids {
      lookup.reset()
      if try lookup.bind(1, id.text).step(), lookup.int(0) > start { sequences.append(lookup.int(0)) }
    }
    lookup.reset()
    sequences.sort()
    let select = try select("r.seq = ?1 AND d.seq = r.seq")
    defer { select.reset() }
    var progress = Progress()
    var last = start
    for sequence in sequences {
      guard !progress.isFull(limit) else { return batch(progress, upTo: last, hasMore: true) }
      select.reset()
      guard try select.bind(1, sequence).step() else { continue }
      last = try examine(DocumentID(select.text(4)), select, isWanted: true, &progress)
    }
    return batch(progress, upTo: end, hasMore: false)
  }

  private func batch(_ progress: Progress, upTo last: Int64, hasMore: Bool) -> ChangesBatch {
    ChangesBatch(changes: progress.changes, lastSequence: documents.store.sequence(last), hasMore: hasMore)
  }

  /// Adds a change to a batch, if it is asked for.
  /// - Returns: where it stands in the log.
  private func examine(
    _ id: DocumentID, _ select: Statement, isWanted: Bool, _ progress: inout Progress
  ) throws -> Int64 {
    progress.examined += 1
    guard isWanted else { return select.int(1) }
    let row = try DocumentRow(select)
    if let change = try change(id, row, select, &progress.bytes) { progress.changes.append(change) }
    return row.sequence
  }

  private func change(_ id: DocumentID, _ row: DocumentRow, _ select: Statement, _ bytes: inout Int) throws -> Change? {
    guard let winner = row.tree.winnerIndex else { throw BinaryReader.damaged }
    var document: Document?
    if hasBodies {
      var parts: DocumentParts = []
      if case .documents(let wanted) = query.rows { parts = wanted }
      let winning = select.int(5)
      let stored =
        winning == row.sequence
        ? try RevisionRow(select, from: 6) : try RevisionRow.find(winning, documents.connection)
      guard let stored else { throw BinaryReader.damaged }
      bytes += stored.body.count
      document = try documents.document(id, row, node: winner, stored, GetOptions(including: parts))
    }
    var revisions: [RevisionID]
    switch query.style {
    case .winner: revisions = [row.tree.nodes[winner].revision]
    case .allLeaves: revisions = row.tree.leaves.map(\.revision)
    }
    if let selector = query.selector, let winning = document {
      revisions = try revisions.filter { revision in
        if revision == winning.revision { return selector.matches(winning) }
        guard let index = row.tree.index(of: revision),
          let leaf = try documents.document(id, row, node: index, GetOptions())
        else { return false }
        bytes += leaf.body.bytes.count
        return selector.matches(leaf)
      }
      if revisions.isEmpty { return nil }
    }
    return Change(
      sequence: documents.store.sequence(row.sequence), id: id, revisions: revisions, isDeleted: row.isDeleted,
      document: query.rows == .idsOnly ? nil : document)
  }
}
