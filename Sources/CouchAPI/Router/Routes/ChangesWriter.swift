import PouchCore

/// Writes a feed of changes, a batch at a time: nothing is read before the client has taken what came before.
///
/// While it waits it holds a continuation in the database and a timer, as children of the task that reads the body:
/// they end with it.
struct ChangesWriter: SegmentSource {
  private enum Phase {
    /// Nothing was written.
    case opening
    /// There may be changes to be read without waiting.
    case reading
    /// Everything was read; the feed waits for more.
    case waiting
    case ended
  }

  private let database: any Database
  private let parameters: ChangesParameters
  private var writer: SegmentWriter
  private var phase = Phase.opening
  private var position: UpdateSequence?
  private var remaining: Int
  private var written = 0
  /// When the feed has waited in vain; `nil` while it does not wait. Changes that are not for the client do not put
  /// it off.
  private var deadline: ContinuousClock.Instant?
  /// Whether the client was told that the feed waits.
  private var hasAnnouncedWait = false

  init(_ parameters: ChangesParameters, _ database: any Database) {
    self.parameters = parameters
    self.database = database
    writer = SegmentWriter(database, parameters.attachments)
    remaining = parameters.query.limit ?? .max
    if case .after(let start) = parameters.query.start, parameters.query.order == .ascending { position = start }
  }

  var isFinished: Bool {
    if case .ended = phase { true } else { false }
  }

  mutating func next() async throws -> [BodySegment]? {
    while true {
      switch phase {
      case .opening:
        if isObject { writer.json.raw("{\"results\":[\n") }
        phase = .reading
        // A feed that may wait sends its beginning, so that the client knows it is there.
        if parameters.feed == .longpoll { return writer.take() }
      case .reading:
        // A filter may let nothing through for long.
        try Task.checkCancellation()
        try await read()
        if !writer.json.bytes.isEmpty {
          deadline = nil
          return writer.take()
        }
      case .waiting:
        guard hasAnnouncedWait else {
          hasAnnouncedWait = true
          writer.json.raw(byte: 0x0A)
          return writer.take()
        }
        try await wait()
        if !writer.json.bytes.isEmpty {
          deadline = nil
          return writer.take()
        }
      case .ended: return nil
      }
    }
  }

  private var isObject: Bool { parameters.feed == .normal || parameters.feed == .longpoll }

  // MARK: Reading

  /// Writes a batch of what there is.
  private mutating func read() async throws {
    let batch = try await database.nextChanges(
      parameters.query, after: position, limit: min(remaining, Tuning.changesBatch))
    take(batch)
    if batch.hasMore, remaining > 0 { return }
    switch parameters.feed {
    case .normal: try await end()
    case .longpoll where written > 0 || remaining == 0: try await end()
    case _ where remaining == 0: try await end()
    default: phase = .waiting
    }
  }

  /// Waits for a change, and writes it; or for the end of patience.
  private mutating func wait() async throws {
    let deadline = self.deadline ?? .now + parameters.patience
    self.deadline = deadline
    let arrived: ChangesBatch?
    do {
      arrived = try await firstBatch(before: deadline)
    } catch let error as PouchError where error == .closed {
      // The database was removed: there will be no more.
      phase = .ended
      if isObject { writer.json.raw("\n],\n\"last_seq\":\"0\",\"pending\":0}\n") }
      return
    }
    guard let arrived else {
      if parameters.isKeptAlive {
        writeHeartbeat()
      } else {
        try await catchUp()
        try await end()
      }
      return
    }
    take(arrived)
    if remaining == 0 || (parameters.feed == .longpoll && written > 0 && !arrived.hasMore) {
      try await end()
    } else if arrived.hasMore {
      phase = .reading
    }
  }

  /// The next batch, or `nil` when nothing came in time. Whichever is later is cancelled; a batch that is lost so is
  /// read again from the same position.
  private func firstBatch(before deadline: ContinuousClock.Instant) async throws -> ChangesBatch? {
    var live = parameters.query
    live.feed = .live
    let query = live
    let limit = min(remaining, Tuning.changesBatch)
    return try await withThrowingTaskGroup(of: ChangesBatch?.self) { [database, position] group in
      group.addTask { try await database.nextChanges(query, after: position, limit: limit) }
      group.addTask {
        try await Task.sleep(until: deadline, clock: .continuous)
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }

  /// Moves past changes that are not for this feed, so that they need not be read again.
  private mutating func catchUp() async throws {
    take(
      try await database.nextChanges(
        parameters.query, after: position, limit: min(remaining, Tuning.changesBatch)))
  }

  private mutating func take(_ batch: ChangesBatch) {
    position = batch.lastSequence
    for change in batch.changes where isSelected(change) {
      write(change)
      remaining -= 1
    }
  }

  private func isSelected(_ change: Change) -> Bool {
    switch parameters.selection {
    case .all: true
    case .designDocuments: change.id.isDesign
    }
  }

  // MARK: Writing

  private mutating func write(_ change: Change) {
    let sequence = change.sequence.description
    switch parameters.feed {
    case .normal, .longpoll: if written > 0 { writer.json.raw(",\r\n") }
    case .continuous: break
    case .eventsource: writer.json.raw("data: ")
    }
    written += 1
    writer.json.raw("{\"seq\":")
    if written % parameters.sequenceInterval == 0 { writer.json.write(sequence) } else { writer.json.raw("null") }
    writer.json.raw(",\"id\":")
    writer.json.write(change.id.text)
    writer.json.raw(",\"changes\":[")
    writer.json.writeList(change.revisions) { writer, revision in
      writer.raw("{\"rev\":")
      writer.write(revision)
      writer.raw(byte: 0x7D)
    }
    writer.json.raw(byte: 0x5D)
    if change.isDeleted { writer.json.raw(",\"deleted\":true") }
    if let document = change.document {
      writer.json.raw(",\"doc\":")
      writer.write(document)
    }
    writer.json.raw(byte: 0x7D)
    switch parameters.feed {
    case .normal, .longpoll: break
    case .continuous: writer.json.raw(byte: 0x0A)
    case .eventsource:
      writer.json.raw("\nid: ")
      writer.json.write(sequence)
      writer.json.raw("\n\n")
    }
  }

  private mutating func writeHeartbeat() {
    if parameters.feed == .eventsource {
      writer.json.raw("event: heartbeat\ndata: \n\n")
    } else {
      writer.json.raw(byte: 0x0A)
    }
  }

  private mutating func end() async throws {
    phase = .ended
    guard parameters.feed != .eventsource else {
      writer.json.raw(byte: 0x0A)
      return
    }
    if isObject { writer.json.raw("\n],\n") } else { writer.json.raw(byte: 0x7B) }
    let position = self.position ?? .start
    writer.json.raw("\"last_seq\":")
    writer.json.write(position.description)
    writer.json.raw(",\"pending\":")
    let isAscending = parameters.query.order == .ascending
    writer.json.write(isAscending ? try await database.pendingChanges(after: position) : 0)
    writer.json.raw("}\n")
  }
}
