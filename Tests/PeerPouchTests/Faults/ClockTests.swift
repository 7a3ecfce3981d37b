import CouchAPI
import PeerTrust
import PeerTunnel
import PouchCore
import PouchStore
import Testing

@testable import PeerPouch

/// What a share does as time goes by, on a clock that the tests move.
@Suite(.timeLimit(.minutes(2)))
struct ClockTests {
  /// A share whose sharer lives by a clock of its own.
  private struct Scene {
    let peers: Peers
    let clock = TestClock()
    let anna: LocalPeer
    let share: Share

    init(onRemote: RemoteHandler? = nil, transport: (any PeerTransport)? = nil) async throws {
      peers = try Peers()
      let (time, transport) = (clock.time, transport ?? peers.transport)
      anna = try peers.peer {
        $0.time = time
        $0.transport = transport
      }
      share = try await peers.hub.shareDatabase(Peers.notes(), as: anna, onRemote: onRemote)
    }

    func record() async throws -> ShareRecord { try SignedRecord(try await peers.hub.get(DocumentID(share.id))).record }

    /// Moves the clock to where the record is to be renewed.
    /// - Returns: the new record.
    func renewal(after duration: Duration = .seconds(600)) async throws -> ShareRecord {
      let position = try await peers.hub.info().updateSequence
      try await clock.untilAsleep { $0 == duration }
      clock.advance(by: duration)
      let query = ChangesQuery(.live, since: .after(position), ids: [DocumentID(share.id)])
      for try await _ in peers.hub.changes(query) { break }
      // The next one is planned by what is under way when it is: nothing is yet.
      try await clock.untilAsleep { $0 == duration }
      return try await record()
    }
  }

  @Test func `a record is renewed when a third of its lease is left, with a new lease`() async throws {
    let scene = try await Scene()
    let first = try await scene.record()
    let second = try await scene.renewal()
    #expect(second.number == first.number + 1)
    #expect(second.lease == first.lease + 600)
    #expect(second.epoch == first.epoch)
    let third = try await scene.renewal()
    #expect(third.lease == first.lease + 1200)
    await scene.anna.close()
  }

  @Test func `a key is published for an hour, and takes offers for ten minutes more`() async throws {
    let scene = try await Scene()
    let first = try await scene.record()
    var last = first
    for _ in 0..<6 {
      #expect(last.epoch == first.epoch)
      last = try await scene.renewal()
    }
    #expect(last.epoch != first.epoch)
    // An offer to the predecessor.
    let (hub, transport) = (scene.peers.hub, scene.peers.transport)
    let late = try #require(try await EvilRemote.connect(to: scene.share, by: hub, transport, record: first))
    await late.close()
    _ = try await scene.renewal()
    #expect(try await EvilRemote.connect(to: scene.share, by: hub, transport, record: first) == nil)
    // Whoever reads the record anew gets in.
    let ben = try scene.peers.peer()
    #expect(try await ben.open(scene.share.address).info().documentCount == 3)
    await ben.close()
    await scene.anna.close()
  }

  @Test func `a remote is refused when nobody has decided about it within a minute`() async throws {
    let (isAsked, never) = (Latch<Void>(), Latch<Void>())
    // A program that does not heed that it is cancelled.
    let scene = try await Scene(onRemote: { _ in
      isAsked.open(())
      await Task { try? await never.wait() }.value
    })
    let ben = try scene.peers.peer()
    let theirs = try await ben.open(scene.share.address, waiting: .nothing)
    try await isAsked.wait()
    try await scene.clock.untilAsleep { $0 == .seconds(60) }
    scene.clock.advance(by: .seconds(60))
    #expect(await theirs.connection.first { if case .refused = $0 { true } else { false } } == .refused(.forbidden))
    let error = await #expect(throws: PouchError.self) { try await theirs.info() }
    #expect(error?.code == .forbidden)
    #expect(scene.peers.transport.linkCount(.sharer) == 0)
    // The share can end although the program is still thinking.
    await scene.anna.close()
    never.open(())
    await ben.close()
  }

