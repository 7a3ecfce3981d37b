import CouchAPI
import HTTPTypes
import PouchCore
import PouchHTTP
import Testing

@Suite struct ShutdownTests {
  @Test func `a running request is finished, and no other is taken`() async throws {
    let running = Tally()
    let mayFinish = Tally()
    let answer = Task {
      try await withServer { _ in
        running.add()
        await mayFinish.reaches(1)
        return Response(.ok, body: .bytes([0x41]))
      } _: { address in
        // The body ends, and with it the server, while the request runs.
        let request = Task {
          try await RawConnection.open(address) { talk in
            try await talk.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return try await talk.receive()
          }
        }
        await running.reaches(1)
        return request
      }
    }
    await running.reaches(1)
    mayFinish.add()
    let text = try await answer.value.value
    #expect(statuses(text) == ["200"])
    #expect(text.hasSuffix("A"))
  }

  @Test func `live feeds and idle connections end at once`() async throws {
    let feed = EndlessFeed()
    let reader = try await withServer { request in
      request.path.isEmpty ? Response(.ok) : Response(.ok, body: feed.body)
    } _: { address in
      let reader = Task {
        try await RawConnection.open(address) { talk in
          try await talk.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
          _ = try await talk.receive(until: "\r\n\r\n")
          try await talk.send("GET /db/_changes?feed=continuous HTTP/1.1\r\nHost: localhost\r\n\r\n")
          return try await talk.receive()
        }
      }
      await feed.waiting.reaches(1)
      return reader
    }
    let text = try await reader.value
    // It is cut: the end of a chunked body would say that it is complete.
    #expect(text.contains("{}"))
    #expect(!text.contains("\r\n0\r\n\r\n"))
    #expect(feed.ended.count == 1)
  }

  @Test func `a request that does not end is cut after the grace time`() async throws {
    let running = Tally()
    let cancelled = Tally()
    try await withServer(configuration { $0.shutdownGrace = .milliseconds(50) }) { _ in
      running.add()
      do { try await Task.sleep(for: .seconds(3600)) } catch { cancelled.add() }
      return Response(.ok)
    } _: { address in
      Task {
        try await RawConnection.open(address) { talk in
          try await talk.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
          return try await talk.receive()
        }
      }
      await running.reaches(1)
    }
    #expect(cancelled.count == 1)
  }

  @Test func `a port that is taken is an error`() async throws {
    try await withServer(respond: echo) { address in
      let second = try HTTPServer(configuration: configuration { $0.port = address.port }, respond: echo)
      await #expect(throws: PouchError.self) { try await second.run() }
    }
  }
}
