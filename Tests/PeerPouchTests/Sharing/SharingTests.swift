import PeerTrust
import PouchCore
import PouchReplication
import PouchStore
import Testing

@testable import PeerPouch

/// A share from its beginning to its end, as the seed had it; connected within the process.
@Suite(.timeLimit(.minutes(2)))
struct SharingTests {
  @Test func `a database that one peer shares is listed, opened and read by another one`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(
      Peers.notes(), name: "notes", info: ["kind": "test"], as: anna)
    let listed = try await peers.hub.getSharedDatabases(as: ben)
    #expect(listed.map(\.name) == ["notes"])
    #expect(listed.first?.info == ["kind": "test"])
    #expect(listed.first?.dbname == share.dbname)
    #expect(listed.first?.identity == anna.identity.fingerprint)
    #expect(listed.first?.access == .readOnly)
    #expect(listed.first?.gate == [.anyone])
    #expect(try await peers.hub.getSharedDatabases(as: anna).isEmpty)

    let theirs = try await ben.open(try #require(listed.first).address)
    #expect(try await theirs.allDocs().rows.map(\.id) == ["n0", "n1", "n2"])
    #expect(try await theirs.get("n1")["text"] == "note")
    #expect(try await theirs.info().documentCount == 3)
    await anna.close()
    await ben.close()
  }

