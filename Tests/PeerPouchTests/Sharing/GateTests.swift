import PeerTrust
import PouchCore
import PouchStore
import Synchronization
import TestSupport
import Testing

@testable import PeerPouch

/// Who gets into a share, and what is done before that is decided.
@Suite(.timeLimit(.minutes(2)))
struct GateTests {
  @Test func `a remote that is prevented is refused before there is any connection`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let asked = Mutex<[RemoteRequest]>([])
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna) { remote in
      asked.withLock { $0.append(remote) }
      remote.preventDefault()
    }
    let events = share.events
    let error = await #expect(throws: PouchError.self) {
      try await ben.open(share.address, info: ["name": "ben"])
    }
    #expect(error?.code == .forbidden)
    #expect(asked.withLock { $0.map(\.identity) } == [ben.identity.fingerprint])
    #expect(asked.withLock { $0.map(\.info) } == [["name": "ben"]])
    #expect(asked.withLock { $0.map(\.standing) } == [.new])
    #expect(peers.transport.linkCount(.sharer) == 0)
    let refused = await Share.first(events) { if case .refused = $0 { true } else { false } }
    #expect(refused == .refused(ben.identity.fingerprint, .forbidden))
    #expect(try ben.knownIdentities.all.isEmpty)
    await anna.close()
    await ben.close()
  }

  @Test func `those on the list get in without being asked about, and others do not`() async throws {
    let peers = try Peers()
    let (anna, ben, eve) = (try peers.peer(), try peers.peer(), try peers.peer())
    let gate = Gate(allowed: [ben.identity.fingerprint])
    let share = try await peers.hub.shareDatabase(Peers.notes(), gate: gate, as: anna)
    #expect(try await ben.open(share.address).info().documentCount == 3)
    let error = await #expect(throws: PouchError.self) { try await eve.open(share.address) }
    #expect(error?.code == .forbidden)
    for peer in [anna, ben, eve] { await peer.close() }
  }

  @Test func `a ticket lets its first holder in, and nobody else after that`() async throws {
    let peers = try Peers()
    let (anna, ben, eve) = (try peers.peer(), try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), gate: Gate(takesTickets: true), as: anna)
    let events = share.events
    let ticket = try #require(share.ticket)
    let without = await #expect(throws: PouchError.self) { try await ben.open(share.address) }
    #expect(without?.code == .forbidden)
    let theirs = try await ben.open(Ticket(ticket.text))
    try await theirs.put(["_id": "from-ben"])
    let error = await #expect(throws: PouchError.self) { try await eve.open(ticket) }
    #expect(error?.code == .forbidden)
    let reuse = await Share.first(events) { if case .ticketReused = $0 { true } else { false } }
    #expect(reuse == .ticketReused(by: eve.identity.fingerprint, claimedBy: ben.identity.fingerprint))
    // A ticket of another share proves nothing here.
    let other = try await peers.hub.shareDatabase(Peers.notes(), gate: Gate(takesTickets: true), as: anna)
    var generator = SystemRandomNumberGenerator()
    let forged = Ticket(to: other.address.share, hub: other.address.hub, using: &generator)
    await #expect(throws: PouchError.self) { try await eve.open(forged) }
    // The holder of a ticket opens another share over the connection that is there.
    let second = try await ben.open(try #require(other.ticket))
    #expect(try await second.info().documentCount == 3)
    #expect(peers.transport.linkCount(.sharer) == 1)
    for peer in [anna, ben, eve] { await peer.close() }
  }

  @Test func `a remote with a ticket that was never made is refused, and told why`() async throws {
    let peers = try Peers()
    let (anna, eve, ben) = (try peers.peer(), try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), gate: Gate(takesTickets: true), as: anna)
    var random = RandomSource.system
    let wrong = Ticket(to: share.address.share, hub: share.address.hub, using: &random)
    let theirs = try await eve.open(wrong, waiting: .nothing)
    #expect(await theirs.connection.first { if case .refused = $0 { true } else { false } } == .refused(.ticket))
    let error = await #expect(throws: PouchError.self) { try await theirs.info() }
    #expect(error?.code == .forbidden)
    #expect(peers.transport.linkCount(.sharer) == 0)
    // Without any ticket it is no better.
    let other = await #expect(throws: PouchError.self) { try await eve.open(share.address) }
    #expect(other?.code == .forbidden)
    #expect(try await ben.open(try #require(share.ticket)).info().documentCount == 3)
    for peer in [anna, eve, ben] { await peer.close() }
  }

  @Test func `a database that is shared on two hubs is opened by either gate`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let other = try LocalDatabase.inMemory("hub\(UInt64.random(in: .min ... .max))")
    let notes = try await Peers.notes()
    let closed = try await peers.hub.shareDatabase(notes, gate: Gate(allowed: []), as: anna)
    let open = try await other.shareDatabase(notes, as: anna)
    #expect(closed.id == open.id)
    let first = try await peers.hub.shareDatabase(Peers.notes(1), as: anna)
    // Over a connection that is there, no hub is asked.
    let opened = [try await ben.open(first.address), try await ben.open(open.address)]
    #expect(try await opened[0].info().documentCount == 1)
    #expect(try await opened[1].info().documentCount == 3)
    #expect(peers.transport.linkCount(.sharer) == 1)
    await anna.close()
    await ben.close()
  }

  @Test func `a database that is shared on two hubs keeps the tickets of both`() async throws {
    try await withFolder { path in
      let peers = try Peers()
      let (ben, carl) = (Peers.identity(), Peers.identity())
      let hubs = [peers.hub, try LocalDatabase.inMemory("hub\(UInt64.random(in: .min ... .max))")]
      let notes = try await Peers.notes()
      let gate = Gate(takesTickets: true)
      let anna = try peers.peer(folder: path)
      var tickets: [Ticket] = []
      for hub in hubs { tickets.append(try #require(try await hub.shareDatabase(notes, gate: gate, as: anna).ticket)) }
      // Each redeems one.
      for (identity, ticket) in zip([ben, carl], tickets) {
        let peer = try peers.peer(identity)
        #expect(try await peer.open(ticket).info().documentCount == 3)
        await peer.close()
      }
      await anna.close()
      let again = try peers.peer(folder: path)
      for hub in hubs { try await hub.shareDatabase(notes, gate: gate, as: again) }
      for (identity, ticket) in zip([ben, carl], tickets) {
        let peer = try peers.peer(identity)
        #expect(try await peer.open(ticket).info().documentCount == 3)
        await peer.close()
      }
      for (identity, ticket) in zip([carl, ben], tickets) {
        let peer = try peers.peer(identity)
        let error = await #expect(throws: PouchError.self) { try await peer.open(ticket).info() }
        #expect(error?.code == .forbidden)
        await peer.close()
      }
      await again.close()
    }
  }

  @Test func `an inbox takes documents and shows nothing`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes()
    let share = try await peers.hub.shareDatabase(notes, access: .inbox, as: anna) { _ in }
    let theirs = try await ben.open(share.address)
    try await theirs.put(["_id": "letter", "text": "hello"])
    #expect(try await notes.get("letter")["text"] == "hello")
    await #expect(throws: PouchError.self) { try await theirs.get("n1") }
    await #expect(throws: PouchError.self) { try await theirs.allDocs() }
    await anna.close()
    await ben.close()
  }

  @Test func `a forgotten identity is put out, and its ticket is worth nothing`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), gate: Gate(takesTickets: true), as: anna)
    let ticket = try #require(share.ticket)
    let theirs = try await ben.open(ticket)
    _ = try await theirs.info()
    let refused = Task { await theirs.connection.first { if case .refused = $0 { true } else { false } } }
    let joined = try anna.knownIdentities.all.count
    #expect(joined == 1)
    #expect(try await anna.forget(ben.identity.fingerprint))
    #expect(await refused.value == .refused(.ticket))
    await #expect(throws: PouchError.self) { try await theirs.info() }
    #expect(try anna.knownIdentities.all.isEmpty)
    await anna.close()
    await ben.close()
  }

  @Test func `more connections of one identity than are allowed are told to try later`() async throws {
    let peers = try Peers()
    let identity = Peers.identity()
    let anna = try peers.peer { $0.connectionsPerIdentity = 1 }
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna)
    let events = share.events
    let ben = try peers.peer(identity)
    let again = try peers.peer(identity) { $0.patience = .seconds(5) }
    let theirs = try await ben.open(share.address)
    _ = try await theirs.info()
    let error = await #expect(throws: PouchError.self) { try await again.open(share.address) }
    #expect(error?.code == .unreachable)
    #expect(await Share.first(events) { $0 == .refused(identity.fingerprint, .busy) } != nil)
    for peer in [anna, ben, again] { await peer.close() }
  }
}
