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

  private init(_ store: Store, encoding: Attachment.Encoding?) {
    self.store = store
    inflater = encoding == .gzip ? GzipInflater() : nil
  }

  /// Reads content to its end.
  /// - Parameter digest: what the content's digest must be, if known.
  /// - Throws: ``PouchError/Code/digestMismatch``; what the stream throws. Nothing is left in the file then.
  static func read(
    _ content: ByteStream, encoding: Attachment.Encoding?, digest: String?, into store: Store
  ) async throws -> PreparedBlob {
    var upload = BlobUpload(store, encoding: encoding)
    do {
      for try await piece in content {
        try Task.checkCancellation()
        try await upload.append(piece)
      }
      let blob = try await upload.finish()
      if let digest, digest.hasPrefix("md5-"), digest != blob.digest { throw PouchError(.digestMismatch) }
      return blob
    } catch {
      await upload.abandon()
      throw error
    }
  }

  private mutating func append(_ piece: [UInt8]) async throws {
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
    let blob: Int64
    if let pin {
      blob = pin.blob
    } else {
      blob = try await store.write { try BlobTable.insertStaged($0.connection) }
      pin = store.pins.pin(blob)
    }
    let first = writtenChunks
    writtenChunks += Int64((bytes.count + StoreTuning.chunkSize - 1) / StoreTuning.chunkSize)
    writing = Task { [store] in
      try await store.write { try BlobTable.insertChunks(bytes, of: blob, from: first, $0.connection) }
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

  private mutating func abandon() async {
    _ = try? await writing?.value
    guard let blob = pin?.blob else { return }
    // If this fails as well, sweeping removes what is left.
    _ = try? await store.write { try BlobTable.delete(blob, $0.connection) }
    pin = nil
  }
}
