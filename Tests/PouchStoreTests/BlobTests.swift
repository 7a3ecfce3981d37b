import Foundation
import PeerPouch
import PouchGzip
import Testing

@testable import PouchStore

@Suite("Blobs")
struct BlobTests {
  @Test func `an upload that was swept away is refused`() async throws {
    let database = try LocalDatabase.inMemory()
    let store = try database.store
    let bytes = [UInt8](repeating: 1, count: 2 << 20)
    let blob = try await BlobUpload.read(ByteStream(bytes), encoding: nil, digest: nil, length: nil, into: store)
    guard case .staged(let pin) = blob.location else {
      Issue.record("2 MiB should be staged")
      return
    }
    // As another process does after an hour without a sign of life.
    try await store.write { try BlobTable.doom(pin.blob, $0.connection) }
    #expect(
      await pouchError { _ = try await store.write { try BlobTable.link(blob, $0.connection) } }?.code == .ioError)
    #expect(
      await pouchError {
        try await store.write { try BlobTable.insertChunks([1], of: pin.blob, from: 9, $0.connection) }
      }?.code == .ioError)
    try await database.close()
  }

  @Test func `decompression hands on what it has before it goes on`() async throws {
    // gzip of "hello, attachments", made by another program.
    let member = try #require(Data(base64Encoded: "H4sIAAAAAAAC/8tIzcnJ11FILClJTM7ITc0rKQYAyPmdThIAAAA="))
    let bytes = Array(repeating: Array(member), count: 1000).joined() + [1, 2, 3]
    var pieces = ByteStream(Array(bytes)).inflated.makeAsyncIterator()
    #expect(try await pieces.next() == Array("hello, attachments".utf8))
    #expect(
      await pouchError {
        while try await pieces.next() != nil {}
      }?.code == .badRequest)
  }
}
