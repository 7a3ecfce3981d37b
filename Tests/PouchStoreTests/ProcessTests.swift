import Foundation
import PeerPouch
import TestSupport
import Testing

@Suite("Two processes, one file", .timeLimit(.minutes(5)))
struct ProcessTests {
  @Test func `each sees the other's changes live`() async throws {
    try await withFolder { folder in
      let path = folder + "/shared.pouch"
      let database = try LocalDatabase(path: path)
      try await database.put(["_id": "before"])
      let follower = try ToolProcess("follow", path)
      #expect(await follower.nextLine()?.hasPrefix("before 1-") == true)
      // Commits right after one another: the second one's write to the log may be noticed together with the first's,
      // and its commit shows only later, without a further sign.
      for number in 0..<300 {
        let names = ["a\(number)", "b\(number)"]
        for name in names { try await database.put(Document(id: DocumentID(name))) }
        for name in names { #expect(await follower.nextLine()?.hasPrefix("\(name) 1-") == true) }
      }
      let position = try await database.info().updateSequence
      let reader = Task {
        try await database.changes(ChangesQuery(.live, since: .after(position), limit: 500)).collect()
      }
      let writer = try ToolProcess("write", path)
      let changes = try await reader.value
      await writer.kill()
      #expect(changes.count == 500)
      #expect(changes.allSatisfy { $0.id.text.hasPrefix("w-") })
      await follower.kill()
      try await database.close()
    }
  }

  @Test func `several may create the file at once`() async throws {
    for _ in 0..<8 {
      try await withFolder { folder in
        let tools = try (0..<4).map { _ in try ToolProcess("write", folder + "/shared.pouch") }
        for tool in tools { #expect(await tool.nextLine() != nil) }
        for tool in tools { await tool.kill() }
      }
    }
  }

  @Test func `both write at once, and nothing is lost or damaged`() async throws {
    try await withFolder { folder in
      let path = folder + "/shared.pouch"
      let database = try LocalDatabase(path: path)
      let tools = [try ToolProcess("write", path), try ToolProcess("attach", path), try ToolProcess("compact", path)]
      for number in 0..<150 {
        try await database.put(Document(id: DocumentID("own\(number)"), fields: ["n": JSON(number)]))
      }
      var lines: [String] = []
      for tool in tools {
        for _ in 0..<5 { lines.append(try #require(await tool.nextLine())) }
        await tool.kill()
        lines += await tool.remainingLines()
      }
      #expect(try await database.integrityCheck() == [])
      for number in 0..<150 { #expect(try await database.get(DocumentID("own\(number)"))["n"]?.int == number) }
      let ids = Set(lines.compactMap { $0.split(separator: " ").first.map { DocumentID(String($0)) } })
      let rows = try await database.allDocs(AllDocsQuery(keys: Array(ids))).rows
      #expect(rows.allSatisfy { $0.revision != nil })
      // Feeds of this process see each document once, at its newest change.
      let changes = try await database.changes().collect()
      #expect(Set(changes.map(\.id)).count == changes.count)
      #expect(try await changes.last?.sequence == database.info().updateSequence)
      try await database.close()
    }
  }

  @Test func `what another process may be reading is spared`() async throws {
    try await withFolder { folder in
      let path = folder + "/shared.pouch"
      let database = try LocalDatabase(path: path)
      let attachment: PouchCore.Attachment = .init([UInt8](repeating: 5, count: 3 << 20))
      try await database.putAttachment("file", attachment, to: "a", at: nil)
      let follower = try ToolProcess("follow", path)
      _ = await follower.nextLine()
      try await database.remove(database.get("a"))
      _ = await follower.nextLine()
      try await database.compact()
      #expect(try await database.info().activeSize > 3 << 20)
      await follower.kill()
      try await database.compact()
      #expect(try await database.info().activeSize < 1 << 20)
      try await database.close()
    }
  }
}
