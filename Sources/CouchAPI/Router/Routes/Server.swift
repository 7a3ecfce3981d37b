import HTTPTypes
import PouchCore

extension Router {
  /// `GET /`
  func welcome(_ context: Context) async throws -> Response {
    try await context.authorize(.greet)
    try context.allow(.get, .head)
    return Response(json: [
      "couchdb": "Welcome",
      "version": JSON(RouterOptions.compatibleVersion),
      "uuid": JSON(options.serverUUID),
      "features": [],
      "vendor": ["name": "PeerPouch", "version": JSON(RouterOptions.version)],
    ])
  }

  /// `GET /_up`
  func up(_ context: Context) async throws -> Response {
    try await context.authorize(.greet)
    try context.allow(.get, .head)
    return Response(json: ["status": "ok", "seeds": [:]])
  }

  /// `GET /_uuids`
  func uuids(_ context: Context) async throws -> Response {
    try await context.authorize(.greet)
    try context.allow(.get)
    let text = context.request.query["count"] ?? "1"
    guard let count = Int(text), count >= 0 else {
      throw PouchError(.badRequest, "count must be a positive integer")
    }
    guard count <= context.limits.uuids else { throw PouchError(.badRequest, "count parameter too large") }
    var response = Response(json: ["uuids": .array((0..<count).map { _ in JSON(options.documentIDs.next()) })])
    response.headers[.cacheControl] = "no-cache"
    response.headers[.pragma] = "no-cache"
    return response
  }

  /// `GET /favicon.ico`: browsers ask for it, and may remember that there is none.
  var favicon: Response {
    Response(
      .notFound, headers: [.contentType: "text/plain", .cacheControl: "public, max-age=31536000"],
      body: .bytes(Array("Not found.".utf8)))
  }

  /// `GET /_all_dbs`
  func allDatabases(_ context: Context) async throws -> Response {
    try await context.authorize(.listDatabases)
    try context.allow(.get, .head)
    return Response(json: .array(try await names(context.request.query).map { JSON($0) }))
  }

  /// The names of a range.
  private func names(_ query: Query) async throws -> ArraySlice<String> {
    let list = try ListParameters(query)
    guard list.query.keys == nil, !list.isEmpty else { return [] }
    var names = try await databases.names().filter { name in
      let id = DocumentID(name)
      let (low, high) =
        list.query.order == .ascending ? (list.query.start, list.query.end) : (list.query.end, list.query.start)
      if list.query.endBound == .exclusive, id == list.query.end { return false }
      return low.map { $0 <= id } != false && high.map { id <= $0 } != false
    }
    if list.query.order == .descending { names.reverse() }
    return names.dropFirst(list.query.skip).prefix(list.query.limit ?? .max)
  }

  /// `GET` and `POST /_dbs_info`
  func databasesInfo(_ context: Context) async throws -> Response {
    try await context.authorize(.listDatabases)
    try context.allow(.get, .head, .post)
    var names: [String]
    if context.request.method == .post {
      try context.request.requireJSON()
      let body = try await context.request.jsonObject(upTo: context.limits.requestBody)
      guard let keys = body["keys"]?.array else { throw PouchError(.badRequest, "`keys` member must exist.") }
      guard keys.count <= context.limits.databasesInfo else {
        throw PouchError(.badRequest, "`keys` must be at most \(context.limits.databasesInfo) names")
      }
      names = keys.compactMap(\.string)
    } else {
      names = Array(try await self.names(context.request.query))
    }
    var entries: [JSON] = []
    for name in names {
      do {
        let info = try await context.database(name).database.info()
        entries.append(["key": JSON(name), "info": info.json(named: name)])
      } catch let error as PouchError where error.code == .notFound {
        entries.append(["key": JSON(name), "error": "not_found"])
      }
    }
    return Response(json: .array(entries))
  }
}

extension RouterOptions {
  /// The version of PeerPouch.
  static let version = "0.1.0"
  /// The version of CouchDB whose behaviour this is; clients choose their ways by it.
  static let compatibleVersion = "3.5.0"
}

extension DatabaseInfo {
  /// `GET /db`
  func json(named name: String) -> JSON {
    [
      "instance_start_time": JSON(String(instanceStartTime)),
      "db_name": JSON(name),
      "uuid": JSON(uuid),
      "purge_seq": "0",
      "update_seq": JSON(updateSequence.description),
      "sizes": ["file": JSON(fileSize), "external": JSON(activeSize), "active": JSON(activeSize)],
      "props": [:],
      "doc_del_count": JSON(deletedCount),
      "doc_count": JSON(documentCount),
      "disk_format_version": 8,
      "compact_running": JSON(isCompacting),
      "cluster": ["q": 1, "n": 1, "w": 1, "r": 1],
    ]
  }
}
