import PeerPouch
import Testing

@Suite("Revisions")
struct RevisionTests {
  /// A document with a conflict: `2-b` wins over `2-a`, and `2-c` is deleted.
  private func conflicted(_ database: any Database) async throws {
    let results = try await database.bulkDocs(
      [
        try replica("a", ["1-x"], ["v": 1]),
        try replica("a", ["2-a", "1-x"], ["v": "a"]),
        try replica("a", ["2-b", "1-x"], ["v": "b"]),
        try replica("a", ["2-c", "1-x"], deleted: true),
      ], .replicated)
    #expect(results.allSatisfy { $0.error == nil })
  }

  @Test(arguments: Backend.allCases)
  func `replicated revisions keep their ids and meet as conflicts`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      let document = try await database.get(
        "a", including: [.conflicts, .deletedConflicts, .revisions, .revisionsInfo, .localSequence])
      #expect(document["v"]?.string == "b")
      #expect(document.metadata?.conflicts?.map(\.description) == ["2-a"])
      #expect(document.metadata?.deletedConflicts?.map(\.description) == ["2-c"])
      #expect(document.revisions?.map(\.description) == ["2-b", "1-x"])
      #expect(document.metadata?.revisionsInfo?.map(\.status) == [.available, .available])
      #expect(document.metadata?.localSequence != nil)
      #expect(try await database.info().documentCount == 1)
    }
  }

  @Test(arguments: Backend.allCases)
  func `writing a known revision again changes nothing`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      let before = try await database.info().updateSequence
      try await conflicted(database)
      #expect(try await database.info().updateSequence == before)
    }
  }

  @Test(arguments: Backend.allCases)
  func `the winner does not depend on the order of arrival`(_ backend: Backend) async throws {
    let branches = [["3-c", "2-b", "1-x"], ["2-z", "1-x"], ["3-a", "2-a", "1-x"]]
    for rotation in 0..<branches.count {
      try await backend.withDatabase { database in
        let order = branches[rotation...] + branches[..<rotation]
        for path in order { _ = try await database.bulkDocs([try replica("a", path)], .replicated) }
        #expect(try await database.get("a").revision?.description == "3-c")
        #expect(
          try await database.get("a", including: .conflicts).metadata?.conflicts?.map(\.description) == ["3-a", "2-z"])
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `open revisions are all leaves or those asked for`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      let all = try await database.openRevisions(of: "a")
      #expect(all.compactMap { $0.document?.revision?.description } == ["2-b", "2-a", "2-c"])
      let some = try await database.openRevisions(of: "a", .these([RevisionID("2-a"), RevisionID("7-q")]))
      #expect(some.first?.document?["v"]?.string == "a")
      guard case .missing(let revision) = some[1] else {
        Issue.record("7-q should be missing")
        return
      }
      #expect(revision.description == "7-q")
    }
  }

  @Test(arguments: Backend.allCases)
  func `latest follows a revision to its leaf`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      let first = try RevisionID("1-x")
      #expect(try await database.get("a", GetOptions(at: first)).revision == first)
      #expect(try await database.get("a", GetOptions(at: first, .latest)).revision?.description == "2-b")
      let leaves = try await database.openRevisions(of: "a", .these([first]), GetOptions(.latest))
      #expect(leaves.compactMap { $0.document?.revision?.description } == ["2-b", "2-a", "2-c"])
    }
  }

  @Test(arguments: Backend.allCases)
  func `replicated documents need a revision`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let results = try await database.bulkDocs([["_id": "a"], try replica("b", ["1-x"])], .replicated)
      #expect(results[0].error?.code == .badRequest)
      #expect(
        results[0].error?.reason == "When `new_edits: false`, the document needs `_rev` or `_revisions` specified")
      #expect(results[1].revision?.description == "1-x")
      let gap = try await database.bulkDocs([try replica("c", ["3-x", "1-y"])], .replicated)
      #expect(gap[0].error?.code == .badRequest)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a revision of the highest generation cannot be edited`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let last = RevisionID(generation: Limits.generation, suffix: "x")
      let results = try await database.bulkDocs([try replica("a", [last.description])], .replicated)
      #expect(results[0].revision == last)
      await expectError(.badRequest) { try await database.put(Document(id: "a", revision: last)) }
      #expect(try await database.get("a").revision == last)
    }
  }

  @Test(arguments: Backend.allCases)
  func `revsDiff tells what is missing`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      let diff = try await database.revsDiff([
        "a": [RevisionID("2-a"), RevisionID("3-new")], "b": [RevisionID("1-q")], "c": [],
      ])
      #expect(diff["a"]?.missing.map(\.description) == ["3-new"])
      #expect(diff["a"]?.possibleAncestors.map(\.description) == ["2-b", "2-a", "2-c"])
      #expect(diff["b"]?.missing.map(\.description) == ["1-q"])
      #expect(diff["c"] == nil)
      #expect(try await database.revsDiff(["a": [RevisionID("1-x")]]).isEmpty)
    }
  }

  @Test(arguments: Backend.withUpkeep)
  func `old ancestors are forgotten beyond the limit`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      #expect(try await database.revsLimit() == 1000)
      try await database.setRevsLimit(3)
      #expect(try await database.revsLimit() == 3)
      await expectError(.badRequest) { try await database.setRevsLimit(0) }
      var revision = try await database.put(["_id": "a", "v": 0])
      for version in 1...9 {
        revision = try await database.put(Document(id: "a", revision: revision, fields: ["v": JSON(version)]))
      }
      let document = try await database.get("a", including: .revisions)
      #expect(document.revisions?.count == 3)
      #expect(document.revision?.generation == 10)
    }
  }

  @Test(arguments: Backend.withUpkeep)
  func `a history longer than the limit still joins the tree`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.setRevsLimit(2)
      _ = try await database.bulkDocs([try replica("a", ["1-a"])], .replicated)
      _ = try await database.bulkDocs([try replica("a", ["4-d", "3-c", "2-b", "1-a"])], .replicated)
      let document = try await database.get("a", including: [.conflicts, .revisions])
      #expect(document.metadata?.conflicts == [])
      #expect(document.revisions?.map(\.description) == ["4-d", "3-c"])
    }
  }

  @Test(arguments: Backend.withUpkeep)
  func `nothing is left of a purged document, its forgotten ancestors included`(_ backend: Backend) async throws {
    try await backend.withDatabase(options: StoreOptions(compaction: .manual)) { database in
      try await database.setRevsLimit(2)
      var revision = try await database.put(["_id": "a"])
      for version in 1...5 {
        revision = try await database.put(Document(id: "a", revision: revision, fields: ["v": JSON(version)]))
      }
      try await database.purge(["a": [revision]])
    }
  }

  @Test(arguments: Backend.allCases)
  func `a resolution that cannot be written deletes nothing`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      await expectError(.missingStub) {
        try await database.resolveConflicts(of: "a") { leaves in
          var merged = leaves[0]
          merged.attachments["file"] = Attachment(.stub)
          return merged
        }
      }
      #expect(
        try await database.get("a", including: .conflicts).metadata?.conflicts?.map(\.description) == ["2-a"])
    }
  }

  @Test(arguments: Backend.allCases)
  func `resolving a conflict leaves one revision`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      var seen: [Document] = []
      let resolved = try await database.resolveConflicts(of: "a") { leaves in
        seen = leaves
        var merged = leaves[0]
        merged["v"] = JSON(leaves.compactMap { $0["v"]?.string }.joined())
        return merged
      }
      #expect(seen.map { $0["v"]?.string } == ["b", "a"])
      #expect(resolved?.generation == 3)
      let document = try await database.get("a", including: .conflicts)
      #expect(document["v"]?.string == "ba")
      #expect(document.metadata?.conflicts ?? [] == [])
      #expect(try await database.resolveConflicts(of: "a") { $0[0] } == nil)
    }
  }

  @Test(arguments: Backend.allCases)
  func `two peers that resolve alike agree`(_ backend: Backend) async throws {
    var revisions: [RevisionID?] = []
    for _ in 0..<2 {
      try await backend.withDatabase { database in
        try await conflicted(database)
        revisions.append(try await database.resolveConflicts(of: "a") { $0.last })
      }
    }
    #expect(revisions[0] != nil)
    #expect(revisions[0] == revisions[1])
  }

  @Test(arguments: Backend.allCases)
  func `a conflict can be resolved by deleting`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      try await database.resolveConflicts(of: "a") { _ in nil }
      await expectError(.notFound, "deleted") { _ = try await database.get("a") }
      await expectError(.notFound, "missing") { try await database.resolveConflicts(of: "b") { $0[0] } }
    }
  }

  @Test(arguments: Backend.withUpkeep)
  func `purging removes leaves as if they had never been`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await conflicted(database)
      let before = try await database.info().updateSequence
      let purged = try await database.purge(["a": [RevisionID("2-b"), RevisionID("1-x")], "none": []])
      #expect(purged["a"]?.map(\.description) == ["2-b"])
      #expect(try await database.get("a").revision?.description == "2-a")
      let changes = try await database.changes(.once.since(.after(before))).collect()
      #expect(changes.map(\.id) == ["a"])
      try await database.purge(["a": [RevisionID("2-a"), RevisionID("2-c")]])
      await expectError(.notFound, "missing") { _ = try await database.get("a") }
      let info = try await database.info()
      #expect((info.documentCount, info.deletedCount) == (0, 0))
      try await database.put(["_id": "b"])
      #expect(try await database.changes().collect().map(\.id) == ["b"])
    }
  }

  @Test(arguments: Backend.withUpkeep)
  func `compacting drops the bodies of old revisions only`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.put(["_id": "a", "v": 1])
      let second = try await database.put(["_id": "a", "_rev": JSON(first.description), "v": 2])
      #expect(try await database.get("a", at: first)["v"]?.int == 1)
      try await database.compact()
      await expectError(.notFound, "missing") { _ = try await database.get("a", at: first) }
      let document = try await database.get("a", including: [.revisions, .revisionsInfo])
      #expect(document["v"]?.int == 2)
      #expect(document.revisions == [second, first])
      #expect(document.metadata?.revisionsInfo?.map(\.status) == [.available, .missing])
      #expect(try await database.revsDiff(["a": [first]]).isEmpty)
    }
  }

  @Test(arguments: Backend.allCases)
  func `immediate compaction keeps leaves only`(_ backend: Backend) async throws {
    try await backend.withDatabase(options: StoreOptions(compaction: .immediate)) { database in
      let first = try await database.put(["_id": "a", "v": 1])
      try await database.put(["_id": "a", "_rev": JSON(first.description), "v": 2])
      await expectError(.notFound, "missing") { _ = try await database.get("a", at: first) }
    }
  }
}
