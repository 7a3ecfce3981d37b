import PeerTrust
import PouchCore
import PouchReplication
import PouchStore
import Synchronization
import Testing

@testable import PeerPouch

/// What happens when connections, sharers and hubs go away and come back.
@Suite(.timeLimit(.minutes(2)))
struct ReconnectionTests {
  @Test func `a lost connection is made again, and a live feed goes on where it was`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes(1)
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    let theirs = try await ben.open(share.address)
    var feed = theirs.changes(.live).makeAsyncIterator()
    #expect(try await feed.next()?.id == "n0")
    var states = theirs.connection.makeAsyncIterator()
    #expect(await states.next()?.isConnected == true)
    peers.transport.cutAll()
    var seen: [PeerConnectionState] = []
    while let state = await states.next() {
      seen.append(state)
      if state.isConnected { break }
    }
    #expect(seen.count >= 4)
    if case .reconnecting = seen.first {} else { Issue.record("\(seen)") }
    #expect(seen.contains(.signalling) && seen.contains(.connecting))
    try await notes.put(["_id": "later"])
    #expect(try await feed.next()?.id == "later")
    #expect(try await theirs.info().documentCount == 2)
    await anna.close()
    await ben.close()
  }

  @Test func `a sharer that died and starts again has the same address, and is found again`() async throws {
    let peers = try Peers()
    let identity = Peers.identity()
    let notes = try await Peers.notes()
    let ben = try peers.peer()
    var anna = try peers.peer(identity)
    let share = try await peers.hub.shareDatabase(notes, as: anna) { _ in }
    let theirs = try await ben.open(share.address)
    let copy = try LocalDatabase.inMemory()
    let live = Task { try await copy.sync(with: theirs, .live) }
    var feed = copy.changes(.live).makeAsyncIterator()
    for _ in 0..<3 { _ = try await feed.next() }
    let lost = Task { await theirs.connection.first { if case .reconnecting = $0 { true } else { false } } }
    // It dies: its record and its lease stay in the hub, its epoch's key is gone.
    await share.halt()
    await anna.switchboard.close()
    peers.transport.cutAll()
    #expect(await lost.value != nil)
    anna = try peers.peer(identity)
    let again = try await peers.hub.shareDatabase(notes, as: anna) { _ in }
    #expect(again.dbname == share.dbname)
    try await notes.put(["_id": "after"])
    #expect(try await feed.next()?.id == "after")
    #expect(try await theirs.info().documentCount == 4)
    live.cancel()
    _ = await live.result
    await anna.close()
    await ben.close()
  }

  @Test func `a sharer that stops and starts again is found without opening anew`() async throws {
    let peers = try Peers()
    let identity = Peers.identity()
    let notes = try await Peers.notes()
    let ben = try peers.peer()
    let anna = try peers.peer(identity)
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    let theirs = try await ben.open(share.address)
    await anna.close()
    #expect(await theirs.connection.first { $0 == .reconnecting("The share is not there.") } != nil)
    let again = try peers.peer(identity)
    try await peers.hub.shareDatabase(notes, as: again)
    #expect(try await theirs.info().documentCount == 3)
    // That it was not there is past.
    for _ in 0..<20 { try await theirs.connected() }
    #expect(try await ben.open(share.address).info().documentCount == 3)
    await again.close()
    await ben.close()
  }

  @Test func `while a hub is down connections go on, and new ones wait until it is back`() async throws {
    let peers = try Peers()
    let server = try HubServer()
    let (anna, ben, carl) = (try peers.peer(), try peers.peer(), try peers.peer())
    let (hubOfAnna, hubOfBen, hubOfCarl) = (server.client(), server.client(), server.client())
    let share = try await hubOfAnna.shareDatabase(Peers.notes(), as: anna)
    let events = share.events
    _ = try await hubOfBen.getSharedDatabases(as: ben)
    _ = try await hubOfCarl.getSharedDatabases(as: carl)
    let theirs = try await ben.open(share.address)
    server.setDown(true)
    #expect(try await theirs.info().documentCount == 3)
    let waiting = try await carl.open(share.address, waiting: .nothing)
    async let count = waiting.info().documentCount
    #expect(await waiting.connection.first { if case .reconnecting = $0 { true } else { false } } != nil)
    // The sharer's feed has to notice as well: something ends its long poll.
    try await server.database.put(["_id": "p-signal-noise", "recipient": .string(ExactString(share.id))])
    #expect(await Share.first(events) { if case .hubLost = $0 { true } else { false } } != nil)
    server.setDown(false)
    #expect(try await count == 3)
    for peer in [anna, ben, carl] { await peer.close() }
  }

  @Test(arguments: [PouchError.Code.internalError, .unauthorized, .forbidden, .notFound, .unreachable])
  func `a share goes on after any error of its hub, which may even lose the share's record`(
    code: PouchError.Code
  ) async throws {
    let peers = try Peers()
    let (server, clock) = (try HubServer(), TestClock())
    let (anna, ben) = (try peers.peer { $0.time = clock.time }, try peers.peer())
    let share = try await server.client().shareDatabase(Peers.notes(), as: anna)
    var events = share.events.makeAsyncIterator()
    let isFailing = Latch<Void>()
    server.around { request, _ in
      isFailing.open(())
      throw PouchError(code, "The hub is not well.")
    }
    // Something ends the long poll of the sharer's feed, whose next request fails.
    try await server.database.put(["_id": "p-signal-noise", "recipient": .string(ExactString(share.id))])
    try await isFailing.wait()
    #expect(await events.next() == .hubLost("The hub is not well."))
    let record = try await server.database.get(DocumentID(share.id))
    try await server.database.put(Document(id: record.id, revision: record.revision, isDeleted: true))
    let position = try await server.database.info().updateSequence
    server.around(nil)
    try await clock.untilAsleep { $0 <= .seconds(1) }
    clock.advance(by: .seconds(1))
    #expect(await events.next() == .hubFound)
    let query = ChangesQuery(.live, since: .after(position), ids: [DocumentID(share.id)])
    for try await change in server.database.changes(query) where !change.isDeleted { break }
    _ = try await server.client().getSharedDatabases(as: ben)
    #expect(try await ben.open(share.address).info().documentCount == 3)
    await ben.close()
    await anna.close()
  }

  @Test func `an error that does not pass is told at once, as what it is`() async throws {
    let peers = try Peers()
    let server = try HubServer()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await server.client().shareDatabase(Peers.notes(), as: anna)
    let hubOfBen = server.client()
    _ = try await hubOfBen.getSharedDatabases(as: ben)
    server.around { _, _ in throw PouchError(.unauthorized, "Name or password is incorrect.") }
    let error = await #expect(throws: PouchError.self) { try await ben.open(share.address) }
    #expect(error == PouchError(.unauthorized, "Name or password is incorrect."))
    server.around(nil)
    // It may be another time.
    #expect(try await ben.open(share.address, waiting: .nothing).info().documentCount == 3)
    await ben.close()
    await anna.close()
  }

  @Test func `a sharer that lets in and leaves at once is asked ever less often`() async throws {
    let peers = try Peers()
    let clock = TestClock()
    let (anna, ben) = (try peers.peer(), try peers.peer { $0.time = clock.time })
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna)
    let events = share.events
    let theirs = try await ben.open(share.address, waiting: .nothing)
    let joins = Mutex(0)
    let leaving = Task {
      for await case .joined in events {
        guard
          joins.withLock({
            $0 += 1; return $0 < 10
          })
        else { return }
        await share.disconnect(ben.identity.fingerprint)
      }
    }
    // The first loss is mended at once, and after the second one it waits.
    try await clock.untilAsleep { (.seconds(1)...(.seconds(2))).contains($0) }
    #expect(joins.withLock(\.self) == 2)
    leaving.cancel()
    try await theirs.close()
    await ben.close()
    await anna.close()
  }

  @Test func `an opening that was refused ends its states when it is closed, also when it was tried again`()
    async throws
  {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), gate: Gate(allowed: []), as: anna)
    let first = try await ben.open(share.address, waiting: .nothing)
    #expect(await first.connection.first { if case .refused = $0 { true } else { false } } != nil)
    let second = try await ben.open(share.address, waiting: .nothing)
    #expect(await second.connection.first { if case .refused = $0 { true } else { false } } != nil)
    try await first.close()
    #expect(first.connection.present == .closed)
    #expect(second.connection.present == .refused(.forbidden))
    await ben.close()
    #expect(second.connection.present == .closed)
    await anna.close()
  }

  @Test func `a share that ends while a remote replicates it and begins again is replicated to the end`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try LocalDatabase.inMemory()
    let text = String(repeating: "x", count: 2000)
    _ = try await notes.bulkDocs((0..<3000).map { Document(id: DocumentID("n\($0)"), fields: ["text": JSON(text)]) })
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    let theirs = try await ben.open(share.address)
    let copy = try LocalDatabase.inMemory()
    let live = Task { try await copy.replicate(from: theirs, .live) }
    var feed = copy.changes(.live).makeAsyncIterator()
    var count = 0
    while count < 100, try await feed.next() != nil { count += 1 }
    try await peers.hub.unshareDatabase(notes, as: anna)
    #expect(await theirs.connection.first { if case .reconnecting = $0 { true } else { false } } != nil)
    try await peers.hub.shareDatabase(notes, as: anna)
    while count < 3000, try await feed.next() != nil { count += 1 }
    #expect(try await copy.info().documentCount == 3000)
    live.cancel()
    _ = await live.result
    await anna.close()
    await ben.close()
  }

  @Test func `the last use of a connection ends it`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna)
    let events = share.events
    let first = try await ben.open(share.address)
    let second = try await ben.open(share.address)
    try await first.close()
    #expect(try await second.info().documentCount == 3)
    try await second.close()
    #expect(await Share.first(events) { if case .left = $0 { true } else { false } } != nil)
    #expect(second.connection.present == .closed)
    #expect(ben.switchboard.all.isEmpty)
    await anna.close()
    await ben.close()
  }
}
