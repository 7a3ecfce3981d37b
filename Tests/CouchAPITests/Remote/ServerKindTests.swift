import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

@Suite("Servers of other kinds")
struct ServerKindTests {
  @Test func `documents are read one by one where _bulk_get is missing`() async throws {
    let server = ScriptedServer { request, _ in
      guard request.method == .get else {
        return Response(400, #"{"error":"bad_request","reason":"Referer header required."}"#)
      }
      let id = request.path[1]
      guard id != "gone" else { return Response(404, #"{"error":"not_found","reason":"missing"}"#) }
      return Response(200, #"[{"ok":{"_id":"\#(id)","_rev":"1-a"}}]"#)
    }
    let database = server.database()
    let requests = (0..<20).map { BulkGetRequest(DocumentID("d\($0)"), at: RevisionID(generation: 1, suffix: "a")) }
    let results = try await database.bulkGet(requests + [BulkGetRequest("gone")], GetOptions())
    #expect(results.prefix(20).map { try? $0.outcome.get().first?.document?.id } == requests.map { $0.id })
    #expect(throws: PouchError.missing) { try results[20].outcome.get() }
    _ = try await database.bulkGet(requests, GetOptions())
    #expect(server.requests.filter { $0.method == .post }.count == 1)
    #expect(server.requests.last?.query["open_revs"] == #"["1-a"]"#)
  }

  @Test func `a missing database is not taken for a missing _bulk_get`() async throws {
    let server = try ScriptedServer(recorded: "all_docs in missing db")
    let database = server.database()
    let error = await failure { _ = try await database.bulkGet([BulkGetRequest("a")], GetOptions()) }
    #expect(error == PouchError(.notFound, "Database does not exist."))
    #expect(server.requests.count == 1)
  }

  @Test func `PouchDB Server answers by document`() async throws {
    let server = ScriptedServer(
      Response(
        200,
        """
        {"results":[{"id":"a","docs":[{"ok":{"_id":"a","_rev":"2-b","_revisions":{"start":2,"ids":["b","x"]}}},
        {"error":{"id":"a","rev":"1-c","error":"not_found","reason":"missing"}}]},
        {"id":"b","docs":[{"ok":{"_id":"b","_rev":"1-z"}}]}]}
        """))
    let results = try await server.database().bulkGet(
      [
        BulkGetRequest("a", at: RevisionID("1-c")), BulkGetRequest("b", at: RevisionID("1-z")),
        BulkGetRequest("a", at: RevisionID("1-x")),
      ], GetOptions(.latest, including: .revisions))
    #expect(results.map(\.id) == ["a", "b", "a"])
    #expect(try results[0].outcome.get().compactMap(\.document).isEmpty)
    #expect(try results[1].outcome.get().first?.document?.revision?.description == "1-z")
    #expect(try results[2].outcome.get().first?.document?.revision?.description == "2-b")
  }

  @Test(arguments: [Int.min, -1, 0, 1, Int.max])
  func `a revision history that begins nowhere is no answer, and no harm`(_ start: Int) async throws {
    let server = ScriptedServer(
      Response(
        200,
        """
        {"results":[{"id":"b","docs":[{"ok":{"_id":"b","_rev":"1-z"}}]},
        {"id":"a","docs":[{"ok":{"_id":"a","_rev":"2-b","_revisions":{"start":\(start),"ids":["b","x"]}}}]}]}
        """))
    let results = try await server.database().bulkGet(
      [BulkGetRequest("a", at: RevisionID("1-x")), BulkGetRequest("b", at: RevisionID("1-z"))],
      GetOptions(.latest, including: .revisions))
    #expect((try? results[0].outcome.get().first?.document) == nil)
    #expect(try results[1].outcome.get().first?.document?.revision?.description == "1-z")
  }

  @Test func `positions go back in the type in which they came`() async throws {
    for (written, json) in [("17", JSON(17)), (#"[3,"g1A"]"#, [3, "g1A"]), (#""3-g1A""#, "3-g1A")] as [(String, JSON)] {
      let server = ScriptedServer(
        Response(
          200, #"{"results":[{"seq":\#(written),"id":"a","changes":[{"rev":"1-a"}]}],"last_seq":\#(written)}"#))
      let database = server.database()
      let batch = try await database.nextChanges(.once, after: nil, limit: 1)
      #expect(batch.hasMore)
      #expect(batch.lastSequence.json == json)
      #expect(UpdateSequence(batch.lastSequence.json) == batch.lastSequence)
      _ = try await database.nextChanges(.once, after: batch.lastSequence, limit: 1)
      #expect(server.requests[1].query["since"] == json.string ?? json.text)
    }
  }

  @Test func `CouchDB 1 tells less of itself`() async throws {
    let server = ScriptedServer { request, _ in
      request.path.isEmpty
        ? Response(200, #"{"couchdb":"Welcome","version":"1.0.1"}"#)
        : Response(
          200,
          """
          {"db_name":"trace","doc_count":3,"doc_del_count":1,"update_seq":12,"purge_seq":0,"compact_running":false,
          "disk_size":4000,"data_size":3000,"instance_start_time":"1795389978000000","disk_format_version":6}
          """)
    }
    let info = try await server.database().info()
    #expect(info.uuid == "http://couch.test/trace")
    #expect(info.updateSequence.json == 12)
    #expect(info.fileSize == 4000)
    #expect(info.activeSize == 3000)
    #expect(info.instanceStartTime == 1_795_389_978_000_000)
  }

  @Test func `what the server cannot filter is filtered here`() async throws {
    let server = ScriptedServer { request, _ in
      guard request.method == .get else { return Response(405, #"{"error":"method_not_allowed","reason":"no"}"#) }
      return Response(
        200,
        """
        {"results":[{"seq":1,"id":"a","changes":[{"rev":"1-a"}],"doc":{"_id":"a","_rev":"1-a","v":1}},
        {"seq":2,"id":"b","changes":[{"rev":"1-b"}],"doc":{"_id":"b","_rev":"1-b","v":2}}],"last_seq":2}
        """)
    }
    let database = server.database()
    let byID = try await database.nextChanges(ChangesQuery(ids: ["b"]), after: nil, limit: 10)
    #expect(byID.changes.map(\.id) == ["b"])
    #expect(byID.lastSequence.json == 2)
    let bySelector = try await database.nextChanges(
      ChangesQuery(selector: Selector(["v": 1])), after: nil, limit: 10)
    #expect(bySelector.changes.map(\.id) == ["a"])
    #expect(bySelector.changes[0].document == nil)
    #expect(server.requests.last?.query["include_docs"] == "true")
    #expect(server.requests.filter { $0.method == .post }.count == 1)
  }

  // MARK: - Feeds

  private static let empty = Response(200, #"{"results":[],"last_seq":"5-a","pending":0}"#)
  private static let change = Response(
    200, #"{"results":[{"seq":"6-a","id":"a","changes":[{"rev":"1-a"}]}],"last_seq":"6-a","pending":0}"#)

  @Test func `a live feed waits at the server, and goes on after a time-out`() async throws {
    let server = ScriptedServer(Self.empty, Self.change)
    let batch = try await server.database().nextChanges(.live, after: UpdateSequence("4-a"), limit: 10)
    #expect(batch.changes.map(\.id) == ["a"])
    #expect(server.requests.map { $0.query["feed"] } == ["longpoll", "longpoll"])
    #expect(server.requests.map { $0.query["since"] } == ["4-a", "5-a"])
    #expect(server.requests[0].query["heartbeat"] == "25000")
  }

  @Test func `a live feed that shows no sign of life is opened anew`() async throws {
    var options = RemoteOptions.prompt()
    options.heartbeat = .seconds(1)
    let server = ScriptedServer { _, number in
      guard number == 0 else { return Self.change }
      let silent = ByteStream {
        {
          try await Task.sleep(for: .seconds(3600))
          return nil
        }
      }
      return Response(.ok, body: .stream(silent, length: nil))
    }
    let batch = try await server.database(options).nextChanges(.live, after: nil, limit: 10)
    #expect(batch.changes.count == 1)
    #expect(server.requests.count == 2)
  }

  @Test func `a live feed ends when the database is closed`() async throws {
    let (asked, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let server = ScriptedServer { _, _ in
      continuation.yield()
      try await Task.sleep(for: .seconds(3600))
      return Self.empty
    }
    let database = server.database()
    let reader = Task { try await database.changes(.live).collect().count }
    for await _ in asked { break }
    try await database.close()
    #expect(try await reader.value == 0)
  }

  @Test func `newest first is one answer`() async throws {
    let server = ScriptedServer(
      Response(
        200,
        """
        {"results":[{"seq":"2-a","id":"b","changes":[{"rev":"1-b"}]},{"seq":"1-a","id":"a","changes":[{"rev":"1-a"}]}],
        "last_seq":"0","pending":0}
        """))
    let ids = try await server.database().changes(ChangesQuery(order: .descending)).collect().map(\.id)
    #expect(ids == ["b", "a"])
    #expect(server.lines == ["GET /trace/_changes?descending=true"])
  }

  @Test func `changes with large documents are asked for in smaller numbers`() async throws {
    let text = String(repeating: "x", count: 100_000)
    let server = ScriptedServer { request, _ in
      let limit = Int(request.query["limit"] ?? "") ?? 0
      let rows = (0..<limit).map {
        #"{"seq":"\#($0)-a","id":"\#($0)","changes":[{"rev":"1-a"}],"doc":{"_id":"\#($0)","_rev":"1-a","t":"\#(text)"}}"#
      }
      // More than this is more than the client takes into memory.
      if limit > 400 { return Response(.ok, body: .stream(ByteStream([]), length: 1 << 40)) }
      return Response(200, #"{"results":[\#(rows.joined(separator: ","))],"last_seq":"9-a","pending":9}"#)
    }
    let database = server.database()
    let query = ChangesQuery.once.including(.documents)
    #expect(try await database.nextChanges(query, after: nil, limit: 500).changes.count == 250)
    let next = try await database.nextChanges(query, after: nil, limit: 500)
    #expect(next.changes.count == RemoteTuning.pageBytes / 100_006)
    #expect(server.requests.count == 3)
  }
}
