#if WebRTC
  import Logging
  import PeerTrust
  import PouchCore
  import PouchReplication
  import PouchStore
  import TestSupport
  import Testing

  @testable import PeerPouch

  /// Our own server as the hub, over HTTP, and real WebRTC between peers that know nothing else of each other.
  @Suite(.timeLimit(.minutes(3)), .serialized)
  struct ServerHubTests {
    /// Runs a server with a database called `hub`.
    private func withServer(_ body: @escaping @Sendable (_ hub: String) async throws -> Void) async throws {
      try await withFolder { folder in
        var options = PouchServerOptions(folder: folder)
        options.port = 0
        options.access = .adminParty
        options.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = try PouchServer(options)
        let address = Latch<String>()
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await server.run { address.open($0.url) } }
          let hub = try await address.wait() + "/hub"
          try await Pouch(hub.replacing("//hub", with: "/hub")).close()
          try await body(hub.replacing("//hub", with: "/hub"))
          group.cancelAll()
          while (try? await group.next()) != nil {}
        }
      }
    }

    private func peer() -> LocalPeer { Peers.overWebRTC() }

    @Test func `peers that only know a hub's URL share, list, open, edit and sync`() async throws {
      try await withServer { url in
        let (anna, ben) = (peer(), peer())
        let (hubOfAnna, hubOfBen) = (try await Pouch(url), try await Pouch(url))
        let notes = try await Peers.notes()
        let share = try await hubOfAnna.shareDatabase(notes, name: "notes", as: anna) { _ in }
        #expect(try await hubOfBen.getSharedDatabases(as: ben).map(\.dbname) == [share.dbname])
        // The URL alone is enough: the hub in it is opened as well.
        let carl = peer()
        let theirs = try await Pouch(share.dbname, adapters: [.peer(carl)])
        try await theirs.put(["_id": "from-carl"])
        #expect(try await notes.get("from-carl").id == "from-carl")
        let copy = try LocalDatabase.inMemory()
        let live = Task { try await copy.sync(with: theirs, .live) }
        for try await change in copy.changes(.live) where change.id == "from-carl" { break }
        try await notes.put(["_id": "live"])
        for try await change in copy.changes(.live) where change.id == "live" { break }
        live.cancel()
        _ = await live.result
        for peer in [carl, ben, anna] { await peer.close() }
        #expect(try await hubOfBen.allDocs().rows.map(\.id) == [])
        try await hubOfAnna.close()
        try await hubOfBen.close()
      }
    }

    @Test func `a database of a server is shared as any other, and used, followed and copied by peers`() async throws {
      try await withServer { url in
        let (anna, ben) = (Peers.overWebRTC(), Peers.overWebRTC())
        let hub = try await Pouch(url)
        // What Anna shares is itself at a server, as a CouchDB's would be.
        let notes = try await Pouch(url.replacing("/hub", with: "/notes"))
        try await notes.put(["_id": "n0", "text": "milk"])
        let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await notes.putAttachment("film", Attachment(bytes), to: "n0", at: notes.get("n0").revision)
        let share = try await hub.shareDatabase(notes, name: "notes", as: anna) { _ in }
        let theirs = try await ben.open(share.address)
        #expect(try await theirs.get("n0")["text"] == "milk")
        #expect(try await theirs.getAttachment("film", of: "n0").content.bytes() == bytes)
        let copy = try LocalDatabase.inMemory()
        try await copy.put(["_id": "mine"])
        let live = Task { try await copy.sync(with: theirs, .live) }
        for try await change in notes.changes(.live) where change.id == "mine" { break }
        try await notes.put(["_id": "later"])
        // In no order: a document with a large attachment may come after those written later.
        var awaited: Set<DocumentID> = ["n0", "later"]
        for try await change in copy.changes(.live) where awaited.remove(change.id) != nil && awaited.isEmpty { break }
        live.cancel()
        _ = await live.result
        #expect(try await copy.allDocs().rows.map(\.id) == notes.allDocs().rows.map(\.id))
        // Its checkpoints are in a room of its own, and the salt makes the share's id the same the next time.
        await share.stop()
        #expect(try await hub.shareDatabase(notes, as: anna).id == share.id)
        for peer in [ben, anna] { await peer.close() }
        for database in [notes, hub] { try await database.close() }
      }
    }

    @Test func `an opening takes two signals of the hub`() async throws {
      try await withServer { url in
        let (anna, ben) = (peer(), peer())
        let hub = try await Pouch(url)
        let share = try await hub.shareDatabase(Peers.notes(), as: anna)
        let theirs = try await ben.open(share.address)
        _ = try await theirs.info()
        await ben.close()
        await anna.close()
        let all = try await hub.changes().reduce(into: [String]()) { $0.append($1.id.text) }
        #expect(all.count { $0.contains("-signal-") } == 2)
        try await hub.close()
      }
    }
  }
#endif
