import CouchAPI
import HTTPTypes
import PouchCore
import PouchStore
import TestSupport
import Testing

@testable import PeerTunnel

/// A database of a peer, used through all of its layers: `RemoteDatabase`, tunnel, access, router, store.
@Suite(.timeLimit(.minutes(1)))
struct RemoteDatabaseTests {
  static let share = "share-6f9c"

  /// Shares an empty database over a channel that delays messages.
  private func withRemote<Value: Sendable>(
    _ grant: PeerGrant = .readWrite, limits: AccessLimits = AccessLimits(),
    _ body: (_ remote: RemoteDatabase, _ stored: any Database, SessionPair) async throws -> Value
  ) async throws -> Value {
    let stored = try LocalDatabase.inMemory()
    let access = PeerAccess(to: stored, as: Self.share, for: "peer1", grant, PeerQuota(limits), limits: limits)
    let faults = ChannelFaults(seed: 11, longestDelay: 5)
    return try await SessionPair.with(serving: { await access.respond(to: $0) }, faults: faults) { pair in
      var options = RemoteOptions()
      options.firstDelay = .milliseconds(1)
      let remote = RemoteDatabase(
        carrier: pair.opener.firstShare, path: [Self.share], name: "webrtc://hub/\(Self.share)", options: options)
      return try await body(remote, stored, pair)
    }
  }

  @Test func `documents are written, read, edited and deleted`() async throws {
    try await withRemote { remote, stored, _ in
      let first = try await remote.put(Document(id: "n1", fields: ["text": "milk"]))
      #expect(try await stored.get("n1").revision == first)
      var document = try await remote.get("n1")
      document["text"] = "oat milk"
      let second = try await remote.put(document)
      await expectError(.conflict) { try await remote.put(document) }
      #expect(try await remote.get("n1", at: first)["text"] == "milk")
      try await remote.remove("n1", at: second)
      await expectError(.notFound) { _ = try await remote.get("n1") }
      let info = try await remote.info()
      #expect(info.name == Self.share)
      #expect(info.deletedCount == 1)
      #expect(info.uuid == (try await stored.info()).uuid)
    }
  }

  @Test func `batches and lists are whole`() async throws {
    try await withRemote { remote, _, _ in
      let documents = (0..<3000).map { Document(id: "doc-\($0)", fields: ["n": JSON($0), "t": "some text"]) }
      let written = try await remote.bulkDocs(documents, .edits)
      #expect(written.count == 3000 && written.allSatisfy { (try? $0.outcome.get()) != nil })
      #expect(try await remote.allDocs(AllDocsQuery()).rows.count == 3000)
      let found = try await remote.bulkGet(documents.map { BulkGetRequest($0.id ?? "") }, GetOptions())
      #expect(found.count == 3000)
      let changes = try await remote.changes(ChangesQuery(.once, rows: .documents)).collect()
      #expect(changes.count == 3000 && changes.allSatisfy { $0.document?["t"] == "some text" })
    }
  }

  @Test func `copies keep their revisions, and conflicts are seen`() async throws {
    try await withRemote { remote, _, _ in
      func copy(_ revision: String) throws -> Document {
        var document = Document(id: "c", fields: ["r": JSON(revision)])
        document.revision = try RevisionID(revision)
        document.revisions = [try RevisionID(revision)]
        return document
      }
      let results = try await remote.bulkDocs([copy("1-aa"), copy("1-bb")], .replicated)
      #expect(results.allSatisfy { (try? $0.outcome.get()) != nil })
      let winner = try await remote.get("c", GetOptions(including: .conflicts))
      #expect(winner.revision == (try RevisionID("1-bb")))
      #expect(winner.metadata?.conflicts == [try RevisionID("1-aa")])
      let lacking = try await remote.revsDiff(["c": [try RevisionID("1-aa"), try RevisionID("2-cc")]])
      #expect(lacking["c"]?.missing == [try RevisionID("2-cc")])
    }
  }

