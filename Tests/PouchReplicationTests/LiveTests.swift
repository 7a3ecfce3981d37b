import PouchCore
import PouchStore
import Testing

@testable import PouchReplication

struct LiveTests {
  @Test func `a live replication copies what comes`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await source.fill(0..<10)
    let replication = Replication(from: source, to: target, .live)
    async let run = replication.run()
    try await target.waitFor("doc9")
    try await source.put(["_id": "later"])
    try await target.waitFor("later")
    try await source.fill(10..<300)
    try await target.waitFor("doc299")
    let waiting = await replication.waits { $0.state == .waiting && $0.counts.documentsWritten == 301 }
    #expect(waiting?.pending == 0)
    replication.cancel()
    let result = try await run
    #expect(result.end == .cancelled)
    #expect(result.counts.documentsWritten == 301)
    #expect(try await target.contents() == source.contents())
  }

  @Test func `cancelling the task ends a live replication`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    let replication = Replication(from: source, to: target, .live, environment: VirtualTime().environment)
    let task = Task { try await replication.run() }
    await replication.waits { $0.state == .waiting }
    task.cancel()
    #expect(try await task.value.end == .cancelled)
    #expect(replication.status.state == .finished(.cancelled))
  }

  @Test func `live synchronisation brings edits of both sides together`() async throws {
    let (one, other) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    let synchronization = Synchronization(of: one, with: other, .live)
    async let run = synchronization.run()
    try await one.put(["_id": "from one"])
    try await other.waitFor("from one")
    try await other.put(["_id": "from other"])
    try await one.waitFor("from other")
    synchronization.cancel()
    _ = try await run
    #expect(try await one.contents() == other.contents())
  }

  @Test func `when one direction of a synchronisation fails, the other one ends too`() async throws {
    for failing in 0..<2 {
      let pair = [FaultyDatabase(try LocalDatabase.inMemory()), FaultyDatabase(try LocalDatabase.inMemory())]
      pair[failing].behave { $0.fault = { $0 == .bulkDocs ? .before(PouchError(.forbidden)) : nil } }
      try await pair[1 - failing].base.put(["_id": "d"])
      let synchronization = Synchronization(
        of: pair[0], with: pair[1], .live, environment: VirtualTime().environment)
      let error = await pouchError { _ = try await synchronization.run() }
      #expect(error?.code == .forbidden)
    }
  }

  @Test func `it outlives a source and a target that go away and come back`() async throws {
    let (source, target) = (
      FaultyDatabase(try LocalDatabase.inMemory()), FaultyDatabase(try LocalDatabase.inMemory())
    )
    let time = VirtualTime()
    let replication = Replication(from: source, to: target, .live, environment: time.environment)
    async let run = replication.run()
    for (round, database) in [source, target, source, target].enumerated() {
      let failures = Countdown(from: 40)
      database.behave { behaviour in
        // The line comes back after more failures than are made up for in place.
        behaviour.fault = { _ in
          failures.next() > 0 ? .before(PouchError(.unreachable)) : nil
        }
      }
      try await source.base.fill(round * 10..<round * 10 + 10)
      try await target.base.waitFor(DocumentID("doc\(round * 10 + 9)"))
    }
    replication.cancel()
    _ = try await run
    #expect(try await target.base.contents() == source.base.contents())
  }

  @Test func `it tells that it tries again, and why`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), FaultyDatabase(try LocalDatabase.inMemory()))
    try await source.fill(0..<3)
    let isBack = Monitor(false)
    target.behave { $0.fault = { _ in isBack.state ? nil : .before(PouchError(.serviceUnavailable)) } }
    var environment = VirtualTime().environment
    let sleep = environment.sleep
    environment.sleep = { duration in
      // Time stands still until the state was seen.
      if !isBack.state { _ = try await isBack.wait { $0 ? true : nil } }
      try await sleep(duration)
    }
    let replication = Replication(from: source, to: target, .live, environment: environment)
    async let run = replication.run()
    let seen = await replication.waits { progress in
      if case .retrying = progress.state { true } else { false }
    }
    guard case .retrying(let error, let delay)? = seen?.state else {
      Issue.record("It did not say so.")
      return
    }
    #expect(error.code == .serviceUnavailable)
    #expect(delay > .zero)
    isBack.update { $0 = true }
    try await target.base.waitFor("doc2")
    replication.cancel()
    _ = try await run
  }

  @Test func `while paused nothing is copied`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await source.fill(0..<3)
    let replication = Replication(from: source, to: target, .live)
    async let run = replication.run()
    await replication.waits { $0.state == .waiting && $0.counts.documentsWritten == 3 }
    replication.pause()
    #expect(replication.status.state == .paused)
    try await source.put(["_id": "held"])
    // The change is read, and held before anything is asked about it.
    await replication.waits { $0.counts.changesRead == 4 }
    #expect(replication.status.counts.revisionsChecked == 3)
    #expect(replication.status.state == .paused)
    replication.resume()
    try await target.waitFor("held")
    replication.cancel()
    _ = try await run
  }

  @Test func `progress never runs ahead of the target, and its last value is the result`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await source.fill(0..<3000)
    let replication = Replication(from: source, to: target, ReplicationOptions(batchDocuments: 100))
    async let run = replication.run()
    var last: ReplicationProgress?
    for await progress in replication.progress {
      #expect(progress.counts.documentsWritten >= last?.counts.documentsWritten ?? 0)
      #expect(try await target.info().documentCount >= progress.counts.documentsWritten)
      last = progress
    }
    let result = try await run
    #expect(last?.state == .finished(.completed))
    #expect(last?.counts == result.counts)
    #expect(last?.lastSequence == result.lastSequence)
    #expect(last?.sessionID == result.sessionID)
  }

  @Test func `a target that comes back as an older copy of itself gets everything again`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), FaultyDatabase(try LocalDatabase.inMemory()))
    try await source.fill(0..<20)
    let time = VirtualTime()
    let first = Replication(from: source, to: target, environment: time.environment)
    _ = try await first.run()
    // An older copy: documents and the newest checkpoint are gone.
    let id = ReplicationID(
      source: try await source.info().uuid, target: try await target.info().uuid, .once
    ).documentID
    _ = try await target.purge(
      Dictionary(
        uniqueKeysWithValues: try await target.changes(.once).collect().map { ($0.id, $0.revisions) }))
    try await target.base.remove(try await target.get(id))
    try await source.fill(20..<25)
    let second = try await Replication(from: source, to: target, environment: time.environment).run()
    #expect(second.counts.documentsWritten == 25)
    #expect(try await target.base.contents() == source.contents())
  }
}
