/// Bytes that arrive in pieces, pulled by their reader: an attachment on its way in or out.
///
/// Nothing is read ahead: each call of `next()` produces one piece. Whether it can be iterated more than once depends
/// on where it comes from; streams of files and databases can, those of sockets cannot.
public struct ByteStream: AsyncSequence, Sendable {
  public typealias Element = [UInt8]

  /// Makes what delivers the pieces from an offset on.
  private let makeNext: @Sendable (Int64) -> () async throws -> [UInt8]?

  /// A stream that asks a closure for each piece until it returns `nil`.
  /// - Parameter makeNext: makes such a closure, once for each iteration.
  public init(_ makeNext: @escaping @Sendable () -> () async throws -> [UInt8]?) {
    self.init(seekable: { offset in
      let next = makeNext()
      var toSkip = offset
      return {
        while let piece = try await next() {
          if toSkip == 0 { return piece }
          let skipped = Swift.min(toSkip, Int64(piece.count))
          toSkip -= skipped
          if skipped < piece.count { return Array(piece.dropFirst(Int(skipped))) }
        }
        return nil
      }
    })
  }

  /// A stream that can begin at any of its bytes without reading those before.
  /// - Parameter makeNext: makes a closure that returns the pieces from an offset on, once for each iteration.
  public init(seekable makeNext: @escaping @Sendable (Int64) -> () async throws -> [UInt8]?) {
    self.makeNext = makeNext
  }

  /// The same bytes but the first ones. Those are read and thrown away unless the stream is seekable.
  public func dropping(first count: Int64) -> ByteStream {
    ByteStream(seekable: { [makeNext] offset in makeNext(count + offset) })
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

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pull: makeNext(0)) }

  /// All of the bytes, in memory.
  public func bytes() async throws -> [UInt8] {
    var all: [UInt8] = []
    for try await piece in self { all.append(contentsOf: piece) }
    return all
  }
}
