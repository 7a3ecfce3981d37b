import Crypto
import Foundation
import PouchCore
import PouchGzip

/// Content on its way into the database, hashed and perhaps partly written, before a document refers to it.
struct PreparedBlob: Sendable {
  enum Location: Sendable {
    /// In memory; small enough to be written with its document.
    case memory([UInt8])
    /// Already in the file, and spared from sweeping as long as the pin lives.
    case staged(BlobPins.Pin)
  }

  let location: Location
  let sha256: [UInt8]
  let md5: [UInt8]
  /// The number of bytes as stored.
  let storedLength: Int64
  /// The number of bytes after decompression.
  let length: Int64

  /// As CouchDB writes digests.
  var digest: String { "md5-" + Data(md5).base64EncodedString() }
}

/// Takes content piece by piece and writes it to the file in bounded transactions, while the next piece is hashed.
///
/// Memory: at most two times ``StoreTuning/stagingBytes``, and one piece.
struct BlobUpload {
  private let store: Store
  /// The MD5 that the content has when it is complete, if known.
  private let expected: [UInt8]?
  private var sha256 = SHA256()
  private var md5 = Insecure.MD5()
  private var storedLength: Int64 = 0
  private var length: Int64 = 0
  private let inflater: GzipInflater?
  private var buffer: [UInt8] = []
  private var pin: BlobPins.Pin?
  private var writtenChunks: Int64 = 0
  /// The write under way; awaited before the next one starts, and before the upload ends.
  private var writing: Task<Void, any Error>?

  private init(_ store: Store, encoding: Attachment.Encoding?, digest: String?) {
    self.store = store
    expected = digest.flatMap { digest in
      digest.hasPrefix("md5-") ? Data(base64Encoded: String(digest.dropFirst(4))).map { Array($0) } : nil
    }
    inflater = encoding == .gzip ? GzipInflater() : nil
  }

  /// Reads content to its end.
  ///
  /// When the content breaks off and its digest was given, what came so far is kept for a day and a half, and another try
  /// with the same digest goes on from there: the stream is then read from that offset only.
  /// - Parameters:
  ///   - digest: what the content's digest must be, if known.
  ///   - length: how many bytes the content has, as far as is known.
  /// - Throws: ``PouchError/Code/digestMismatch``; what the stream throws.
  static func read(
    _ content: ByteStream, encoding: Attachment.Encoding?, digest: String?, length: Int64?, into store: Store
  ) async throws -> PreparedBlob {
    var upload = BlobUpload(store, encoding: encoding, digest: digest)
    do {
      // Of content that is written with its document nothing is kept, and the look would wait for the writer.
      if (length ?? .max) > Int64(StoreTuning.inlineBlobBytes) { try await upload.resume() }
      try await upload.read(content)
      let blob = try await upload.finish()
      if let digest, digest.hasPrefix("md5-"), digest != blob.digest { throw PouchError(.digestMismatch) }
      return blob
    } catch let error as BrokenOff {
      await upload.leaveForLater()
      throw error.reason
    } catch {
      await upload.abandon()
      throw error
    }
  }

  /// The content ended too early, which says nothing against what came.
  private struct BrokenOff: Error {
    let reason: any Error
  }

  private mutating func read(_ content: ByteStream) async throws {
    var pieces = content.dropping(first: storedLength).makeAsyncIterator()
    while true {
      let piece: [UInt8]?
      do {
        try Task.checkCancellation()
        piece = try await pieces.next()
      } catch {
        throw BrokenOff(reason: error)
      }
      guard let piece else { return }
      try await append(piece)
    }
  }

