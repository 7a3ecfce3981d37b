import Foundation
import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

/// Asks the router what CouchDB 3.5.0 was asked, in the same order, and compares the answers.
struct TraceReplayTests {
  private static let password = "admin-password"

  @Test func `every answer is CouchDB's, but for the differences that are listed`() async throws {
    var options = RouterOptions()
    options.documentIDs = DocumentIDs(prefix: "6b2f8f75200e226c042ecba068")
    let router = Router(
      MemoryDatabases(), access: AdminAccounts(["admin": Self.password]), options: options)
    var comparison = Comparison(.edits)
    let known = ExpectedDifferences(KnownDifference.all)
    for exchange in try RecordedExchange.load("couchdb-api.jsonl") {
      let difference = known[exchange]
      if case .notAsked = difference?.kind { continue }
      let request = try Self.request(exchange, comparison.names)
      let response = await router.respond(to: request)
      let body = try await Self.body(of: response, exchange)
      known.check(comparison.differences(exchange, response, body), of: exchange)
      if let repair = difference?.repair { try await Self.repair(repair, exchange, router, &comparison.names) }
    }
  }

  private static func request(_ exchange: RecordedExchange, _ names: Correspondence) throws -> Request {
    var headers: HTTPFields = [.host: "127.0.0.1:15984"]
    for (name, value) in exchange.headers {
      guard let name = HTTPField.Name(name), name != .host else { continue }
      headers[name] = names.translate(value)
    }
    if !isAnonymous(exchange), headers[.authorization] == nil {
      headers[.authorization] = "Basic " + Data("admin:\(password)".utf8).base64EncodedString()
    }
    let text = String(validating: exchange.body, as: UTF8.self)
    let body = text.map { Array(names.translate($0).utf8) } ?? exchange.body
    return try Request(
      #require(HTTPRequest.Method(exchange.method)), target: names.translate(exchange.target), headers: headers,
      body: body.isEmpty ? .empty : .bytes(body))
  }

  /// The lines that were recorded without the admin's credentials, by what their labels say.
  private static func isAnonymous(_ exchange: RecordedExchange) -> Bool {
    let marks = ["without credentials", "anonymous", "cookie", "login", "CORS preflight", "open db"]
    return marks.contains { exchange.label.contains($0) } || exchange.label.contains("OPTIONS no Origin")
      || exchange.headers.contains { $0.name.lowercased() == "cookie" }
  }

  private static func body(of response: Response, _ exchange: RecordedExchange) async throws -> [UInt8] {
    // Feeds without an end are cut where the recording was.
    guard exchange.label.contains("closed by the client") else { return try await response.body.stream.bytes() }
    var iterator = response.body.stream.makeAsyncIterator()
    return try await iterator.next() ?? []
  }

  /// Does in our way what CouchDB did, so that what follows finds the same documents.
  private static func repair(
    _ requests: [KnownDifference.Repair], _ exchange: RecordedExchange, _ router: Router,
    _ names: inout Correspondence
  ) async throws {
    let recorded = try? JSON(parsing: exchange.responseBody)
    for repair in requests {
      let request = try Request(
        #require(HTTPRequest.Method(repair.method)), target: names.translate(repair.target),
        headers: [
          .authorization: "Basic " + Data("admin:\(password)".utf8).base64EncodedString(),
          .contentType: "application/json",
        ], body: .bytes(Array(names.translate(repair.body).utf8)))
      let response = await router.respond(to: request)
      let answer = try JSON(parsing: try await response.body.stream.bytes())
      try #require(response.status.code < 300, "\(exchange.number): \(answer.text)")
      if let theirs = recorded?["rev"]?.string, let ours = answer["rev"]?.string {
        _ = names.accepts(theirs, ours, opaque: true)
      }
    }
  }
}
