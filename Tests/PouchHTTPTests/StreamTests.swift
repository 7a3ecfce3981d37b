import CouchAPI
import HTTPTypes
import PouchCore
import PouchHTTP
import Testing

/// Large and endless bodies. How much memory they take, the benchmarks tell.
@Suite(.serialized) struct StreamTests {
  private static let large: Int64 = 256 << 20

  @Test func `hundreds of megabytes pass in both directions`() async throws {
    try await withServer(respond: echo) { address in
      try await withCarrier(address.url) { carrier in
        let response = try await carrier.send(
          Request(.put, ["echo"], body: .stream(pattern(StreamTests.large), length: StreamTests.large)))
        #expect(response.body.length == StreamTests.large)
        var count: Int64 = 0
        var isIntact = true
        for try await piece in response.body.stream {
          isIntact = isIntact && piece.first == UInt8(truncatingIfNeeded: count)
          count += Int64(piece.count)
        }
        #expect(isIntact)
        #expect(count == StreamTests.large)
      }
    }
  }

  @Test func `a slow reader makes the server wait instead of filling its memory`() async throws {
    let produced = Tally()
    try await withServer { _ in
      let source = pattern(StreamTests.large)
      return Response(
        .ok,
        body: .stream(
          ByteStream {
            var iterator = source.makeAsyncIterator()
            return {
              let piece = try await iterator.next(isolation: #isolation)
              produced.add(piece?.count ?? 0)
              return piece
            }
          }, length: nil))
    } _: { address in
      try await withCarrier(address.url) { carrier in
        let response = try await carrier.send(Request(.get, ["a"]))
        var iterator = response.body.stream.makeAsyncIterator()
        var read = 0
        var largestLead = 0
        while let piece = try await iterator.next(isolation: #isolation) {
          read += piece.count
          // After the first few pieces, give the server every chance to run ahead.
          if read < 1 << 20 { for _ in 0..<200 { await Task.yield() } }
          largestLead = max(largestLead, produced.count - read)
        }
        #expect(read == Int(StreamTests.large))
        // What the buffers of two sockets on the loopback device may hold.
        #expect(largestLead < 32 << 20)
      }
    }
  }

  @Test func `an upload that nobody reads is not taken in`() async throws {
    let sent = Tally()
    let mayAnswer = Tally()
    try await withServer { _ in
      await mayAnswer.reaches(1)
      return Response(.forbidden)
    } _: { address in
      try await withCarrier(address.url) { carrier in
        let source = pattern(StreamTests.large)
        let body = ByteStream {
          var iterator = source.makeAsyncIterator()
          return {
            let piece = try await iterator.next(isolation: #isolation)
            sent.add(piece?.count ?? 0)
            return piece
          }
        }
        let answer = Task { try await carrier.send(Request(.put, ["a"], body: .stream(body, length: nil))) }
        await sent.reaches(1 << 20)
        for _ in 0..<1000 { await Task.yield() }
        // Afterwards what still comes is read and dropped, so that the client gets to see the answer.
        #expect(sent.count < Int(StreamTests.large))
        mayAnswer.add()
        if let response = try? await answer.value { #expect(response.status == .forbidden) }
      }
    }
  }

  @Test func `a feed whose client has gone ends`() async throws {
    let feed = EndlessFeed()
    try await withServer { _ in
      Response(.ok, body: feed.body)
    } _: { address in
      try await RawConnection.open(address) { talk in
        try await talk.send("GET /db/_changes?feed=continuous HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try await talk.receive(until: "{}")
        await feed.waiting.reaches(1)
      }
      await feed.ended.reaches(1)
      #expect(feed.ended.count == 1)
    }
  }

  @Test func `a feed whose response is dropped unread ends`() async throws {
    let feed = EndlessFeed()
    try await withServer { _ in
      Response(.ok, body: feed.body)
    } _: { address in
      try await withCarrier(address.url) { carrier in
        do {
          let response = try await carrier.send(Request(.get, ["db", "_changes"], query: ["feed": "continuous"]))
          #expect(response.status == .ok)
          await feed.waiting.reaches(1)
        }
        await feed.ended.reaches(1)
        #expect(feed.ended.count == 1)
      }
    }
  }

  @Test func `a reader that is cancelled ends the exchange`() async throws {
    let feed = EndlessFeed()
    try await withServer { _ in
      Response(.ok, body: feed.body)
    } _: { address in
      try await withCarrier(address.url) { carrier in
        let reader = Task {
          let response = try await carrier.send(Request(.get, ["db", "_changes"], query: ["feed": "continuous"]))
          for try await _ in response.body.stream {}
        }
        await feed.waiting.reaches(1)
        reader.cancel()
        await #expect(throws: PouchError(.cancelled)) { try await reader.value }
        await feed.ended.reaches(1)
      }
    }
  }

  @Test func `a responder that waits is cancelled when its client has gone`() async throws {
    let waiting = Tally()
    let cancelled = Tally()
    try await withServer { _ in
      waiting.add()
      do { try await Task.sleep(for: .seconds(3600)) } catch { cancelled.add() }
      return Response(.ok)
    } _: { address in
      try await RawConnection.open(address) { talk in
        try await talk.send("GET /db/_changes?feed=longpoll HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await waiting.reaches(1)
      }
      await cancelled.reaches(1)
      #expect(cancelled.count == 1)
    }
  }

  @Test func `a client that closes its sending side still gets its answer`() async throws {
    try await withServer(respond: echo) { address in
      try await RawConnection.open(address) { talk in
        try await talk.send("GET /bytes?n=1000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        talk.closeSending()
        let answer = try await talk.receive()
        #expect(statuses(answer) == ["200"])
      }
    }
  }

  @Test func `hundreds of feeds are all served and all left`() async throws {
    let feed = EndlessFeed()
    let count = 300
    try await withServer { _ in
      Response(.ok, body: feed.body)
    } _: { address in
      var configuration = HTTPCarrierConfiguration()
      configuration.maxFeeds = count
      try await withCarrier(address.url, configuration) { carrier in
        await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<count {
            group.addTask {
              let response = try await carrier.send(Request(.get, ["db", "_changes"], query: ["feed": "continuous"]))
              for try await _ in response.body.stream {}
            }
          }
          await feed.waiting.reaches(count)
          group.cancelAll()
          while let result = await group.nextResult() {
            let error = if case .failure(let error) = result { error as? PouchError } else { nil as PouchError? }
            #expect(error == PouchError(.cancelled))
          }
        }
        await feed.ended.reaches(count)
        #expect(feed.ended.count == count)
      }
    }
  }
}
