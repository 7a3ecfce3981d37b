import HTTPTypes
public import PouchCore

extension RemoteDatabase {
  @concurrent
  public func allDocs(_ query: AllDocsQuery) async throws -> AllDocsPage {
    try checkOpen()
    let page: AllDocsPage
    if let keys = query.keys { page = try await list(keys: keys, query) } else { page = try await list(query) }
    guard case .documents(let parts) = query.rows, !parts.isSubset(of: RemoteDatabase.listedParts) else { return page }
    let rows = try await concurrently(page.rows, atMost: RemoteTuning.concurrency) { (row: AllDocsPage.Row) in
      guard let revision = row.document?.revision else { return row }
      let document = try await self.get(row.id, GetOptions(at: revision, including: parts))
      return AllDocsPage.Row(id: row.id, revision: row.revision, document: document)
    }
    return AllDocsPage(
      totalRows: page.totalRows, offset: page.offset, rows: rows, updateSequence: page.updateSequence)
  }

  /// What lists and feeds tell about documents. The rest has to be asked for document by document.
  static let listedParts: DocumentParts = [.conflicts, .attachments]

  /// The rows of keys. Order and extent are applied to the keys before they are asked for.
  private func list(keys: [DocumentID], _ query: AllDocsQuery) async throws -> AllDocsPage {
    let ordered = query.order == .ascending ? keys : keys.reversed()
    let wanted = ordered.dropFirst(max(0, query.skip)).prefix(max(0, query.limit ?? .max))
    return try await list(keys: wanted[...], query)
  }

  private func list(keys: ArraySlice<DocumentID>, _ query: AllDocsQuery) async throws -> AllDocsPage {
    var writer = JSONWriter()
    writer.raw("{\"keys\":[")
    writer.writeList(keys) { $0.write($1.text) }
    writer.raw("]}")
    let request = request(
      .post, ["_all_docs"], query: parameters(query), json: JSONText(stored: writer.bytes))
    do {
      return try page(await client.json(request, .harmless), query)
    } catch let error as PouchError where error.isOfOversizedAnswer && keys.count > 1 {
      let middle = keys.startIndex + keys.count / 2
      let first = try await list(keys: keys[..<middle], query)
      return first.followed(by: try await list(keys: keys[middle...], query))
    }
  }

  /// The rows of a range; in several requests if one answer would be too large.
  private func list(_ query: AllDocsQuery) async throws -> AllDocsPage {
    var parameters = parameters(query)
    if let start = query.start { parameters["startkey"] = JSON(start.text).text }
    if let end = query.end { parameters["endkey"] = JSON(end.text).text }
    if query.endBound == .exclusive { parameters["inclusive_end"] = "false" }
    if query.order == .descending { parameters["descending"] = "true" }
    if query.skip > 0 { parameters["skip"] = String(query.skip) }
    if let limit = query.limit { parameters["limit"] = String(max(0, limit)) }
    do {
      return try page(
        await client.json(request(.get, ["_all_docs"], query: parameters), .harmless), query)
    } catch let error as PouchError where error.isOfOversizedAnswer && (query.limit ?? 0) > 1 {
      var half = query
      half.limit = (query.limit ?? 0) / 2
      let first = try await list(half)
      guard let last = first.rows.last, first.rows.count == half.limit else { return first }
      var rest = query
      rest.start = last.id
      rest.skip = 1
      rest.limit = (query.limit ?? 0) - first.rows.count
      return first.followed(by: try await list(rest))
    }
  }

  private func parameters(_ query: AllDocsQuery) -> Query {
    var parameters = Query()
    if case .documents(let parts) = query.rows {
      parameters["include_docs"] = "true"
      parameters["att_encoding_info"] = "true"
      if parts.contains(.conflicts) { parameters["conflicts"] = "true" }
    }
    if query.reportsSequence { parameters["update_seq"] = "true" }
    return parameters
  }

  private func page(_ answer: JSONSlice, _ query: AllDocsQuery) throws(PouchError) -> AllDocsPage {
    guard let list = answer["rows"], list.isArray else { throw nonsense("rows") }
    var parts: DocumentParts = []
    if case .documents(let asked) = query.rows { parts = asked.intersection(RemoteDatabase.listedParts) }
    let documents = AnsweredDocuments(self, GetOptions(including: parts))
    var rows: [AllDocsPage.Row] = []
    for element in list.elements { rows.append(try row(element, documents)) }
    return AllDocsPage(
      totalRows: answer["total_rows"]?.int ?? 0, offset: max(0, query.skip), rows: rows,
      updateSequence: query.reportsSequence ? answer["update_seq"].flatMap(sequence) : nil)
  }

  private func row(_ slice: JSONSlice, _ documents: AnsweredDocuments) throws(PouchError) -> AllDocsPage.Row {
    guard let key = slice["key"]?.string else { throw nonsense("key") }
    let id = DocumentID(key)
    guard let value = slice["value"], value.isObject else {
      guard slice["error"] != nil else { throw nonsense("value") }
      return AllDocsPage.Row(id: id, revision: nil)
    }
    guard let text = value["rev"]?.string, let revision = try? RevisionID(text) else { throw nonsense("rev") }
    var document: Document?
    if let text = slice["doc"], text.isObject { document = try documents.document(text, of: id) }
    return AllDocsPage.Row(
      id: id, revision: revision, isDeleted: value["deleted"]?.bool ?? false, document: document)
  }
}

extension AllDocsPage {
  /// This page and the one after it as one.
  fileprivate func followed(by next: AllDocsPage) -> AllDocsPage {
    AllDocsPage(totalRows: totalRows, offset: offset, rows: rows + next.rows, updateSequence: updateSequence)
  }
}