  /// Goes on with an earlier upload of the same content, if there is one.
  private mutating func resume() async throws {
    guard let expected else { return }
    let found = try await store.write { [store] transaction -> (pin: BlobPins.Pin, length: Int64)? in
      let connection = transaction.connection
      let pinned = store.pins.pinned
      var found: (blob: Int64, length: Int64)?
      let isAlone = try store.withoutOtherProcesses {
        found = try BlobTable.partial(md5: expected, idle: 0, butNot: pinned, connection)
      }
      if !isAlone {
        found = try BlobTable.partial(
          md5: expected, idle: StoreTuning.stalledUploadSeconds, butNot: pinned, connection)
      }
      return found.map { (store.pins.pin($0.blob), $0.length) }
    }
    guard let found else { return }
    pin = found.pin
    for try await piece in BlobTable.stream(found.pin, 0..<found.length, from: store) { try digest(piece) }
    writtenChunks = found.length / Int64(StoreTuning.chunkSize)
  }

  private mutating func digest(_ piece: [UInt8]) throws {
    sha256.update(data: piece)
    md5.update(data: piece)
    storedLength += Int64(piece.count)
    if let inflater {
      var inflated: Int64 = 0
      try inflater.inflate(piece) { inflated += Int64($0.count) }
      length += inflated
    } else {
      length = storedLength
    }
  }

  private mutating func append(_ piece: [UInt8]) async throws {
    try digest(piece)
    var rest = piece[...]
    while !rest.isEmpty {
      let part = rest.prefix(StoreTuning.stagingBytes - buffer.count)
      buffer.append(contentsOf: part)
      rest = rest.dropFirst(part.count)
      guard buffer.count == StoreTuning.stagingBytes else { continue }
      try await stage(buffer)
      buffer = []
      // Growing step by step would leave as many bytes again to the allocator.
      buffer.reserveCapacity(StoreTuning.stagingBytes)
    }
  }

  /// Writes bytes after those written before. All but the last call bring a multiple of the chunk size.
  private mutating func stage(_ bytes: [UInt8]) async throws {
    try await writing?.value
    writing = nil
    let staged: BlobPins.Pin
    if let pin {
      staged = pin
    } else {
      // Pinned within the transaction: a sweep may come right after it.
      staged = try await store.write { [store, expected] in
        store.pins.pin(try BlobTable.insertStaged(md5: expected, $0.connection))
      }
      pin = staged
    }
    let first = writtenChunks
    writtenChunks += Int64((bytes.count + StoreTuning.chunkSize - 1) / StoreTuning.chunkSize)
    writing = Task { [store] in
      try await store.write { try BlobTable.insertChunks(bytes, of: staged.blob, from: first, $0.connection) }
    }
  }

  private mutating func finish() async throws -> PreparedBlob {
    try inflater?.finish()
    if pin != nil || buffer.count > StoreTuning.inlineBlobBytes {
      if !buffer.isEmpty { try await stage(buffer) }
      try await writing?.value
      writing = nil
    }
    return PreparedBlob(
      location: pin.map { .staged($0) } ?? .memory(buffer), sha256: Array(sha256.finalize()),
      md5: Array(md5.finalize()), storedLength: storedLength, length: length)
  }

  /// Keeps what was written, if it can be told what it is part of.
  private mutating func leaveForLater() async {
    guard expected != nil else { return await abandon() }
    _ = try? await writing?.value
    pin = nil
  }

  private mutating func abandon() async {
    _ = try? await writing?.value
    if let pin { await BlobUpload.remove(pin, from: store) }
    pin = nil
  }

  /// Removes what was uploaded unless something was linked to it: the document was refused, or the content was there
  /// already. If this fails, sweeping removes it.
  static func discard(_ blob: PreparedBlob, from store: Store) async {
    guard case .staged(let pin) = blob.location,
      (try? store.readOnce({ try BlobTable.isUnlinked(pin.blob, $0) })) == true
    else { return }
    await remove(pin, from: store)
  }

  private static func remove(_ pin: BlobPins.Pin, from store: Store) async {
    while (try? await store.write({ try BlobTable.deleteSome(of: pin.blob, $0.connection) })) == false {}
  }
}
