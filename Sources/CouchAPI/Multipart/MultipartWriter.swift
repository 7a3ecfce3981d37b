import HTTPTypes
import PouchCore

/// Writes multipart bodies (RFC 2046, section 5.1) in the form that CouchDB gives them.
struct MultipartWriter: Sendable {
  /// What separates the parts; it must not occur in them, which 128 random bits make sure of.
  let boundary: String

  init(boundary: String = MultipartWriter.randomBoundary()) {
    self.boundary = boundary
  }

  /// 32 hexadecimal digits.
  static func randomBoundary() -> String {
    var digits = ""
    for _ in 0..<2 {
      let half = String(UInt64.random(in: .min ... .max), radix: 16)
      digits += String(repeating: "0", count: 16 - half.count) + half
    }
    return digits
  }

  /// The value of `Content-Type` for a body.
  /// - Parameter subtype: `mixed`, `related` or `byteranges`.
  func contentType(_ subtype: String) -> String {
    "multipart/\(subtype); boundary=\"\(boundary)\""
  }

  /// The body of these parts. Its length is known if theirs are; parts that turn out longer or shorter than they said
  /// end the stream with an error.
  func body(of parts: [MultipartPart]) -> Body {
    var length: Int64? = Int64(closing(after: parts.count).count)
    for (index, part) in parts.enumerated() {
      guard let known = length, let content = part.body.length else {
        length = nil
        break
      }
      length = known + Int64(opening(of: part, at: index).count) + content
    }
    return .stream(stream(of: parts), length: length)
  }

  private func opening(of part: MultipartPart, at index: Int) -> [UInt8] {
    var bytes = Array((index == 0 ? "--" : "\r\n--").utf8) + boundary.utf8
    bytes += "\r\n".utf8
    MultipartHeaders.write(part.headers, to: &bytes)
    return bytes
  }

  private func closing(after count: Int) -> [UInt8] {
    Array("\(count == 0 ? "" : "\r\n")--\(boundary)--".utf8)
  }

  private func stream(of parts: [MultipartPart]) -> ByteStream {
    ByteStream {
      var output = Output(writer: self, parts: parts[...])
      return { try await output.next() }
    }
  }

  /// The state of one reading of a body.
  private struct Output {
    let writer: MultipartWriter
    var parts: ArraySlice<MultipartPart>
    var content: (stream: ByteStream.AsyncIterator, missing: Int64?)?
    var isClosed = false

    mutating func next() async throws -> [UInt8]? {
      if let piece = try await pieceOfContent() { return piece }
      // Small parts share a piece.
      var bytes: [UInt8] = []
      while bytes.count < MultipartLimits.piece, let part = parts.popFirst() {
        bytes += writer.opening(of: part, at: parts.startIndex - 1)
        switch part.body {
        case .empty: break
        case .bytes(let all): bytes += all
        case .stream(let stream, let length):
          content = (stream.makeAsyncIterator(), length)
          return bytes
        }
      }
      if parts.isEmpty, !isClosed {
        isClosed = true
        bytes += writer.closing(after: parts.startIndex)
      }
      return bytes.isEmpty ? nil : bytes
    }

    private mutating func pieceOfContent() async throws -> [UInt8]? {
      guard var current = content else { return nil }
      let piece = try await current.stream.next(isolation: #isolation)
      if let missing = current.missing {
        current.missing = missing - Int64(piece?.count ?? 0)
        guard piece == nil ? missing == 0 : missing >= Int64(piece?.count ?? 0) else {
          throw PouchError(.internalError, "A part of a multipart body is longer or shorter than was said.")
        }
      }
      content = piece == nil ? nil : current
      return piece
    }
  }
}
