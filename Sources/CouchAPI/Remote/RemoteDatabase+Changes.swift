import HTTPTypes
public import PouchCore
import Synchronization

extension RemoteDatabase {
  @concurrent
  public func nextChanges(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch {
    try checkOpen()
    var start = position
    if start == nil, case .after(let given) = query.start { start = given }
    if query.order == .descending {
      guard query.feed == .once else { throw PouchError(.badRequest, "A live feed cannot be descending.") }
      return try await descending(query, after: position, from: start)
    }
    guard limit > 0 else {
      return ChangesBatch(changes: [], lastSequence: start ?? .start, hasMore: true)
    }
    guard query.feed == .live else { return try await batch(query, after: start, limit: limit) }
    var pause = RemoteTuning.pollPause
    while true {
      let batch = try await batch(query, after: start, limit: limit)
      if !batch.changes.isEmpty || batch.hasMore { return batch }
      start = batch.lastSequence
      try await sleep(pause)
      pause = min(pause * 2, RemoteTuning.longestPollPause)
    }
  }

  /// All of a feed, newest first. CouchDB ignores `since` in this direction, so that a feed with a start is read
  /// forwards and turned round.
  private func descending(
    _ query: ChangesQuery, after position: UpdateSequence?, from start: UpdateSequence?
  ) async throws -> ChangesBatch {
    var changes: [Change] = []
    var last = start ?? .start
    if start != nil || query.start == .now {
      var forwards = query
      forwards.order = .ascending
      forwards.limit = nil
      forwards.filter = nil
      for try await change in self.changes(forwards) { changes.append(change) }
      changes.reverse()
    } else {
      let whole = try await ask(query, since: nil, limit: query.filter == nil ? query.limit : nil)
      changes = whole.changes
      last = whole.lastSequence
    }
    if let position, let index = changes.firstIndex(where: { $0.sequence == position }) {
      changes.removeSubrange(...index)
    }
    if query.filter == nil { changes = Array(changes.prefix(query.limit ?? .max)) }
    return ChangesBatch(changes: changes, lastSequence: changes.last?.sequence ?? last, hasMore: false)
  }

  /// One answer: of as many changes as are asked for, or of fewer where the documents are large.
  private func batch(
    _ query: ChangesQuery, after start: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch {
    var limit = limit
    if query.rows != .idsOnly {
      limit = min(limit, traits.withLock { $0.documents(in: RemoteTuning.pageBytes) })
    }
    while true {
      do {
        let batch = try await ask(query, since: start, limit: limit)
        if query.rows != .idsOnly {
          let bytes = batch.changes.reduce(0) { $0 + ($1.document?.body.bytes.count ?? 0) }
          traits.withLock { $0.learn(bytes: bytes, of: batch.changes.count) }
        }
        return batch
      } catch let error as PouchError where error.isOfOversizedAnswer && limit > 1 {
        limit /= 2
      } catch let error as PouchError where isOfForeignPosition(error) && start?.isStart == false {
        // The position is of another database; CouchDB refuses it, and the feed starts at the beginning.
        return try await batch(query, after: .start, limit: limit)
      } catch let error as PouchError
        where ChangesFilter(query, isKnown: true).isServers && error.isOfUnknownRequest
        && traits.withLock(\.filtersChanges)
      {
        traits.withLock { $0.filtersChanges = false }
      }
    }
  }

  private func isOfForeignPosition(_ error: PouchError) -> Bool {
    error.code == .badRequest && ["since", "sequence"].contains { error.reason.contains($0) }
  }

  private func ask(_ query: ChangesQuery, since start: UpdateSequence?, limit: Int?) async throws -> ChangesBatch {
    let filter = ChangesFilter(query, isKnown: traits.withLock(\.filtersChanges))
    let asked = query.including(filter.needsDocuments && query.rows == .idsOnly ? .documents : query.rows)
    let request = changesRequest(asked, filter, since: start, limit: limit)
    let heartbeat = client.options.heartbeat
    let answer: JSONSlice
    if query.feed == .live {
      answer = try await client.json(
        request, .harmless, silence: heartbeat * (RemoteTuning.missedHeartbeats + 1), until: closing)
    } else {
      answer = try await client.json(request, .harmless)
    }
    let batch = try ChangesAnswer(database: self, query: asked).batch(answer, after: start, limit: limit)
    return try await withParts(filter.apply(to: batch, query.rows), query)
  }

  private func changesRequest(
    _ query: ChangesQuery, _ filter: ChangesFilter, since start: UpdateSequence?, limit: Int?
  ) -> Request {
    var parameters = Query()
    if let start { parameters["since"] = start.description } else if query.start == .now { parameters["since"] = "now" }
    if let limit { parameters["limit"] = String(limit) }
    if query.style == .allLeaves { parameters["style"] = "all_docs" }
    if query.order == .descending { parameters["descending"] = "true" }
    if case .documents(let parts) = query.rows {
      parameters["include_docs"] = "true"
      parameters["att_encoding_info"] = "true"
      if parts.contains(.conflicts) { parameters["conflicts"] = "true" }
    }
    if query.feed == .live {
      parameters["feed"] = "longpoll"
      parameters["heartbeat"] = String(client.options.heartbeat.milliseconds)
    }
    switch filter.servers {
    case .none: return request(.get, ["_changes"], query: parameters)
    case .ids(let ids):
      parameters["filter"] = "_doc_ids"
      var writer = JSONWriter()
      writer.raw("{\"doc_ids\":[")
      writer.writeList(ids.sorted()) { $0.write($1.text) }
      writer.raw("]}")
      return request(.post, ["_changes"], query: parameters, json: JSONText(stored: writer.bytes))
    case .selector(let selector):
      parameters["filter"] = "_selector"
      return request(.post, ["_changes"], query: parameters, json: JSONText(["selector": selector.json]))
    }
  }

  /// Adds what a feed does not tell about its documents.
  private func withParts(_ batch: ChangesBatch, _ query: ChangesQuery) async throws -> ChangesBatch {
    guard case .documents(let parts) = query.rows, !parts.isSubset(of: RemoteDatabase.listedParts) else { return batch }
    let changes = try await concurrently(batch.changes, atMost: RemoteTuning.concurrency) { change in
      guard let revision = change.document?.revision else { return change }
      let document = try await self.get(change.id, GetOptions(at: revision, including: parts))
      return Change(
        sequence: change.sequence, id: change.id, revisions: change.revisions, isDeleted: change.isDeleted,
        document: document)
    }
    return ChangesBatch(changes: changes, lastSequence: batch.lastSequence, hasMore: batch.hasMore)
  }
}

/// Who leaves out which changes: the server as much as it can, and what it cannot is left out here.
private struct ChangesFilter {
  enum Servers {
    case none
    case ids(Set<DocumentID>)
    case selector(Selector)
  }

  let servers: Servers
  private var ids: Set<DocumentID>?
  private var selector: Selector?

  /// - Parameter isKnown: whether the server knows such filters. It takes one of them.
  init(_ query: ChangesQuery, isKnown: Bool) {
    switch (query.ids, query.selector) {
    case (let ids?, let selector) where isKnown:
      servers = .ids(ids)
      self.selector = selector
    case (nil, let selector?) where isKnown:
      servers = .selector(selector)
    default:
      servers = .none
      ids = query.ids
      selector = query.selector
    }
  }

  var isServers: Bool {
    if case .none = servers { false } else { true }
  }

  /// Whether documents are needed to decide.
  var needsDocuments: Bool { selector != nil }

  /// - Parameter rows: what the caller wants of the changes.
  func apply(to batch: ChangesBatch, _ rows: ChangesQuery.Rows) -> ChangesBatch {
    guard ids != nil || selector != nil else { return batch }
    let wanted = batch.changes.filter { change in
      (ids?.contains(change.id) ?? true)
        && (selector.map { selector in change.document.map(selector.matches) ?? false } ?? true)
    }
    let changes =
      rows == .idsOnly
      ? wanted.map {
        Change(
          sequence: $0.sequence, id: $0.id, revisions: $0.revisions, isDeleted: $0.isDeleted, document: nil)
      } : wanted
    return ChangesBatch(changes: changes, lastSequence: batch.lastSequence, hasMore: batch.hasMore)
  }
}

extension Duration {
  /// Whole milliseconds, at least 1.
  fileprivate var milliseconds: Int64 {
    max(1, components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
  }
}

/// Reads the answer to `_changes`.
private struct ChangesAnswer {
  let database: RemoteDatabase
  let query: ChangesQuery

  func batch(_ answer: JSONSlice, after start: UpdateSequence?, limit: Int?) throws(PouchError) -> ChangesBatch {
    guard let list = answer["results"], list.isArray else { throw database.nonsense("results") }
    var changes: [Change] = []
    var position = start ?? .start
    for element in list.elements {
      if let limit, changes.count >= limit { throw database.nonsense("results") }
      let change = try change(element, after: position)
      position = change.sequence
      changes.append(change)
    }
    guard let last = answer["last_seq"].flatMap(database.sequence) else { throw database.nonsense("last_seq") }
    // CouchDB 1 does not tell what is pending.
    let mayHaveMore = limit.map { changes.count >= $0 } ?? false
    let hasMore = mayHaveMore && answer["pending"]?.int != 0
    return ChangesBatch(changes: changes, lastSequence: last, hasMore: hasMore)
  }

  /// - Parameter position: stands for a position that the server left out (`seq_interval`).
  private func change(_ slice: JSONSlice, after position: UpdateSequence) throws(PouchError) -> Change {
    var sequence = position
    var name: String?
    var list: JSONSlice?
    var isDeleted = false
    var doc: JSONSlice?
    // In one pass: a feed has many of these.
    for member in slice.members {
      let value = member.value
      if member.isNamed("seq") {
        guard !value.isNull else { continue }
        guard let position = database.sequence(value) else { throw database.nonsense("seq") }
        sequence = position
      } else if member.isNamed("id") {
        name = value.string
      } else if member.isNamed("changes") {
        list = value
      } else if member.isNamed("deleted") {
        isDeleted = value.bool ?? false
      } else if member.isNamed("doc") {
        doc = value
      }
    }
    guard let name, let list else { throw database.nonsense("changes") }
    let id = DocumentID(name)
    var revisions: [RevisionID] = []
    for element in list.elements {
      guard let revision = element["rev"]?.revision else { throw database.nonsense("rev") }
      revisions.append(revision)
    }
    guard !revisions.isEmpty else { throw database.nonsense("changes") }
    var document: Document?
    if case .documents(let parts) = query.rows, let doc, doc.isObject {
      let options = GetOptions(including: parts.intersection(RemoteDatabase.listedParts))
      document = try AnsweredDocuments(database, options).document(doc, of: id)
    }
    return Change(
      sequence: sequence, id: id, revisions: revisions, isDeleted: isDeleted, document: document)
  }
}
