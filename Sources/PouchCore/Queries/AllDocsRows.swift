/// The rows of a list, read page by page. Pages shrink when documents are large, so that one stays within a few MiB.
public struct AllDocsRows: AsyncSequence, Sendable {
  public typealias Element = AllDocsPage.Row

  let database: any Database
  let query: AllDocsQuery

  public func makeAsyncIterator() -> Iterator { Iterator(database, query) }

  public struct Iterator: AsyncIteratorProtocol, Sendable {
    private let database: any Database
    private var query: AllDocsQuery
    private var remaining: Int
    private var pageSize: Int
    private var page: ArraySlice<Element> = []
    private var seen: DocumentID?
    private var isAtEnd = false

    init(_ database: any Database, _ query: AllDocsQuery) {
      self.database = database
      self.query = query
      self.query.keys = nil
      remaining = query.limit ?? .max
      pageSize = query.rows == .idsOnly ? Tuning.idsPage : Tuning.firstDocumentsPage
    }

    /// The next row; `nil` at the end.
    /// - Throws: `CancellationError` when the task was cancelled.
    public mutating func next() async throws -> Element? {
      if page.isEmpty { try await readPage() }
      return page.popFirst()
    }

    private mutating func readPage() async throws {
      guard !isAtEnd, remaining > 0 else { return }
      try Task.checkCancellation()
      // The page starts at the last row of the one before, which may be gone by now.
      let wanted = Swift.min(pageSize, remaining) + (seen == nil ? 0 : 1)
      query.limit = wanted
      page = try await database.allDocs(query).rows[...]
      isAtEnd = page.count < wanted
      if let seen, page.first?.id == seen { page.removeFirst() }
      page = page.prefix(remaining)
      guard let last = page.last else { return }
      seen = last.id
      query.start = last.id
      query.skip = 0
      remaining -= page.count
      adapt()
    }

    private mutating func adapt() {
      guard query.rows != .idsOnly else { return }
      let bytes = page.reduce(0) { $0 + ($1.document?.body.bytes.count ?? 0) }
      let fitting = Tuning.documentsPageBytes / Swift.max(1, bytes / page.count)
      // A page at most doubles: a few short documents say little about those that come.
      pageSize = Swift.max(1, Swift.min(fitting, 2 * pageSize, Tuning.idsPage))
    }
  }
}
