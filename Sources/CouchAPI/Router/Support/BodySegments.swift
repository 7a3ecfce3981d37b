import HTTPTypes
import PouchCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A piece of a JSON body: text, or the bytes of an attachment that become base64 as they are read.
enum BodySegment: Sendable {
  case bytes([UInt8])
  case base64(ByteStream)
}

/// What makes a body bit by bit, each time as much as is worth sending.
protocol SegmentSource: Sendable {
  /// The next segments; `nil` at the end.
  mutating func next() async throws -> [BodySegment]?

  /// Whether `next()` has nothing more to say, as far as it is known without asking.
  var isFinished: Bool { get }
}

extension Response {
  /// An answer whose body comes from a source. The first piece is made before the head is sent, so that what fails at
  /// once has a status of its own; a body that is complete with it has a length.
  static func streaming(
    _ source: some SegmentSource, headers: HTTPFields = [.contentType: Response.jsonType]
  ) async throws -> Response {
    var source = source
    let first = try await source.next() ?? []
    if source.isFinished, let bytes = first.joinedBytes {
      return Response(.ok, headers: headers, body: .bytes(bytes))
    }
    return Response(.ok, headers: headers, body: .stream(ByteStream(first, then: source), length: nil))
  }

  /// An answer whose body comes from a source that may have to wait for its first piece.
  static func live(_ source: some SegmentSource, headers: HTTPFields) -> Response {
    Response(.ok, headers: headers, body: .stream(ByteStream([], then: source), length: nil))
  }
}

extension [BodySegment] {
  /// The bytes, if no attachment is among them.
  var joinedBytes: [UInt8]? {
    if count == 1, case .bytes(let bytes) = self[0] { return bytes }
    var joined: [UInt8] = []
    for segment in self {
      guard case .bytes(let bytes) = segment else { return nil }
      joined.append(contentsOf: bytes)
    }
    return joined
  }

  /// The segments as a body.
  var body: Body {
    joinedBytes.map(Body.bytes) ?? .stream(ByteStream(self, then: NoSegments()), length: nil)
  }
}

/// The source of a body that is there already.
private struct NoSegments: SegmentSource {
  var isFinished: Bool { true }

  mutating func next() async throws -> [BodySegment]? { nil }
}

extension ByteStream {
  /// The bytes of some segments, and then of those that a source makes. Can be read once.
  init(_ first: [BodySegment], then source: some SegmentSource) {
    self.init {
      var pending = first[...]
      var source = source
      var attachment: Base64Pieces?
      return {
        while true {
          if let piece = try await attachment?.next() { return piece }
          attachment = nil
          switch pending.popFirst() {
          case .bytes(let bytes): if !bytes.isEmpty { return bytes }
          case .base64(let stream): attachment = Base64Pieces(stream)
          case nil:
            guard let more = try await source.next() else { return nil }
            pending = more[...]
          }
        }
      }
    }
  }
}

/// The base64 of a stream, piece by piece.
private struct Base64Pieces {
  private var stream: ByteStream.AsyncIterator
  /// Bytes that do not fill a group of three yet.
  private var rest: [UInt8] = []
  private var isAtEnd = false

  init(_ stream: ByteStream) {
    self.stream = stream.makeAsyncIterator()
  }

  mutating func next() async throws -> [UInt8]? {
    while !isAtEnd {
      guard let piece = try await stream.next(isolation: #isolation) else {
        isAtEnd = true
        return rest.isEmpty ? nil : Array(Data(rest).base64EncodedString().utf8)
      }
      let bytes = rest + piece
      let whole = bytes.count - bytes.count % 3
      rest = Array(bytes[whole...])
      if whole > 0 { return Array(Data(bytes[..<whole]).base64EncodedString().utf8) }
    }
    return nil
  }
}
