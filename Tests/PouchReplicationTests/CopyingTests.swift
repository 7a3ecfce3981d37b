import PouchCore
import PouchStore
import Testing

@testable import PouchReplication

struct CopyingTests {
  private func replicate(
    _ source: any Database, _ target: any Database, _ options: ReplicationOptions = .once
  ) async throws -> ReplicationResult {
    try await Replication(from: source, to: target, options, environment: VirtualTime().environment).run()
  }

  @Test func `documents, conflicts and deletions arrive as they are`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await source.fill(0..<2500)
    try await source.put(["_id": "_design/app", "views": [:]])
    try await source.remove(try await source.get("doc3"))
    _ = try await source.bulkDocs(
      [
        try replica("torn", ["2-aa", "1-a"], ["x": 1]), try replica("torn", ["2-ab", "1-a"], ["x": 2]),
        try replica("torn", ["3-ac", "2-xx", "1-a"], deleted: true),
      ], .replicated)
    let result = try await replicate(source, target)
    #expect(try await target.contents() == source.contents())
    #expect(result.end == .completed)
    #expect(result.counts.documentsWritten == 2504)
    #expect(result.counts.documentsRead == 2504)
    #expect(result.counts.revisionsMissing == 2504)
    #expect(result.failures.isEmpty)
    #expect(result.lastSequence == (try await source.info().updateSequence))
  }

  @Test func `a second replication copies only what is new`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await source.fill(0..<50)
    _ = try await replicate(source, target)
    try await source.fill(50..<53)
    let result = try await replicate(source, target)
    #expect(result.counts.changesRead == 3)
    #expect(result.counts.documentsWritten == 3)
    #expect(try await target.contents() == source.contents())
  }

  @Test func `with nothing to do there are five requests and nothing is written`() async throws {
    let (source, target) = (
      FaultyDatabase(try LocalDatabase.inMemory()), FaultyDatabase(try LocalDatabase.inMemory())
    )
    let empty = try await replicate(source, target)
    #expect(empty.counts == ReplicationCounts())
    #expect(source.calls == [.info, .readCheckpoint, .nextChanges])
    try await source.fill(0..<5)
    _ = try await replicate(source, target)
    let (before, targetBefore) = (source.calls.count, target.calls.count)
    let result = try await replicate(source, target)
    #expect(result.counts == ReplicationCounts())
    #expect(Array(source.calls[before...]) == [.info, .readCheckpoint, .nextChanges])
    #expect(Array(target.calls[targetBefore...]) == [.info, .readCheckpoint])
  }

  @Test func `attachments of every size arrive, and those that are known are not sent again`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    for number in 0..<20 {
      var document = Document(id: DocumentID("small\(number)"))
      document.attachments["a.txt"] = PouchCore.Attachment(Array("text \(number)".utf8), contentType: "text/plain")
      document.attachments["b"] = PouchCore.Attachment(sampleBytes(3000, seed: UInt64(number)))
      try await source.put(document)
    }
    // More than go together, and more such bundles than are under way at a time.
    for number in 0..<40 {
      var document = Document(id: DocumentID("medium\(number)"))
      document.attachments["c"] = PouchCore.Attachment(sampleBytes(150_000, seed: UInt64(100 + number)))
      try await source.put(document)
    }
    var large = Document(id: "large")
    large.attachments["big"] = PouchCore.Attachment(sampleBytes(700_000))
    large.attachments["empty"] = PouchCore.Attachment([UInt8]())
    try await source.put(large)
    let first = try await replicate(source, target)
    #expect(try await target.contents() == source.contents())
    #expect(first.counts.documentsWritten == 61)
    #expect(first.counts.documentsRead == 61)
    #expect((6_760_000..<6_800_000).contains(first.counts.bytesWritten))

    var edited = try await source.get("large")
    edited["note"] = "changed"
    try await source.put(edited)
    let second = try await replicate(source, target)
    #expect(second.counts.documentsWritten == 1)
    #expect(second.counts.bytesWritten < 1000)
    #expect(try await target.contents() == source.contents())

    edited = try await source.get("large")
    edited.attachments["more"] = PouchCore.Attachment(sampleBytes(100_000, seed: 9))
    try await source.put(edited)
    let third = try await replicate(source, target)
    #expect((100_000..<110_000).contains(third.counts.bytesWritten))
    #expect(try await target.contents() == source.contents())
  }

  @Test func `attachments that the target should have and lacks are sent after all`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    var document = Document(id: "d")
    document.attachments["a"] = PouchCore.Attachment(sampleBytes(500))
    let first = try await source.put(document)
    document = try await source.get("d")
    document["edit"] = 1
    try await source.put(document)
    // The target has the ancestor, but came by it without the attachment.
    _ = try await target.bulkDocs([try replica("d", [first.description])], .replicated)
    let result = try await replicate(source, target)
    #expect(result.counts.documentsWritten == 1)
    #expect(try await target.get("d").attachments["a"]?.length == 500)
    #expect(try await target.contents() == source.contents())
  }

  @Test func `ids, selectors, filters, starts and design documents select what is copied`() async throws {
    let source = try LocalDatabase.inMemory()
    try await source.fill(0..<30)
    let middle = try await source.info().updateSequence
    try await source.put(["_id": "_design/app"])
    try await source.fill(30..<40)

    func copied(_ options: ReplicationOptions) async throws -> Set<String> {
      let target = try LocalDatabase.inMemory()
      _ = try await replicate(source, target, options)
      return Set(try await target.allDocs().rows.map(\.id.text))
    }
    #expect(try await copied(ReplicationOptions(ids: ["doc1", "doc7", "none"])) == ["doc1", "doc7"])
    #expect(
      try await copied(ReplicationOptions(filter: ReplicationFilter("big") { ($0["n"]?.int ?? 0) >= 38 }))
        == ["doc38", "doc39"])
    #expect(
      try await copied(ReplicationOptions(selector: try Selector(["n": ["$lt": 2]]))) == ["doc0", "doc1"])
    #expect(try await copied(ReplicationOptions(since: .after(middle))).count == 11)
    #expect(try await copied(ReplicationOptions(since: .after(middle), designDocuments: .skipped)).count == 10)
    #expect(try await copied(ReplicationOptions(since: .now)).isEmpty)
  }

  @Test func `a replication from now on copies what came after the first time`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await source.fill(0..<5)
    _ = try await replicate(source, target, ReplicationOptions(since: .now))
    try await source.fill(5..<7)
    _ = try await replicate(source, target, ReplicationOptions(since: .now))
    #expect(try await target.allDocs().rows.map(\.id.text) == ["doc5", "doc6"])
  }

  @Test func `small batches by count and by bytes copy the same`() async throws {
    let source = try LocalDatabase.inMemory()
    try await source.fill(0..<120, String(repeating: "x", count: 3000))
    for options in [ReplicationOptions(batchDocuments: 7), ReplicationOptions(batchBytes: 10_000)] {
      let target = FaultyDatabase(try LocalDatabase.inMemory())
      _ = try await replicate(source, target, options)
      #expect(try await target.contents() == source.contents())
      #expect(target.calls.filter { $0 == .bulkDocs }.count >= 17)
    }
  }

  @Test func `synchronising makes both the same`() async throws {
    let (one, other) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await one.fill(0..<10, "one")
    try await other.fill(5..<20, "other")
    let result = try await one.sync(with: other)
    #expect(result.pull.counts.documentsWritten >= 15)
    #expect(try await one.contents() == other.contents())
    #expect(try await one.contents()["doc7"]?.count == 2)
  }

  @Test func `a source that was replaced by another history is read from the beginning`() async throws {
    let (again, copy) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await again.fill(0..<20)
    // The checkpoints name positions of a history that neither database has.
    let id = ReplicationID(source: try await again.info().uuid, target: try await copy.info().uuid, .once)
    let foreign = UpdateSequence(number: 15, epoch: 99)
    let checkpoint = Checkpoint(sessions: [Checkpoint.Session(id: "s", recorded: foreign)])
    for database in [again, copy] { try await database.put(Document(id: id.documentID, fields: checkpoint.fields)) }
    let result = try await replicate(again, copy)
    #expect(result.counts.documentsWritten == 20)
    #expect(try await copy.contents() == again.contents())
  }
}
