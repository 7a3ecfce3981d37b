public import HTTPTypes
public import PouchCore

/// A response of CouchDB's HTTP API as a value.
public struct Response: Sendable {
  public var status: HTTPResponse.Status
  public var headers: HTTPFields
  public var body: Body

  public init(_ status: HTTPResponse.Status, headers: HTTPFields = [:], body: Body = .empty) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// The body of a request or a response.
public enum Body: Sendable {
  case empty
  case bytes([UInt8])
  /// Bytes that come piece by piece, to be read once; their number if it is known.
  case stream(ByteStream, length: Int64?)

  /// The number of bytes, if known.
  public var length: Int64? {
    switch self {
    case .empty: 0
    case .bytes(let bytes): Int64(bytes.count)
    case .stream(_, let length): length
    }
  }

  /// The bytes piece by piece.
  public var stream: ByteStream {
    switch self {
    case .empty: ByteStream([])
    case .bytes(let bytes): ByteStream(bytes)
    case .stream(let stream, _): stream
    }
  }

  /// All of the bytes.
  /// - Parameter limit: how many to take at most.
  /// - Throws: ``PouchError/Code/requestTooLarge`` beyond the limit, and what the stream throws.
  public func collect(upTo limit: Int) async throws -> [UInt8] {
    guard (length ?? 0) <= Int64(limit) else { throw PouchError(.requestTooLarge) }
    if case .bytes(let bytes) = self { return bytes }
    var all: [UInt8] = []
    for try await piece in stream {
      guard all.count + piece.count <= limit else { throw PouchError(.requestTooLarge) }
      all.append(contentsOf: piece)
    }
    return all
  }
}
