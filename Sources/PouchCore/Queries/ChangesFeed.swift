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
    private var position: UpdateSequence?
    private var isAtEnd = false

    init(database: any Database, query: ChangesQuery) {
      self.database = database
      self.query = query
      remaining = query.limit ?? .max
    }

    /// How far the feed has been read: the position to start from next time.
    public var lastSequence: UpdateSequence? { position }

    /// The next change; `nil` when the feed has ended or the task was cancelled.
    public mutating func next() async throws -> Change? {
      while remaining > 0 {
        if let change = buffer.popFirst() {
          if let filter = query.filter {
            guard let document = change.document, filter(document) else { continue }
          }
          remaining -= 1
          return query.rows == .idsOnly ? change.withoutDocument() : change
        }
        guard !isAtEnd, !Task.isCancelled else { return nil }
        do {
          try await fill()
        } catch let error as PouchError where error.code == .cancelled {
          return nil
        } catch let error as PouchError where error == .closed && query.feed == .live {
          return nil
        } catch is CancellationError {
          return nil
        }
      }
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
