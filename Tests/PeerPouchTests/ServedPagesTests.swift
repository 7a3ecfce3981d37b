import CouchAPI
import HTTPTypes
import PouchCore
import Testing

@testable import PeerPouch

/// The pages of a server as values: requests in, responses out.
struct ServedPagesTests {
  private let pages = ServedPages(AdminParty(), nil)

  private func answer(
    _ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields = [:], body: String = ""
  ) async throws -> Response {
    var request = try Request(method, target: path, headers: headers)
    if !body.isEmpty { request.body = .bytes(Array(body.utf8)) }
    return try #require(await pages.respond(to: request))
  }

  @Test(arguments: [
    ("/_peerpouch/", "text/html; charset=utf-8"), ("/_peerpouch/send", "text/html; charset=utf-8"),
    ("/_peerpouch/console.js", "text/javascript; charset=utf-8"),
    ("/_peerpouch/peerpouch.mjs", "text/javascript; charset=utf-8"),
    ("/_peerpouch/style.css", "text/css; charset=utf-8"),
    ("/_peerpouch/icon.svg", "image/svg+xml"),
  ]) func `each file has its type, and may run and reach nothing but the server's own`(path: String, type: String)
    async throws
  {
    let response = try await answer(.get, path)
    #expect(response.status == .ok)
    #expect(response.headers[.contentType] == type)
    #expect(response.headers[.xContentTypeOptions] == "nosniff")
    let policy = try #require(response.headers[.contentSecurityPolicy])
    for rule in [
      "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' blob:",
      "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ] {
      #expect(policy.split(separator: "; ").contains(rule[...]))
    }
    #expect(!policy.contains("unsafe") && !policy.contains("*"))
    #expect(try await !response.body.collect(upTo: .max).isEmpty)
  }

  @Test(arguments: [
    "/_peerpouch/nothing", "/_peerpouch/console.html", "/_peerpouch/send.html", "/_peerpouch/send/x",
    "/_peerpouch/..%2Fserver.json", "/_peerpouch/session",
  ]) func `what is no page is missing`(path: String) async throws {
    #expect(try await answer(.get, path).status == .notFound)
  }

  @Test func `what is not below their root is somebody else's`() async throws {
    #expect(await pages.respond(to: try Request(.get, target: "/hub")) == nil)
    #expect(await pages.respond(to: try Request(.get, target: "/")) == nil)
  }

  @Test func `HEAD tells the length of what GET has`() async throws {
    let head = try await answer(.head, "/_peerpouch/send")
    let length = try await answer(.get, "/_peerpouch/send").body.collect(upTo: .max).count
    #expect(head.status == .ok && head.headers[.contentLength] == String(length))
    #expect(try await head.body.collect(upTo: .max).isEmpty)
  }

  @Test(arguments: [HTTPRequest.Method.put, .post, .delete]) func `pages are not written`(
    method: HTTPRequest.Method
  ) async throws {
    #expect(try await answer(method, "/_peerpouch/send").status == .notFound)
  }

  @Test func `a browser asks whether what it keeps is still right, and does not load it again`() async throws {
    let first = try await answer(.get, "/_peerpouch/style.css")
    #expect(first.headers[.cacheControl] == "no-cache")
    let tag = try #require(first.headers[.eTag])
    let again = try await answer(.get, "/_peerpouch/style.css", [.ifNoneMatch: tag])
    #expect(again.status == .notModified && again.headers[.contentSecurityPolicy] != nil)
    #expect(try await again.body.collect(upTo: .max).isEmpty)
    #expect(try await answer(.get, "/_peerpouch/style.css", [.ifNoneMatch: "\"other\""]).status == .ok)
    #expect(try await answer(.get, "/_peerpouch/icon.svg").headers[.eTag] != tag)
  }

  @Test func `a session begins by a token in JSON only`() async throws {
    let json: HTTPFields = [.contentType: "application/json"]
    let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
    let token = #"{"token":"0"}"#
    #expect(try await answer(.post, "/_peerpouch/session", form, body: token).status == .badRequest)
    #expect(try await answer(.post, "/_peerpouch/session", json, body: "{").status == .badRequest)
    #expect(try await answer(.post, "/_peerpouch/session", json, body: #"{"token":1}"#).status == .badRequest)
    #expect(try await answer(.post, "/_peerpouch/session", json, body: token).status == .unauthorized)
  }

  @Test func `a token is good once, and another one never`() {
    let token = ConsoleToken(for: "secret")
    #expect(!token.redeem("") && !token.redeem(token.text + "0") && !token.redeem(String(token.text.dropLast())))
    #expect(token.redeem(token.text))
    #expect(!token.redeem(token.text))
    #expect(ConsoleToken(for: "secret").text != token.text)
  }
}
