import PouchCore

/// How many documents are read at a time when nothing is known of their size: few at first, then more while they are
/// short, so that a page stays within ``Tuning/documentsPageBytes``.
struct AdaptivePage: Sendable {
  private(set) var size: Int
  private let bound: Int

  /// - Parameter bound: the most that are read at a time.
  init(withDocuments: Bool, bound: Int = Tuning.idsPage) {
    size = withDocuments ? Tuning.firstDocumentsPage : bound
    self.bound = bound
  }

  /// Adapts to a page that was read.
  mutating func adapt(documents: Int, bytes: Int) {
    guard documents > 0 else { return }
    let fitting = Tuning.documentsPageBytes / max(1, bytes / documents)
    size = max(1, min(fitting, 4 * size, bound))
  }
}

/// The rows of a list by keys, read page by page.
struct KeyedPages: Sendable {
  private let database: any Database
  private let query: AllDocsQuery
  private var keys: ArraySlice<DocumentID>
  private var page: ArraySlice<AllDocsPage.Row> = []
  private var pageSize: AdaptivePage

  init(_ keys: [DocumentID], _ query: AllDocsQuery, _ database: any Database) {
    self.database = database
    let ordered = query.order == .ascending ? keys : keys.reversed()
    self.keys = ordered.dropFirst(query.skip).prefix(query.limit ?? .max)
    pageSize = AdaptivePage(withDocuments: query.rows != .idsOnly)
    self.query = AllDocsQuery(keys: [], rows: query.rows)
  }

  mutating func next() async throws -> AllDocsPage.Row? {
    if page.isEmpty, !keys.isEmpty {
      var query = query
      query.keys = Array(keys.prefix(pageSize.size))
      keys = keys.dropFirst(pageSize.size)
      page = try await database.allDocs(query).rows[...]
      if query.rows != .idsOnly {
        pageSize.adapt(documents: page.count, bytes: page.reduce(0) { $0 + ($1.document?.body.bytes.count ?? 0) })
      }
    }
    return page.popFirst()
  }
}

/// The rows of `_local_docs`, read page by page.
struct LocalPages: Sendable {
  private let database: any Database
  private var query: AllDocsQuery
  private var remaining: Int
  private var page: ArraySlice<AllDocsPage.Row> = []
  private var seen: DocumentID?
  private var isAtEnd = false
  private var pageSize: AdaptivePage

  init(_ query: AllDocsQuery, _ database: any Database) {
    self.query = query
    self.database = database
    remaining = query.limit ?? .max
    pageSize = AdaptivePage(withDocuments: query.rows != .idsOnly)
    if let keys = query.keys?.filter(\.isLocal) {
      let ordered = query.order == .ascending ? keys[...] : keys.reversed()[...]
      self.query.keys = Array(ordered.dropFirst(query.skip).prefix(remaining))
    }
  }

  mutating func next() async throws -> AllDocsPage.Row? {
    if page.isEmpty {
      if let keys = query.keys { try await readPage(of: keys) } else { try await readPage() }
    }
    return page.popFirst()
  }

  /// Reads the documents of the next keys; a key without a document has a row, too.
  private mutating func readPage(of keys: [DocumentID]) async throws {
    let wanted = keys.prefix(pageSize.size)
    guard !wanted.isEmpty else { return }
    var query = query
    query.keys = Array(wanted)
    var found = try await database.localDocs(query).rows[...]
    page =
      wanted.map { key in
        found.first?.id == key ? found.removeFirst() : AllDocsPage.Row(id: key, revision: nil)
      }[...]
    self.query.keys = Array(keys.dropFirst(wanted.count))
    pageSize.adapt(documents: page.count, bytes: page.reduce(0) { $0 + ($1.document?.body.bytes.count ?? 0) })
  }

  private mutating func readPage() async throws {
    guard !isAtEnd, remaining > 0 else { return }
    let wanted = min(pageSize.size, remaining) + (seen == nil ? 0 : 1)
    query.limit = wanted
    page = try await database.localDocs(query).rows[...]
    isAtEnd = page.count < wanted
    if let seen, page.first?.id == seen { page.removeFirst() }
    page = page.prefix(remaining)
    guard let last = page.last else { return }
    seen = last.id
    query.start = last.id
    query.skip = 0
    remaining -= page.count
    pageSize.adapt(documents: page.count, bytes: page.reduce(0) { $0 + ($1.document?.body.bytes.count ?? 0) })
  }
}
