import Foundation
import PeerTrust
import PouchCore
import PouchReplication
import PouchStore
import TestSupport
import Testing

@testable import PeerPouch

/// Files as a database, and how receivers confirm them.
struct FileOutboxTests {
  private func write(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  private func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  }

  @Test func `an offer lists its files, and each has its document once it was read`() async throws {
    try await withFolder { folder in
      let bytes = pattern(600_000)
      try write(bytes, folder + "/film.mkv")
      try write([], folder + "/_empty")
      let outbox = try await FileOutbox([folder + "/film.mkv", folder + "/_empty"]) { _ in "video/x-matroska" }
      #expect(outbox.size == 600_000)
      let offer = try FileDocuments.files(of: try await outbox.get(FileDocuments.offerID))
      #expect(offer.map(\.name) == ["film.mkv", "_empty"])
      await #expect(throws: PouchError.self) { try await outbox.get(offer[0].id) }
      try await outbox.prepare()

      let document = try await outbox.get(offer[0].id)
      let file = try FileDocuments.file(of: document)
      #expect(file.size == 600_000 && file.attachment == "film.mkv" && file.sha256?.count == 64)
      #expect(document.attachments["film.mkv"]?.isStub == true)
      #expect(try FileDocuments.file(of: try await outbox.get(offer[1].id)).attachment == "file")
      let whole = try await outbox.getAttachment("film.mkv", of: file.id)
      #expect(try await whole.content.bytes() == bytes)
      let part = try await outbox.getAttachment("film.mkv", of: file.id, range: .bytes(300_000..<500_000))
      #expect(try await part.content.dropping(first: 5).bytes() == Array(bytes[300_005..<500_000]))
      await #expect(throws: PouchError.self) { try await outbox.getAttachment("other", of: file.id) }
      try await outbox.close()
    }
  }

  @Test func `files replicate as any attachment does, with digests that hold`() async throws {
    try await withFolder { folder in
      let bytes = pattern(1_000_003)
      try write(bytes, folder + "/a")
      let outbox = try await FileOutbox([folder + "/a"])
      try await outbox.prepare()
      let copy = try LocalDatabase.inMemory()
      let result = try await copy.replicate(from: outbox, .once)
      #expect(result.counts.documentsFailed == 0)
      #expect(try await copy.getAttachment("a", of: "file-1").content.bytes() == bytes)
      #expect(try await copy.allDocs().rows.count == 2)
      try await outbox.close()
    }
  }

  @Test func `a file that has changed is not sent further`() async throws {
    try await withFolder { folder in
      let path = folder + "/a"
      try write(pattern(500_000), path)
      let outbox = try await FileOutbox([path])
      try await outbox.prepare()
      var content = try await outbox.getAttachment("a", of: "file-1").content.makeAsyncIterator()
      _ = try await content.next()
      try write(pattern(400_000), path)
      let changed = try await outbox.getAttachment("a", of: "file-1").content
      await #expect(throws: PouchError.self) { try await changed.bytes() }
      try await outbox.close()
    }
  }

