/// Why a text is not acceptable JSON, and where.
///
/// CouchDB answers all of these with `bad_request` / `invalid UTF-8 JSON`, except where a limit is passed.
public struct JSONError: Error, Sendable, Hashable {
  public enum Problem: Sendable, Hashable {
    /// The text ends within a value, or is empty.
    case unexpectedEnd
    /// A byte that cannot stand here.
    case unexpectedByte(UInt8)
    /// Bytes that are not UTF-8 (RFC 3629).
    case invalidUTF8
    /// A `\u` escape of half a surrogate pair; CouchDB refuses it too.
    case loneSurrogate
    /// Arrays and objects nested deeper than the limit.
    case tooDeep(limit: Int)
    /// More bytes than the limit.
    case tooLarge(limit: Int)
  }

  public let problem: Problem
  /// The offset of the offending byte in the input.
  public let offset: Int
}

/// The bounds within which JSON is read.
public struct JSONLimits: Sendable, Hashable {
  /// The deepest nesting of arrays and objects. CouchDB knows no bound; 512 is what Foundation's decoder takes, and
  /// what recursion over values can rely on.
  public var depth: Int
  /// The longest input in bytes.
  public var bytes: Int

  /// The deepest nesting that is ever read, whatever limit is set: ``message``'s.
  private static let deepest = 512 + 16

  public init(depth: Int = 512, bytes: Int = .max) {
    self.depth = min(depth, JSONLimits.deepest)
    self.bytes = bytes
  }

  /// Depth 512, any size.
  public static let standard = JSONLimits()

  /// For messages that have documents in them: 16 levels more, so that a document of the deepest nesting fits with
  /// what is around it. ``Document/init(_:limits:)`` holds each document to its own limit.
  public static let message = JSONLimits(depth: deepest)
}
