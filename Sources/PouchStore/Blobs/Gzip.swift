import CPlatform
import PouchCore

/// Decompresses gzip (RFC 1952) piece by piece, by zlib.
final class GzipInflater {
  private var stream = z_stream()
  private var isAtEnd = false

  private static let pieceSize = 64 << 10

  init() {
    // 15 bits of window, and 16 for the gzip header.
    let status = inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "zlib could not be set up: \(status)")
  }

  deinit {
    inflateEnd(&stream)
  }

  /// Decompresses some bytes, and hands on what comes out in pieces of at most 64 KiB.
  /// - Throws: ``PouchError/Code/badRequest`` when the bytes are not gzip.
  func inflate(_ input: some Collection<UInt8>, _ output: ([UInt8]) throws -> Void) throws {
    var input = Array(input)
    let inputCount = input.count
    var consumed = 0
    while consumed < inputCount {
      // After the end of one member another may follow (RFC 1952, section 2.2).
      if isAtEnd {
        inflateReset(&stream)
        isAtEnd = false
      }
      var status = Z_OK
      repeat {
        let piece = [UInt8](unsafeUninitializedCapacity: GzipInflater.pieceSize) { buffer, count in
          input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress! + consumed
            stream.avail_in = UInt32(inputCount - consumed)
            stream.next_out = buffer.baseAddress
            stream.avail_out = UInt32(buffer.count)
            status = CPlatform.inflate(&stream, Z_NO_FLUSH)
            consumed = inputCount - Int(stream.avail_in)
            count = GzipInflater.pieceSize - Int(stream.avail_out)
          }
        }
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
          throw GzipInflater.malformed
        }
        if !piece.isEmpty { try output(piece) }
      } while stream.avail_out == 0 && status == Z_OK
      if status == Z_STREAM_END { isAtEnd = true }
      if status == Z_BUF_ERROR { break }
    }
  }

  /// - Throws: ``PouchError/Code/badRequest`` unless the bytes ended with a complete gzip member.
  func finish() throws {
    guard isAtEnd else { throw GzipInflater.malformed }
  }

  private static let malformed = PouchError(.badRequest, "The attachment is not in its encoding, gzip.")
}

extension ByteStream {
  /// The decompressed bytes of a gzip stream.
  var inflated: ByteStream {
    ByteStream {
      var source = self.makeAsyncIterator()
      let inflater = GzipInflater()
      var compressed: ArraySlice<UInt8> = []
      var ready: ArraySlice<[UInt8]> = []
      return {
        while ready.isEmpty {
          if compressed.isEmpty {
            guard let piece = try await source.next(isolation: #isolation) else { return nil }
            compressed = piece[...]
          }
          // Bit by bit: what comes out may be a thousand times as long.
          let part = compressed.prefix(StoreTuning.inflatedAtOnce)
          compressed = compressed.dropFirst(part.count)
          var pieces: [[UInt8]] = []
          try inflater.inflate(part) { pieces.append($0) }
          ready = pieces[...]
        }
        return ready.removeFirst()
      }
    }
  }
}
