import PeerPouch
import Testing

struct SelectorChangesTests {
  private func filled(_ count: Int) async throws -> LocalDatabase {
    let database = try LocalDatabase.inMemory()
    let documents = (0..<count).map { Document(id: DocumentID("d\($0)"), fields: ["n": JSON($0), "even": .bool($0 % 2 == 0)]) }
    for result in try await database.bulkDocs(documents) { _ = try result.outcome.get() }
    return database
  }

  @Test func `a feed with a selector has the changes that match, without documents unless asked for`() async throws {
    let database = try await filled(10)
    let selector = try Selector(["even": true, "n": ["$gt": 3]])
    let changes = try await database.changes(ChangesQuery(selector: selector)).collect()
    #expect(changes.map(\.id.text) == ["d4", "d6", "d8"])
    #expect(changes.allSatisfy { $0.document == nil })
    let withDocuments = try await database.changes(ChangesQuery(rows: .documents, selector: selector)).collect()
    #expect(withDocuments.map { $0.document?["n"]?.int } == [4, 6, 8])
    let backwards = try await database.changes(ChangesQuery(order: .descending, limit: 2, selector: selector)).collect()
    #expect(backwards.map(\.id.text) == ["d8", "d6"])
    let some = try await database.changes(ChangesQuery(ids: ["d1", "d2", "d6"], selector: selector)).collect()
    #expect(some.map(\.id.text) == ["d6"])
  }

  @Test func `a batch ends after so many changes that do not match, and tells how far it came`() async throws {
    let count = Tuning.changesExamined + 100
    let database = try await filled(count)
    let query = ChangesQuery(selector: try Selector(["n": JSON(count - 1)]))
    let first = try await database.nextChanges(query, after: nil, limit: 10)
    #expect(first.changes.isEmpty)
    #expect(first.hasMore)
    #expect(first.lastSequence.numbered?.number == Int64(Tuning.changesExamined))
    let second = try await database.nextChanges(query, after: first.lastSequence, limit: 10)
    #expect(second.changes.map(\.id.text) == ["d\(count - 1)"])
    #expect(!second.hasMore)
    #expect(second.lastSequence == (try await database.info().updateSequence))
  }

  @Test func `a live feed with a selector waits for what matches`() async throws {
    let database = try await filled(4)
    let query = ChangesQuery(.live, since: .now, limit: 1, selector: try Selector(["wanted": true]))
    async let feed = database.changes(query).collect()
    try await database.put(Document(id: "no", fields: ["wanted": false]))
    try await database.put(Document(id: "yes", fields: ["wanted": true]))
    // The feed may have begun after the writes: then the next ones are its first.
    let deadline = Task {
      var number = 0
      while !Task.isCancelled {
        number += 1
        try await database.put(Document(id: DocumentID("yes\(number)"), fields: ["wanted": true]))
      }
    }
    let changes = try await feed
    deadline.cancel()
    _ = await deadline.result
    #expect(changes.count == 1)
    #expect(changes.first?.id.text.hasPrefix("yes") == true)
  }

  @Test func `with all leaves a change lists those that match`() async throws {
    let database = try LocalDatabase.inMemory()
    func leaf(_ suffix: String, _ kind: String) -> Document {
      Document(id: "c", revision: RevisionID(generation: 1, suffix: suffix), fields: ["kind": JSON(kind)])
    }
    _ = try await database.bulkDocs([leaf("a", "old"), leaf("b", "new"), leaf("c", "new")], .replicated)
    let old = try Selector(["kind": "old"])
    let leaves = try await database.changes(ChangesQuery(style: .allLeaves, selector: old)).collect()
    #expect(leaves.map { $0.revisions.map(\.description) } == [["1-a"]])
    #expect(try await database.changes(ChangesQuery(selector: old)).collect().isEmpty)
    let new = try await database.changes(ChangesQuery(style: .allLeaves, selector: Selector(["kind": "new"]))).collect()
    #expect(new.map { $0.revisions.map(\.description) } == [["1-c", "1-b"]])
  }
}
