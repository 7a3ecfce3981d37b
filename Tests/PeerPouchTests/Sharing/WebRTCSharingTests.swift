#if WebRTC
  import PeerTrust
  import PouchCore
  import PouchReplication
  import PouchStore
  import Testing

  @testable import PeerPouch

  /// Shares over real WebRTC between two peers of this process, on the loopback address.
  @Suite(.timeLimit(.minutes(3)), .serialized)
  struct WebRTCSharingTests {
    private func peer(_ identity: Identity = Peers.identity()) -> LocalPeer { Peers.overWebRTC(identity) }

    @Test func `a database is listed, opened, used and kept in sync over WebRTC`() async throws {
      let hub = try LocalDatabase.inMemory("hub\(UInt64.random(in: .min ... .max))")
      let (anna, ben) = (peer(), peer())
      let notes = try await Peers.notes()
      let share = try await hub.shareDatabase(notes, name: "notes", as: anna) { _ in }
      let listed = try #require(try await hub.getSharedDatabases(as: ben).first)
      let theirs = try #require(
        try await Pouch(listed.dbname, adapters: [.peer(ben)]) as? PeerDatabase)
      guard case .connected(let path?, _) = theirs.connection.present else {
        Issue.record("\(theirs.connection.present)")
        return
      }
      #expect(path.kind == .direct && path.remote.hasPrefix("127.0.0.1:"))
      #expect(try await theirs.allDocs().rows.count == 3)
      try await theirs.put(["_id": "from-ben", "text": "hello"])
      #expect(try await notes.get("from-ben")["text"] == "hello")
      let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try await theirs.putAttachment("film", Attachment(bytes), to: "from-ben", at: notes.get("from-ben").revision)
      #expect(try await theirs.getAttachment("film", of: "from-ben").content.bytes() == bytes)
      let copy = try LocalDatabase.inMemory()
      try await copy.put(["_id": "mine"])
      _ = try await copy.sync(with: theirs, .once)
      #expect(try await copy.allDocs().rows.map(\.id) == notes.allDocs().rows.map(\.id))
      #expect(await share.remotes.map(\.identity) == [ben.identity.fingerprint])
      // An opening took an offer and an answer.
      let signals = try await hub.info().deletedCount + hub.allDocs(.prefix("s-signal-")).rows.count
      #expect(signals <= 3)
      await anna.close()
      await ben.close()
    }

    @Test func `a refused remote gets no answer but the refusal`() async throws {
      let hub = try LocalDatabase.inMemory("hub\(UInt64.random(in: .min ... .max))")
      let (anna, ben) = (peer(), peer())
      let share = try await hub.shareDatabase(Peers.notes(), as: anna) { $0.preventDefault() }
      let error = await #expect(throws: PouchError.self) {
        try await Pouch(share.dbname, adapters: [.peer(ben)])
      }
      #expect(error?.code == .forbidden)
      await anna.close()
      await ben.close()
    }

    @Test func `a sharer that starts again is found again over WebRTC`() async throws {
      let hub = try LocalDatabase.inMemory("hub\(UInt64.random(in: .min ... .max))")
      let identity = Peers.identity()
      let (anna, ben) = (peer(identity), peer())
      let notes = try await Peers.notes()
      let share = try await hub.shareDatabase(notes, as: anna)
      let theirs = try await ben.open(share.address)
      #expect(try await theirs.info().documentCount == 3)
      await anna.close()
      let again = peer(identity)
      try await hub.shareDatabase(notes, as: again)
      try await notes.put(["_id": "after"])
      #expect(try await theirs.info().documentCount == 4)
      await again.close()
      await ben.close()
    }
  }
#endif
