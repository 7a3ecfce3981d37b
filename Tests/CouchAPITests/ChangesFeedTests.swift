import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

struct ChangesFeedTests {
  /// A database with the documents `d0`, `d1`, …
  private func server(documents: Int) async throws -> Server {
    let server = try await Server.withDatabase()
    let list = (0..<documents).map { #"{"_id":"d\#($0)"}"# }.joined(separator: ",")
    _ = try await server.json(.post, "/db/_bulk_docs", "{\"docs\":[\(list)]}")
    return server
  }

  private func ids(_ feed: JSON) -> [String] { feed["results"]?.array?.compactMap { $0["id"]?.string } ?? [] }

  @Test func `a feed longer than a batch is told in full, and can be read on from its end`() async throws {
    let server = try await server(documents: 1203)
    let feed = try await server.json(.get, "/db/_changes")
    #expect(ids(feed).count == 1203)
    #expect(feed["pending"] == 0)
    let last = try #require(feed["last_seq"]?.string)
    _ = try await server.json(.put, "/db/new", "{}")
    let rest = try await server.json(.get, "/db/_changes?since=\(last)")
    #expect(ids(rest) == ["new"])
    // What the browsers' event source sends as a header, other clients send as a parameter.
    #expect(ids(try await server.json(.get, "/db/_changes?last-event-id=\(last)")) == ["new"])
  }

  @Test func `a limit cuts the feed where the next page begins`() async throws {
    let server = try await server(documents: 1203)
    var seen: [String] = []
    var since = "0"
    var pending = 1203
    while pending > 0 {
      let page = try await server.json(.get, "/db/_changes?limit=601&since=\(since)")
      seen += ids(page)
      since = try #require(page["last_seq"]?.string)
      #expect(page["pending"]?.int == 1203 - seen.count)
      pending = page["pending"]?.int ?? 0
    }
    #expect(seen == (0..<1203).map { "d\($0)" })
  }

  @Test func `a long poll waits for a change and ends with it`() async throws {
    let server = try await server(documents: 2)
    for target in ["/db/_changes?feed=longpoll&since=now", "/db/_changes?feed=longpoll&since=now&filter=_design"] {
      let isFiltered = target.hasSuffix("_design")
      let response = try await server.send(.get, target)
      var body = response.body.stream.makeAsyncIterator()
      var text = try await body.next() ?? []
      // The feed says that it waits; only then there is something new.
      text += try await body.next() ?? []
      _ = try await server.json(.put, "/db/plain-\(isFiltered)", "{}")
      _ = try await server.json(.put, "/db/_design/\(isFiltered)", "{}")
      while let piece = try await body.next() { text += piece }
      let feed = try JSON(parsing: text)
      #expect(ids(feed).last == (isFiltered ? "_design/true" : ids(feed).last))
      #expect(ids(feed).isEmpty == false)
      #expect(feed["last_seq"]?.string != nil)
    }
  }

  @Test func `a long poll in vain ends by its time-out, past what was not for it`() async throws {
    let server = try await server(documents: 3)
    let info = try await server.json(.get, "/db")
    let feed = try await server.json(.get, "/db/_changes?feed=longpoll&timeout=1&filter=_design")
    #expect(ids(feed) == [])
    #expect(feed["last_seq"] == info["update_seq"])
  }

  @Test func `a continuous feed is a line for each change as it comes, and ends at its limit`() async throws {
    let server = try await server(documents: 1)
    let response = try await server.send(.get, "/db/_changes?feed=continuous&limit=3&include_docs=true")
    var body = response.body.stream.makeAsyncIterator()
    let first = try JSON(parsing: try #require(try await body.next()))
    #expect(first["id"] == "d0")
    #expect(first["doc"]?["_id"] == "d0")
    for id in ["x", "y"] {
      _ = try await server.json(.put, "/db/\(id)", "{}")
      var piece = try #require(try await body.next())
      while piece == [0x0A] { piece = try #require(try await body.next()) }
      let lines = piece.split(separator: 0x0A)
      #expect(try JSON(parsing: try #require(lines.first))["id"]?.string == id)
      if id == "y" { #expect(try JSON(parsing: try #require(lines.last))["last_seq"] != nil) }
    }
    #expect(try await body.next() == nil)
  }

  @Test func `heartbeats come while nothing does, and the feed goes on`() async throws {
    let server = try await server(documents: 0)
    for (feed, beat) in [("continuous", "\n"), ("eventsource", "event: heartbeat\ndata: \n\n")] {
      let response = try await server.send(.get, "/db/_changes?feed=\(feed)&heartbeat=1&since=now")
      var body = response.body.stream.makeAsyncIterator()
      #expect(try await body.next() == [0x0A])
      #expect(try await body.next() == Array(beat.utf8))
      #expect(try await body.next() == Array(beat.utf8))
      _ = try await server.json(.put, "/db/\(feed)", "{}")
      var piece = try #require(try await body.next())
      while piece == Array(beat.utf8) { piece = try #require(try await body.next()) }
      #expect(String(decoding: piece, as: UTF8.self).contains("\"id\":\"\(feed)\""))
    }
  }

  @Test func `server-sent events carry ids that a browser can resume from`() async throws {
    let server = try await server(documents: 3)
    let response = try await server.send(.get, "/db/_changes?feed=eventsource&timeout=1&limit=1")
    #expect(response.headers[.contentType] == "text/event-stream")
    let text = try await response.text()
    let id = try #require(text.split(separator: "\n").first { $0.hasPrefix("id: ") }?.dropFirst(4))
    let rest = try await server.send(
      .get, "/db/_changes?feed=eventsource&timeout=1&limit=1", headers: [HTTPField.Name("Last-Event-ID")!: String(id)])
    #expect(try await rest.text().contains("\"id\":\"d1\""))
  }

  @Test func `a feed whose reader is cancelled stops waiting`() async throws {
    let server = try await server(documents: 0)
    let response = try await server.send(.get, "/db/_changes?feed=continuous&heartbeat=true")
    let (begun, begin) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
    let reader = Task {
      var body = response.body.stream.makeAsyncIterator()
      _ = try await body.next()
      begin.finish()
      _ = try await body.next()
    }
    for await _ in begun {}
    reader.cancel()
    let outcome = await reader.result
    #expect(throws: (any Error).self) { try outcome.get() }
  }

  @Test func `a feed ends when its database is removed`() async throws {
    let server = try await server(documents: 1)
    let response = try await server.send(.get, "/db/_changes?feed=continuous&heartbeat=true&since=now")
    var body = response.body.stream.makeAsyncIterator()
    _ = try await body.next()
    #expect(try await server.send(.delete, "/db").status == .ok)
    #expect(try await body.next() == nil)
  }

  @Test func `a selector, ids and design documents select what is told`() async throws {
    let server = try await Server.withDatabase()
    _ = try await server.json(
      .post, "/db/_bulk_docs", #"{"docs":[{"_id":"a","n":1},{"_id":"b","n":2},{"_id":"_design/c","n":3}]}"#)
    let bySelector = try await server.json(
      .post, "/db/_changes?filter=_selector", #"{"selector":{"n":{"$gt":1}}}"#)
    #expect(ids(bySelector) == ["b", "_design/c"])
    #expect(ids(try await server.json(.post, "/db/_changes?filter=_doc_ids", #"{"doc_ids":["a"]}"#)) == ["a"])
    #expect(ids(try await server.json(.get, "/db/_changes?filter=_design")) == ["_design/c"])
    #expect(
      ids(try await server.json(.get, "/db/_changes?descending=true&limit=2")) == ["_design/c", "b"])
  }
}
