import HTTPTypes
import PouchCore

extension Router {
  /// `POST /db/_bulk_get`
  func bulkGet(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.readDocuments)
    try context.allow(.post)
    try context.request.requireJSON()
    let body = try await context.request.jsonObject(upTo: context.limits.requestBody)
    guard let list = body["docs"]?.array else { throw PouchError(.badRequest, "Missing JSON list of 'docs'.") }
    guard list.count <= context.limits.bulkGets else { throw PouchError(.requestTooLarge) }
    var requests = list.map { BulkGetEntry($0, limit: context.limits.namedRevisions) }
    // CouchDB's replicator names what it has (`atts_since`) and still wants no bytes here: it fetches such documents
    // one by one.
    if context.request.query["attachments"] == "false" { requests = requests.map(\.withStubs) }
    var options = GetOptions(
      at: nil, context.request.query.flag("latest") ? .latest : .exact, including: context.request.query.bulkParts)
    let request = context.request
    let takesMultipart = request.accepts("multipart/mixed") || request.accepts("multipart/related")
    if takesMultipart, !request.accepts("application/json") {
      // As with `open_revs`, a multipart answer always has the attachments.
      options.parts.insert(.attachments)
      return try await multipartBulkGet(requests, options, context)
    }
    return try await .streaming(BulkGetWriter(requests, options, context))
  }
}

extension Query {
  /// What `_bulk_get` delivers with each document.
  fileprivate var bulkParts: DocumentParts {
    var parts: DocumentParts = []
    if flag("revs") { parts.insert(.revisions) }
    if flag("attachments") { parts.insert(.attachments) }
    return parts
  }
}

/// One entry of `_bulk_get`'s `docs`.
struct BulkGetEntry: Sendable {
  /// What can be read, or what is wrong with the entry.
  private(set) var request: Result<BulkGetRequest, PouchError>
  /// The id and revision as they were given, for answers about what is not there.
  let id: String?
  let revision: String?

  init(_ json: JSON, limit: Int) {
    id = json["id"]?.string
    revision = json["rev"]?.string
    do throws(PouchError) {
      guard let id else { throw PouchError(.badRequest, "document id missed") }
      let since = try json["atts_since"].map { list throws(PouchError) in
        try RevisionID.list(list, limit: limit)
      }
      request = .success(
        BulkGetRequest(
          DocumentID(id), at: try revision.map { text throws(PouchError) in try RevisionID(text) },
          attachmentsSince: since))
    } catch {
      request = .failure(error)
    }
  }

  /// The same entry, for a reader who wants no attachments, whatever `atts_since` says.
  var withStubs: BulkGetEntry {
    var entry = self
    entry.request = request.map { BulkGetRequest($0.id, at: $0.revision) }
    return entry
  }

  /// What the answer calls the revision of an entry that has failed.
  var shownRevision: JSON {
    if id == nil { return nil }
    return JSON(revision ?? "undefined")
  }
}

/// The answers to the entries of `_bulk_get`, read page by page.
struct BulkGetPages: Sendable {
  private let database: any Database
  private let options: GetOptions
  private var rest: ArraySlice<BulkGetEntry>
  private var pageSize = AdaptivePage(withDocuments: true)

  init(_ entries: [BulkGetEntry], _ options: GetOptions, _ database: any Database) {
    self.database = database
    self.options = options
    rest = entries[...]
  }

  var isFinished: Bool { rest.isEmpty }

  /// The next entries with what was found for each; `nil` at the end.
  mutating func next() async throws -> [(entry: BulkGetEntry, outcome: Result<[OpenRevision], PouchError>)]? {
    guard !rest.isEmpty else { return nil }
    let page = rest.prefix(pageSize.size)
    rest = rest.dropFirst(pageSize.size)
    var found = try await database.bulkGet(page.compactMap { try? $0.request.get() }, options)[...]
    var bytes = 0
    let answers = page.map { entry -> (entry: BulkGetEntry, outcome: Result<[OpenRevision], PouchError>) in
      if case .failure(let error) = entry.request { return (entry, .failure(error)) }
      guard let result = found.popFirst() else { return (entry, .failure(PouchError(.internalError))) }
      if case .success(let revisions) = result.outcome {
        bytes += revisions.reduce(0) { $0 + ($1.document?.body.bytes.count ?? 0) }
      }
      return (entry, result.outcome)
    }
    pageSize.adapt(documents: page.count, bytes: bytes)
    return answers
  }
}

/// `{"results": [{"id": …, "docs": [{"ok": …}, {"error": …}]}, …]}`
private struct BulkGetWriter: SegmentSource {
  private var pages: BulkGetPages
  private var writer: SegmentWriter
  private var hasEntries = false
  private(set) var isFinished = false

  init(_ entries: [BulkGetEntry], _ options: GetOptions, _ context: DatabaseContext) {
    pages = BulkGetPages(entries, options, context.database)
    writer = SegmentWriter(context.database, AttachmentForms(context.request.query))
    writer.json.raw("{\"results\":[")
  }

  mutating func next() async throws -> [BodySegment]? {
    guard !isFinished else { return nil }
    for (entry, outcome) in try await pages.next() ?? [] {
      if hasEntries { writer.json.raw(byte: 0x2C) }
      hasEntries = true
      write(entry, outcome)
    }
    if pages.isFinished {
      writer.json.raw("]}\n")
      isFinished = true
    }
    return writer.take()
  }

  private mutating func write(_ entry: BulkGetEntry, _ outcome: Result<[OpenRevision], PouchError>) {
    writer.json.raw("{\"id\":")
    writeID(entry)
    writer.json.raw(",\"docs\":[")
    switch outcome {
    case .failure(let error):
      writeError(entry, entry.shownRevision, error)
    case .success(let revisions):
      var isFirst = true
      for revision in revisions {
        if !isFirst { writer.json.raw(byte: 0x2C) }
        isFirst = false
        switch revision {
        case .found(let document):
          writer.json.raw("{\"ok\":")
          writer.write(document)
          writer.json.raw(byte: 0x7D)
        case .missing(let revision):
          writeError(entry, JSON(revision.description), PouchError.missing)
        }
      }
    }
    writer.json.raw("]}")
  }

  private mutating func writeID(_ entry: BulkGetEntry) {
    if let id = entry.id { writer.json.write(id) } else { writer.json.raw("null") }
  }

  private mutating func writeError(_ entry: BulkGetEntry, _ revision: JSON, _ error: PouchError) {
    writer.json.raw("{\"error\":{\"rev\":")
    writer.json.write(revision)
    writer.json.raw(",\"reason\":")
    writer.json.write(error.reason)
    writer.json.raw(",\"id\":")
    writeID(entry)
    writer.json.raw(",\"error\":")
    writer.json.write(error.name)
    writer.json.raw("}}")
  }
}
