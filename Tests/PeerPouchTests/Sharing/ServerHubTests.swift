#if WebRTC
  import Logging
  import PeerTrust
  import PouchCore
  import PouchReplication
  import PouchStore
  import TestSupport
  import Testing
  import WebRTC

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

    private func peer() -> LocalPeer {
      var options = Peers.options
      var configuration = PeerConnection.Configuration()
      configuration.addresses = .addresses(["127.0.0.1"])
      options.transport = WebRTCTransport(configuration)
      return LocalPeer(Peers.identity(), options: options)
    }

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
