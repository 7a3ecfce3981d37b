import CouchAPI
import Foundation
import HTTPTypes
import NIOCore
import PouchCore
import PouchHTTP
import Testing

/// What is no HTTP, not enough of it, or too much.
@Suite struct HostileClientTests {
  /// Sends text to a server and returns all that it answers before it closes the connection.
  private func answer(
    to text: String, _ configuration: HTTPServerConfiguration = configuration()
  ) async throws -> String {
    try await withServer(configuration, respond: echo) { address in
      try await RawConnection.open(address) { talk in
        try await talk.send(text)
        return try await talk.receive()
      }
    }
  }

  @Test(arguments: [
    "garbage\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n bad: 1\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
    "GET nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u{0}b\r\n\r\n",
  ]) func `what is no request is refused, and the connection closed`(text: String) async throws {
    let answer = try await answer(to: text)
    #expect(statuses(answer) == ["400"])
    #expect(answer.contains("\"error\":\"bad_request\""))
  }

  @Test func `requests before a malformed one are answered`() async throws {
    let answer = try await answer(to: "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n")
    #expect(statuses(answer) == ["200", "400"])
  }

  @Test func `a body is read in spite of a request to switch protocols`() async throws {
    let answer = try await answer(
      to: "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        + "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nContent-Length: 5\r\n\r\nhello")
    #expect(statuses(answer) == ["200"])
    #expect(answer.hasSuffix("hello"))
  }

  @Test func `a body that does not come is not waited for, also with a request to switch protocols`() async throws {
    let answer = try await answer(
      to: "POST /sink HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        + "Content-Length: 5\r\n\r\nhel", configuration { $0.stallTimeout = .milliseconds(50) })
    #expect(statuses(answer) == ["408"])
  }

  @Test func `of two hosts the one that counts is the one that the responder sees`() async throws {
    let seen = try await withServer { request in
      let hosts = HTTPField.Name("Host").map { request.headers[values: $0] } ?? []
      return Response(.ok, body: .bytes(Array("host \(hosts)".utf8)))
    } _: { address in
      try await RawConnection.open(address) { talk in
        try await talk.send(
          "GET http://localhost:1/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        return try await talk.receive()
      }
    }
    #expect(seen.hasSuffix("host [\"localhost:1\"]"))
    #expect(seen.hasPrefix("HTTP/1.1 200 OK\r\n"))
  }

  @Test(arguments: ["/%", "/%zz", "/a?b=%f", "/%ff"]) func `a path that is no percent-encoded text is refused`(
    target: String
  ) async throws {
    let answer = try await answer(
      to: "GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    #expect(statuses(answer) == ["400"])
  }

  @Test func `a chunked body that ends in nonsense is an error, and not a shorter body`() async throws {
    let answer = try await answer(
      to: "POST /sink HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n")
    #expect(statuses(answer) == ["400"])
    #expect(answer.contains("bad_request"))
  }

  @Test(arguments: ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"])
  func `a body that is cut off is an error for the responder, and not a shorter body`(rest: String) async throws {
    let ended = Tally()
    let complete = Tally()
    try await withServer { request in
      if (try? await request.body.collect(upTo: 100)) != nil { complete.add() }
      ended.add()
      return Response(.ok)
    } _: { address in
      try await RawConnection.open(address) { talk in
        try await talk.send("POST / HTTP/1.1\r\nHost: localhost\r\n\(rest)")
        talk.closeSending()
        _ = try await talk.receive()
      }
      await ended.reaches(1)
      #expect(complete.count == 0)
    }
  }

  @Test(arguments: ["X: " + String(repeating: "a", count: 100_000), String(repeating: "X: a\r\n", count: 500) + "Y: b"])
  func `headers beyond the limits are refused`(headers: String) async throws {
    let answer = try await answer(to: "GET / HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n\r\n")
    #expect(statuses(answer) == ["431"])
  }

  @Test func `a path beyond the limits is refused`() async throws {
    let path = String(repeating: "a", count: 100_000)
    let answer = try await answer(to: "GET /\(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(statuses(answer) == ["431"])
  }

  @Test func `a head that does not come to its end is not waited for`() async throws {
    let limited = configuration { $0.headTimeout = .milliseconds(50) }
    let answer = try await answer(to: "GET / HTTP/1.1\r\nHost: loc", limited)
    #expect(statuses(answer) == ["408"])
  }

  @Test func `a head that comes byte by byte is not waited for either`() async throws {
    try await withServer(configuration { $0.headTimeout = .milliseconds(50) }, respond: echo) { address in
      try await RawConnection.open(address) { talk in
        // Every byte is progress, and yet the head must be complete in time.
        let outbound = talk.outbound
        let sending = Task {
          try await outbound.write(ByteBuffer(string: "GET / HTTP/1.1\r\n"))
          while !Task.isCancelled {
            try await outbound.write(ByteBuffer(string: "X: a\r\n"))
            try await Task.sleep(for: .milliseconds(1))
          }
        }
        let answer = try await talk.receive()
        sending.cancel()
        #expect(answer.isEmpty || statuses(answer) == ["408"] || statuses(answer) == ["431"])
      }
    }
  }

  @Test func `a body that stalls is not waited for`() async throws {
    let limited = configuration { $0.stallTimeout = .milliseconds(50) }
    let answer = try await answer(
      to: "POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc", limited)
    #expect(statuses(answer) == ["408"])
  }

  @Test func `an idle connection is closed`() async throws {
    let answer = try await answer(
      to: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", configuration { $0.idleTimeout = .seconds(5) })
    #expect(statuses(answer) == ["200"])
  }

  @Test func `a client that does not read its answer is let go`() async throws {
    let ended = Tally()
    try await withServer(configuration { $0.stallTimeout = .milliseconds(50) }) { _ in
      let source = pattern(1 << 30)
      return Response(
        .ok,
        body: .stream(
          ByteStream {
            let end = Ending { ended.add() }
            var iterator = source.makeAsyncIterator()
            return {
              _ = end
              return try await iterator.next(isolation: #isolation)
            }
          }, length: nil))
    } _: { address in
      try await RawConnection.open(address) { talk in
        try await talk.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await ended.reaches(1)
      }
      #expect(ended.count == 1)
    }
  }

  @Test func `what follows a request to speak something else is not kept`() async throws {
    let answer = try await answer(
      to: "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\n")
    #expect(statuses(answer) == ["200"])
    #expect(answer.contains("Connection: close"))
  }

  @Test func `the body of a request to speak something else is read`() async throws {
    let answer = try await answer(
      to:
        "POST /sink HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabcPRI *"
    )
    #expect(statuses(answer) == ["200"])
    #expect(answer.hasSuffix("\r\n\r\n3"))
  }

  @Test func `a rest of a body that is skipped and malformed ends the connection without another answer`() async throws
  {
    let answer = try await answer(
      to: "GET /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcnonsense\r\n\r\n")
    #expect(statuses(answer) == ["200"])
  }

  @Test func `chunks of one byte each are put together`() async throws {
    let chunks = String(repeating: "1\r\na\r\n", count: 50_000)
    let answer = try await answer(
      to:
        "POST /sink HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\(chunks)0\r\n\r\n"
    )
    #expect(answer.hasSuffix("50000"))
  }
}

/// Tells when it is let go.
private final class Ending: Sendable {
  private let action: @Sendable () -> Void
  init(_ action: @escaping @Sendable () -> Void) { self.action = action }
  deinit { action() }
}
