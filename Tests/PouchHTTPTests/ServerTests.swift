import CouchAPI
import Foundation
import HTTPTypes
import NIOCore
import PouchCore
import PouchHTTP
import Testing

@Suite struct ServerTests {
  @Test func `paths and queries are decoded, and the answer comes back`() async throws {
    try await withServer(respond: echo) { address in
      try await withCarrier(address.url) { carrier in
        let response = try await carrier.send(
          Request(.put, ["db", "_design/ä b"], query: ["key": "\"a&b\"", "empty": ""]))
        #expect(response.status == .ok)
        let text = try await response.body.text()
        #expect(text == "PUT db|_design/ä b key=\"a&b\"|empty=")
      }
    }
  }

  @Test func `HEAD has the length but no body`() async throws {
    try await withServer(respond: echo) { address in
      try await RawConnection.open(address) { talk in
        try await talk.send("HEAD /bytes?n=5 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try await talk.send("GET /bytes?n=5 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let answer = try await talk.receive()
        #expect(statuses(answer) == ["200", "200"])
        #expect(answer.components(separatedBy: "Content-Length: 5").count == 3)
        #expect(answer.hasSuffix("\r\n\r\n\u{0}\u{1}\u{2}\u{3}\u{4}"))
      }
    }
  }

  @Test func `a body of unknown length is chunked, and ends with the connection for HTTP 1.0`() async throws {
    try await withServer(respond: echo) { address in
      let chunked = try await RawConnection.open(address) { talk in
        try await talk.send("GET /bytes?n=3&chunked=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return try await talk.receive()
      }
      #expect(chunked.contains("Transfer-Encoding: chunked"))
      #expect(chunked.hasSuffix("\r\n\r\n3\r\n\u{0}\u{1}\u{2}\r\n0\r\n\r\n"))
      let old = try await RawConnection.open(address) { talk in
        try await talk.send("GET /bytes?n=3&chunked=1 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        return try await talk.receive()
      }
      #expect(!old.contains("chunked"))
      #expect(old.hasSuffix("\r\n\r\n\u{0}\u{1}\u{2}"))
    }
  }

  @Test func `pipelined requests are answered in order, whatever is left of their bodies`() async throws {
    try await withServer(respond: echo) { address in
      try await RawConnection.open(address) { talk in
        var requests = ""
        for number in 0..<300 {
          requests += "POST /a\(number) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345"
        }
        requests += "GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        try await talk.send(requests)
        let answer = try await talk.receive()
        let bodies = answer.components(separatedBy: "\r\n\r\n").dropFirst().map { $0.prefix { $0 != "H" } }
        #expect(bodies.prefix(300).elementsEqual((0..<300).map { "POST a\($0) " }))
        #expect(answer.hasSuffix("GET last "))
      }
    }
  }

  @Test func `a client that expects to be told to continue is told so when its body is read`() async throws {
    try await withServer(respond: echo) { address in
      try await RawConnection.open(address) { talk in
        try await talk.send(
          "PUT /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        let interim = try await talk.receive(until: "\r\n\r\n")
        #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
        try await talk.send("body")
        let answer = try await talk.receive(until: "\r\n\r\n4")
        #expect(statuses(answer) == ["200"])
      }
    }
  }

  @Test func `a client that expects to be told to continue is refused without its body`() async throws {
    try await withServer(configuration { $0.maxRequestBody = 3 }, respond: echo) { address in
      try await RawConnection.open(address) { talk in
        try await talk.send(
          "PUT /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        let answer = try await talk.receive()
        #expect(statuses(answer) == ["413"])
        #expect(answer.contains("Connection: close"))
      }
    }
  }

  @Test func `a body beyond the limit is refused, announced or not`() async throws {
    try await withServer(configuration { $0.maxRequestBody = 1000 }, respond: echo) { address in
      try await withCarrier(address.url) { carrier in
        for length in [1001, nil] as [Int64?] {
          let body = Body.stream(pattern(1001), length: length)
          let response = try await carrier.send(Request(.post, ["sink"], body: body))
          #expect(response.status == .contentTooLarge)
          let text = try await response.body.text()
          #expect(text == "{\"error\":\"too_large\",\"reason\":\"the request entity is too large\"}\n")
        }
        let response = try await carrier.send(
          Request(.post, ["sink"], body: .stream(pattern(1000), length: nil)))
        let text = try await response.body.text()
        #expect(text == "1000")
      }
    }
  }

  @Test func `a body whose stream fails is cut, and one that fails at once has a status`() async throws {
    try await withServer { request in
      let failsAt = request.path == ["late"] ? 1 : 0
      let stream = ByteStream {
        var count = 0
        return {
          defer { count += 1 }
          guard count < failsAt else { throw PouchError(.corrupt) }
          return [1, 2, 3]
        }
      }
      return Response(.ok, body: .stream(stream, length: nil))
    } _: { address in
      try await withCarrier(address.url) { carrier in
        let early = try await carrier.send(Request(.get, ["early"]))
        #expect(early.status == .internalServerError)
        let late = try await carrier.send(Request(.get, ["late"]))
        #expect(late.status == .ok)
        await #expect(throws: PouchError.self) { try await late.body.collect(upTo: 100) }
      }
    }
  }

  @Test(arguments: [2, 4]) func `a body that is not as long as announced does not pass for complete`(
    actual: Int64
  ) async throws {
    try await withServer { _ in
      Response(.ok, body: .stream(pattern(actual), length: 3))
    } _: { address in
      try await withCarrier(address.url) { carrier in
        await #expect(throws: PouchError.self) {
          let response = try await carrier.send(Request(.get, ["a"]))
          _ = try await response.body.collect(upTo: 100)
        }
      }
    }
  }

  @Test func `header values cannot start new headers`() async throws {
    try await withServer { request in
      var response = Response(.ok)
      response.headers[.location] = "/a\r\nSet-Cookie: evil=1\r\n\r\nbody"
      response.headers[.eTag] = request.query["tag"]
      return response
    } _: { address in
      try await RawConnection.open(address) { talk in
        try await talk.send(
          "GET /?tag=%0d%0aSet-Cookie:%20evil=2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let answer = try await talk.receive()
        #expect(statuses(answer) == ["200"])
        #expect(!answer.contains("\nSet-Cookie"))
        #expect(answer.components(separatedBy: "\r\n\r\n").count == 2)
      }
    }
  }

  /// Also where it runs on an event loop, as for a document.
  @Test(arguments: [[], ["notes", "n1"]]) func `the responder runs for many connections at a time`(
    path: [String]
  ) async throws {
    let arrived = Tally()
    try await withServer { _ in
      arrived.add()
      await arrived.reaches(20)
      return Response(.ok)
    } _: { address in
      var configuration = HTTPCarrierConfiguration()
      configuration.maxConnections = 20
      try await withCarrier(address.url, configuration) { carrier in
        try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
          for _ in 0..<20 { group.addTask { try await carrier.send(Request(.get, path)).status } }
          for try await status in group { #expect(status == .ok) }
        }
      }
    }
  }

  @Test func `beyond the connection limit, clients wait until another one has left`() async throws {
    try await withServer(configuration { $0.maxConnections = 1 }, respond: echo) { address in
      let second = Tally()
      try await RawConnection.open(address) { talk in
        try await talk.send("GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try await talk.receive(until: "GET first ")
        let waiting = Task {
          try await RawConnection.open(address) { talk in
            try await talk.send("GET /second HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            let answer = try await talk.receive()
            second.add()
            return answer
          }
        }
        for number in 0..<50 {
          try await talk.send("GET /again\(number) HTTP/1.1\r\nHost: localhost\r\n\r\n")
          _ = try await talk.receive(until: "GET again\(number) ")
        }
        #expect(second.count == 0)
        try await talk.send("GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        _ = try await talk.receive()
        talk.closeSending()
        let answer = try await waiting.value
        #expect(answer.hasSuffix("GET second "))
      }
    }
  }
}
