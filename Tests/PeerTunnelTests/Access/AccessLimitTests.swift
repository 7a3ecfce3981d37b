import CouchAPI
import HTTPTypes
import PeerTunnel
import PouchCore
import Testing

/// Each bound of ``AccessLimits``, just kept and just passed.
@Suite(.timeLimit(.minutes(1)))
struct AccessLimitTests {
  private static let db = "/" + SharedNotes.share

  /// A document whose body has so many bytes.
  private static func document(_ count: Int) -> String {
    #"{"t":""# + String(repeating: "x", count: count - 8) + #""}"#
  }

  @Test func `documents of 8 MiB are taken, and no larger ones`() async throws {
    let notes = try await SharedNotes(.readWrite)
    #expect(try await notes.ask(.put, Self.db + "/fits", Self.document(8 << 20)).status == 201)
    #expect(try await notes.ask(.put, Self.db + "/long", Self.document((8 << 20) + 1)).status == 413)
    #expect(try await notes.ask(.put, Self.db + "/longer", Self.document(13 << 20)).status == 413)
  }

  @Test func `batches are taken up to 10,000 documents or 32 MiB`() async throws {
    func batch(_ count: Int) -> String {
      #"{"docs":["# + Array(repeating: "{}", count: count).joined(separator: ",") + "]}"
    }
    var limits = AccessLimits()
    #expect(limits.bulkDocuments == 10_000 && limits.bulk == 32 << 20)
    limits.bulkDocuments = 100
    limits.bulk = 4096
    let notes = try await SharedNotes(.readWrite, limits: limits)
    #expect(try await notes.ask(.post, Self.db + "/_bulk_docs", batch(100)).status == 201)
    #expect(try await notes.ask(.post, Self.db + "/_bulk_docs", batch(101)).status == 413)
    let long = #"{"docs":[\#(Self.document(4096))]}"#
    #expect(try await notes.ask(.post, Self.db + "/_bulk_docs", long).status == 413)
  }

