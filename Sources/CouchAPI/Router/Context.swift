import HTTPTypes
import PouchCore

/// A request with what the router knows about it.
struct Context: Sendable {
  let router: Router
  let request: Request
  let principal: Principal

  var limits: RouterLimits { router.options.limits }

  /// Lets only some methods pass.
  /// - Parameter methods: in the order in which CouchDB lists them.
  func allow(_ methods: HTTPRequest.Method...) throws {
    try allow(methods)
  }

  fileprivate func allow(_ methods: [HTTPRequest.Method]) throws {
    // What can be read can also be asked about, though CouchDB does not always say so.
    let method = request.method == .head ? .get : request.method
    guard methods.contains(method) else { throw MethodNotAllowed(allowed: methods) }
  }

  /// Asks the policy about an operation on the server.
  func authorize(_ operation: Operation) async throws {
    try await router.access.authorize(operation, by: principal, on: nil, of: router.databases)
  }

  /// The context of a database.
  /// - Throws: ``PouchError/Code/notFound`` if there is no such database, or the name could not be one.
  func database(_ name: String) async throws -> DatabaseContext {
    guard DatabaseName.isLegal(name) else { throw DatabaseName.missing }
    let database = try await router.databases.database(name)
    return DatabaseContext(context: self, name: name, database: router.access.view(of: database, for: principal))
  }
}

/// A request about a database, as routes get it.
@dynamicMemberLookup
struct DatabaseContext: Sendable {
  let context: Context
  /// The name in the path.
  let name: String
  /// The database as the principal sees it.
  let database: any Database

  /// The context's own properties: `router`, `request`, `principal`, `limits`.
  subscript<Value>(dynamicMember path: KeyPath<Context, Value>) -> Value { context[keyPath: path] }

  /// Lets only some methods pass; see ``Context/allow(_:)``.
  func allow(_ methods: HTTPRequest.Method...) throws {
    try context.allow(methods)
  }

  /// Asks the policy about an operation on the database. Every route does so before it touches the database.
  func authorize(_ operation: Operation) async throws {
    try await context.router.access.authorize(
      operation, by: context.principal, on: name, of: context.router.databases)
  }

  /// Keeps everybody from writing what the server itself relies on.
  /// - Throws: ``PouchError/Code/forbidden``.
  func checkNotReserved(_ id: DocumentID) throws(PouchError) {
    guard !id.isReserved else { throw PouchError(.forbidden, "This document is the server's own.") }
  }
}

/// A method that a path does not have; answered with `Allow`.
struct MethodNotAllowed: Error {
  let allowed: [HTTPRequest.Method]
}

extension HTTPRequest.Method {
  /// CouchDB's own method: a copy of a document.
  static let copy = HTTPRequest.Method("COPY")!
}
