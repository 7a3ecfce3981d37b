import PeerTrust
import PouchCore
import PouchStore
import Testing

@testable import PeerPouch

/// The list of shared databases and what it tells of changes.
@Suite(.timeLimit(.minutes(2)))
struct ShareListTests {
  @Test func `the feed begins with what is there, and tells what comes, changes and goes`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes()
    let first = try await peers.hub.shareDatabase(Peers.notes(), name: "first", as: anna)
    var feed = try peers.hub.sharedDatabaseChanges(as: ben).makeAsyncIterator()
    let added = try #require(try await feed.next()?.added)
    #expect(added.name == "first" && added.dbname == first.dbname)
    // What is no share says nothing.
    try await peers.hub.put(["_id": "share-nonsense", "type": "com.stemstorage.peerpouch.share"])
    let second = try await peers.hub.shareDatabase(notes, name: "second", as: anna)
    let other = try #require(try await feed.next()?.added)
    #expect(other.name == "second" && other.standing == .new)
    try await second.setAllowed([])
    let changed = try #require(try await feed.next()?.updated)
    #expect(changed.gate == [.allow] && changed.id == second.id)
    try await peers.hub.unshareDatabase(notes, as: anna)
    let removed = try #require(try await feed.next()?.removed)
    #expect(removed.id == second.id)
    await anna.close()
    await ben.close()
  }

  @Test func `a share whose lease runs out goes from the feed without a change in the hub`() async throws {
    let peers = try Peers()
    let server = try HubServer()
    let clock = TestClock()
    let (anna, ben) = (try peers.peer(), try peers.peer { $0.time = clock.time })
    let hub = server.client()
    let share = try await server.database.shareDatabase(Peers.notes(), as: anna)
    // The sharer dies.
    await share.halt()
    server.setDate(machineDate() + 14 * 60)
    var feed = try hub.sharedDatabaseChanges(as: ben).makeAsyncIterator()
    #expect(try await feed.next()?.added != nil)
    let passing = Task {
      try await clock.untilAsleep { $0 > .seconds(30) }
      clock.advance(by: .seconds(120))
    }
    let removed = try #require(try await feed.next()?.removed)
    #expect(removed.id == share.id)
    try await passing.value
    await anna.close()
    await ben.close()
  }

  @Test func `two instances of one identity see and use each other's shares, and do not see their own`() async throws {
    let peers = try Peers()
    let identity = Peers.identity()
    let (one, other) = (try peers.peer(identity), try peers.peer(identity))
    try await peers.hub.shareDatabase(Peers.notes(), name: "of one", as: one)
    try await peers.hub.shareDatabase(Peers.notes(), name: "of the other", as: other)
    #expect(try await peers.hub.getSharedDatabases(as: one).map(\.name) == ["of the other"])
    let listed = try await peers.hub.getSharedDatabases(as: other)
    #expect(listed.map(\.name) == ["of one"])
    #expect(try await other.open(try #require(listed.first).address).info().documentCount == 3)
    await one.close()
    await other.close()
  }

  @Test func `a database is shared once on a hub, with the same id each time`() async throws {
    let peers = try Peers()
    let anna = try peers.peer()
    let notes = try await Peers.notes()
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    let error = await #expect(throws: PouchError.self) { try await peers.hub.shareDatabase(notes, as: anna) }
    #expect(error?.code == .conflict)
    await share.stop()
    await share.stop()
    #expect(try await peers.hub.allDocs(.prefix("share-")).rows.isEmpty)
    let again = try await peers.hub.shareDatabase(notes, as: anna)
    #expect(again.id == share.id)
    await anna.close()
  }

  @Test func `a sharer is told that another process shares the same database`() async throws {
    let peers = try Peers()
    let identity = Peers.identity()
    let (one, other) = (try peers.peer(identity), try peers.peer(identity))
    let notes = try await Peers.notes()
    let share = try await peers.hub.shareDatabase(notes, as: one)
    let events = share.events
    let second = try await peers.hub.shareDatabase(notes, as: other)
    #expect(second.id == share.id)
    try await share.setAllowed([])
    #expect(await Share.first(events) { $0 == .sharedElsewhere } != nil)
    await one.close()
    await other.close()
  }

  @Test func `writing into another's share document does no harm: the owner's record holds`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), name: "real", as: anna)
    // A conflicting leaf, which wins by its revision.
    var forged = Document(
      id: DocumentID(share.id), fields: ["type": "com.stemstorage.peerpouch.share", "name": "forged"])
    forged.revision = try RevisionID("1-ffffffffffffffffffffffffffffffff")
    _ = try await peers.hub.bulkDocs([forged], .replicated)
    #expect(try await peers.hub.getSharedDatabases(as: ben).map(\.name) == ["real"])
    #expect(try await ben.open(share.address).info().documentCount == 3)
    // With its next record the owner clears the others away.
    try await share.setAllowed([ben.identity.fingerprint])
    let document = try await peers.hub.get(DocumentID(share.id), including: .conflicts)
    #expect(document["name"] == "real" && document.metadata?.conflicts?.isEmpty ?? true)
    await anna.close()
    await ben.close()
  }

  @Test func `what others left behind is swept after some minutes`() async throws {
    let peers = try Peers()
    let anna = try peers.peer()
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna)
    await share.halt()
    let ben = try peers.peer { $0.patience = .milliseconds(100) }
    await #expect(throws: PouchError.self) { try await ben.open(share.address) }
    // A signal that nobody took: the opener was killed.
    try await peers.hub.put([
      "_id": "p-signal-00000000-0000-4000-8000-000000000001", "type": "com.stemstorage.peerpouch.signal",
      "sender": "AAAAAAAAAAAAAAAAAAAAAA", "recipient": .string(ExactString(share.id)), "data": nil, "info": [:],
      "peerpouch": ["v": 1, "h": "AAAA", "c": "AAAA"],
    ])
    var options = Peers.options
    let start = ContinuousClock.now
    options.time.now = { start }
    var sweeper = SignalSweeper(peers.hub, share.address.share, options)
    await sweeper.sweep()
    await sweeper.sweep()
    #expect(try await peers.hub.allDocs(.prefix("p-signal-")).rows.count == 1)
    options.time.now = { start + .seconds(301) }
    sweeper.options = options
    await sweeper.sweep()
    #expect(try await peers.hub.allDocs(.prefix("p-signal-")).rows.isEmpty)
    await ben.close()
    await anna.close()
  }
}

extension SharedDatabaseChange {
  fileprivate var added: SharedDatabase? { if case .added(let shared) = self { shared } else { nil } }
  fileprivate var updated: SharedDatabase? { if case .updated(let shared) = self { shared } else { nil } }
  fileprivate var removed: SharedDatabase? { if case .removed(let shared) = self { shared } else { nil } }
}
