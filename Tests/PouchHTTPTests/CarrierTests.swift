import CouchAPI
import HTTPTypes
import NIOCore
import NIOPosix
import PouchCore
import PouchHTTP
import Testing

@Suite struct CarrierTests {
  // MARK: URLs

  @Test func `user and password are taken out of the URL`() async throws {
    try await withCarrier("https://us%40er:p%3Aw@Couch.example:443/prefix/") { carrier in
      #expect(carrier.credentials == URLCredentials(user: "us@er", password: "p:w"))
      #expect(carrier.url == "https://couch.example/prefix")
    }
  }

  @Test(arguments: [
    "", "couch.example", "ftp://couch.example", "http://", "http:///db", "http://a b", "http://a:99999", "http://a:0",
    "http://a?b", "http://a#b", "http://[::1", "http://[::1]x", "http://a\r\nHost: b", "http://u:%zz@a", "http://a\\b",
  ]) func `what is no URL of a server is refused`(url: String) {
    #expect(throws: PouchError.self) { try HTTPCarrier(url) }
  }

  @Test func `a database's URL is taken apart`() throws {
    let plain = try HTTPCarrier.split(databaseURL: "http://u:p@host:5984/notes/")
    #expect(plain == ("http://u:p@host:5984", "notes"))
    let nested = try HTTPCarrier.split(databaseURL: "https://host/a/b/no%2Fte+s")
    #expect(nested == ("https://host/a/b", "no/te+s"))
    #expect(throws: PouchError.self) { try HTTPCarrier.split(databaseURL: "http://host/") }
  }

  @Test func `a base path goes before every request's`() async throws {
    try await withServer(respond: echo) { address in
      try await withCarrier(address.url + "a%20b/c/") { carrier in
        let response = try await carrier.send(Request(.get, ["d"]))
        let text = try await response.body.text()
        #expect(text == "GET a b|c|d ")
        let root = try await carrier.send(Request(.get, []))
        let rootText = try await root.body.text()
        #expect(rootText == "GET a b|c ")
      }
    }
  }

  @Test func `IPv6 addresses work`() async throws {
    try await withServer(configuration { $0.host = "::1" }, respond: echo) { address in
      #expect(address.url.hasPrefix("http://[::1]:"))
      try await withCarrier(address.url) { carrier in
        let answer = try await carrier.send(Request(.get, ["a"]))
        #expect(answer.status == .ok)
      }
    }
  }

  // MARK: Failures

