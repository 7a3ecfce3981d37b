#if WebRTC
  import PouchCore
  import PouchStore
  import Testing
  import WebRTC

  @testable import PeerPouch

  struct PublishedServersTests {
    @Test func `a hub offers the STUN and TURN servers of its design document`() async throws {
      let hub = try LocalDatabase.inMemory()
      #expect(try await hub.publishedIceServers().isEmpty)
      try await hub.put([
        "_id": "_design/peerpouch",
        "ice_servers": [
          ["urls": "stun:stun.example"],
          ["urls": ["turn:turn.example", "turns:turn.example"], "username": "u", "credential": "c"],
          ["urls": "turn:without.credentials"], ["urls": "nonsense"], 7,
        ],
      ])
      #expect(
        try await hub.publishedIceServers() == [
          IceServer(.stun, host: "stun.example"),
          IceServer(.turn(.udp, username: "u", credential: "c"), host: "turn.example"),
          IceServer(.turn(.tls, username: "u", credential: "c"), host: "turn.example"),
        ])
    }

    @Test func `no more of them are taken than are used`() async throws {
      let hub = try LocalDatabase.inMemory()
      let servers = (0..<100).map { JSON.object(["urls": JSON("stun:s\($0).example")]) }
      try await hub.put(["_id": "_design/peerpouch", "ice_servers": .array(servers)])
      #expect(try await hub.publishedIceServers().count == PublishedServers.limit)
    }
  }
#endif
