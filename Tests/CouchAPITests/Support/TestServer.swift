import CouchAPI
import HTTPTypes
import PouchCore
import Testing

/// A router over databases in memory, with one that is called `db`.
struct TestServer {
  let databases = MemoryDatabases()
  let router: Router

  init(_ options: RouterOptions = RouterOptions()) async throws {
    router = Router(databases, access: AdminParty(), options: options)
    try await databases.create("db")
  }

  var database: any Database {
    get async throws { try await databases.database("db") }
  }

  /// Makes a request of a target below `/db`.
  func send(
    _ method: HTTPRequest.Method, _ target: String, headers: HTTPFields = [:], body: Body = .empty
  ) async throws -> Answer {
    let request = try Request(method, target: "/db" + target, headers: headers, body: body)
    let response = await router.respond(to: request)
    return Answer(response: response, bytes: try await response.body.stream.bytes())
  }

  /// Makes a request with a JSON body.
  func send(
    _ method: HTTPRequest.Method, _ target: String, json: JSON, headers: HTTPFields = [:]
  ) async throws -> Answer {
    var headers = headers
    headers[.contentType] = "application/json"
    return try await send(method, target, headers: headers, body: .bytes(Array(json.text.utf8)))
  }

  /// An answer that was read to its end.
  struct Answer {
    let response: Response
    let bytes: [UInt8]

    var status: Int { response.status.code }
    var headers: HTTPFields { response.headers }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    var json: JSON {
      get throws { try JSON(parsing: bytes) }
    }

    func header(_ name: String) -> String? {
      HTTPField.Name(name).flatMap { headers[$0] }
    }
  }
}
