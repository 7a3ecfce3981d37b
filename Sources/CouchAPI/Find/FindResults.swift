import PouchCore

/// The documents that `_find` finds, by going through the list of documents.
struct FindResults: Sendable {
  /// A document that matches.
  struct Row: Sendable {
    let document: Document
    /// Where the next results begin.
    let bookmark: FindBookmark
  }

  private let query: FindQuery
  private var rows: AllDocsRows.Iterator
  private var toSkip: Int
  private var toReturn: Int
  /// How many documents were looked at.
  private(set) var examined = 0
  private(set) var returned = 0

  init(_ query: FindQuery, in database: any Database) {
    self.query = query
    toSkip = query.skip
    toReturn = query.limit
    var list = AllDocsQuery(order: query.order, rows: .documents(query.conflicts == .shown ? .conflicts : []))
    let range = query.selector.idRange
    // Sorted results come in another order than the list, which then has its own.
    if !query.isInOrderOfIDs { list.order = .ascending }
    (list.start, list.end) = list.order == .ascending ? (range.first, range.last) : (range.last, range.first)
    if query.isInOrderOfIDs, let bookmark = query.bookmark, list.isWithinRange(bookmark.id) { list.start = bookmark.id }
    rows = database.rows(list).makeAsyncIterator()
  }

  /// The next result in the order of ids; `nil` behind the last one.
  mutating func next() async throws -> Row? {
    while toReturn > 0, let row = try await nextMatch() {
      guard toSkip == 0 else {
        toSkip -= 1
        continue
      }
      toReturn -= 1
      returned += 1
      return row
    }
    return nil
  }

  /// All results in the order that the query asks for.
  ///
  /// Documents that lack a field of the order are left out, as they are from an index in CouchDB. Documents that are
  /// equal in all fields are in the order of their ids.
  /// - Parameter limits: how much is held in memory.
  /// - Throws: ``PouchError/Code/badRequest`` with CouchDB's `no_usable_index` if there is more to sort than that.
  @concurrent
  mutating func sorted(_ limits: RouterLimits) async throws -> [Row] {
    let wanted = query.limit.addingReportingOverflow(query.skip)
    let best = query.limit == 0 ? 0 : wanted.overflow ? .max : wanted.partialValue
    var sorter = FindSorter(keeping: best, query.order, limits)
    while let row = try await nextMatch() {
      guard let keys = keys(of: row.document) else { continue }
      let entry = FindSorter.Entry(document: row.document, keys: keys, id: row.bookmark.id)
      if let bookmark = query.bookmark, !sorter.precedes(bookmark.keys, bookmark.id, entry) { continue }
      try sorter.insert(entry)
    }
    let rows = sorter.sorted().dropFirst(query.skip).map { entry in
      Row(document: entry.document, bookmark: FindBookmark(id: entry.id, keys: entry.keys))
    }
    returned = rows.count
    return Array(rows)
  }

  private func keys(of document: Document) -> [JSON]? {
    let json = document.json
    var keys: [JSON] = []
    for field in query.sort {
      guard case .found(let key) = FieldPath.look(field.path, in: json) else { return nil }
      keys.append(key)
    }
    return keys
  }

  private mutating func nextMatch() async throws -> Row? {
    while let row = try await rows.next(isolation: #isolation) {
      // Design documents are no data, and CouchDB leaves them out here.
      guard let document = row.document, !row.id.isDesign else { continue }
      if query.isInOrderOfIDs, row.id == query.bookmark?.id { continue }
      examined += 1
      if query.selector.matches(document) { return Row(document: document, bookmark: FindBookmark(id: row.id)) }
    }
    return nil
  }
}

extension AllDocsQuery {
  /// Whether a list from an id on would not begin before this one.
  fileprivate func isWithinRange(_ id: DocumentID) -> Bool {
    guard let start else { return true }
    return order == .ascending ? start <= id : id <= start
  }
}

/// Keeps the first of some documents in an order, however many there are.
struct FindSorter {
  struct Entry: Sendable {
    let document: Document
    let keys: [JSON]
    let id: DocumentID
  }

  private let wanted: Int
  private let order: AllDocsQuery.Order
  private let limits: RouterLimits
  private var entries: [Entry] = []
  private var bytes = 0
  /// The last of those wanted, once there are so many.
  private var worst: Entry?

  /// - Parameter wanted: how many documents are kept.
  init(keeping wanted: Int, _ order: AllDocsQuery.Order, _ limits: RouterLimits) {
    self.wanted = wanted
    self.order = order
    self.limits = limits
  }

  /// Adds a document.
  /// - Throws: ``PouchError/Code/badRequest`` if those to be kept are too many or too large.
  mutating func insert(_ entry: Entry) throws(PouchError) {
    guard wanted > 0 else { return }
    if let worst, !precedes(entry.keys, entry.id, worst) { return }
    entries.append(entry)
    bytes += FindSorter.size(of: entry)
    // Sorting now and then, when twice as many came as can be kept, costs no more than a heap.
    let most = min(wanted, limits.sortedDocuments)
    guard entries.count / 2 >= most || bytes / 2 >= limits.sortedBytes else { return }
    cut()
    guard entries.count <= limits.sortedDocuments, bytes <= limits.sortedBytes else {
      throw PouchError(
        .badRequest, named: "no_usable_index",
        "No index exists for this sort, and there is too much to sort without one: more than "
          + "\(limits.sortedDocuments) documents, or \(limits.sortedBytes >> 20) MiB. Ask for fewer by `limit` and `skip`.")
    }
  }

  /// Those that are wanted, in their order.
  mutating func sorted() -> [Entry] {
    cut()
    return entries
  }

  private mutating func cut() {
    let order = order
    entries.sort { FindSorter.precedes($0.keys, $0.id, $1, order) }
    guard entries.count >= wanted else { return }
    entries.removeLast(entries.count - wanted)
    worst = entries.last
    bytes = entries.reduce(0) { $0 + FindSorter.size(of: $1) }
  }

  private static func size(of entry: Entry) -> Int {
    entry.document.body.bytes.count
  }

  /// Whether what has these keys comes before an entry.
  func precedes(_ keys: [JSON], _ id: DocumentID, _ entry: Entry) -> Bool {
    FindSorter.precedes(keys, id, entry, order)
  }

  private static func precedes(
    _ keys: [JSON], _ id: DocumentID, _ entry: Entry, _ order: AllDocsQuery.Order
  ) -> Bool {
    var comparison = JSONCollation.compare(.array(keys), .array(entry.keys))
    if comparison == 0 { comparison = id < entry.id ? -1 : id == entry.id ? 0 : 1 }
    return order == .ascending ? comparison < 0 : comparison > 0
  }
}
