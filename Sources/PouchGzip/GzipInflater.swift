import CPlatform
package import PouchCore

/// Decompresses gzip (RFC 1952) piece by piece, by zlib.
///
/// Memory: 40 KiB for zlib, and one piece.
package final class GzipInflater {
  private var stream = z_stream()
  private var isAtEnd = false

  private static let pieceSize = 64 << 10

  package init() {
    // 15 bits of window, and 16 for the gzip header.
    let status = inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "zlib could not be set up: \(status)")
  }

  deinit {
    inflateEnd(&stream)
  }

  /// Decompresses some bytes, and hands on what comes out in pieces of at most 64 KiB.
  /// - Throws: ``PouchError/Code/badRequest`` when the bytes are not gzip.
  package func inflate(_ input: some Collection<UInt8>, _ output: ([UInt8]) throws -> Void) throws {
    var rest = Array(input)[...]
    while let piece = try next(from: &rest) { try output(piece) }
  }

  /// Decompresses the next piece of at most 64 KiB.
  /// - Parameter input: the compressed bytes; those used are taken off.
  /// - Returns: `nil` when more input is needed.
  /// - Throws: ``PouchError/Code/badRequest`` when the bytes are not gzip.
  package func next(from input: inout ArraySlice<UInt8>) throws -> [UInt8]? {
    while true {
      // After the end of one member another may follow (RFC 1952, section 2.2).
      if isAtEnd {
        guard !input.isEmpty else { return nil }
        inflateReset(&stream)
        isAtEnd = false
      }
      var status = Z_OK
      let inputCount = input.count
      var left = inputCount
      let piece = [UInt8](unsafeUninitializedCapacity: GzipInflater.pieceSize) { buffer, count in
        input.withUnsafeMutableBufferPointer { source in
          stream.next_in = source.baseAddress
          stream.avail_in = UInt32(clamping: inputCount)
          stream.next_out = buffer.baseAddress
          stream.avail_out = UInt32(buffer.count)
          status = CPlatform.inflate(&stream, Z_NO_FLUSH)
          left = inputCount - (Int(UInt32(clamping: inputCount)) - Int(stream.avail_in))
          count = GzipInflater.pieceSize - Int(stream.avail_out)
        }
        stream.next_in = nil
        stream.next_out = nil
      }
      input = input.suffix(left)
      switch status {
      case Z_STREAM_END: isAtEnd = true
      // No progress was possible: everything was used, and nothing is pending.
      case Z_BUF_ERROR: return piece.isEmpty ? nil : piece
      case Z_OK: break
      default: throw GzipInflater.malformed
      }
      if !piece.isEmpty { return piece }
      if input.isEmpty { return nil }
    }
  }

  /// - Throws: ``PouchError/Code/badRequest`` unless the bytes ended with a complete gzip member.
  package func finish() throws {
    guard isAtEnd else { throw GzipInflater.malformed }
  }

  private static let malformed = PouchError(.badRequest, "The content is not in its encoding, gzip.")
}

extension ByteStream {
  /// The decompressed bytes of a gzip stream.
  package var inflated: ByteStream { inflated(upTo: .max) }

  /// The decompressed bytes of a gzip stream, in pieces of at most 64 KiB.
  ///
  /// Reading throws ``PouchError/Code/requestTooLarge`` beyond the limit, and ``PouchError/Code/badRequest`` if the
  /// bytes are not gzip or end too early.
  /// - Parameter limit: how many decompressed bytes to hand on at most.
  package func inflated(upTo limit: Int64) -> ByteStream {
    ByteStream {
      var source = self.makeAsyncIterator()
      let inflater = GzipInflater()
      var input: ArraySlice<UInt8> = []
      var total: Int64 = 0
      var isEmpty = true
      return {
        while true {
          if let piece = try inflater.next(from: &input) {
            total += Int64(piece.count)
            guard total <= limit else { throw PouchError(.requestTooLarge) }
            return piece
          }
          guard let more = try await source.next(isolation: #isolation) else {
            if !isEmpty { try inflater.finish() }
            return nil
          }
          input = more[...]
          isEmpty = isEmpty && more.isEmpty
        }
      }
    }
  }
}