  @Test func `a connection that does not come about within half a minute is given up`() async throws {
    let base = MemoryTransport()
    let held = HeldTransport(base: base)
    let scene = try await Scene(transport: held)
    let ben = try scene.peers.peer { $0.transport = base }
    let theirs = try await ben.open(scene.share.address, waiting: .nothing)
    try await held.isWaiting.wait()
    #expect(await scene.share.desk.reception.pendingCount == 1)
    try await scene.clock.untilAsleep { $0 == .seconds(30) }
    scene.clock.advance(by: .seconds(30))
    try await held.isClosed.wait()
    try await theirs.close()
    await ben.close()
    await scene.anna.close()
    // Nothing of it stays in the hub.
    #expect(try await scene.peers.hub.info().documentCount == 0)
  }

  @Test func `a share whose hub does not answer ends all the same, and drops who is connected first`() async throws {
    let peers = try Peers()
    let (server, clock) = (try HubServer(), TestClock())
    let (anna, ben) = (try peers.peer { $0.time = clock.time }, try peers.peer())
    let share = try await server.client().shareDatabase(Peers.notes(), as: anna)
    let hubOfBen = server.client()
    _ = try await hubOfBen.getSharedDatabases(as: ben)
    let theirs = try await ben.open(share.address)
    var states = theirs.connection.makeAsyncIterator()
    #expect(await states.next()?.isConnected == true)
    server.around { _, _ in try await Latch<Response>().wait() }
    async let stopped: Void = share.stop()
    // Before anything of the share's time has passed.
    guard case .reconnecting? = await states.next() else { throw PouchError(.internalError) }
    let passing = Task {
      while true {
        try await clock.untilAsleep { $0 == PeerTime.farewell }
        clock.advance(by: PeerTime.farewell)
      }
    }
    await stopped
    passing.cancel()
    server.around(nil)
    await ben.close()
    await anna.close()
  }

  @Test func `who waits to be let in is told when the share ends`() async throws {
    let (isAsked, never) = (Latch<Void>(), Latch<Void>())
    let scene = try await Scene(onRemote: { _ in
      isAsked.open(())
      try? await never.wait()
    })
    let ben = try scene.peers.peer()
    let events = scene.share.events
    let theirs = try await ben.open(scene.share.address, waiting: .nothing)
    try await isAsked.wait()
    var states = theirs.connection.makeAsyncIterator()
    guard case .asking? = await states.next() else { throw PouchError(.internalError) }
    await scene.share.stop()
    #expect(await states.next() == .reconnecting("The sharer is taking the share back."))
    // Nobody was refused.
    for await event in events { Issue.record("\(event)") }
    await ben.close()
    await scene.anna.close()
  }

  @Test func `a share disappears when its sharer has not been heard of for a quarter of an hour`() async throws {
    let scene = try await Scene()
    let clock = scene.clock
    let ben = try scene.peers.peer { $0.time = clock.time }
    await scene.share.halt()
    clock.advance(by: .seconds(15 * 60 - 1))
    #expect(try await scene.peers.hub.getSharedDatabases(as: ben).count == 1)
    clock.advance(by: .seconds(1))
    #expect(try await scene.peers.hub.getSharedDatabases(as: ben).isEmpty)
    await ben.close()
    await scene.anna.close()
  }

  @Test func `a ticket is worth nothing when its time by the sharer's clock is over`() async throws {
    let peers = try Peers()
    let clock = TestClock()
    let anna = try peers.peer { $0.time = clock.time }
    let share = try await peers.hub.shareDatabase(Peers.notes(), gate: Gate(takesTickets: true), as: anna)
    let ticket = try await share.makeTicket(lifetime: TrustLimits.sendTicketLife)
    let late = try await share.makeTicket(lifetime: TrustLimits.sendTicketLife)
    clock.advance(by: .seconds(24 * 60 * 60 - 1))
    // The opener's clock says something else.
    let (ben, carl) = (try peers.peer { $0.time.date = { 0 } }, try peers.peer { $0.time.date = { 0 } })
    #expect(try await ben.open(ticket).info().documentCount == 3)
    clock.advance(by: .seconds(1))
    let theirs = try await carl.open(late, waiting: .nothing)
    #expect(await theirs.connection.first { if case .refused = $0 { true } else { false } } == .refused(.ticketExpired))
    for peer in [ben, carl, anna] { await peer.close() }
  }
}
