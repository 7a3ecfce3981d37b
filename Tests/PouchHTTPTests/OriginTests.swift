import CouchAPI
import HTTPTypes
import PouchCore
import Testing

@testable import PouchHTTP

/// Who is let in: names of the server, origins of pages, and the admin party.
@Suite struct OriginTests {
  private func verdict(
    _ configuration: HTTPServerConfiguration, host: String = "localhost:5984", _ headers: HTTPFields = [:],
    method: HTTPRequest.Method = .get, isLocal: Bool = true
  ) throws -> RequestGuard.Verdict {
    try RequestGuard(configuration).verdict(method, headers, host: host, isLocal: isLocal)
  }

  private func refusal(_ verdict: RequestGuard.Verdict) -> PouchError.Code? {
    if case .refuse(let error) = verdict { error.code } else { nil }
  }

  @Test(arguments: [
    "localhost", "LOCALHOST:5984", "localhost.:1", "127.0.0.1:5984", "[::1]:5984", "[0:0:0:0:0:0:0:1]", "pouch.example",
  ]) func `a server answers to its names`(host: String) throws {
    let verdict = try verdict(configuration { $0.hostNames = ["Pouch.example"] }, host: host)
    #expect(refusal(verdict) == nil)
  }

  @Test(arguments: [
    "evil.example", "evil.example:5984", "localhost.evil.example", "192.168.1.1", "127.0.0.1.evil.example", "", ":5984",
    "localhost:x", "[::1", "[::2]", "::1", "localhost:5984:5984", "user@localhost", "localhost/", "local host",
  ]) func `a server does not answer to other names`(host: String) throws {
    #expect(refusal(try verdict(configuration(), host: host)) == .misdirectedRequest)
  }

  @Test func `a server that listens on every address answers to any address, and to no foreign name`() throws {
    let everywhere = configuration { $0.host = "0.0.0.0" }
    #expect(refusal(try verdict(everywhere, host: "192.168.1.1:5984")) == nil)
    #expect(refusal(try verdict(everywhere, host: "evil.example")) == .misdirectedRequest)
  }

  @Test(arguments: HTTPRequest.Method.all) func `a page of another origin is refused on every method`(
    method: HTTPRequest.Method
  ) throws {
    for origin in ["http://evil.example", "null", "http://localhost:5985", "http://localhost", "*", ""] {
      let verdict = try verdict(
        configuration { $0.allowedOrigins = ["https://app.example"] }, [.origin: origin], method: method)
      #expect(refusal(verdict) == .forbidden)
    }
  }

  @Test(arguments: ["cross-site", "same-site"]) func `a request of another site is refused without an origin too`(
    site: String
  ) throws {
    #expect(refusal(try verdict(configuration(), [.secFetchSite: site])) == .forbidden)
  }

  @Test(arguments: ["same-origin", "none"]) func `the server's own pages and the user may ask`(site: String) throws {
    #expect(refusal(try verdict(configuration(), [.secFetchSite: site])) == nil)
    let own = try verdict(configuration(), [.origin: "http://localhost:5984", .secFetchSite: "same-origin"])
    #expect(refusal(own) == nil)
  }

  @Test func `a listed origin may ask, also from the same site`() throws {
    let listed = configuration { $0.allowedOrigins = ["HTTP://App.example:80/"] }
    let verdict = try verdict(listed, [.origin: "http://app.example", .secFetchSite: "same-site"])
    guard case .answer(let origin) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(origin == "http://app.example")
  }

  @Test(arguments: ["*", "null", "app.example", "https://app.example/path", "https://u:p@app.example", "ftp://a"])
  func `what is no origin cannot be listed`(origin: String) {
    #expect(throws: PouchError.self) { try RequestGuard(configuration { $0.allowedOrigins = [origin] }) }
  }

