import HTTPTypes
import PouchCore

extension Router {
  /// `GET`, `HEAD`, `PUT`, `DELETE` and `POST /db`
  func database(_ name: String, _ context: Context) async throws -> Response {
    switch context.request.method {
    case .put: return try await createDatabase(name, context)
    case .delete: return try await destroyDatabase(name, context)
    default: break
    }
    let context = try await context.database(name)
    switch context.request.method {
    case .post: return try await postDocument(context)
    default:
      try await context.authorize(.readInfo)
      try context.allow(.delete, .get, .head, .post)
      return Response(json: try await context.database.info().json(named: name))
    }
  }

  private func createDatabase(_ name: String, _ context: Context) async throws -> Response {
    try await context.authorize(.createDatabase)
    guard DatabaseName.isLegal(name) else { throw DatabaseName.illegal(name) }
    if context.request.query["partitioned"] == "true" {
      // That a database is there already is told first.
      guard try await !databases.names().contains(name) else { throw PouchError(.databaseExists) }
      throw PouchError(.notImplemented, "There are no partitioned databases here.")
    }
    try await databases.create(name)
    var response = Response.done(.created)
    response.headers[.location] = context.request.location(name)
    return response
  }

  private func destroyDatabase(_ name: String, _ context: Context) async throws -> Response {
    try await context.authorize(.destroyDatabase)
    if context.request.query["rev"] != nil {
      throw PouchError(
        .badRequest,
        """
        You tried to DELETE a database with a ?=rev parameter. Did you mean to DELETE a document instead?
        """)
    }
    guard DatabaseName.isLegal(name) else { throw DatabaseName.missing }
    try await databases.destroy(name)
    return .done()
  }

  /// `POST /db`
  private func postDocument(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.writeDocuments)
    try context.request.requireJSON()
    let body = try await context.request.body.collect(upTo: context.limits.documentBody)
    var document = try Document(parsing: body)
    let id = document.id ?? DocumentID(options.documentIDs.next())
    document.id = id
    try id.validate()
    return try await write(document, answering: .post, context)
  }
}

extension DatabaseName {
  static let missing = PouchError(.notFound, "Database does not exist.")
}