  @Test func `folders, files of one name and those that are not there are no offer`() async throws {
    try await withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/x", withIntermediateDirectories: false)
      try write([1], folder + "/a")
      try write([1], folder + "/x/a")
      for paths in [[folder + "/x"], [folder + "/a", folder + "/x/a"], [folder + "/none"]] {
        await #expect(throws: PouchError.self) { try await FileOutbox(paths) }
      }
    }
  }

  @Test func `as many files are offered as a receiver can confirm, and no more`() async throws {
    try await withFolder { folder in
      let paths = (0...FileDocuments.limit).map { "\(folder)/\($0)" }
      for path in paths { try write([], path) }
      let error = await #expect(throws: PouchError.self) { try await FileOutbox(paths) }
      #expect(error?.code == .badRequest)
      let outbox = try await FileOutbox(Array(paths.dropLast()))
      let offer = try FileDocuments.files(of: try await outbox.get(FileDocuments.offerID))
      #expect(offer.count == FileDocuments.limit)
      let peers = try Peers()
      let (anna, ben) = (try peers.peer(), try peers.peer())
      let theirs = try await ben.open(try await peers.hub.shareDatabase(outbox, access: .readOnly, as: anna).address)
      let digests = Dictionary(uniqueKeysWithValues: offer.map { ($0.id, String(repeating: "0", count: 64)) })
      try await theirs.put(FileDocuments.receipt(digests, replacing: nil))
      for peer in [ben, anna] { await peer.close() }
    }
  }

  @Test func `a receipt is written until it is there, though answers are lost`() async throws {
    let sender = EvilHub(try LocalDatabase.inMemory())
    var receipt = try await FileReceipt(to: sender)
    try await receipt.confirm("file-1", sha256: "1")
    // It is written, and no answer comes.
    sender.loseAnswers(1)
    try await receipt.confirm("file-2", sha256: "2")
    try await receipt.confirm("file-3", sha256: "3")
    // The next process goes on from there.
    var next = try await FileReceipt(to: sender)
    // What could not be confirmed is with the next one.
    try await sender.base.remove(try await sender.base.get(FileDocuments.receiptID))
    sender.loseAnswers(.max)
    sender.tamper { _ in nil }
    await #expect(throws: PouchError.self) { try await next.confirm("file-4", sha256: "4") }
    sender.loseAnswers(0)
    sender.tamper(nil)
    try await next.confirm("file-5", sha256: "5")
    let files = try await sender.get(FileDocuments.receiptID)["files"]?.object ?? [:]
    #expect(files.map { $0.name.string } == (1...5).map { "file-\($0)" })
  }

  @Test func `a receiver confirms over its read-only share, and only what it has counts`() async throws {
    try await withFolder { folder in
      for name in ["a", "b"] { try write(pattern(1000), "\(folder)/\(name)") }
      let outbox = try await FileOutbox(["\(folder)/a", "\(folder)/b"])
      try await outbox.prepare()
      let peers = try Peers()
      let (anna, ben) = (try peers.peer(), try peers.peer())
      let share = try await peers.hub.shareDatabase(
        outbox, name: "files", access: .readOnly, gate: Gate(takesTickets: true),
        ticketLifetime: TrustLimits.sendTicketLife, as: anna)
      var receipts = outbox.receipts.makeAsyncIterator()
      let theirs = try await ben.open(try #require(share.ticket))
      let digest = try FileDocuments.file(of: try await theirs.get("file-1")).sha256 ?? ""
      var revision = try await theirs.put(
        FileDocuments.receipt(["file-1": digest, "file-2": "nonsense"], replacing: nil))
      #expect(
        await receipts.next()
          == FileOutbox.Receipt(identity: ben.identity.fingerprint, files: ["a"], isComplete: false))
      revision = try await theirs.put(FileDocuments.receipt(["file-2": digest], replacing: revision))
      #expect(await receipts.next()?.isComplete == true)
      // A share that its record calls read-only says so, in words that fit.
      let error = await #expect(throws: PouchError.self) { try await theirs.put(["_id": "x"]) }
      #expect(error?.code == .forbidden)
      for peer in [anna, ben] { await peer.close() }
    }
  }

  @Test(arguments: [
    #"{"type":"other","files":[]}"#,
    #"{"type":"com.stemstorage.peerpouch.offer"}"#,
    #"{"type":"com.stemstorage.peerpouch.offer","files":[{"id":"a","name":"a"}]}"#,
    #"{"type":"com.stemstorage.peerpouch.offer","files":[{"id":"a","name":"a","size":-1}]}"#,
    #"{"type":"com.stemstorage.peerpouch.offer","files":[{"id":"a","name":"a","size":1},{"id":"a","name":"b","size":1}]}"#,
    #"{"type":"com.stemstorage.peerpouch.offer","files":[{"id":"a","name":"a","size":9223372036854775807},{"id":"b","name":"b","size":1}]}"#,
  ])
  func `offers that make no sense are none`(text: String) throws {
    let offer = try Document(parsing: Array(text.utf8))
    #expect(throws: PouchError.self) { try FileDocuments.files(of: offer) }
  }
}
