import Foundation
import PeerTrust
import PouchCore
import PouchStore
import TestSupport
import Testing

@testable import PeerPouch

/// What an installation keeps, and that nobody else can read it.
struct PeerFolderTests {
  private func mode(_ path: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
  }

  @Test func `an installation has one identity, in a file that only its owner can read`() async throws {
    try await withFolder { path in
      let first = try LocalPeer(folder: path, options: Peers.options)
      let second = try LocalPeer(folder: path, options: Peers.options)
      #expect(first.identity.fingerprint == second.identity.fingerprint)
      #expect(try mode(path + "/identity.pem") == 0o600)
    }
  }

  @Test func `an identity that others can read, or that is damaged, is not used and not replaced`() async throws {
    try await withFolder { path in
      _ = try LocalPeer(folder: path, options: Peers.options)
      let file = path + "/identity.pem"
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
      let readable = #expect(throws: PouchError.self) { try LocalPeer(folder: path, options: Peers.options) }
      #expect(readable?.code == .forbidden)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
      try PrivateFile(path: file).write(Array("nonsense".utf8))
      let damaged = #expect(throws: PouchError.self) { try LocalPeer(folder: path, options: Peers.options) }
      #expect(damaged?.code == .corrupt)
      #expect(try PrivateFile(path: file).read() == Array("nonsense".utf8))
    }
  }

  @Test func `known identities outlive their process`() async throws {
    try await withFolder { path in
      let (peer, other) = (try LocalPeer(folder: path, options: Peers.options), Peers.identity())
      peer.remember(other.fingerprint, named: "ben")
      let again = try LocalPeer(folder: path, options: Peers.options)
      #expect(try again.knownIdentities.all.map(\.fingerprint) == [other.fingerprint])
      #expect(again.standing(of: other.fingerprint, named: "ben") == .known)
      #expect(again.standing(of: Peers.identity().fingerprint, named: "ben") == .nameOfOthers([other.fingerprint]))
      #expect(try mode(path + "/known.json") == 0o600)
      #expect(try await again.forget(other.fingerprint))
      #expect(try peer.knownIdentities.all.isEmpty)
    }
  }

  @Test func `lists of identities that are damaged are not replaced`() async throws {
    try await withFolder { path in
      let peer = try LocalPeer(folder: path, options: Peers.options)
      for name in ["known.json", "forgotten.json"] {
        let file = PrivateFile(path: "\(path)/\(name)")
        try file.write(Array("[1,".utf8))
        let error = await #expect(throws: PouchError.self) { try await peer.forget(Peers.identity().fingerprint) }
        #expect(error?.code == .corrupt)
        #expect(try file.read() == Array("[1,".utf8))
        peer.remember(Peers.identity().fingerprint, named: "ben")
        if name == "known.json" { #expect(try file.read() == Array("[1,".utf8)) }
        file.remove()
      }
    }
  }

  @Test func `what was kept of shares for once is removed when their tickets are over`() async throws {
    try await withFolder { path in
      let folder = try PeerFolder(path)
      let files = ["over", "running", "kept", "always"]
      for name in files {
        var saved: JSON.Object = ["n": 1, "tickets": [["ticket": "x", "until": name == "kept" ? 101 : 99]]]
        if name == "always" { saved["tickets"] = [["ticket": "x"]] }
        try PrivateFile(path: "\(path)/shares/\(name).json").write(JSONText(JSON.object(saved)).bytes)
      }
      let lock = try FileLock.take("\(path)/shares/running.lock")
      folder.sweepShares(at: 100)
      withExtendedLifetime(lock) {}
      let left = try FileManager.default.contentsOfDirectory(atPath: path + "/shares").filter { $0.hasSuffix(".json") }
      #expect(Set(left) == ["running.json", "kept.json", "always.json"])
    }
  }

  @Test func `tickets outlive their process, with whom they belong to`() async throws {
    try await withFolder { path in
      let peers = try Peers()
      let ben = try peers.peer()
      let notes = try await Peers.notes()
      let anna = try peers.peer(folder: path)
      let share = try await peers.hub.shareDatabase(notes, gate: Gate(takesTickets: true), as: anna)
      let ticket = try #require(share.ticket)
      _ = try await ben.open(ticket).info()
      await anna.close()
      let again = try peers.peer(folder: path)
      let second = try await peers.hub.shareDatabase(notes, gate: Gate(takesTickets: true), as: again)
      #expect(second.id == share.id)
      // The first ticket is claimed: there is a new one for others.
      #expect(second.ticket != nil && second.ticket != ticket)
      let carl = try peers.peer()
      await #expect(throws: PouchError.self) { try await carl.open(ticket) }
      _ = try await carl.open(try #require(second.ticket)).info()
      let benAgain = try peers.peer(ben.identity)
      _ = try await benAgain.open(ticket).info()
      for peer in [again, ben, benAgain, carl] { await peer.close() }
    }
  }

  @Test func `the salt of a shared database stays with it`() async throws {
    let notes = try LocalDatabase.inMemory()
    #expect(try await ShareSalts.read(from: notes) == nil)
    let salt = try await ShareSalts.salt(of: notes, using: .system)
    #expect(try await ShareSalts.salt(of: notes, using: .system) == salt)
    #expect(try await ShareSalts.read(from: notes) == salt)
  }

  @Test func `dates of answers are read`() {
    #expect(HTTPDateReader.seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
    #expect(HTTPDateReader.seconds("Thu, 29 Feb 2024 23:59:59 GMT") == 1_709_251_199)
    #expect(HTTPDateReader.seconds(HTTPDate.text(of: 1_790_000_000)) == 1_790_000_000)
    for text in [
      "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
    ] {
      #expect(HTTPDateReader.seconds(text) == nil)
    }
  }
}
