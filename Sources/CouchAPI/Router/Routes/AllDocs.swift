import HTTPTypes
import PouchCore

extension Router {
  /// `GET` and `POST /db/_all_docs`
  func allDocs(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.listDocuments)
    try context.allow(.get, .head, .post)
    return try await list(try await parameters(context), .documents, context)
  }

  /// `POST /db/_all_docs/queries`
  func allDocsQueries(_ context: DatabaseContext) async throws -> Response {
    try await lists(.documents, context)
  }

  /// `GET` and `POST /db/_design_docs`
  func designDocs(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.listDocuments)
    try context.allow(.get, .head, .post)
    return try await list(try await parameters(context), .designDocuments, context)
  }

  /// `POST /db/_design_docs/queries`
  func designDocsQueries(_ context: DatabaseContext) async throws -> Response {
    try await lists(.designDocuments, context)
  }

  /// `GET` and `POST /db/_local_docs`
  func localDocs(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.listLocalDocuments)
    try context.allow(.get, .head, .post)
    return try await list(try await parameters(context), .localDocuments, context)
  }

  /// `POST /db/_local_docs/queries`
  func localDocsQueries(_ context: DatabaseContext) async throws -> Response {
    try await lists(.localDocuments, context)
  }

  private func parameters(_ context: DatabaseContext) async throws -> ListParameters {
    var parameters = try ListParameters(context.request.query)
    if context.request.method == .post {
      try context.request.requireJSON()
      try parameters.apply(try await context.request.jsonObject(upTo: context.limits.requestBody))
    }
    return parameters
  }

  private func list(
    _ parameters: ListParameters, _ kind: ListedDocuments, _ context: DatabaseContext
  ) async throws -> Response {
    let list = try await DocumentList(parameters, kind, context)
    return try await .streaming(Lists([list], head: "", tail: "\n"))
  }

  private func lists(_ kind: ListedDocuments, _ context: DatabaseContext) async throws -> Response {
    try await context.authorize(kind == .localDocuments ? .listLocalDocuments : .listDocuments)
    try context.allow(.post)
    try context.request.requireJSON()
    let body = try await context.request.jsonObject(upTo: context.limits.requestBody)
    guard let queries = body["queries"]?.array else {
      throw PouchError(.badRequest, "`queries` body member must be an array.")
    }
    guard queries.count <= context.limits.queries else { throw PouchError(.requestTooLarge) }
    var lists: [DocumentList] = []
    for query in queries {
      guard query.object != nil else { throw PouchError(.badRequest, "`queries` must be JSON objects.") }
      var parameters = try ListParameters(context.request.query)
      try parameters.apply(query)
      lists.append(try await DocumentList(parameters, kind, context))
    }
    return try await .streaming(Lists(lists, head: "{\"results\":[\r\n", tail: "\r\n]}\n"))
  }
}

/// Which documents a list is about.
enum ListedDocuments: Sendable, Hashable {
  case documents
  case designDocuments
  case localDocuments
}

/// Several lists, one after the other.
private struct Lists: SegmentSource {
  private var lists: [DocumentList]
  private var head: StaticString
  private let tail: StaticString
  private var index = 0
  private var isStarted = false

  init(_ lists: [DocumentList], head: StaticString, tail: StaticString) {
    self.lists = lists
    self.head = head
    self.tail = tail
  }

  var isFinished: Bool { isStarted && index >= lists.count }

  mutating func next() async throws -> [BodySegment]? {
    guard !isFinished else { return nil }
    var segments: [BodySegment] = []
    if !isStarted { segments.append(.bytes(bytes(head))) }
    isStarted = true
    if index < lists.count {
      segments += try await lists[index].next()
      if lists[index].isFinished {
        index += 1
        if index < lists.count { segments.append(.bytes([0x2C, 0x0D, 0x0A])) }
      }
    }
    if index >= lists.count { segments.append(.bytes(bytes(tail))) }
    return segments
  }

  private func bytes(_ text: StaticString) -> [UInt8] {
    var writer = JSONWriter()
    writer.raw(text)
    return writer.bytes
  }
}

/// `{"total_rows": …, "offset": …, "rows": […]}`, written page by page.
private struct DocumentList: Sendable {
  private enum Rows {
    case range(AllDocsRows.Iterator)
    case keys(KeyedPages)
    case local(LocalPages)
  }

  private var rows: Rows
  private var writer: SegmentWriter
  private let withDocuments: Bool
  private var hasRows = false
  private var isStarted = false
  private(set) var isFinished = false
  private let total: Int?
  private let offset: Int?
  private let sequence: UpdateSequence?

