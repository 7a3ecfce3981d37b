import PouchCore

/// Writes the answer to `_find`: `{"docs": […], "bookmark": …, "warning": …}`.
struct FindWriter: SegmentSource {
  private enum Source: Sendable {
    case scan
    case rows(ArraySlice<FindResults.Row>)
  }

  private let query: FindQuery
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var results: FindResults
  private var source: Source
  private var writer: SegmentWriter
  private var bookmark: FindBookmark?
  private(set) var isFinished = false

  /// How many bytes of documents are sent at a time.
  private static let piece = 64 << 10

  init(_ query: FindQuery, _ context: DatabaseContext) async throws {
    self.query = query
    start = clock.now
    results = FindResults(query, in: context.database)
    source = query.isInOrderOfIDs ? .scan : .rows(try await results.sorted(context.limits)[...])
    writer = SegmentWriter(context.database, AttachmentForms(context.request.query))
    writer.json.raw("{\"docs\":[")
    bookmark = query.bookmark
  }

  mutating func next() async throws -> [BodySegment]? {
    guard !isFinished else { return nil }
    while writer.json.bytes.count < FindWriter.piece {
      guard let row = try await nextRow() else {
        isFinished = true
        finish()
        break
      }
      writer.json.raw(isFirst ? "\r\n" : ",\r\n")
      isFirst = false
      write(row.document)
      bookmark = row.bookmark
    }
    return writer.take()
  }

  private var isFirst = true

  private mutating func nextRow() async throws -> FindResults.Row? {
    guard case .rows(var rows) = source else { return try await results.next() }
    defer { source = .rows(rows) }
    return rows.popFirst()
  }

  private mutating func write(_ document: Document) {
    guard !query.fields.isEmpty else { return writer.write(document) }
    let json = document.json
    var shown = JSON.Object()
    for field in query.fields {
      guard case .found(let value) = FieldPath.look(field.path, in: json) else { continue }
      shown.set(value, at: field.path[...])
    }
    writer.json.write(.object(shown))
  }

  private mutating func finish() {
    writer.json.raw("\r\n],\r\n\"bookmark\": ")
    writer.json.write(bookmark?.text ?? FindBookmark.none)
    if query.statistics == .shown {
      writer.json.raw(",\r\n\"execution_stats\": ")
      writer.json.write(statistics)
    }
    writer.json.raw(",\r\n\"warning\": ")
    writer.json.write(query.warning)
    writer.json.raw("}\r\n")
  }

  private var statistics: JSON {
    let elapsed = start.duration(to: clock.now) / Duration.milliseconds(1)
    return [
      "total_keys_examined": JSON(results.examined), "total_docs_examined": JSON(results.examined),
      "total_quorum_docs_examined": 0, "results_returned": JSON(results.returned),
      "execution_time_ms": JSON.Number(elapsed).map(JSON.number) ?? 0,
    ]
  }
}

extension FindQuery {
  /// What CouchDB says when it has to go through all documents.
  var warning: String {
    var lines = ["No matching index found, create an index to optimize query time."]
    if !wantedIndex.isEmpty {
      let name = "_design/" + wantedIndex.joined(separator: ", ")
      lines.insert("\(name) was not used because it does not contain a valid index for this query.", at: 0)
    }
    return lines.joined(separator: "\n")
  }
}

extension JSON.Object {
  /// Sets a value within objects, which are made where there are none.
  fileprivate mutating func set(_ value: JSON, at path: ArraySlice<ExactString>) {
    guard let first = path.first else { return }
    guard path.count > 1 else {
      self[first] = value
      return
    }
    // What was put there as a whole has the value already.
    guard self[first] == nil || self[first]?.object != nil else { return }
    var inner = self[first]?.object ?? JSON.Object()
    inner.set(value, at: path.dropFirst())
    self[first] = .object(inner)
  }
}
