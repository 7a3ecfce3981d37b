import PouchCore
import PouchStore
import TestSupport
import Testing

@testable import PouchReplication

/// Peers that edit on their own and replicate in random pairs.
struct ConvergenceTests {
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `peers that exchanged everything are equal`(seed: UInt64) async throws {
    var generator = SeededGenerator(seed: seed)
    let time = VirtualTime(seed: seed)
    let peers = try (0..<Int.random(in: 2...4, using: &generator)).map { _ in try LocalDatabase.inMemory() }
    for _ in 0..<80 {
      let peer = peers.randomElement(using: &generator) ?? peers[0]
      if Int.random(in: 0..<5, using: &generator) == 0 {
        let other = peers.randomElement(using: &generator) ?? peers[0]
        _ = try await Replication(
          from: peer, to: other, ReplicationOptions(batchDocuments: Int.random(in: 1...9, using: &generator)),
          environment: time.environment
        ).run()
      } else {
        try await edit(peer, using: &generator)
      }
    }
    // A ring, twice: after the first round the first peer has everything, after the second all have.
    for _ in 0..<2 {
      for index in peers.indices {
        _ = try await Replication(
          from: peers[index], to: peers[(index + 1) % peers.count], environment: time.environment
        ).run()
      }
    }
    let contents = try await peers[0].contents()
    for peer in peers {
      #expect(try await peer.contents() == contents, "seed \(seed)")
      #expect(try await peer.integrityCheck() == [], "seed \(seed)")
      for (id, leaves) in contents where leaves.contains(where: { !$0.isDeleted }) {
        #expect(try await peer.get(id).revision == peers[0].get(id).revision, "seed \(seed)")
      }
    }
  }

  /// One edit of one of a few documents: a new revision, a deletion, a conflict, or an attachment.
  private func edit(_ database: LocalDatabase, using generator: inout SeededGenerator) async throws {
    let id = DocumentID("doc\(Int.random(in: 0..<8, using: &generator))")
    var document = (try? await database.get(id)) ?? Document(id: id)
    document["n"] = JSON(Int.random(in: 0..<1000, using: &generator))
    switch Int.random(in: 0..<8, using: &generator) {
    case 0 where document.revision != nil:
      try await database.remove(document)
    case 1:
      let suffix = String(generator.next(), radix: 16)
      _ = try await database.bulkDocs([try replica(id, ["1-\(suffix)"], document.fields)], .replicated)
    case 2, 3:
      let size = [0, 10, 5_000, 90_000].randomElement(using: &generator) ?? 0
      let name = ExactString("file\(Int.random(in: 0..<3, using: &generator))")
      document.attachments[name] = PouchCore.Attachment(
        sampleBytes(size, seed: generator.next()),
        contentType: Bool.random(using: &generator) ? "text/plain" : "image/png")
      try await database.put(document)
    case 4 where !document.attachments.isEmpty:
      document.attachments = [:]
      try await database.put(document)
    case 5:
      try await database.compact()
    default:
      try await database.put(document)
    }
  }
}