  init(_ parameters: ListParameters, _ kind: ListedDocuments, _ context: DatabaseContext) async throws {
    var query = parameters.query
    let database = context.database
    withDocuments = query.rows != .idsOnly
    writer = SegmentWriter(database, AttachmentForms(context.request.query), capacity: pieceBytes)
    if kind == .designDocuments { query.restrict(to: "_design/", before: "_design0") }
    if parameters.isEmpty { query.limit = 0 }
    if kind == .localDocuments {
      rows = .local(LocalPages(query, database))
      (total, offset, sequence) = (nil, nil, nil)
      return
    }
    var summary = query
    summary.keys = nil
    summary.limit = 0
    summary.rows = .idsOnly
    let state = try await database.allDocs(summary)
    total = kind == .documents ? state.totalRows : try await Self.count(of: query, database)
    sequence = state.updateSequence
    offset = query.keys == nil ? query.skip : nil
    rows = query.keys.map { .keys(KeyedPages($0, query, database)) } ?? .range(database.rows(query).makeAsyncIterator())
  }

  /// How many design documents there are. They are few.
  private static func count(of query: AllDocsQuery, _ database: any Database) async throws -> Int {
    var all = AllDocsQuery()
    all.restrict(to: "_design/", before: "_design0")
    var count = 0
    for try await _ in database.rows(all) { count += 1 }
    return count
  }

  /// The next piece of the list.
  mutating func next() async throws -> [BodySegment] {
    if !isStarted {
      writeHead()
      isStarted = true
    }
    while writer.json.bytes.count < pieceBytes {
      guard let row = try await nextRow() else {
        writer.json.raw("\r\n]}")
        isFinished = true
        break
      }
      write(row)
    }
    return writer.take()
  }

  private mutating func nextRow() async throws -> AllDocsPage.Row? {
    switch rows {
    case .range(var iterator):
      defer { rows = .range(iterator) }
      return try await iterator.next()
    case .keys(var pages):
      defer { rows = .keys(pages) }
      return try await pages.next()
    case .local(var pages):
      defer { rows = .local(pages) }
      return try await pages.next()
    }
  }

  private mutating func writeHead() {
    writer.json.raw("{\"total_rows\":")
    writeCount(total)
    writer.json.raw(",\"offset\":")
    writeCount(offset)
    if let sequence {
      writer.json.raw(",\"update_seq\":")
      writer.json.write(sequence.description)
    }
    writer.json.raw(",\"rows\":[\r\n")
  }

  private mutating func writeCount(_ count: Int?) {
    if let count { writer.json.write(count) } else { writer.json.raw("null") }
  }

  private mutating func write(_ row: AllDocsPage.Row) {
    if hasRows { writer.json.raw(",\r\n") }
    hasRows = true
    guard let revision = row.revision else {
      writer.json.raw("{\"key\":")
      writer.json.write(row.id.text)
      writer.json.raw(",\"error\":\"not_found\"}")
      return
    }
    writer.json.raw("{\"id\":")
    writer.json.write(row.id.text)
    writer.json.raw(",\"key\":")
    writer.json.write(row.id.text)
    writer.json.raw(",\"value\":{\"rev\":")
    writer.json.write(revision)
    if row.isDeleted { writer.json.raw(",\"deleted\":true") }
    writer.json.raw(byte: 0x7D)
    if withDocuments {
      writer.json.raw(",\"doc\":")
      if let document = row.document { writer.write(document) } else { writer.json.raw("null") }
    }
    writer.json.raw(byte: 0x7D)
  }
}

/// How many bytes of a list are gathered before they are sent: enough that sending costs little beside writing them.
private let pieceBytes = 64 << 10

extension AllDocsQuery {
  /// Cuts the range to the ids from one to before another.
  mutating func restrict(to first: DocumentID, before last: DocumentID) {
    if let keys {
      self.keys = keys.filter { first <= $0 && $0 < last }
      return
    }
    switch order {
    case .ascending:
      start = Swift.max(start ?? first, first)
      if end.map({ $0 >= last }) ?? true {
        end = last
        endBound = .exclusive
      }
    case .descending:
      // No id lies between the last of the prefix and the bound itself, which is no id of a design document.
      start = Swift.min(start ?? last, last)
      if end.map({ $0 < first }) ?? true {
        end = first
        endBound = .inclusive
      }
    }
  }
}
