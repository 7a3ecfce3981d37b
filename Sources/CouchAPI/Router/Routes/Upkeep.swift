import HTTPTypes
import PouchCore

extension Router {
  /// `GET` and `PUT /db/_revs_limit`
  func revsLimit(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(context.request.method == .put ? .maintain : .readInfo)
    try context.allow(.get, .head, .put)
    guard context.request.method == .put else {
      return Response(json: JSON(try await context.database.revsLimit()))
    }
    guard let limit = try await context.request.json(upTo: context.limits.requestBody).int else {
      throw PouchError(.badRequest, "`_revs_limit` must be a positive integer")
    }
    try await context.database.setRevsLimit(limit)
    return .done()
  }

  /// `POST /db/_compact`. The answer comes when the work is done, which CouchDB's does not wait for. With the name of a
  /// design document behind it, whose views have no files that could be compacted, nothing is done.
  func compact(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.maintain)
    try context.allow(.post)
    try context.request.requireJSON()
    if context.request.path.count > 2 {
      _ = try await context.database.get(DocumentID("_design/\(context.request.path[2])"), GetOptions())
    } else {
      try await context.database.compact()
    }
    return .done(.accepted)
  }

  /// `POST /db/_view_cleanup`: there are no views whose files could be left over.
  func viewCleanup(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.maintain)
    try context.allow(.post)
    try context.request.requireJSON()
    return .done(.accepted)
  }

  /// `POST /db/_ensure_full_commit`: a write that was answered is on the disk already.
  func ensureFullCommit(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.synchronize)
    try context.allow(.post)
    try context.request.requireJSON()
    let info = try await context.database.info()
    return Response(.created, json: ["ok": true, "instance_start_time": JSON(String(info.instanceStartTime))])
  }

  /// `POST /db/_purge`
  func purge(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.purge)
    try context.allow(.post)
    try context.request.requireJSON()
    let wanted = try await revisionsByDocument(context)
    let purged = try await context.database.purge(Dictionary(wanted, uniquingKeysWith: { $1 }))
    var entries = JSON.Object()
    for (id, _) in wanted {
      entries[id.name] = .array((purged[id] ?? []).map { JSON($0.description) })
    }
    return Response(.created, json: ["purge_seq": nil, "purged": .object(entries)])
  }

  /// `GET` and `PUT /db/_security`
  func security(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(context.request.method == .put ? .writeSecurity : .readSecurity)
    try context.allow(.put, .get)
    guard context.request.method == .put else {
      let security = try await databases.security(of: context.name)
      return Response(json: security.object?.isEmpty == true ? access.defaultSecurity : security)
    }
    let security = try await context.request.json(upTo: context.limits.securityObject)
    try SecurityObject.check(security)
    try await databases.setSecurity(SecurityObject.stored(security), of: context.name)
    return .done()
  }
}
