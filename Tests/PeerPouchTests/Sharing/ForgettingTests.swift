import Foundation
import PeerTrust
import PouchCore
import TestSupport
import Testing

@testable import PeerPouch

/// What forgetting an identity does to shares of other processes with the same folder: another peer of that folder stands
/// for them.
struct ForgettingTests {
  @Test func `a share of another process puts a forgotten identity out, and its ticket stays worthless`() async throws {
    try await withFolder { path in
      let peers = try Peers()
      let (anna, ben) = (try peers.peer(folder: path), try peers.peer())
      let notes = try await Peers.notes()
      let share = try await peers.hub.shareDatabase(notes, gate: Gate(takesTickets: true), as: anna)
      let events = share.events
      let ticket = try #require(share.ticket)
      let theirs = try await ben.open(ticket)
      let refused = Task { await theirs.connection.first { if case .refused = $0 { true } else { false } } }

      let elsewhere = try peers.peer(folder: path)
      #expect(try await elsewhere.forget(ben.identity.fingerprint))
      let left = await Share.first(events) { if case .left = $0 { true } else { false } }
      #expect(left != nil)
      #expect(await refused.value == .refused(.ticket))
      await share.stop()

      // Nor does the next start know it.
      let again = try await peers.hub.shareDatabase(notes, gate: Gate(takesTickets: true), as: elsewhere)
      #expect(again.id == share.id)
      await #expect(throws: PouchError.self) { try await peers.peer(ben.identity).open(ticket) }
      // A new ticket is as good as anybody's.
      let new = try await again.makeTicket()
      let back = try peers.peer(ben.identity)
      _ = try await back.open(new).info()
      for peer in [anna, ben, elsewhere, back] { await peer.close() }
    }
  }

  @Test func `tickets are revoked of whom was forgotten while nobody shared, and of nobody else`() async throws {
    try await withFolder { path in
      let peers = try Peers()
      let notes = try await Peers.notes()
      let (ben, carl) = (try peers.peer(), try peers.peer())
      let anna = try peers.peer(folder: path)
      let share = try await peers.hub.shareDatabase(notes, gate: Gate(takesTickets: true), as: anna)
      let tickets = [try #require(share.ticket), try await share.makeTicket()]
      _ = try await ben.open(tickets[0]).info()
      _ = try await carl.open(tickets[1]).info()
      await anna.close()

      #expect(try await peers.peer(folder: path).forget(ben.identity.fingerprint))
      let again = try peers.peer(folder: path)
      _ = try await peers.hub.shareDatabase(notes, gate: Gate(takesTickets: true), as: again)
      await #expect(throws: PouchError.self) { try await peers.peer(ben.identity).open(tickets[0]) }
      let carlAgain = try peers.peer(carl.identity)
      _ = try await carlAgain.open(tickets[1]).info()
      for peer in [ben, carl, again, carlAgain] { await peer.close() }
    }
  }

  @Test func `an identity that is forgotten is not allowed any more by name`() async throws {
    try await withFolder { path in
      let peers = try Peers()
      let (anna, ben) = (try peers.peer(folder: path), try peers.peer())
      let share = try await peers.hub.shareDatabase(
        Peers.notes(), gate: Gate(allowed: [ben.identity.fingerprint]), as: anna)
      let theirs = try await ben.open(share.address)
      let refused = Task { await theirs.connection.first { if case .refused = $0 { true } else { false } } }
      _ = try await peers.peer(folder: path).forget(ben.identity.fingerprint)
      #expect(await refused.value == .refused(.forbidden))
      for peer in [anna, ben] { await peer.close() }
    }
  }

  @Test func `a share that ended for good leaves no ticket behind`() async throws {
    try await withFolder { path in
      let peers = try Peers()
      let (anna, ben) = (try peers.peer(folder: path), try peers.peer())
      let notes = try await Peers.notes()
      let gate = Gate(takesTickets: true)
      let share = try await peers.hub.shareDatabase(notes, gate: gate, ticketLifetime: .seconds(60), as: anna)
      let ticket = try #require(share.ticket)
      _ = try await ben.open(ticket).info()
      await share.end()
      #expect(try PeerFolder(path).share(share.address) == nil)
      _ = try await peers.hub.shareDatabase(notes, gate: gate, as: anna)
      await #expect(throws: PouchError.self) { try await peers.peer(ben.identity).open(ticket) }
      for peer in [anna, ben] { await peer.close() }
    }
  }

  @Test func `a list of forgotten identities survives damage, and drops the oldest`() throws {
    #expect(ForgottenIdentities(saved: Array("nonsense".utf8)) == nil)
    let saved = Array(#"{"n":7,"forgotten":[{"fingerprint":"x","n":9}]}"#.utf8)
    var list = try #require(ForgottenIdentities(saved: saved))
    #expect(list.last == 7)
    let one = Peers.identity().fingerprint
    list.add(one)
    #expect(list.after(7) == [one])
    #expect(list.after(8).isEmpty)
    list.add(one)
    #expect(ForgottenIdentities(saved: JSONText(list.json).bytes)?.after(8) == [one])
  }

  @Test func `forgetting has its effect also after the list of the forgotten was removed`() async throws {
    try await withFolder { path in
      let peers = try Peers()
      let (ben, carl) = (try peers.peer(), try peers.peer())
      let notes = try await Peers.notes()
      let anna = try peers.peer(folder: path)
      let share = try await peers.hub.shareDatabase(notes, gate: Gate(takesTickets: true), as: anna)
      let tickets = [try #require(share.ticket), try await share.makeTicket()]
      for (peer, ticket) in zip([ben, carl], tickets) { _ = try await peer.open(ticket).info() }
      _ = try await anna.forget(ben.identity.fingerprint)
      await anna.close()
      try FileManager.default.removeItem(atPath: path + "/forgotten.json")

      #expect(try await peers.peer(folder: path).forget(carl.identity.fingerprint))
      let again = try peers.peer(folder: path)
      _ = try await peers.hub.shareDatabase(notes, gate: Gate(takesTickets: true), as: again)
      await #expect(throws: PouchError.self) { try await peers.peer(carl.identity).open(tickets[1]) }
      for peer in [ben, carl, again] { await peer.close() }
    }
  }
}
