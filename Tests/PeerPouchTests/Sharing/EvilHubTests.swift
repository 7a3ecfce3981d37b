import PeerTrust
import PouchCore
import PouchStore
import Testing

@testable import PeerPouch

/// What a hub that changes, repeats and holds back documents cannot do.
@Suite(.timeLimit(.minutes(2)))
struct EvilHubTests {
  @Test(arguments: ["h", "c"])
  func `an answer that the hub has changed is ignored, and the opening goes on without it`(
    member: String
  ) async throws {
    let peers = try Peers()
    let server = try HubServer()
    let anna = try peers.peer()
    let ben = try peers.peer { $0.patience = .seconds(1) }
    let carl = try peers.peer()
    let share = try await server.database.shareDatabase(Peers.notes(), as: anna)
    let hub = server.client()
    let address = ShareAddress(hub: try ben.hubs.name(of: hub), share: share.address.share)
    server.tamper { $0.contains("\"s-signal-") ? $0.flipping(member) : $0 }
    await #expect(throws: PouchError.self) { try await ben.open(address) }
    #expect(anna.switchboard.all.isEmpty)
    server.tamper(nil)
    _ = try carl.hubs.name(of: hub)
    #expect(try await carl.open(address).info().documentCount == 3)
    await anna.close()
    await carl.close()
    await ben.close()
  }

  @Test(arguments: ["h", "c"])
  func `an offer that the hub has changed is not answered`(member: String) async throws {
    let peers = try Peers()
    let server = try HubServer()
    let (anna, ben) = (try peers.peer(), try peers.peer { $0.patience = .seconds(1) })
    let share = try await server.client().shareDatabase(Peers.notes(), as: anna)
    server.tamper { $0.contains("\"p-signal-") ? $0.flipping(member) : $0 }
    let hubName = try ben.hubs.name(of: server.database)
    let address = ShareAddress(hub: hubName, share: share.address.share)
    await #expect(throws: PouchError.self) { try await ben.open(address) }
    #expect(peers.transport.linkCount(.sharer) == 0)
    for try await change in server.database.changes() { #expect(!change.id.text.hasPrefix("s-signal-")) }
    await anna.close()
    await ben.close()
  }

  @Test(arguments: ["r", "g"])
  func `a share whose record or signature the hub has changed is not there`(member: String) async throws {
    let peers = try Peers()
    let server = try HubServer()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await server.database.shareDatabase(Peers.notes(), as: anna)
    server.tamper { $0.flipping(member) }
    let hub = server.client()
    #expect(try await hub.getSharedDatabases(as: ben).isEmpty)
    let address = ShareAddress(hub: try ben.hubs.name(of: hub), share: share.address.share)
    let error = await #expect(throws: PouchError.self) { try await ben.open(address) }
    #expect(error?.code == .notFound)
    server.tamper(nil)
    #expect(try await hub.getSharedDatabases(as: ben).count == 1)
    await anna.close()
    await ben.close()
  }

  @Test func `an offer that is repeated is not answered again`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna)
    let query = ChangesQuery(
      .live, rows: .documents, selector: try Selector(["recipient": .string(ExactString(share.id))]))
    var feed = peers.hub.changes(query).makeAsyncIterator()
    let theirs = try await ben.open(share.address, waiting: .nothing)
    var copy = try #require(try await feed.next()?.document)
    _ = try await theirs.info()
    let id: DocumentID = "p-signal-00000000-0000-4000-8000-000000000000"
    copy.id = id
    copy.revision = nil
    try await peers.hub.put(copy)
    // It is read, which shows by its deletion, and nothing comes of it.
    for try await change in peers.hub.changes(ChangesQuery(.live, ids: [id])) where change.isDeleted { break }
    #expect(peers.transport.linkCount(.sharer) == 1)
    #expect(try await theirs.info().documentCount == 3)
    await anna.close()
    await ben.close()
  }

  @Test func `an older record that the hub brings back is refused`() async throws {
    let peers = try Peers()
    let identity = Peers.identity()
    let notes = try await Peers.notes()
    let ben = try peers.peer()
    let anna = try peers.peer(identity)
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    var old = try await peers.hub.get(DocumentID(share.id))
    try await share.setAllowed([ben.identity.fingerprint])
    #expect(try await peers.hub.getSharedDatabases(as: ben).first?.gate == [.allow])
    old.revision = try await peers.hub.get(DocumentID(share.id)).revision
    try await peers.hub.put(old)
    #expect(try await peers.hub.getSharedDatabases(as: ben).isEmpty)
    await anna.close()
    await ben.close()
  }

  @Test func `clocks that are off by a day prevent nothing: leases are judged by the hub's date`() async throws {
    let peers = try Peers()
    let server = try HubServer()
    let day = 24 * 60 * 60
    let anna = try peers.peer { $0.time.date = { machineDate() + day } }
    let ben = try peers.peer { $0.time.date = { machineDate() - day } }
    let (hubOfAnna, hubOfBen) = (server.client(), server.client())
    let share = try await hubOfAnna.shareDatabase(Peers.notes(), as: anna) { _ in }
    let listed = try await hubOfBen.getSharedDatabases(as: ben)
    #expect(listed.map(\.dbname) == [share.dbname])
    #expect(try await ben.open(share.address).info().documentCount == 3)
    // A lease that is over by the hub's date hides a share, which may be tried all the same.
    server.setDate(machineDate() + 16 * 60)
    #expect(try await hubOfBen.getSharedDatabases(as: ben).isEmpty)
    #expect(try await ben.open(share.address).info().documentCount == 3)
    await anna.close()
    await ben.close()
  }
}