  @Test func `nothing is shared where nobody could connect, since there is no WebRTC`() async throws {
    let peers = try Peers()
    let peer = try peers.peer { $0.transport = MissingTransport() }
    await #expect(throws: MissingTransport.error) {
      try await peers.hub.shareDatabase(Peers.notes(), name: "notes", as: peer)
    }
    #expect(try await peers.hub.allDocs().rows.isEmpty)
    await peer.close()
  }

  @Test func `who opens a share learns whether its owner was known before`() async throws {
    let peers = try Peers()
    let (anna, mallory, ben) = (try peers.peer(), try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), name: "notes", as: anna)
    let first = try await ben.open(share.address)
    #expect(first.share?.standing == .new)
    try await first.close()
    #expect(try await ben.open(share.address).share?.standing == .known)
    let other = try await peers.hub.shareDatabase(Peers.notes(), name: "Notes", as: mallory)
    #expect(try await ben.open(other.address).share?.standing == .nameOfOthers([anna.identity.fingerprint]))
    for peer in [ben, mallory, anna] { await peer.close() }
  }

  @Test func `an opening leaves nothing in the hub but the share`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna)
    let before = try await peers.hub.info()
    let theirs = try await ben.open(share.address)
    _ = try await theirs.info()
    var signals = peers.hub.changes(.live).makeAsyncIterator()
    // An offer and an answer, each deleted: their tombstones are all that is left.
    var deleted: Set<String> = []
    while deleted.count < 2, let change = try await signals.next() {
      if change.isDeleted { deleted.insert(change.id.text) }
    }
    let info = try await peers.hub.info()
    #expect(info.documentCount == before.documentCount)
    #expect(info.deletedCount - before.deletedCount == 2)
    #expect(Set(deleted.map { $0.prefix(9) }) == ["p-signal-", "s-signal-"])
    await anna.close()
    await ben.close()
  }

  @Test func `whoever is let in behind a gate writes, replicates both ways and moves attachments`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes()
    let share = try await peers.hub.shareDatabase(notes, as: anna) { _ in }
    #expect(share.access == .readWrite)
    let theirs = try await ben.open(share.address)
    try await theirs.put(["_id": "from-ben", "text": "hello"])
    #expect(try await notes.get("from-ben")["text"] == "hello")

    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try await theirs.putAttachment("film", Attachment(bytes), to: "from-ben", at: notes.get("from-ben").revision)
    #expect(try await theirs.getAttachment("film", of: "from-ben").content.bytes() == bytes)

    let copy = try LocalDatabase.inMemory()
    try await copy.put(["_id": "mine", "text": "only here"])
    _ = try await copy.sync(with: theirs, .once)
    #expect(try await copy.allDocs().rows.map(\.id) == notes.allDocs().rows.map(\.id))
    #expect(try await copy.getAttachment("film", of: "from-ben").content.bytes() == bytes)
    #expect(try await notes.get("mine")["text"] == "only here")
    await anna.close()
    await ben.close()
  }

  @Test func `a live feed of a peer's database delivers what comes`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes(1)
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    let theirs = try await ben.open(share.address)
    var feed = theirs.changes(.live).makeAsyncIterator()
    #expect(try await feed.next()?.id == "n0")
    async let next = notes.put(["_id": "later", "text": "x"])
    #expect(try await feed.next()?.id == "later")
    _ = try await next
    await anna.close()
    await ben.close()
  }

  @Test func `reading is all that anyone may do with a share that has no gate`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes()
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    let theirs = try await ben.open(share.address)
    await #expect(throws: PouchError.self) { try await theirs.put(["_id": "n9", "text": "no"]) }
    await #expect(throws: PouchError.self) { try await theirs.compact() }
    #expect(try await notes.info().documentCount == 3)
    await anna.close()
    await ben.close()
  }

  @Test func `a peer's database cannot be destroyed`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna) { _ in }
    let theirs = try await ben.open(share.address)
    let error = await #expect(throws: PouchError.self) { try await theirs.destroy() }
    #expect(error?.code == .forbidden)
    #expect(try await theirs.info().documentCount == 3)
    await anna.close()
    await ben.close()
  }

  @Test func `the end of a share removes it from lists and drops those who use it`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes()
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    let theirs = try await ben.open(share.address)
    _ = try await theirs.info()
    let lost = Task { await theirs.connection.first { if case .reconnecting = $0 { true } else { false } } }
    try await peers.hub.unshareDatabase(notes, as: anna)
    #expect(await lost.value != nil)
    #expect(try await peers.hub.getSharedDatabases(as: ben).isEmpty)
    #expect(await share.remotes.isEmpty)
    #expect(anna.switchboard.all.isEmpty || anna.switchboard.all.allSatisfy { !$0.isServing(share.address.share) })
    let error = await #expect(throws: PouchError.self) { try await ben.open(share.address) }
    #expect(error?.code == .notFound)
    await anna.close()
    await ben.close()
  }

  @Test func `a sharer sees who uses a share, and can put them out`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna) { _ in }
    let events = share.events
    let theirs = try await ben.open(share.address, info: ["name": "ben"])
    _ = try await theirs.info()
    guard case .joined(let remote)? = await Share.first(events, { if case .joined = $0 { true } else { false } }) else {
      Issue.record("Nobody joined.")
      return
    }
    #expect(remote.identity == ben.identity.fingerprint)
    #expect(remote.info == ["name": "ben"])
    #expect(remote.path == PeerPath(.memory))
    #expect(await share.remotes.map(\.identity) == [ben.identity.fingerprint])
    #expect(try anna.knownIdentities.all.map(\.fingerprint) == [ben.identity.fingerprint])
    await share.disconnect(ben.identity.fingerprint)
    #expect(await Share.first(events) { if case .left = $0 { true } else { false } } != nil)
    await anna.close()
    await ben.close()
  }

  @Test func `a share that is opened many times, and other shares of its owner, go over one connection`() async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let first = try await peers.hub.shareDatabase(Peers.notes(1), as: anna)
    let second = try await peers.hub.shareDatabase(Peers.notes(2), as: anna)
    var opened: [PeerDatabase] = []
    for _ in 0..<10 { opened.append(try await ben.open(first.address)) }
    opened.append(try await ben.open(second.address))
    for database in opened { _ = try await database.info() }
    #expect(try await opened[10].info().documentCount == 2)
    #expect(peers.transport.linkCount(.opener) == 1)
    #expect(await second.remotes.count == 1)
    // The sharer opens a share of the opener over the same connection.
    let back = try await peers.hub.shareDatabase(Peers.notes(5), as: ben)
    let theirs = try await anna.open(back.address)
    #expect(try await theirs.info().documentCount == 5)
    #expect(peers.transport.linkCount(.opener) == 1)
    // Ending the first share leaves the second one.
    await first.stop()
    #expect(try await opened[10].info().documentCount == 2)
    await anna.close()
    await ben.close()
  }

  @Test func `the hub may be a database that a peer shares`() async throws {
    let peers = try Peers()
    let (carl, anna, ben) = (try peers.peer(), try peers.peer(), try peers.peer())
    let inner = try LocalDatabase.inMemory()
    let outer = try await peers.hub.shareDatabase(inner, access: .readWrite, as: carl)
    let hubOfAnna = try await anna.open(outer.address)
    let hubOfBen = try await ben.open(outer.address)
    let share = try await hubOfAnna.shareDatabase(Peers.notes(), name: "deep", as: anna)
    let listed = try await hubOfBen.getSharedDatabases(as: ben)
    #expect(listed.map(\.name) == ["deep"])
    #expect(try await ben.open(share.address).info().documentCount == 3)
    await anna.close()
    await ben.close()
    await carl.close()
  }
}
