import Foundation
import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

/// What the remote database makes of answers that CouchDB 3.5 gave, and what it asks to get them.
@Suite("What CouchDB was recorded to answer")
struct RecordedAnswersTests {
  private static let leaves = [
    "3-4a8a08f09d37b73795649038408b5f33", "2-92eb5ffee6ae2fec3ad71c777531578f", "2-0cc175b9c0f1b6a831c399e269772661",
  ]

  @Test func `a database is known by its server's UUID and its name`() async throws {
    let server = try ScriptedServer(recorded: "db info", "welcome", "db info")
    let database = server.database()
    let info = try await database.info()
    #expect(info.name == "trace")
    #expect(info.uuid == "8fec410c0bd66fe171726d6358d4561e/trace")
    #expect(info.fileSize == 16700)
    #expect(info.instanceStartTime == 1_795_389_978_000_000)
    #expect(info.updateSequence.description.hasPrefix("0-g1AAAACb"))
    _ = try await database.info()
    #expect(server.lines == ["GET /trace", "GET /", "GET /trace"])
  }

  @Test func `errors are CouchDB's`() async throws {
    for (label, expected) in [
      ("get missing doc", PouchError.missing), ("get deleted", PouchError.deleted),
      ("doc in missing db", PouchError(.notFound, "Database does not exist.")),
      ("db get without credentials", PouchError(.unauthorized, "You are not authorized to access this db.")),
      ("member-only db as other user", PouchError(.forbidden, "You are not allowed to access this db.")),
      ("attachment range unsatisfiable", PouchError(.rangeNotSatisfiable)),
      ("view missing", PouchError(.notFound, "missing_named_view")),
    ] {
      let database = try ScriptedServer(recorded: label).database()
      #expect(await failure { _ = try await database.get("a") } == expected, "\(label)")
    }
  }

