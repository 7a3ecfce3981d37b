import Crypto
import Foundation
import PeerPouch
import Synchronization
import TestSupport
import Testing

@Suite("Uploads that broke off")
struct ResumedUploadTests {
  private struct Lost: Error {}

  /// 11 MiB that break off the first time they are read beyond 9 MiB, and tell from where they were read.
  private final class Source: Sendable {
    let bytes = (0..<11 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    let offsets = Mutex<[Int]>([])

    var digest: String { "md5-" + Data(Insecure.MD5.hash(data: bytes)).base64EncodedString() }

    var stream: ByteStream {
      ByteStream(seekable: { offset in
        let breaksOff = self.offsets.withLock { offsets in
          offsets.append(Int(offset))
          return offsets.count == 1
        }
        var position = Int(offset)
        return {
          if breaksOff, position >= 9 << 20 { throw Lost() }
          guard position < self.bytes.count else { return nil }
          let end = min(position + 100_000, self.bytes.count)
          defer { position = end }
          return Array(self.bytes[position..<end])
        }
      })
    }
  }

  private func put(_ source: Source, digest: String?, into database: any Database) async throws {
    let attachment = PouchCore.Attachment(.stream(source.stream), digest: digest)
    try await database.putAttachment("film", attachment, to: "a", at: nil)
  }

  @Test func `the next try goes on where the first one broke off, also after a restart`() async throws {
    try await withFolder { folder in
      let source = Source()
      var database = try LocalDatabase(path: folder + "/db.pouch")
      await #expect(throws: Lost.self) { try await put(source, digest: source.digest, into: database) }
      try await database.compact()
      try await database.close()
      database = try LocalDatabase(path: folder + "/db.pouch")
      try await put(source, digest: source.digest, into: database)
      #expect(source.offsets.withLock { $0 } == [0, 8 << 20])
      #expect(try await database.getAttachment("film", of: "a").content.bytes() == source.bytes)
      #expect(try await database.integrityCheck().isEmpty)
      try await database.close()
    }
  }

  @Test func `what came of content without a digest is not kept`() async throws {
    let source = Source()
    let database = try LocalDatabase.inMemory()
    await #expect(throws: Lost.self) { try await put(source, digest: nil, into: database) }
    #expect(try await database.info().activeSize < 1 << 20)
    try await put(source, digest: nil, into: database)
    #expect(source.offsets.withLock { $0 } == [0, 0])
    try await database.close()
  }

  @Test func `a beginning that proves wrong is thrown away`() async throws {
    let source = Source()
    let database = try LocalDatabase.inMemory()
    let other = "md5-" + Data(Insecure.MD5.hash(data: [1])).base64EncodedString()
    await #expect(throws: Lost.self) { try await put(source, digest: other, into: database) }
    await #expect(throws: PouchError(.digestMismatch)) { try await put(source, digest: other, into: database) }
    #expect(try await database.info().activeSize < 1 << 20)
    try await put(source, digest: source.digest, into: database)
    #expect(source.offsets.withLock { $0 } == [0, 8 << 20, 0])
    try await database.close()
  }
}
