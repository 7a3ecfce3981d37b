import CouchAPI
import Foundation
import HTTPTypes
import PeerTrust
import PouchCore
import PouchStore
import Synchronization
import TestSupport
import Testing

@testable import PeerPouch

/// Shares that begin beside others, or do not come to begin.
@Suite(.timeLimit(.minutes(2)))
struct BeginningTests {
  @Test func `a share that begins while its peer closes is not left over`() async throws {
    let peers = try Peers()
    let server = try HubServer()
    let anna = try peers.peer()
    let (isHeld, release) = (Latch<Void>(), Latch<Void>())
    server.around { request, answer in
      if request.method == .put || request.method == .post, isHeld.value == nil {
        isHeld.open(())
        try await release.wait()
      }
      return try await answer()
    }
    let sharing = Task { try await server.client().shareDatabase(Peers.notes(), as: anna) }
    try await isHeld.wait()
    await anna.close()
    release.open(())
    let error = await #expect(throws: PouchError.self) { try await sharing.value }
    #expect(error == .closed)
    #expect(anna.shares.all.isEmpty)
    #expect(try await server.database.info().documentCount == 0)
  }

  @Test func `a share whose beginning fails leaves nothing behind, though the hub may have taken it`() async throws {
    try await withFolder { path in
      let peers = try Peers()
      let server = try HubServer()
      let anna = try peers.peer(folder: path)
      let isFirst = Mutex(true)
      server.around { request, answer in
        let response = try await answer()
        guard request.method == .put || request.method == .post, isFirst.withLock({ exchange(&$0, false) }) else {
          return response
        }
        throw PouchError(.badResponse, "The answer was lost.")
      }
      await #expect(throws: PouchError.self) {
        try await server.client().shareDatabase(
          Peers.notes(), gate: Gate(takesTickets: true), ticketLifetime: .seconds(60), as: anna)
      }
      #expect(isFirst.withLock { !$0 })
      #expect(try await server.database.info().documentCount == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/shares").isEmpty)
      await anna.close()
    }
  }

  private func exchange(_ value: inout Bool, _ new: Bool) -> Bool {
    defer { value = new }
    return value
  }

  @Test func `another process that shares the same database is told so at once, and not after the first has ended`()
    async throws
  {
    try await withFolder { path in
      let peers = try Peers()
      let notes = try await Peers.notes()
      let (anna, elsewhere) = (try peers.peer(folder: path), try peers.peer(folder: path))
      let first = try await peers.hub.shareDatabase(notes, as: anna)
      let second = try await peers.hub.shareDatabase(notes, as: elsewhere)
      // Who asks for the events after that gets it all the same.
      var events = second.events.makeAsyncIterator()
      #expect(await events.next() == .sharedElsewhere)
      await second.stop()
      await first.stop()
      let third = try await peers.hub.shareDatabase(notes, as: elsewhere)
      let quiet = third.events
      await elsewhere.close()
      for await event in quiet { Issue.record("\(event)") }
      let files = try FileManager.default.contentsOfDirectory(atPath: path + "/shares")
      #expect(files.count == 1 && files[0].hasSuffix(".json"))
      await anna.close()
    }
  }

  @Test func `a share of a remote database is called by its name, and not by where it is`() async throws {
    let server = try HubServer()
    #expect(server.client().name == "http://hub.test/hub")
    #expect(server.client().usualShareName == "hub")
    #expect(try await Peers.notes().usualShareName == "memory")
  }

  @Test func `connections are made by what belongs to the hub of each`() async throws {
    let peers = try Peers()
    let other = try LocalDatabase.inMemory("hub\(UInt64.random(in: .min ... .max))")
    let asked = Mutex<[String]>([])
    func peer() throws -> LocalPeer {
      try peers.peer { options in
        let transport = options.transport
        options.transport = MissingTransport()
        options.transportBy = { hub in
          asked.withLock { $0.append(hub.name) }
          return transport
        }
      }
    }
    let (anna, ben, carl) = (try peer(), try peer(), try peer())
    for (hub, opener) in [(peers.hub, ben), (other, carl)] {
      let share = try await hub.shareDatabase(Peers.notes(), as: anna)
      #expect(try await opener.open(share.address).info().documentCount == 3)
    }
    #expect(asked.withLock(\.self) == [peers.hub.name, peers.hub.name, other.name, other.name])
    for peer in [ben, carl, anna] { await peer.close() }
  }

  @Test func `an empty file is no database unless one is to be made`() async throws {
    try await withFolder { path in
      let file = path + "/empty"
      try Data().write(to: URL(fileURLWithPath: file))
      let error = await #expect(throws: PouchError.self) { try await Pouch(file, .mustExist) }
      #expect(error?.code == .notFound)
      #expect(FileManager.default.contents(atPath: file)?.isEmpty == true)
      try await Pouch(file).close()
      try await Pouch(file, .mustExist).close()
    }
  }
}