  @Test(arguments: ["0.0.0.0", "::", "192.168.1.1", "pouch.example"])
  func `an admin party is for the loopback address only`(host: String) {
    #expect(throws: PouchError.self) {
      try RequestGuard(
        configuration {
          $0.host = host
          $0.audience = .adminParty
        })
    }
  }

  @Test(arguments: ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
  func `an admin party refuses what a proxy has forwarded`(header: String) throws {
    let party = configuration { $0.audience = .adminParty }
    let name = try #require(HTTPField.Name(header))
    #expect(refusal(try verdict(party, [name: "1.2.3.4"])) == .forbidden)
    #expect(refusal(try verdict(configuration(), [name: "1.2.3.4"])) == nil)
    #expect(refusal(try verdict(party)) == nil)
    #expect(refusal(try verdict(party, isLocal: false)) == .forbidden)
  }

  @Test func `a preflight is answered as CouchDB does`() async throws {
    let asked = Tally()
    try await withServer(configuration { $0.allowedOrigins = ["http://127.0.0.1:8080"] }) { _ in
      asked.add()
      return Response(.methodNotAllowed)
    } _: { address in
      try await withCarrier(address.url) { carrier in
        var preflight = Request(
          .options, ["trace", "b1"],
          headers: [
            .origin: "http://127.0.0.1:8080", .accessControlRequestMethod: "PUT",
            .accessControlRequestHeaders: "content-type",
          ])
        let response = try await carrier.send(preflight)
        #expect(response.status == .noContent)
        #expect(response.headers[.accessControlAllowOrigin] == "http://127.0.0.1:8080")
        #expect(response.headers[.accessControlAllowCredentials] == "true")
        #expect(response.headers[.accessControlAllowHeaders] == "content-type")
        #expect(response.headers[.accessControlAllowMethods]?.contains("PUT") == true)
        #expect(response.headers[.accessControlMaxAge] == "600")
        #expect(asked.count == 0)
        // What may not be used is the responder's to refuse.
        preflight.headers[.accessControlRequestMethod] = "TRACE"
        let other = try await carrier.send(preflight)
        #expect(other.status == .methodNotAllowed)
        #expect(other.headers[.accessControlAllowMethods] == nil)
        preflight.headers[.origin] = "http://127.0.0.1:9"
        let answer = try await carrier.send(preflight)
        #expect(answer.status == .forbidden)
        #expect(asked.count == 1)
      }
    }
  }

  @Test func `answers to listed origins may be read by their pages, errors too`() async throws {
    try await withServer(configuration { $0.allowedOrigins = ["http://127.0.0.1:8080"] }) { request in
      Response(request.path.isEmpty ? .ok : .notFound)
    } _: { address in
      try await withCarrier(address.url) { carrier in
        for path in [[], ["missing"]] {
          let response = try await carrier.send(Request(.get, path, headers: [.origin: "http://127.0.0.1:8080"]))
          #expect(response.headers[.accessControlAllowOrigin] == "http://127.0.0.1:8080")
          #expect(response.headers[.accessControlExposeHeaders]?.contains("etag") == true)
          #expect(response.headers[.vary] == "Origin")
        }
        let plain = try await carrier.send(Request(.get, []))
        #expect(plain.headers[.accessControlAllowOrigin] == nil)
      }
    }
  }

  @Test func `a wrong host is told that it is misdirected`() async throws {
    let asked = Tally()
    try await withServer { _ in
      asked.add()
      return Response(.ok)
    } _: { address in
      for request in [
        "GET / HTTP/1.1\r\nHost: evil.example", "GET http://evil.example/ HTTP/1.1\r\nHost: localhost",
      ] {
        let answer = try await RawConnection.open(address) { talk in
          try await talk.send(request + "\r\nConnection: close\r\n\r\n")
          return try await talk.receive()
        }
        #expect(statuses(answer) == ["421"])
      }
      #expect(asked.count == 0)
    }
  }
}

extension HTTPRequest.Method {
  static let all: [HTTPRequest.Method] = [.get, .head, .put, .post, .delete, .options, HTTPRequest.Method("COPY")!]
}