  @Test func `a thousand documents are asked for at once, and no more`() async throws {
    let notes = try await SharedNotes(.readOnly)
    func ask(_ count: Int) async throws -> Int {
      let entries = Array(repeating: #"{"id":"b"}"#, count: count).joined(separator: ",")
      return try await notes.ask(.post, Self.db + "/_bulk_get", "{\"docs\":[\(entries)]}").status
    }
    #expect(try await ask(1000) == 200)
    #expect(try await ask(1001) == 413)
  }

  @Test func `JSON is nested 128 levels deep, and no deeper`() async throws {
    func nested(_ depth: Int) -> String {
      #"{"a":"# + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1) + "}"
    }
    let notes = try await SharedNotes(.readWrite)
    #expect(try await notes.ask(.put, Self.db + "/fits", nested(128)).status == 201)
    #expect(try await notes.ask(.put, Self.db + "/deep", nested(129)).status == 400)
    #expect(try await notes.ask(.put, Self.db + "/deeper", nested(100_000)).status == 400)
    let brackets = #"{"text":"\#(String(repeating: "[", count: 1000))\\\"["}"#
    #expect(try await notes.ask(.put, Self.db + "/text", brackets).status == 201)
    let batch = try await notes.ask(.post, Self.db + "/_bulk_docs", #"{"docs":[\#(nested(129)),{"_id":"x"}]}"#)
    #expect(batch.text.contains("bad_request") && batch.text.contains("\"ok\":true,\"id\":\"x\""))
  }

  @Test func `selectors have 1,000 values in 32 levels, and no more`() async throws {
    let notes = try await SharedNotes(PeerGrant(.readOnly, queries: .granted))
    func find(_ selector: String) async throws -> Int {
      try await notes.ask(.post, Self.db + "/_find", "{\"selector\":\(selector)}").status
    }
    func list(_ count: Int) -> String {
      "{\"a\":{\"$in\":[" + Array(repeating: "1", count: count).joined(separator: ",") + "]}}"
    }
    #expect(try await find(list(997)) == 200)
    #expect(try await find(list(998)) == 400)
    func deep(_ depth: Int) -> String {
      String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
    }
    #expect(try await find(deep(32)) == 200)
    #expect(try await find(deep(33)) == 400)
    let feed = try await notes.ask(
      .post, Self.db + "/_changes?filter=_selector", #"{"selector":{"a":{"$regex":"x"}}}"#)
    #expect(feed.status == 400)
  }

  @Test func `a document has a hundred leaves, and no more by peers`() async throws {
    let notes = try await SharedNotes(.readWrite)
    func copies(_ range: Range<Int>) -> String {
      let docs = range.map { "{\"_id\":\"b\",\"_revisions\":{\"start\":2,\"ids\":[\"x\($0)\",\"abc\"]}}" }
      return "{\"new_edits\":false,\"docs\":[\(docs.joined(separator: ","))]}"
    }
    let first = try await notes.ask(.post, Self.db + "/_bulk_docs", copies(0..<60))
    #expect(first.text == "[]\n")
    let second = try await notes.ask(.post, Self.db + "/_bulk_docs", copies(50..<101))
    #expect(second.text.contains("\"rev\":\"2-x100\"") && second.text.contains("forbidden"))
    #expect(!second.text.contains("2-x99"))
    let leaves = try await notes.database.openRevisions(of: "b", .all, GetOptions())
    #expect(leaves.count == 100)
    // A leaf may be followed by another one.
    let next = #"{"new_edits":false,"docs":[{"_id":"b","_revisions":{"start":3,"ids":["y","x7","abc"]}}]}"#
    #expect(try await notes.ask(.post, Self.db + "/_bulk_docs", next).text == "[]\n")
  }

  @Test func `nothing is written when the disk is nearly full`() async throws {
    let full = try await SharedNotes(.readWrite, freeSpace: (1 << 30) - 1)
    #expect(try await full.ask(.put, Self.db + "/new", "{}").status == 507)
    #expect(try await full.ask(.put, Self.db + "/b/f.txt?rev=1-abc", "x").status == 507)
    #expect(try await full.ask(.post, Self.db + "/_bulk_docs", #"{"docs":[{}]}"#).status == 507)
    #expect(try await full.ask(.put, Self.db + "/_local/x", "{}").status == 507)
    #expect(try await full.ask(.get, Self.db + "/b").status == 200)
    let enough = try await SharedNotes(.readWrite, freeSpace: 1 << 30)
    #expect(try await enough.ask(.put, Self.db + "/new", "{}").status == 201)
  }

  @Test func `a connection has 32 live feeds, and no more`() async throws {
    let notes = try await SharedNotes(.readOnly)
    let request = try Request(.get, target: Self.db + "/_changes?feed=continuous&heartbeat=true")
    var feeds: [Response] = []
    for _ in 0..<32 { feeds.append(await notes.access.respond(to: request)) }
    #expect(feeds.allSatisfy { $0.status == .ok })
    #expect(try await notes.ask(.get, Self.db + "/_changes?feed=longpoll").status == 429)
    #expect(try await notes.ask(.get, Self.db + "/_changes").status == 200)
    feeds.removeLast()
    let again = await notes.access.respond(to: request)
    #expect(again.status == .ok)
  }

  @Test func `more lists than a connection reads at once wait for their turn`() async throws {
    var limits = AccessLimits()
    limits.lists = 1
    let notes = try await SharedNotes(.readOnly, limits: limits)
    _ = try await notes.database.bulkDocs((0..<600).map { Document(id: "\($0)") }, .edits)
    // More than a page, and not read.
    let changes = try Request(.get, target: Self.db + "/_changes")
    var first: Response? = await notes.access.respond(to: changes)
    #expect(first?.body.length == nil)
    let isAnswered = Signal()
    let second = Task {
      let answer = try await notes.ask(.get, Self.db + "/_all_docs?limit=1")
      isAnswered.happen()
      return answer
    }
    // Documents are no lists.
    for _ in 0..<50 { #expect(try await notes.ask(.get, Self.db + "/1").status == 200) }
    #expect(!isAnswered.hasHappened)
    first = nil
    #expect(try await second.value.status == 200)
  }

  @Test func `more documents than a connection holds unread wait for their turn`() async throws {
    var limits = AccessLimits()
    limits.documents = 1
    let notes = try await SharedNotes(.readOnly, limits: limits)
    _ = try await notes.database.put(Document(id: "large", fields: ["t": JSON(Self.document(100_000))]))
    let large = try Request(.get, target: Self.db + "/large")
    var first: Response? = await notes.access.respond(to: large)
    let isAnswered = Signal()
    let second = Task {
      let answer = try await notes.ask(.get, Self.db + "/b")
      isAnswered.happen()
      return answer
    }
    for _ in 0..<50 { #expect(try await notes.ask(.get, Self.db + "/_all_docs").status == 200) }
    #expect(!isAnswered.hasHappened)
    #expect(try await first?.body.collect(upTo: .max).count ?? 0 > 100_000)
    first = nil
    #expect(try await second.value.status == 200)
  }

  @Test func `more bytes of requests than a connection may have in memory wait unread`() async throws {
    var limits = AccessLimits()
    limits.bodiesInMemory = 100_000
    let notes = try await SharedNotes(.readWrite, limits: limits)
    let release = Signal()
    let isRead = Signal()
    let slow = ByteStream {
      var isFirst = true
      return {
        defer { isFirst = false }
        guard isFirst else { return nil }
        isRead.happen()
        await release.wait()
        return Array(Self.document(90_000).utf8)
      }
    }
    func write(_ id: String, _ body: ByteStream) -> Task<Int, any Error> {
      Task {
        let request = Request(.put, [SharedNotes.share, id], body: .stream(body, length: 90_000))
        return await notes.access.respond(to: request).status.code
      }
    }
    let first = write("slow", slow)
    await isRead.wait()
    let isTaken = Signal()
    let second = write(
      "other",
      ByteStream {
        {
          guard !isTaken.hasHappened else { return nil }
          isTaken.happen()
          return Array(Self.document(90_000).utf8)
        }
      })
    // Small ones are not held up.
    for number in 0..<50 { #expect(try await notes.ask(.put, Self.db + "/small\(number)", "{}").status == 201) }
    #expect(!isTaken.hasHappened)
    release.happen()
    #expect(try await first.value == 201)
    #expect(try await second.value == 201)
  }

  @Test func `silent feeds show that they live`() async throws {
    var limits = AccessLimits()
    limits.heartbeat = 200
    let notes = try await SharedNotes(.readOnly, limits: limits)
    for target in ["/_changes?feed=longpoll&since=now", "/_changes?feed=longpoll&since=now&timeout=60000"] {
      #expect(try await notes.ask(.get, Self.db + target).text.contains("last_seq"))
    }
    let feed = try Request(.get, target: Self.db + "/_changes?feed=continuous&since=now&heartbeat=60000")
    var pieces = await notes.access.respond(to: feed).body.stream.makeAsyncIterator()
    _ = try await pieces.next()
    #expect(try await pieces.next() == [0x0A])
  }
}
