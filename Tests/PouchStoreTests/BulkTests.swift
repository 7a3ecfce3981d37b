import PeerPouch
import Testing

struct BulkTests {
  /// More than are prepared before the writer begins, and not a whole number of slices.
  private let count = 333

  @Test func `outcomes stand where their documents do, whatever happened to those before them`() async throws {
    let database = try LocalDatabase.inMemory()
    let documents = (0..<count).map { number in
      switch number % 7 {
      case 3: Document(id: "_reserved-\(number)")
      case 5: Document(id: DocumentID("note-\(number - 1)"))
      default: Document(id: DocumentID("note-\(number)"), fields: ["number": JSON(number)])
      }
    }
    let results = try await database.bulkDocs(documents)
    #expect(results.count == count)
    for (number, result) in results.enumerated() {
      #expect(result.id == documents[number].id)
      switch (number % 7, result.outcome) {
      case (3, .failure(let error)): #expect(error.code == .illegalDocumentID)
      case (5, .failure(let error)): #expect(error.code == .conflict)
      case (3, _), (5, _), (_, .failure): Issue.record("Document \(number) came to \(result.outcome).")
      case (_, .success(let revision)): #expect(revision.generation == 1)
      }
    }
    #expect(try await database.info().documentCount == results.count { (try? $0.outcome.get()) != nil })
    try await database.close()
  }

  @Test(arguments: [1, 63, 64, 65, 128, 333]) func `documents without an id get one, in batches of any size`(count: Int)
    async throws
  {
    let database = try LocalDatabase.inMemory()
    let results = try await database.bulkDocs((0..<count).map { Document(id: nil, fields: ["number": JSON($0)]) })
    let ids = Set(results.map(\.id))
    #expect(ids.count == count)
    #expect(!ids.contains(""))
    for (number, result) in results.enumerated() {
      #expect(try await database.get(result.id)["number"] == JSON(number))
    }
    try await database.close()
  }

  @Test func `large batches from many tasks at once are all written`() async throws {
    let database = try LocalDatabase.inMemory()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<20 {
        group.addTask {
          let documents = (0..<count).map { Document(id: DocumentID("note-\(task)-\($0)")) }
          for result in try await database.bulkDocs(documents) { _ = try result.outcome.get() }
        }
        group.addTask { try await database.put(Document(id: DocumentID("single-\(task)"))) }
      }
      try await group.waitForAll()
    }
    #expect(try await database.info().documentCount == 20 * (count + 1))
    try await database.close()
  }

  @Test func `an empty batch has no outcomes`() async throws {
    let database = try LocalDatabase.inMemory()
    #expect(try await database.bulkDocs([]).isEmpty)
    try await database.close()
  }
}
