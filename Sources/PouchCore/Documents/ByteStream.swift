/// Bytes that arrive in pieces, pulled by their reader: an attachment on its way in or out.
///
/// Nothing is read ahead: each call of `next()` produces one piece. Whether it can be iterated more than once depends
/// on where it comes from; streams of files and databases can, those of sockets cannot.
public struct ByteStream: AsyncSequence, Sendable {
  public typealias Element = [UInt8]

  private let makeNext: @Sendable () -> () async throws -> [UInt8]?

  /// A stream that asks a closure for each piece until it returns `nil`.
  /// - Parameter makeNext: makes such a closure, once for each iteration.
  public init(_ makeNext: @escaping @Sendable () -> () async throws -> [UInt8]?) {
    self.makeNext = makeNext
  }

  /// A stream of the pieces of any sequence.
  public init<Base: AsyncSequence & Sendable>(_ base: Base) where Base.Element == [UInt8] {
    self.init {
      var iterator = base.makeAsyncIterator()
      return { try await iterator.next(isolation: #isolation) }
    }
  }

  /// A stream of bytes that are in memory, in one piece.
  public init(_ bytes: [UInt8]) {
    self.init {
      var rest: [UInt8]? = bytes.isEmpty ? nil : bytes
      return {
        defer { rest = nil }
        return rest
      }
    }
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    let pull: () async throws -> [UInt8]?

    public mutating func next() async throws -> [UInt8]? { try await pull() }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pull: makeNext()) }

  /// All of the bytes, in memory.
  public func bytes() async throws -> [UInt8] {
    var all: [UInt8] = []
    for try await piece in self { all.append(contentsOf: piece) }
    return all
  }
}
