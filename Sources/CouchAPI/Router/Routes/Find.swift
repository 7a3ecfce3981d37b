import HTTPTypes
import PouchCore

extension Router {
  /// `POST /db/_find`: by going through the documents, in the range of ids that the selector leaves.
  ///
  /// CouchDB refuses an order for which it has no index; here so many documents are sorted in memory as
  /// ``RouterLimits/sortedDocuments`` says.
  func find(_ context: DatabaseContext) async throws -> Response {
    try await .streaming(FindWriter(try await findQuery(context), context))
  }

  /// `POST /db/_explain`
  func explain(_ context: DatabaseContext) async throws -> Response {
    let query = try await findQuery(context)
    let range = query.selector.idRange
    return Response(json: [
      "dbname": JSON(context.name), "index": Router.allDocsIndex, "partitioned": false,
      "selector": NormalizedSelector(query.selector).json, "opts": .object(query.options), "limit": JSON(query.limit),
      "skip": JSON(query.skip), "fields": .array(query.fields.map { JSON($0.name) }), "index_candidates": [],
      "selector_hints": [["type": "json", "indexable_fields": [], "unindexable_fields": []]],
      "mrargs": [
        "include_docs": true, "view_type": "map", "reduce": false, "partition": nil,
        "start_key": range.first.map { JSON($0.text) } ?? nil, "end_key": range.last.map { JSON($0.text) } ?? "<MAX>",
        "direction": query.order == .ascending ? "fwd" : "rev", "stable": false, "update": true,
        "conflicts": query.conflicts == .shown ? true : "undefined",
      ],
      "covering": false,
    ])
  }

  private func findQuery(_ context: DatabaseContext) async throws -> FindQuery {
    try await context.authorize(.findDocuments)
    try context.allow(.post)
    try context.request.requireJSON()
    let body = try await context.request.jsonObject(upTo: context.limits.requestBody)
    let query = try FindQuery(body, limits: context.limits.selector)
    if !query.wantedIndex.isEmpty, query.options["allow_fallback"] == false {
      throw PouchError(
        .badRequest, named: "invalid_index",
        "_design/\(query.wantedIndex.joined(separator: ", ")) specified by `use_index` could not be found or it is not "
          + "suitable.")
    }
    return query
  }

  /// `/db/_index`, and what lies below it: there are no indexes but the one of ids, and none can be made.
  func index(_ rest: ArraySlice<String>, _ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.findDocuments)
    guard rest.isEmpty else {
      if rest.elementsEqual(["_bulk_delete"]) {
        try context.allow(.post)
        throw PouchError(.notImplemented)
      }
      try context.allow(.delete)
      throw PouchError.missing
    }
    try context.allow(.get, .head, .post)
    guard context.request.method != .post else {
      throw PouchError(.notImplemented, "Indexes are not implemented; queries go through the documents.")
    }
    return Response(json: ["total_rows": 1, "indexes": [Router.allDocsIndex]])
  }

  private static let allDocsIndex: JSON = [
    "ddoc": nil, "name": "_all_docs", "type": "special", "def": ["fields": [["_id": "asc"]]],
  ]
}
