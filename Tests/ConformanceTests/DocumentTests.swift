import PeerPouch
import Testing

@Suite("Documents")
struct DocumentTests {
  @Test(arguments: Backend.allCases)
  func `a document that was put can be read`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let revision = try await database.put(["_id": "a", "text": "milk", "count": 3])
      let document = try await database.get("a")
      #expect(document.revision == revision)
      #expect(revision.generation == 1)
      #expect(document["text"]?.string == "milk")
      #expect(document.json.text == #"{"_id":"a","_rev":"\#(revision)","text":"milk","count":3}"#)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a number keeps its text and keys their order`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let body = #"{"z":1.10,"a":12345678901234567890,"m":1e400,"é":"\u00e9/"}"#
      var document = try Document(parsing: body.utf8)
      document.id = "a"
      try await database.put(document)
      #expect(try await database.get("a").body.string == #"{"z":1.10,"a":12345678901234567890,"m":1e400,"é":"é/"}"#)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a body made in memory is checked as one that was read`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      for name: ExactString in ["_id", "_rev", "_deleted", "_foo"] {
        var document: Document = ["_id": "a", "text": "milk"]
        document[name] = "1-a"
        await expectError(.invalidDocument) { try await database.put(document) }
      }
      var deep: JSON = 1
      for _ in 0..<600 { deep = [deep] }
      let document = Document(id: "a", fields: ["deep": deep])
      await expectError(.badRequest) { try await database.put(document) }
      await expectError(.notFound) { _ = try await database.get("a") }
      try await database.put(["_id": "b", "text": "a \"_id\" within a text"])
    }
  }

  @Test(arguments: Backend.allCases)
  func `an edit names the revision it was made from`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put(["_id": "a", "v": 1])
      var document = try await database.get("a")
      document["v"] = 2
      let second = try await database.put(document)
      #expect(second.generation == 2)
      #expect(try await database.get("a")["v"]?.int == 2)
      await expectError(.conflict, "Document update conflict.") { try await database.put(document) }
      await expectError(.conflict) { try await database.put(["_id": "a", "v": 3]) }
      await expectError(.conflict) { try await database.put(["_id": "new", "_rev": "1-abc"]) }
      #expect(try await database.get("a").revision == second)
    }
  }

  @Test(arguments: Backend.allCases)
  func `the same edit gets the same revision everywhere`(_ backend: Backend) async throws {
    let first = try await backend.withDatabase { database in
      try await database.put(["_id": "a", "x": 1, "y": ["q": 1, "p": 2]])
    }
    let second = try await Backend.memory.withDatabase { database in
      try await database.put(["_id": "a", "y": ["p": 2, "q": 1], "x": 1])
    }
    #expect(first == second)
    let other = try await Backend.memory.withDatabase { try await $0.put(["_id": "a", "x": 2]) }
    #expect(first != other)
  }

  @Test(arguments: Backend.allCases)
  func `post makes up an id`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.post(["v": 1])
      let second = try await database.post(["v": 1])
      #expect(first.id != second.id)
      #expect(try await database.get(first.id)["v"]?.int == 1)
      let named = try await database.post(["_id": "named"])
      #expect(named.id == "named")
    }
  }

  @Test(arguments: Backend.allCases)
  func `a removed document is deleted and may be made anew`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.put(["_id": "a", "v": 1])
      let tombstone = try await database.remove("a", at: first)
      #expect(tombstone.generation == 2)
      await expectError(.notFound, "deleted") { _ = try await database.get("a") }
      let deleted = try await database.get("a", at: tombstone)
      #expect(deleted.isDeleted)
      await expectError(.notFound, "deleted") { try await database.remove("a", at: first) }
      let third = try await database.put(["_id": "a", "v": 2])
      #expect(third.generation == 3)
      #expect(try await database.get("a", including: .revisions).revisions == [third, tombstone, first])
    }
  }

  @Test(arguments: Backend.allCases)
  func `a document that is not there is missing`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      await expectError(.notFound, "missing") { _ = try await database.get("nope") }
      let revision = try await database.put(["_id": "a"])
      await expectError(.notFound, "missing") { _ = try await database.get("a", at: RevisionID("9-bbbb")) }
      await expectError(.notFound, "missing") { try await database.remove("nope", at: revision) }
      await expectError(.notFound, "missing") { _ = try await database.openRevisions(of: "nope") }
    }
  }

  @Test(arguments: Backend.allCases)
  func `invalid ids are refused, and nothing is written`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      await expectError(.illegalDocumentID, "Document id must not be empty") { try await database.put(["_id": ""]) }
      await expectError(.illegalDocumentID, "Only reserved document ids may start with underscore.") {
        try await database.put(["_id": "_x"])
      }
      await expectError(.illegalDocumentID) {
        try await database.put(["_id": JSON(String(repeating: "x", count: 8 * 1024 + 1))])
      }
      await expectError(.illegalDocumentID) { try await database.put(["v": 1]) }
      try await database.put(["_id": JSON(String(repeating: "x", count: 8 * 1024))])
      try await database.put(["_id": "_design/views"])
      let info = try await database.info()
      #expect(info.documentCount == 2)
      #expect(info.deletedCount == 0)
    }
  }

  @Test(arguments: Backend.allCases)
  func `ids that only look equal are two documents`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put(["_id": "caf\u{E9}", "v": 1])
      try await database.put(["_id": "cafe\u{301}", "v": 2])
      #expect(try await database.get("caf\u{E9}")["v"]?.int == 1)
      #expect(try await database.get("cafe\u{301}")["v"]?.int == 2)
      #expect(try await database.allDocs().totalRows == 2)
      try await database.put(["_id": "a\u{0}b"])
      #expect(try await database.get("a\u{0}b").id == "a\u{0}b")
    }
  }

  @Test(arguments: Backend.allCases)
  func `a body over the limit is refused`(_ backend: Backend) async throws {
    try await backend.withDatabase(options: StoreOptions(documentBodyLimit: 100)) { database in
      await expectError(.documentTooLarge) {
        try await database.put(["_id": "a", "text": JSON(String(repeating: "x", count: 100))])
      }
      try await database.put(["_id": "a", "text": JSON(String(repeating: "x", count: 80))])
    }
  }

  @Test(arguments: Backend.allCases)
  func `local documents have no history and do not show`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.put(["_id": "_local/state", "v": 1])
      #expect(first.description == "0-1")
      let second = try await database.put(["_id": "_local/state", "_rev": "0-1", "v": 2])
      #expect(second.description == "0-2")
      #expect(try await database.get("_local/state")["v"]?.int == 2)
      #expect(try await database.put(["_id": "_local/state", "v": 3]).description == "0-1")
      #expect(try await database.changes().collect().isEmpty)
      #expect(try await database.allDocs().rows.isEmpty)
      #expect(try await database.info().documentCount == 0)
      #expect(try await database.remove("_local/state", at: second).description == "0-0")
      await expectError(.notFound, "missing") { _ = try await database.get("_local/state") }
      await expectError(.notFound, "missing") { try await database.remove("_local/state", at: second) }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a closed database refuses everything`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put(["_id": "a"])
      let other = try await Pouch("memory:")
      try await other.close()
      try await other.close()
      await expectError(.databaseClosed) { _ = try await other.get("a") }
      await expectError(.databaseClosed) { try await other.put(["_id": "a"]) }
      await expectError(.databaseClosed) { _ = try await other.info() }
      await expectError(.databaseClosed) { try await other.destroy() }
    }
  }

  @Test(arguments: Backend.allCases)
  func `many tasks write at once and each is answered`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let revisions = try await withThrowingTaskGroup(of: RevisionID?.self) { group in
        for number in 0..<300 {
          // Every third write is a conflict with the one before it, and must fail alone.
          let id = number % 3 == 2 ? "doc\(number - 1)" : "doc\(number)"
          group.addTask { try? await database.put(Document(id: DocumentID(id), fields: ["n": JSON(number)])) }
        }
        return try await group.reduce(into: [RevisionID]()) { if let revision = $1 { $0.append(revision) } }
      }
      #expect(revisions.count == 200)
      #expect(try await database.info().documentCount == 200)
    }
  }
}