  @Test func `a document is read with what was asked for`() async throws {
    let server = try ScriptedServer(recorded: "get meta conflicted")
    let document = try await server.database().get(
      "c", including: [.conflicts, .deletedConflicts, .revisionsInfo])
    #expect(
      server.lines == ["GET /trace/c?revs_info=true&conflicts=true&deleted_conflicts=true"])
    #expect(document["v"]?.string == "B")
    #expect(document.metadata?.conflicts?.map(\.description) == [Self.leaves[2]])
    #expect(document.metadata?.deletedConflicts?.map(\.description) == [Self.leaves[0]])
    #expect(document.metadata?.revisionsInfo?.first?.status == .available)
    #expect(document.revisions == nil)
  }

  @Test func `ids are put into paths as all servers take them`() async throws {
    let server = ScriptedServer(Response(404, #"{"error":"not_found","reason":"missing"}"#))
    let database = server.database()
    for id in ["_design/a/b", "_local/x=", "a b+c", "é", "a/b"] as [DocumentID] {
      _ = await failure { _ = try await database.get(id, GetOptions()) }
    }
    #expect(
      server.requests.map { $0.target.prefix { $0 != "?" } } == [
        "/trace/_design/a%2Fb", "/trace/_local/x%3D", "/trace/a%20b%2Bc", "/trace/%C3%A9", "/trace/a%2Fb",
      ])
  }

  @Test func `a name of dots is never a step in a path`() async throws {
    let server = ScriptedServer(Response(200, #"{"results":[{"id":"..","docs":[]}]}"#))
    let database = server.database()
    _ = await failure { _ = try await database.get("..", at: RevisionID("1-a")) }
    _ = await failure { _ = try await database.getAttachment("..", of: "a") }
    #expect(server.lines == ["POST /trace/_bulk_get?attachments=false"])
    #expect(Request(.delete, ["db", ".."]).target == "/db/%2E%2E")
  }

  @Test func `leaves come in the order of winning`() async throws {
    let server = try ScriptedServer(recorded: "open_revs all JSON")
    let leaves = try await server.database().openRevisions(of: "c")
    #expect(
      leaves.compactMap(\.document?.revision?.description) == [Self.leaves[1], Self.leaves[2], Self.leaves[0]])
    #expect(server.requests[0].query["open_revs"] == "all")
    let missing = try ScriptedServer(recorded: "open_revs list with missing JSON").database()
    let found = try await missing.openRevisions(
      of: "c", .these([RevisionID(Self.leaves[2]), RevisionID("7-00000000000000000000000000000000")]))
    #expect(found[0].document?["v"]?.string == "A")
    #expect(found[1].document == nil)
  }

  @Test func `a revision that became several brings them all`() async throws {
    let server = try ScriptedServer(recorded: "bulk_get revs latest")
    let results = try await server.database().bulkGet(
      [BulkGetRequest("c", at: RevisionID("1-c4ca4238a0b923820dcc509a6f75849b"))],
      GetOptions(.latest, including: .revisions))
    let documents = try results[0].outcome.get().compactMap(\.document)
    #expect(documents.compactMap(\.revision?.description).sorted() == Self.leaves.sorted())
    #expect(documents.map { $0.revisions?.count } == [2, 2, 3])
    let request = try #require(server.requests.first)
    #expect(request.query["latest"] == "true")
    #expect(request.query["revs"] == "true")
    #expect(
      try await request.json().text == #"{"docs":[{"id":"c","rev":"1-c4ca4238a0b923820dcc509a6f75849b"}]}"#)
  }

  @Test func `lists tell of missing and deleted keys`() async throws {
    let server = try ScriptedServer(recorded: "all_docs POST keys include_docs")
    let page = try await server.database().allDocs(AllDocsQuery(keys: ["p1", "nope", "b1"], rows: .documents))
    #expect(page.totalRows == 20)
    #expect(page.rows.map(\.isDeleted) == [true, false, false])
    #expect(page.rows[1].revision == nil)
    #expect(page.rows[2].document?["v"]?.int == 1)
    #expect(try await server.requests[0].json() == ["keys": ["p1", "nope", "b1"]])
  }

  @Test func `a range is asked for in CouchDB's words`() async throws {
    let server = try ScriptedServer(recorded: "all_docs update_seq")
    var query = AllDocsQuery(from: "b\"", to: "c", .exclusive, order: .descending, skip: 1, limit: 2)
    query.reportsSequence = true
    let page = try await server.database().allDocs(query)
    #expect(page.updateSequence?.description.hasPrefix("28-g1") == true)
    let asked = server.requests[0].query
    #expect(asked["startkey"] == #""b\"""#)
    #expect(asked["endkey"] == #""c""#)
    #expect(asked["inclusive_end"] == "false")
    #expect(asked["descending"] == "true")
    #expect(asked["skip"] == "1")
    #expect(asked["limit"] == "2")
  }

  @Test func `changes are read with their positions`() async throws {
    let server = try ScriptedServer(recorded: "changes limit", "changes since now")
    let database = server.database()
    let batch = try await database.nextChanges(ChangesQuery(style: .allLeaves), after: nil, limit: 3)
    #expect(batch.changes.map(\.id) == ["batchdoc", "p1", "c"])
    #expect(batch.changes.map(\.isDeleted) == [false, true, false])
    #expect(batch.hasMore)
    #expect(batch.lastSequence.description.hasPrefix("4-g1"))
    _ = try await database.nextChanges(.once, after: batch.lastSequence, limit: 3)
    #expect(server.requests[0].query == ["limit": "3", "style": "all_docs"])
    #expect(server.requests[1].query["since"] == batch.lastSequence.description)
  }

  @Test func `changes of some documents, and by a selector, are filtered by the server`() async throws {
    let server = try ScriptedServer(recorded: "changes include_docs conflicts", "changes selector")
    let database = server.database()
    let query = ChangesQuery(rows: .documents(.conflicts), ids: ["c"])
    let batch = try await database.nextChanges(query, after: nil, limit: 10)
    #expect(batch.changes.first?.document?.metadata?.conflicts?.map(\.description) == [Self.leaves[2]])
    #expect(!batch.hasMore)
    #expect(server.requests[0].query["filter"] == "_doc_ids")
    #expect(try await server.requests[0].json() == ["doc_ids": ["c"]])
    _ = try await database.nextChanges(
      ChangesQuery(selector: Selector(["v": ["$gt": 0]])), after: nil, limit: 100)
    #expect(server.requests[1].query["filter"] == "_selector")
    #expect(try await server.requests[1].json() == ["selector": ["v": ["$gt": 0]]])
  }

  @Test func `a position of another database starts at the beginning`() async throws {
    let server = try ScriptedServer(recorded: "changes since garbage", "changes limit")
    let batch = try await server.database().nextChanges(.once, after: UpdateSequence("garbage"), limit: 3)
    #expect(batch.changes.count == 3)
    #expect(server.requests.map { $0.query["since"] } == ["garbage", "0"])
  }

  @Test func `each document of a batch has its outcome`() async throws {
    let server = ScriptedServer { request, _ in
      // The recorded answer has the id that CouchDB made up; here the client makes it up.
      let id = try await request.json()["docs"]?[2]?["_id"]?.string ?? ""
      let recorded = try RecordedExchange.named("bulk_docs mixed")
      let text = String(decoding: recorded.responseBody, as: UTF8.self)
      return Response(201, text.replacingOccurrences(of: "6b2f8f75200e226c042ecba06800cee6", with: id))
    }
    let results = try await server.database().bulkDocs([
      ["_id": "b1", "v": 1], ["_id": "b2", "v": 1], ["v": "noid"], ["_id": "num", "v": "conflict"],
      ["_id": "b1", "v": "dup in batch"],
    ])
    let failures = results.map { result -> PouchError? in
      if case .failure(let error) = result.outcome { error } else { nil }
    }
    #expect(failures == [nil, nil, nil, PouchError.conflict, PouchError.conflict])
    #expect(results[2].id.text.count == 36)
    #expect(server.lines == ["POST /trace/_bulk_docs"])
  }

  @Test func `copies succeed unless the answer says otherwise`() async throws {
    let server = try ScriptedServer(recorded: "bulk_docs new_edits false ok empty answer")
    let copies = ["x", "y"].map { Document(id: DocumentID($0), revision: RevisionID(generation: 1, suffix: "a")) }
    let results = try await server.database().bulkDocs(copies, .replicated)
    #expect(results.map { try? $0.outcome.get().description } == ["1-a", "1-a"])
    let sent = try await server.requests[0].json()
    #expect(sent["new_edits"] == false)
    #expect(sent["docs"]?[0]?["_revisions"] == nil)
    let refusing = ScriptedServer(
      Response(201, #"[{"id":"y","rev":"1-a","error":"forbidden","reason":"no y here"}]"#))
    let refused = try await refusing.database().bulkDocs(copies, .replicated)
    #expect(refused.map { (try? $0.outcome.get()) != nil } == [true, false])
    guard case .failure(let error) = refused[1].outcome else { return }
    #expect(error == PouchError(.forbidden, "no y here"))
  }

  @Test func `what is missing is told by _revs_diff`() async throws {
    let server = try ScriptedServer(recorded: "revs_diff")
    let difference = try await server.database().revsDiff([
      "c": [RevisionID("9-00000000000000000000000000000000")], "nope": [RevisionID("1-a")], "num": [],
    ])
    #expect(difference.keys.sorted() == ["c", "nope"])
    #expect(difference["c"]?.missing.count == 2)
    #expect(difference["c"]?.possibleAncestors.count == 3)
    #expect(try await server.requests[0].json().object?.count == 2)
  }

  @Test func `upkeep is asked for in CouchDB's words`() async throws {
    let server = try ScriptedServer(
      recorded: "revs_limit get", "revs_limit put", "purge", "compact", "db info", "delete db")
    let database = server.database()
    #expect(try await database.revsLimit() == 1000)
    try await database.setRevsLimit(500)
    let purged = try await database.purge(["ne": [RevisionID("1-abc")]])
    #expect(purged == ["ne": [try RevisionID("1-abc")], "nope": []])
    try await database.compact()
    try await database.destroy()
    #expect(
      server.lines == [
        "GET /trace/_revs_limit", "PUT /trace/_revs_limit", "POST /trace/_purge", "POST /trace/_compact",
        "GET /trace", "DELETE /trace",
      ])
    #expect(await failure { _ = try await database.info() } == PouchError.closed)
  }

  @Test func `local documents are read, written and removed`() async throws {
    let server = try ScriptedServer(
      recorded: "local put", "local get", "extra: local delete with current rev", "local delete missing",
      "local missing")
    let database = server.database()
    #expect(try await database.put(["_id": "_local/l1", "v": 1]).description == "0-1")
    let document = try await database.get("_local/l1")
    #expect(document["v"]?.int == 1)
    #expect(try await database.remove(document).description == "0-0")
    #expect(await failure { try await database.remove("_local/nope", at: RevisionID("0-1")) } == PouchError.missing)
    #expect(
      server.lines.prefix(3) == [
        "PUT /trace/_local/l1", "GET /trace/_local/l1", "DELETE /trace/_local/l1?rev=0-1",
      ])
  }
}
