import PeerPouch

/// The rows of a list, read page by page. Pages shrink when documents are large, so that one stays within a few MiB.
///
/// Rows that change while they are read are delivered in their old or new form, each at most once.
struct DocumentPages {
  private let database: any Database
  private var query: AllDocsQuery
  private var remaining: Int
  private var pageSize: Int
  private var seen: DocumentID?
  private var isAtEnd = false

  /// Rows per page without documents: 1,000 take 200 KB.
  private static let idsPage = 1000
  /// The bytes of documents that a page is aimed at.
  private static let pageBytes = 4 << 20

  /// - Parameter query: a list by range, not by keys.
  init(_ database: any Database, _ query: AllDocsQuery) {
    self.database = database
    self.query = query
    remaining = query.limit ?? .max
    // Of documents nothing is known at first; at the usual limit of 8 MiB these few are still bearable.
    pageSize = query.rows == .idsOnly ? DocumentPages.idsPage : 8
  }

  /// The next rows; `nil` at the end.
  mutating func next() async throws -> [AllDocsPage.Row]? {
    guard !isAtEnd, remaining > 0 else { return nil }
    try Task.checkCancellation()
    // The page starts at the last row of the one before, which may be gone by now.
    let wanted = min(pageSize, remaining) + (seen == nil ? 0 : 1)
    query.limit = wanted
    var rows = try await database.allDocs(query).rows
    isAtEnd = rows.count < wanted
    if let seen, rows.first?.id == seen { rows.removeFirst() }
    rows = Array(rows.prefix(remaining))
    guard let last = rows.last else { return nil }
    seen = last.id
    query.start = last.id
    query.skip = 0
    remaining -= rows.count
    adapt(to: rows)
    return rows
  }

  private mutating func adapt(to rows: [AllDocsPage.Row]) {
    guard query.rows != .idsOnly else { return }
    let bytes = rows.reduce(0) { $0 + ($1.document?.body.bytes.count ?? 0) } + 1
    let fitting = DocumentPages.pageBytes / max(1, bytes / rows.count)
    // A page at most doubles: a few short documents say little about those that come.
    pageSize = max(1, min(fitting, 2 * pageSize, DocumentPages.idsPage))
  }
}
