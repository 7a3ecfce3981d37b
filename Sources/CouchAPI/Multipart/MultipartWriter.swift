import HTTPTypes
import PouchCore

/// Writes multipart bodies (RFC 2046, section 5.1) in the form that CouchDB gives them.
struct MultipartWriter: Sendable {
  /// What separates the parts; it must not occur in them, which 128 random bits make sure of.
  let boundary: String

  init(boundary: String = Identifiers.random()) {
    self.boundary = boundary
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
    let body = body {
      var rest = parts[...]
      return { rest.popFirst() }
    }
    return .stream(body.stream, length: length)
  }

  /// The body of parts that are made one after the other, as they are needed. Its length is not known.
  /// - Parameter makeNext: makes what gives the parts, anew for each reading of the body.
  func body(_ makeNext: @escaping @Sendable () -> () async throws -> MultipartPart?) -> Body {
    let stream = ByteStream {
      var output = Output(writer: self, nextPart: makeNext())
      return { try await output.next() }
    }
    return .stream(stream, length: nil)
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

  /// The state of one reading of a body.
  private struct Output {
    let writer: MultipartWriter
    let nextPart: () async throws -> MultipartPart?
    private var count = 0
    private var content: (stream: ByteStream.AsyncIterator, missing: Int64?)?
    private var isClosed = false

    init(writer: MultipartWriter, nextPart: @escaping () async throws -> MultipartPart?) {
      self.writer = writer
      self.nextPart = nextPart
    }

    mutating func next() async throws -> [UInt8]? {
      if let piece = try await pieceOfContent() { return piece }
      // Small parts share a piece.
      var bytes: [UInt8] = []
      while !isClosed, bytes.count < MultipartLimits.piece {
        guard let part = try await nextPart() else {
          isClosed = true
          bytes += writer.closing(after: count)
          break
        }
        bytes += writer.opening(of: part, at: count)
        count += 1
        switch part.body {
        case .empty: break
        case .bytes(let all): bytes += all
        case .stream(let stream, let length):
          content = (stream.makeAsyncIterator(), length)
          return bytes
        }
      }
      return bytes.isEmpty ? nil : bytes
    }

    private mutating func pieceOfContent() async throws -> [UInt8]? {
      guard var current = content else { return nil }
      let piece = try await current.stream.next(isolation: #isolation)
      if let missing = current.missing {
        let taken = Int64(piece?.count ?? 0)
        guard piece == nil ? missing == 0 : missing >= taken else {
          throw PouchError(.internalError, "A part of a multipart body is longer or shorter than was said.")
        }
        current.missing = missing - taken
      }
      content = piece == nil ? nil : current
      return piece
    }
  }
}