  @Test func `who refuses the connection, or has no address, is unreachable`() async throws {
    let port = try await withServer(respond: echo) { $0.port }
    for host in ["127.0.0.1:\(port)", "no-such-host.invalid"] {
      try await withCarrier("http://\(host)") { carrier in
        await #expect { try await carrier.send(Request(.get, [])) } throws: {
          ($0 as? PouchError)?.code == .unreachable
        }
      }
    }
  }

  @Test func `a server without TLS is unreachable by https, for a reason that says so`() async throws {
    try await withServer(respond: echo) { address in
      try await withCarrier("https://localhost:\(address.port)") { carrier in
        await #expect { try await carrier.send(Request(.get, [])) } throws: {
          let error = $0 as? PouchError
          return error?.code == .unreachable && error?.reason.contains("TLS") == true
        }
      }
    }
  }

  @Test func `silence before the head is a time-out, and so is silence in the body`() async throws {
    let feed = EndlessFeed()
    try await withServer { request in
      if request.path == ["head"] { try? await Task.sleep(for: .seconds(3600)) }
      return Response(.ok, body: feed.body)
    } _: { address in
      var configuration = HTTPCarrierConfiguration()
      configuration.answerTimeout = .seconds(8)
      configuration.stallTimeout = .seconds(8)
      try await withCarrier(address.url, configuration) { carrier in
        await #expect { try await carrier.send(Request(.get, ["head"])) } throws: {
          ($0 as? PouchError)?.code == .timeout
        }
        let response = try await carrier.send(Request(.get, ["body"]))
        await #expect { try await response.body.collect(upTo: 1000) } throws: {
          ($0 as? PouchError)?.code == .timeout
        }
        await feed.ended.reaches(1)
      }
    }
  }

  @Test func `a live feed may be silent between its heartbeats`() async throws {
    try await withServer { _ in
      let stream = ByteStream {
        var count = 0
        return {
          count += 1
          // Longer than the carrier's own limit.
          if count == 2 { try await Task.sleep(for: .milliseconds(400)) }
          return count <= 2 ? [0x0A] : nil
        }
      }
      return Response(.ok, body: .stream(stream, length: nil))
    } _: { address in
      var configuration = HTTPCarrierConfiguration()
      configuration.stallTimeout = .milliseconds(200)
      try await withCarrier(address.url, configuration) { carrier in
        let response = try await carrier.send(
          Request(.get, ["db", "_changes"], query: ["feed": "continuous", "heartbeat": "30000"]))
        let bytes = try await response.body.collect(upTo: 10)
        #expect(bytes == [0x0A, 0x0A])
      }
    }
  }

  @Test func `what is no HTTP is a bad response`() async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let answers = ["SSH-2.0-OpenSSH_9.6\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
    let serving = Task {
      try await server.executeThenClose { connections in
        var index = 0
        for try await connection in connections {
          try await connection.executeThenClose { inbound, outbound in
            var iterator = inbound.makeAsyncIterator()
            _ = try await iterator.next()
            try await outbound.write(ByteBuffer(string: answers[index]))
          }
          index += 1
          if index == answers.count { return }
        }
      }
    }
    let port = try #require(server.channel.localAddress?.port)
    for _ in answers {
      try await withCarrier("http://127.0.0.1:\(port)") { carrier in
        await #expect { try await carrier.send(Request(.get, [])) } throws: {
          ($0 as? PouchError)?.code == .badResponse
        }
      }
    }
    try await serving.value
  }

  @Test func `a cancelled request says so`() async throws {
    let arrived = Tally()
    try await withServer { _ in
      arrived.add()
      try? await Task.sleep(for: .seconds(3600))
      return Response(.ok)
    } _: { address in
      try await withCarrier(address.url) { carrier in
        let request = Task { try await carrier.send(Request(.get, [])) }
        await arrived.reaches(1)
        request.cancel()
        await #expect(throws: PouchError(.cancelled)) { try await request.value }
      }
    }
  }

  @Test func `an error of the request's body ends the request with that error`() async throws {
    try await withServer(respond: echo) { address in
      try await withCarrier(address.url) { carrier in
        let body = ByteStream { { throw PouchError(.corrupt) } }
        await #expect(throws: PouchError(.corrupt)) {
          try await carrier.send(Request(.put, ["sink"], body: .stream(body, length: 10)))
        }
      }
    }
  }

  @Test func `a carrier that was dropped without closing it is closed, but not before its responses are read`()
    async throws
  {
    try await withServer(respond: echo) { address in
      let response = try await HTTPCarrier(address.url).send(Request(.get, ["bytes"], query: ["n": "1000000"]))
      let bytes = try await response.body.collect(upTo: 1 << 20)
      #expect(bytes.count == 1_000_000)
    }
  }

  @Test func `a closed carrier sends nothing`() async throws {
    try await withServer(respond: echo) { address in
      let carrier = try HTTPCarrier(address.url)
      await carrier.close()
      await carrier.close()
      await #expect { try await carrier.send(Request(.get, [])) } throws: {
        ($0 as? PouchError)?.code == .cancelled
      }
    }
  }

  @Test func `live feeds do not use up the connections of other requests`() async throws {
    let feed = EndlessFeed()
    try await withServer { request in
      request.path.isEmpty ? Response(.ok) : Response(.ok, body: feed.body)
    } _: { address in
      var configuration = HTTPCarrierConfiguration()
      configuration.maxConnections = 1
      try await withCarrier(address.url, configuration) { carrier in
        let live = Request(.get, ["db", "_changes"], query: ["feed": "continuous"])
        let first = try await carrier.send(live)
        let second = try await carrier.send(live)
        let answer = try await carrier.send(Request(.get, []))
        #expect(answer.status == .ok)
        #expect(first.status == second.status)
      }
    }
  }

  // MARK: Redirects

  /// A server that redirects as the query says, and tells what else it was asked.
  @Sendable private static func redirecting(_ request: Request) async -> Response {
    if let location = request.query["to"] {
      let status = HTTPResponse.Status(code: Int(request.query["status"] ?? "") ?? 302)
      return Response(status, headers: [.location: location])
    }
    let body = (try? await request.body.text()) ?? "?"
    let credentials =
      [HTTPField.Name.authorization, .cookie, HTTPField.Name("X-Auth-CouchDB-UserName")!].compactMap {
        request.headers[$0]
      }.joined(separator: ",")
    return Response(
      .ok, headers: [.setCookie: "AuthSession=evil", .wwwAuthenticate: "Basic"],
      body: .bytes(
        Array("\(request.method.rawValue) \(request.path.joined(separator: "/")) \(body) \(credentials)".utf8))
    )
  }

  private static let credentials: HTTPFields = {
    var headers: HTTPFields = [.authorization: "Basic secret", .cookie: "AuthSession=secret"]
    headers[HTTPField.Name("X-Auth-CouchDB-UserName")!] = "secret"
    return headers
  }()

  @Test(arguments: ["/a/b", "b", "ABSOLUTE"]) func `within an origin, credentials go along`(
    location: String
  ) async throws {
    try await withServer(respond: CarrierTests.redirecting) { address in
      try await withCarrier(address.url) { carrier in
        let target = location == "ABSOLUTE" ? address.url + "a/b" : location
        let response = try await carrier.send(
          Request(.get, ["a", "x"], query: ["to": target], headers: CarrierTests.credentials))
        let text = try await response.body.text()
        #expect(text == "GET a/b  Basic secret,AuthSession=secret,secret")
        #expect(response.headers[.setCookie] != nil)
      }
    }
  }

  @Test func `another origin gets no credentials, and cannot set any`() async throws {
    try await withServer(respond: CarrierTests.redirecting) { other in
      try await withServer(respond: CarrierTests.redirecting) { address in
        try await withCarrier(address.url) { carrier in
          let response = try await carrier.send(
            Request(.get, ["a"], query: ["to": other.url + "b"], headers: CarrierTests.credentials))
          let text = try await response.body.text()
          #expect(text == "GET b  ")
          #expect(response.headers[.setCookie] == nil)
          #expect(response.headers[.wwwAuthenticate] == nil)
          // Nor does the first one when it is led back to.
          let back = Query([("to", address.url + "c")]).description
          let returned = try await carrier.send(
            Request(.get, ["a"], query: ["to": other.url + "b?\(back)"], headers: CarrierTests.credentials))
          let returnedText = try await returned.body.text()
          #expect(returnedText == "GET c  ")
        }
      }
    }
  }

  @Test func `bodies in memory are sent again, streams are not`() async throws {
    try await withServer(respond: CarrierTests.redirecting) { address in
      try await withCarrier(address.url) { carrier in
        let query: Query = ["to": "/b", "status": "307"]
        let again = try await carrier.send(Request(.put, ["a"], query: query, body: .bytes(Array("text".utf8))))
        let text = try await again.body.text()
        #expect(text == "PUT b text ")
        let stream = Body.stream(ByteStream(Array("text".utf8)), length: 4)
        let response = try await carrier.send(Request(.put, ["a"], query: query, body: stream))
        #expect(response.status == .temporaryRedirect)
        let seeOther = try await carrier.send(
          Request(.post, ["a"], query: ["to": "/b", "status": "303"], body: .bytes([0x41])))
        #expect(seeOther.status == .seeOther)
      }
    }
  }

  @Test func `redirects without end are given up`() async throws {
    let asked = Tally()
    try await withServer { request in
      asked.add()
      return Response(.found, headers: [.location: "/\(asked.count)"])
    } _: { address in
      try await withCarrier(address.url) { carrier in
        let response = try await carrier.send(Request(.get, ["a"]))
        #expect(response.status == .found)
        #expect(asked.count == 6)
      }
    }
  }

  @Test(arguments: ["file:///etc/passwd", "http://u:p@127.0.0.1/", "//", "http://a b/"])
  func `a location that leads nowhere is not followed`(location: String) async throws {
    try await withServer(respond: CarrierTests.redirecting) { address in
      try await withCarrier(address.url) { carrier in
        let response = try await carrier.send(Request(.get, ["a"], query: ["to": location]))
        #expect(response.status == .found)
      }
    }
  }
}

extension Query {
  init(_ items: [(String, String)]) {
    self.init()
    for (name, value) in items { self[name] = value }
  }
}
