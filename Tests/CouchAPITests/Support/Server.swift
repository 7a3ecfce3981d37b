import Foundation
import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

/// A router over databases in memory, as one that sends requests sees it.
struct Server {
  let databases = MemoryDatabases()
  let router: Router
  /// The headers that every request has.
  var headers: HTTPFields = [:]

  init(_ access: any AccessPolicy = AdminParty(), options: RouterOptions = RouterOptions()) {
    router = Router(databases, access: access, options: options)
  }

  /// A server with the database `db`.
  static func withDatabase(options: RouterOptions = RouterOptions()) async throws -> Server {
    let server = Server(options: options)
    try await server.databases.create("db")
    return server
  }

  /// The same server, asked by somebody.
  func with(_ headers: HTTPFields) -> Server {
    var copy = self
    copy.headers = headers
    return copy
  }

  func send(
    _ method: HTTPRequest.Method, _ target: String, _ body: String? = nil, headers: HTTPFields = [:]
  ) async throws -> Response {
    var fields = self.headers
    if body != nil { fields[.contentType] = "application/json" }
    fields[.accept] = "application/json"
    for field in headers { fields[field.name] = field.value }
    let request = try Request(
      method, target: target, headers: fields, body: body.map { .bytes(Array($0.utf8)) } ?? .empty)
    return await router.respond(to: request)
  }

  /// Sends a request whose answer is JSON.
  func json(
    _ method: HTTPRequest.Method, _ target: String, _ body: String? = nil, headers: HTTPFields = [:]
  ) async throws -> JSON {
    try await send(method, target, body, headers: headers).json()
  }
}

extension Response {
  func text() async throws -> String { String(decoding: try await body.stream.bytes(), as: UTF8.self) }

  func json() async throws -> JSON { try JSON(parsing: try await body.stream.bytes()) }

  /// CouchDB's name of the error.
  func error() async throws -> String? { try await json()["error"]?.string }
}

/// The `Authorization` of basic authentication.
func basic(_ name: String, _ password: String) -> HTTPFields {
  [.authorization: "Basic " + Data("\(name):\(password)".utf8).base64EncodedString()]
}
