#if WebRTC
  import PeerPouch
  import Testing

  /// What the other tests of this target cannot ask of a peer's database.
  @Suite("Peers")
  struct PeerTests {
    @Test func `what is the owner's business is not there for peers`() async throws {
      try await Backend.peer.withDatabase { database in
        let revision = try await database.put(["_id": "a"])
        await expectError(.notFound, "missing") { try await database.compact() }
        await expectError(.notFound, "missing") { try await database.purge(["a": [revision]]) }
        await expectError(.notFound, "missing") { _ = try await database.revsLimit() }
        await expectError(.notFound, "missing") { try await database.setRevsLimit(1) }
        await expectError(.notImplemented) { _ = try await database.localDocs(AllDocsQuery()) }
        await expectError(.forbidden) { try await database.destroy() }
        #expect(try await database.get("a").revision == revision)
      }
    }
  }
#endif