  @Test func `attachments stream both ways, whole and in part`() async throws {
    try await withRemote { remote, stored, _ in
      var random = SeededGenerator(seed: 5)
      let bytes = random.bytes(5_000_000)
      let pieces = ByteStream {
        var rest = bytes[...]
        return {
          guard !rest.isEmpty else { return nil }
          defer { rest = rest.dropFirst(100_000) }
          return Array(rest.prefix(100_000))
        }
      }
      var attachment = Attachment(.stream(pieces), contentType: "video/x-matroska")
      attachment.length = Int64(bytes.count)
      try await remote.putAttachment("film.mkv", attachment, to: "film", at: nil)
      let there = try await stored.getAttachment("film.mkv", of: "film")
      #expect(try await there.content.bytes() == bytes)
      let here = try await remote.getAttachment("film.mkv", of: "film")
      #expect(here.attachment.contentType == "video/x-matroska")
      #expect(try await here.content.bytes() == bytes)
      let part = try await remote.getAttachment(
        "film.mkv", of: "film", at: nil, range: .bytes(1_000_000..<1_000_010), form: .identity)
      #expect(try await part.content.bytes() == Array(bytes[1_000_000..<1_000_010]))
      var document = try await remote.get("film")
      document.attachments["more.bin"] = Attachment(bytes.prefix(300_000))
      try await remote.put(document)
      let more = try await remote.getAttachment("more.bin", of: "film")
      #expect(try await more.content.bytes() == Array(bytes.prefix(300_000)))
    }
  }

  @Test func `live changes come as they happen, and end with their reader`() async throws {
    try await withRemote { remote, stored, pair in
      let isReading = Signal()
      let reader = Task {
        var ids: [String] = []
        for try await change in remote.changes(.live) {
          ids.append(change.id.text)
          isReading.happen()
          if ids.count == 5 { break }
        }
        return ids
      }
      try await stored.put(Document(id: "0"))
      await isReading.wait()
      for number in 1..<5 { try await stored.put(Document(id: "\(number)")) }
      #expect(try await reader.value == ["0", "1", "2", "3", "4"])
      let waiting = Task { for try await _ in remote.changes(.live.since(.now)) {} }
      try await eventually { pair.sharer.statistics.peerRequests != 0 }
      waiting.cancel()
      try await waiting.value
      try await pair.untilIdle()
    }
  }

  @Test func `a read-only peer replicates, but does not write`() async throws {
    try await withRemote(.readOnly) { remote, stored, _ in
      try await stored.put(Document(id: "a"))
      #expect(try await remote.changes(.once).collect().count == 1)
      await expectError(.notFound) { try await remote.put(Document(id: "b")) }
      await expectError(.notFound) { try await remote.destroy() }
      _ = try await remote.bulkDocs([Document(id: "_local/checkpoint", fields: ["n": 1])], .edits)
      #expect(try await remote.get("_local/checkpoint")["n"] == 1)
    }
  }

  @Test func `a lost connection fails for a passing reason`() async throws {
    try await withRemote { remote, stored, pair in
      try await stored.put(Document(id: "a"))
      let feed = Task { for try await _ in remote.changes(.live) {} }
      try await eventually { pair.sharer.statistics.peerRequests != 0 }
      pair.channel.cut()
      do {
        try await feed.value
        Issue.record("The feed ended as if there were no more changes.")
      } catch let error as PouchError {
        #expect(error.code.isTransient)
      }
      await expectError(.unreachable) { _ = try await remote.info() }
    }
  }

  @Test func `a hundred tasks use one connection at once`() async throws {
    try await withRemote { remote, _, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<100 {
          group.addTask {
            let id = DocumentID("doc-\(number)")
            try await remote.put(Document(id: id, fields: ["n": JSON(number)]))
            #expect(try await remote.get(id)["n"] == JSON(number))
          }
        }
        try await group.waitForAll()
      }
      #expect(try await remote.info().documentCount == 100)
    }
  }
}
