/// The changes of a database, one after the other.
///
/// The log of the database is the buffer: the feed pulls a batch when the one before is used up, so that nothing is
/// missed and nothing piles up, however slow the reader. A live feed that waits holds nothing but a continuation.
public struct ChangesFeed: AsyncSequence, Sendable {
  public typealias Element = Change

  let database: any Database
  let query: ChangesQuery

  public init(of database: any Database, _ query: ChangesQuery) {
    self.database = database
    self.query = query
  }

  public func makeAsyncIterator() -> Iterator {
    Iterator(database: database, query: query)
  }

  /// Reads on until the feed ends and returns the changes. For feeds that end: ``ChangesQuery/Feed/once``.
  public func collect() async throws -> [Change] {
    var changes: [Change] = []
    for try await change in self { changes.append(change) }
    return changes
  }

  public struct Iterator: AsyncIteratorProtocol {
    private let database: any Database
    private let query: ChangesQuery
    private var remaining: Int
    private var buffer: ArraySlice<Change> = []
    /// Where the next batch starts.
    private var position: UpdateSequence?
    /// The change that was taken out of the buffer last.
    private var read: UpdateSequence?
    private var isAtEnd = false

    init(database: any Database, query: ChangesQuery) {
      self.database = database
      self.query = query
      remaining = query.limit ?? .max
    }

    /// How far the feed has been read: the position to start from next time.
    public var lastSequence: UpdateSequence? { buffer.isEmpty ? position : read }

    /// The next change; `nil` when the feed has ended, which a live one does when the task is cancelled.
    /// - Throws: `CancellationError` when the task is cancelled before a feed that ends by itself did.
    public mutating func next() async throws -> Change? {
      while remaining > 0 {
        if let change = buffer.popFirst() {
          read = change.sequence
          if let filter = query.filter {
            guard let document = change.document, filter(document) else { continue }
          }
          remaining -= 1
          return query.rows == .idsOnly ? change.withoutDocument() : change
        }
        if isAtEnd { return nil }
        do {
          try Task.checkCancellation()
          try await fill()
        } catch let error as PouchError where error.code == .cancelled || error == .closed && query.feed == .live {
          return try endedEarly()
        } catch is CancellationError {
          return try endedEarly()
        }
      }
      return nil
    }

    /// A live feed just ends; one that is cut short says so.
    private func endedEarly() throws -> Change? {
      guard query.feed == .live else { throw CancellationError() }
      return nil
    }

    private mutating func fill() async throws {
      var request = query
      if query.filter != nil, query.rows == .idsOnly { request.rows = .documents }
      if case .now = query.start, position == nil { position = try await database.info().updateSequence }
      let batch = try await database.nextChanges(
        request, after: position, limit: Swift.min(remaining, Tuning.changesBatch))
      position = batch.lastSequence
      buffer = batch.changes[...]
      isAtEnd = query.feed == .once && !batch.hasMore
    }
  }
}
