import PeerPouch
import Testing

@Suite("Lists, batches and changes")
struct ListingTests {
  /// Documents `a` to `e`, of which `c` is deleted.
  private func fill(_ database: any Database) async throws {
    let results = try await database.bulkDocs(
      ["a", "b", "c", "d", "e"].map { Document(id: $0, fields: ["is": "here"]) })
    try await database.remove("c", at: #require(results[2].revision))
  }

  private func ids(_ database: any Database, _ query: AllDocsQuery) async throws -> String {
    try await database.allDocs(query).rows.map(\.id.text).joined()
  }

  @Test(arguments: Backend.allCases)
  func `all documents are listed by id without deleted ones`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await fill(database)
      let page = try await database.allDocs()
      #expect(page.totalRows == 4)
      #expect(page.rows.map(\.id) == ["a", "b", "d", "e"])
      #expect(page.rows.allSatisfy { $0.document == nil && $0.revision?.generation == 1 })
      let withDocuments = try await database.allDocs(.withDocuments)
      #expect(withDocuments.rows.allSatisfy { $0.document?["is"]?.string == "here" })
    }
  }

  @Test(arguments: Backend.allCases)
  func `a range has a start, an end, a direction and a size`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await fill(database)
      #expect(try await ids(database, AllDocsQuery(from: "b")) == "bde")
      #expect(try await ids(database, AllDocsQuery(from: "b", to: "d")) == "bd")
      #expect(try await ids(database, AllDocsQuery(from: "b", to: "d", .exclusive)) == "b")
      #expect(try await ids(database, AllDocsQuery(order: .descending)) == "edba")
      #expect(try await ids(database, AllDocsQuery(from: "d", to: "a", .exclusive, order: .descending)) == "db")
      #expect(try await ids(database, AllDocsQuery(skip: 1, limit: 2)) == "bd")
      #expect(try await ids(database, AllDocsQuery(limit: 0)) == "")
      #expect(try await ids(database, .key("b")) == "b")
      #expect(try await ids(database, .key("c")) == "")
      #expect(try await ids(database, AllDocsQuery(from: "e", to: "a")) == "")
    }
  }

  @Test(arguments: Backend.allCases)
  func `keys are answered in their order, also missing and deleted ones`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await fill(database)
      let rows = try await database.allDocs(AllDocsQuery(keys: ["e", "nope", "c", "a"], rows: .documents)).rows
      #expect(rows.map(\.id) == ["e", "nope", "c", "a"])
      #expect(rows[1].revision == nil)
      #expect(rows[2].isDeleted)
      #expect(rows[2].revision?.generation == 2)
      #expect(rows[2].document == nil)
      #expect(rows[3].document?["is"]?.string == "here")
      #expect(try await ids(database, AllDocsQuery(keys: ["a", "b", "d"], skip: 1, limit: 1)) == "b")
    }
  }

  @Test(arguments: Backend.allCases)
  func `ids are listed in the order of their bytes`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let ids: [DocumentID] = ["\u{1F600}", "é", "z", "Z", "_design/a", "a b", "a", "\u{FFFD}"]
      _ = try await database.bulkDocs(ids.map { Document(id: $0) })
      #expect(try await database.allDocs().rows.map(\.id) == ids.sorted())
      #expect(try await database.allDocs(.prefix("a")).rows.map(\.id) == ["a", "a b"])
    }
  }

  @Test(arguments: Backend.allCases)
  func `a list can tell conflicts and the sequence it reflects`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      _ = try await database.bulkDocs([try replica("a", ["1-b"]), try replica("a", ["1-a"])], .replicated)
      var query = AllDocsQuery(rows: .documents(.conflicts))
      query.reportsSequence = true
      let page = try await database.allDocs(query)
      #expect(page.rows[0].document?.metadata?.conflicts?.map(\.description) == ["1-a"])
      #expect(try await page.updateSequence == database.info().updateSequence)
    }
  }

  @Test(arguments: Backend.allCases)
  func `documents are read page by page, each once`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let all = (0..<1001).map { Document(id: DocumentID("doc\(String($0 + 10_000))")) }
      _ = try await database.bulkDocs(all)
      var seen: [DocumentID?] = []
      for try await document in database.documents() {
        // Removing what was read must not make the next page skip anything.
        if seen.count % 50 == 0 { try await database.remove(document) }
        seen.append(document.id)
      }
      #expect(seen == all.map(\.id))
      var descending: [DocumentID?] = []
      for try await document in database.documents(AllDocsQuery(from: "doc10009", order: .descending, rows: .documents))
      {
        descending.append(document.id)
      }
      #expect(descending.count == 9)
    }
  }

  @Test(arguments: Backend.allCases)
  func `in a batch each document has an outcome of its own`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put(["_id": "old"])
      let results = try await database.bulkDocs([
        ["_id": "good"], ["_id": "old"], ["_id": "_bad"], ["v": "unnamed"], ["_id": "good"],
        ["_id": "gone", "_deleted": true],
      ])
      #expect(results.map { $0.error?.code } == [nil, .conflict, .illegalDocumentID, nil, .conflict, nil])
      #expect(results[1].id == "old")
      #expect(results[3].id.text.count == 36)
      #expect(try await database.get(results[3].id)["v"]?.string == "unnamed")
      #expect(try await database.info().documentCount == 3)
      #expect(try await database.info().deletedCount == 1)
      #expect(try await database.bulkDocs([]).isEmpty)
    }
  }

  @Test(arguments: Backend.allCases)
  func `many documents are read at once`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      _ = try await database.bulkDocs([try replica("a", ["1-b"]), try replica("a", ["1-a"])], .replicated)
      let results = try await database.bulkGet(
        [
          BulkGetRequest("a"), BulkGetRequest("nope"), BulkGetRequest("a", at: RevisionID("1-a")),
          BulkGetRequest("a", at: RevisionID("5-x")),
        ], GetOptions(including: .revisions))
      #expect(results.map(\.id) == ["a", "nope", "a", "a"])
      #expect(try results[0].outcome.get().count == 2)
      #expect(throws: PouchError.missing) { try results[1].outcome.get() }
      #expect(try results[2].outcome.get()[0].document?.revisions?.map(\.description) == ["1-a"])
      guard case .missing = try results[3].outcome.get()[0] else {
        Issue.record("5-x should be missing")
        return
      }
    }
  }

  // MARK: - Changes

  @Test(arguments: Backend.allCases)
  func `each document is in the changes once, at its newest change`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await fill(database)
      let changes = try await database.changes().collect()
      #expect(changes.map(\.id) == ["a", "b", "d", "e", "c"])
      #expect(changes.last?.isDeleted == true)
      let since = try await database.changes(.once.since(.after(changes[2].sequence))).collect()
      #expect(since.map(\.id) == ["e", "c"])
      let now = try await database.changes(.once.since(.now)).collect()
      #expect(now.isEmpty)
      #expect(try await changes.last?.sequence == database.info().updateSequence)
    }
  }

  @Test(arguments: Backend.allCases)
  func `changes can be limited, reversed, filtered and carry documents`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await fill(database)
      func ids(_ query: ChangesQuery) async throws -> String {
        try await database.changes(query).collect().map(\.id.text).joined()
      }
      #expect(try await ids(ChangesQuery(limit: 2)) == "ab")
      #expect(try await ids(ChangesQuery(limit: 0)) == "")
      #expect(try await ids(ChangesQuery(order: .descending)) == "cedba")
      #expect(try await ids(ChangesQuery(order: .descending, limit: 2)) == "ce")
      #expect(try await ids(ChangesQuery(ids: ["e", "a", "nope"])) == "ae")
      #expect(try await ids(ChangesQuery(order: .descending, ids: ["e", "a"])) == "ea")
      #expect(try await ids(ChangesQuery(filter: { !$0.isDeleted && ($0.id ?? "") > "a" })) == "bde")
      #expect(try await ids(ChangesQuery(limit: 1, filter: { $0.id == "d" })) == "d")
      let rows = try await database.changes(.once.including(.documents)).collect()
      #expect(rows[0].document?["is"]?.string == "here")
      #expect(rows[4].document?.isDeleted == true)
    }
  }

  @Test(arguments: Backend.allCases)
  func `changes tell the winner or all leaves`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      // The loser arrives last, so the row that changed is not the winner's.
      _ = try await database.bulkDocs(
        [try replica("a", ["1-b"], ["v": "b"]), try replica("a", ["1-a"], ["v": "a"])], .replicated)
      let winner = try await database.changes(ChangesQuery(rows: .documents(.conflicts))).collect()
      #expect(winner.map { $0.revisions.map(\.description) } == [["1-b"]])
      #expect(winner[0].document?["v"]?.string == "b")
      #expect(winner[0].document?.metadata?.conflicts?.map(\.description) == ["1-a"])
      let leaves = try await database.changes(ChangesQuery(style: .allLeaves)).collect()
      #expect(leaves[0].revisions.map(\.description) == ["1-b", "1-a"])
    }
  }

  @Test(arguments: Backend.allCases)
  func `a live feed delivers what was and what comes, without a gap`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put(["_id": "0"])
      let reader = Task {
        var ids: [String] = []
        for try await change in database.changes(ChangesQuery(.live, limit: 500)) { ids.append(change.id.text) }
        return ids
      }
      for number in 1..<500 { try await database.put(Document(id: DocumentID("\(number)"))) }
      #expect(try await reader.value == (0..<500).map(String.init))
    }
  }

  @Test(arguments: Backend.allCases)
  func `a live feed ends when its task is cancelled`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put(["_id": "a"])
      let (seen, continuation) = AsyncStream<DocumentID>.makeStream(bufferingPolicy: .bufferingNewest(1))
      let reader = Task {
        for try await change in database.changes(.live) { continuation.yield(change.id) }
        return "ended"
      }
      for await id in seen {
        #expect(id == "a")
        break
      }
      reader.cancel()
      #expect(try await reader.value == "ended")
    }
  }

  @Test(arguments: Backend.allCases)
  func `a live feed ends when the database is closed`(_ backend: Backend) async throws {
    let database = try await Pouch("memory:")
    try await database.put(["_id": "a"])
    let (seen, continuation) = AsyncStream<DocumentID>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let reader = Task {
      for try await change in database.changes(.live) { continuation.yield(change.id) }
      return "ended"
    }
    for await _ in seen { break }
    try await database.close()
    #expect(try await reader.value == "ended")
  }

  @Test(arguments: Backend.allCases)
  func `a live feed of some documents wakes for those only`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let reader = Task {
        try await database.changes(ChangesQuery(.live, limit: 2, ids: ["x", "y"])).collect().map(\.id)
      }
      for id in ["a", "x", "b", "y"] { try await database.put(Document(id: DocumentID(id))) }
      #expect(try await reader.value == ["x", "y"])
    }
  }

  @Test(arguments: Backend.allCases)
  func `a position of another history starts at the beginning`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await fill(database)
      for position in ["17-deadbeefdeadbeef", "garbage", "0", "999999-g1AAAA"] {
        let changes = try await database.changes(.once.since(.after(UpdateSequence(position)))).collect()
        #expect(changes.count == 5)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a feed that was left goes on from the change that was read last`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await fill(database)
      var feed = database.changes().makeAsyncIterator()
      #expect(try await feed.next()?.id == "a")
      let position = try #require(feed.lastSequence)
      #expect(try await database.changes(.once.since(.after(position))).collect().map(\.id) == ["b", "d", "e", "c"])
      while try await feed.next() != nil {}
      #expect(try await feed.lastSequence == database.info().updateSequence)
    }
  }
}
