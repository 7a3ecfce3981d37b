import CouchAPI
import HTTPTypes
import PeerTrust
import PouchCore
import PouchReplication
import PouchStore
import Testing

@testable import PeerPouch
@testable import PeerTunnel

/// What a remote that got in and does not keep to the protocol cannot do: its connection ends, or its request, and the
/// others go on.
@Suite(.timeLimit(.minutes(2)))
struct EvilRemoteTests {
  enum Misdeed: String, CaseIterable, Sendable {
    case garbage, cutFrames, endlessHeaders, millionStreams, longBody, shortBody, strangeStream

    /// How the session has to end.
    var violation: ProtocolViolation {
      switch self {
      case .garbage: .frameTooLong
      case .cutFrames: .truncatedFrame
      case .endlessHeaders: .headTooLarge
      case .millionStreams: .tooManyStreams
      case .longBody, .shortBody: .wrongBodyLength
      case .strangeStream: .unknownStream
      }
    }

    /// Goes on until the other side has had enough, or a million times.
    func commit(by remote: EvilRemote, _ share: String) async throws {
      let write = "/\(share)/_bulk_docs"
      switch self {
      case .garbage:
        try await remote.channel.send((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ 255) })
      case .cutFrames: try await remote.channel.send([0x10, 0, 0x10])
      case .endlessHeaders:
        for _ in 0..<1_000_000 {
          try await remote.send(.request, .more, id: 1, [UInt8](repeating: 0x61, count: 16_000))
        }
      case .millionStreams:
        let head = try EvilRemote.head(.post, write, length: nil)
        for number in 0..<1_000_000 { try await remote.send(.request, id: UInt32(2 * number + 1), head) }
      case .longBody:
        try await remote.send(.request, id: 1, EvilRemote.head(.post, write, length: 10))
        try await remote.send(.data, .end, id: 1, [UInt8](repeating: 0x20, count: 11))
      case .shortBody:
        try await remote.send(.request, id: 1, EvilRemote.head(.post, write, length: 10))
        try await remote.send(.data, .end, id: 1, [UInt8](repeating: 0x20, count: 9))
      case .strangeStream: try await remote.send(.data, id: 77, [1, 2, 3])
      }
    }
  }

  @Test(arguments: Misdeed.allCases)
  func `a remote that breaks the protocol is sent away, and others go on`(misdeed: Misdeed) async throws {
    let peers = try Peers()
    let (anna, ben) = (try peers.peer(), try peers.peer())
    let notes = try await Peers.notes()
    let share = try await peers.hub.shareDatabase(notes, as: anna) { _ in }
    let events = share.events
    let theirs = try await ben.open(share.address)
    let copy = try LocalDatabase.inMemory()
    let live = Task { try await copy.sync(with: theirs, .live) }
    let evil = try #require(try await EvilRemote.connect(to: share, by: peers.hub, peers.transport))
    try await evil.sayHello()
    // What is sent after the end fails.
    let deed = Task { try? await misdeed.commit(by: evil, share.id) }
    let goodbye = try #require(try await evil.first(.goodbye))
    #expect(goodbye.starts(with: [0, UInt8(GoodbyeReason.violation.rawValue)]))
    #expect(String(decoding: goodbye.dropFirst(6), as: UTF8.self) == "\(misdeed.violation)")
    await evil.close()
    await deed.value
    let left = await Share.first(events) {
      if case .left(let remote) = $0 { remote.identity == evil.identity } else { false }
    }
    #expect(left != nil)
    #expect(await share.remotes.map(\.identity) == [ben.identity.fingerprint])

    try await notes.put(["_id": "after"])
    for try await change in copy.changes(.live) where change.id == "after" { break }
    try await copy.put(["_id": "back"])
    for try await change in notes.changes(.live) where change.id == "back" { break }
    live.cancel()
    _ = await live.result
    #expect(try await copy.allDocs().rows.map(\.id) == notes.allDocs().rows.map(\.id))
    await anna.close()
    await ben.close()
  }

  @Test func `a remote that stops reading loses its request, and others read on`() async throws {
    let peers = try Peers()
    let anna = try peers.peer { $0.tunnel.stall = .seconds(2) }
    let ben = try peers.peer()
    let notes = try await Peers.notes(1)
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try await notes.putAttachment("film", Attachment(bytes), to: "n0", at: notes.get("n0").revision)
    let share = try await peers.hub.shareDatabase(notes, as: anna)
    let theirs = try await ben.open(share.address)
    let evil = try #require(try await EvilRemote.connect(to: share, by: peers.hub, peers.transport))
    try await evil.sayHello()
    try await evil.send(.request, .end, id: 1, EvilRemote.head(.get, "/\(share.id)/n0/film"))
    let cancel = try #require(try await evil.first(.cancel, id: 1))
    #expect(cancel.starts(with: [0, UInt8(CancelReason.stalled.rawValue)]))
    #expect(try await theirs.getAttachment("film", of: "n0").content.bytes() == bytes)
    await evil.close()
    await anna.close()
    await ben.close()
  }

  @Test(arguments: ["nothing", "a wrong proof", "a request"])
  func `a remote that does not prove who it is gets nothing`(_ first: String) async throws {
    let peers = try Peers()
    let anna = try peers.peer { $0.tunnel.hello = .milliseconds(200) }
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna)
    let evil = try #require(try await EvilRemote.connect(to: share, by: peers.hub, peers.transport))
    switch first {
    case "a wrong proof": try await evil.sayHello(proof: [UInt8](repeating: 7, count: 32))
    case "a request": try await evil.send(.request, .end, id: 1, EvilRemote.head(.get, "/\(share.id)"))
    default: break
    }
    #expect(try await evil.first(.response, id: 1) == nil)
    #expect(await share.remotes.isEmpty)
    // Whoever keeps to the protocol gets in.
    let ben = try peers.peer()
    #expect(try await ben.open(share.address).info().documentCount == 3)
    await evil.close()
    await anna.close()
    await ben.close()
  }

  @Test func `ten openings from one process and as many from others share connections, within the bounds`() async throws
  {
    let peers = try Peers()
    let identity = Peers.identity()
    let anna = try peers.peer()
    let share = try await peers.hub.shareDatabase(Peers.notes(), as: anna)
    var processes: [LocalPeer] = []
    var opened: [PeerDatabase] = []
    for _ in 0..<4 {
      let process = try peers.peer(identity)
      try await withThrowingTaskGroup(of: PeerDatabase.self) { group in
        for _ in 0..<10 { group.addTask { try await process.open(share.address) } }
        for try await database in group { opened.append(database) }
      }
      processes.append(process)
    }
    for database in opened { #expect(try await database.info().documentCount == 3) }
    #expect(peers.transport.linkCount(.sharer) == 4)
    #expect(await share.remotes.count == 4)
    let events = share.events
    let fifth = try peers.peer(identity) { $0.patience = .seconds(1) }
    let error = await #expect(throws: PouchError.self) { try await fifth.open(share.address) }
    #expect(error?.code == .unreachable)
    #expect(await Share.first(events) { $0 == .refused(identity.fingerprint, .busy) } != nil)
    // The end of one makes room for another one.
    await processes.removeLast().close()
    _ = await Share.first(events) { if case .left = $0 { true } else { false } }
    let sixth = try peers.peer(identity)
    #expect(try await sixth.open(share.address).info().documentCount == 3)
    for peer in processes + [fifth, sixth, anna] { await peer.close() }
  }
}
