import PeerTrust
import PeerTunnel
import PouchCore
import PouchReplication
import PouchStore
import Synchronization
import TestSupport
import Testing

@testable import PeerPouch

/// How many get in, and who gets in while things change: forgotten identities, ended shares, full peers.
@Suite(.timeLimit(.minutes(2)))
struct AdmissionTests {
  @Test func `a peer takes 256 connections, and 4 of each identity, unless told otherwise`() {
    #expect(PeerOptions().connections == 256)
    #expect(PeerOptions().connectionsPerIdentity == 4)
  }

  @Test func `two who are let in at the same time do not both get the last place`() async throws {
    let peers = try Peers()
    let anna = try peers.peer { $0.connections = 1 }
    let (ben, carl) = (try peers.peer(), try peers.peer())
    let (asked, answer) = (AsyncStream.makeStream(of: Void.self), Latch<Void>())
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna) { _ in
      asked.continuation.yield()
      try? await answer.wait()
    }
    let events = share.events
    async let first = opened(share, by: ben)
    async let second = opened(share, by: carl)
    var questions = asked.stream.makeAsyncIterator()
    for _ in 0..<2 { _ = await questions.next() }
    answer.open(())
    // Both were let in when there was room for one.
    var (winner, loser): (Fingerprint?, Fingerprint?)
    for await event in events {
      if case .joined(let remote) = event { winner = remote.identity }
      if case .refused(let remote, .busy) = event { loser = remote }
      if winner != nil, loser != nil { break }
    }
    #expect(winner != loser)
    #expect(anna.switchboard.all.count == 1)
    await (loser == ben.identity.fingerprint ? ben : carl).close()
    #expect(await [first, second].count { $0 } == 1)
    for peer in [ben, carl, anna] { await peer.close() }
  }

  private func opened(_ share: Share, by peer: LocalPeer) async -> Bool {
    (try? await peer.open(share.address)) != nil
  }

  private func joined(_ events: AsyncStream<ShareEvent>) async -> ConnectedRemote? {
    for await case .joined(let remote) in events { return remote }
    return nil
  }

  @Test func `who is forgotten while its connection is made does not get in`() async throws {
    let peers = try Peers()
    let held = HeldTransport(base: peers.transport)
    let anna = try peers.peer { $0.transport = held }
    let ben = try peers.peer()
    let share = try await peers.hub.shareDatabase(Peers.notes(), gate: Gate(takesTickets: true), as: anna)
    let events = share.events
    let theirs = try await ben.open(try #require(share.ticket), waiting: .nothing)
    let refused = Task { await theirs.connection.first { if case .refused = $0 { true } else { false } } }
    try await held.isWaiting.wait()
    try await anna.forget(ben.identity.fingerprint)
    held.release.open(())
    // Its ticket is worth nothing when it tries again.
    #expect(await refused.value == .refused(.ticket))
    #expect(await share.remotes.isEmpty)
    #expect(await Share.first(events) { _ in true } == .refused(ben.identity.fingerprint, .ticket))
    await anna.close()
    await ben.close()
  }

  @Test func `a share that ends while somebody is asked is not opened over a connection that is there`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let (isAsked, answer) = (Latch<Void>(), Latch<Void>())
    let open = try await peers.hub.shareDatabase(Peers.notes(1), as: anna)
    let asking = try await peers.hub.shareDatabase(Peers.notes(2), as: anna) { _ in
      isAsked.open(())
      // It does not heed that it is cancelled.
      await Task { try? await answer.wait() }.value
    }
    let theirs = try await ben.open(open.address)
    let line = try await theirs.connector.line()
    let second = Task { try await line.session.use(asking.address.share, nil) }
    try await isAsked.wait()
    await asking.stop()
    answer.open(())
    let error = await #expect(throws: PouchError.self) { _ = try await second.value }
    #expect(error?.code == .forbidden)
    #expect(!line.session.isServing(asking.address.share))
    #expect(try await theirs.info().documentCount == 1)
    await anna.close()
    await ben.close()
  }

  @Test func `a remote that asks again and again over its connection is asked about twice at a time`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let asked = Mutex(0)
    let answer = Latch<Void>()
    let open = try await peers.hub.shareDatabase(Peers.notes(1), as: anna)
    let asking = try await peers.hub.shareDatabase(Peers.notes(2), as: anna) { remote in
      asked.withLock { $0 += 1 }
      try? await answer.wait()
      remote.preventDefault()
    }
    let theirs = try await ben.open(open.address)
    let line = try await theirs.connector.line()
    let reasons = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<10 {
        group.addTask {
          do {
            _ = try await line.session.use(asking.address.share, nil)
            return ""
          } catch let error as PouchError {
            return error.reason
          }
        }
      }
      var reasons: [String] = []
      while let reason = try await group.next() {
        reasons.append(reason)
        if reasons.count == 8 { answer.open(()) }
      }
      return reasons
    }
    #expect(reasons == Array(repeating: "busy", count: 8) + ["forbidden", "forbidden"])
    #expect(asked.withLock(\.self) == 2)
    await anna.close()
    await ben.close()
  }

  @Test func `strangers that nobody has decided about do not take the places of known identities`() async throws {
    let peers = try Peers()
    let (anna, ben, carl) = (try peers.peer(), try peers.peer(), try peers.peer())
    let open = try await peers.hub.shareDatabase(Peers.notes(1), as: anna)
    let asking = try await peers.hub.shareDatabase(Peers.notes(2), as: anna) { _ in }
    let events = (open.events, asking.events)
    let theirs = [try await ben.open(open.address), try await carl.open(asking.address)]
    for database in theirs { _ = try await database.info() }
    for events in [events.0, events.1] { _ = await joined(events) }
    #expect(try anna.knownIdentities.all.map(\.fingerprint) == [carl.identity.fingerprint])
    for peer in [ben, carl, anna] { await peer.close() }
  }

  @Test func `nothing is taken from peers when the disk of the database is nearly full`() async throws {
    let peers = try Peers()
    try await withFolder { folder in
      let notes = try LocalDatabase(path: folder + "/notes.pouch")
      try await notes.put(["_id": "n0"])
      // More than any disk has.
      let anna = try peers.peer { $0.access.freeSpace = .max }
      let (ben, carl) = (try peers.peer(), try peers.peer())
      let share = try await peers.hub.shareDatabase(notes, as: anna) { _ in }
      let theirs = try await ben.open(share.address)
      let error = await #expect(throws: PouchError.self) { try await theirs.put(["_id": "n1"]) }
      #expect(error?.code == .diskFull)
      #expect(try await theirs.get("n0").id == "n0")
      await anna.close()
      // With the usual bound, on a disk that has the space.
      let again = try peers.peer(anna.identity)
      let second = try await peers.hub.shareDatabase(notes, as: again) { _ in }
      try await carl.open(second.address).put(["_id": "n1"])
      for peer in [ben, carl, again] { await peer.close() }
      try await notes.close()
    }
  }

  @Test func `a copy of a peer's database has no design documents unless they are asked for`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes(1)
    try await notes.put(["_id": "_design/code", "views": [:]])
    let share = try await peers.hub.shareDatabase(notes, as: anna) { _ in }
    let theirs = try await ben.open(share.address)
    let copy = try LocalDatabase.inMemory()
    _ = try await copy.sync(with: theirs, .once)
    #expect(try await copy.allDocs().rows.map(\.id) == ["n0"])
    _ = try await copy.replicate(from: theirs, ReplicationOptions(designDocuments: .included))
    #expect(try await copy.allDocs().rows.map(\.id) == ["_design/code", "n0"])
    // From one's own databases they come as ever.
    let second = try LocalDatabase.inMemory()
    _ = try await second.replicate(from: copy, .once)
    #expect(try await second.allDocs().rows.count == 2)
    await anna.close()
    await ben.close()
  }
}
