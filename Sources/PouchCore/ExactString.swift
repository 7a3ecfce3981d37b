/// A string that is compared, ordered and hashed by its UTF-8 bytes.
///
/// Swift's `String` treats canonically equivalent texts ("é" as one scalar or as two) as equal. CouchDB does not:
/// two such document ids, JSON keys or attachment names are two different things, and raw collation orders them by
/// their bytes. Everything that is a name in the database is therefore an `ExactString`.
public struct ExactString: Sendable {
  /// The text itself.
  public let string: String

  /// Wraps a text; nothing is normalised.
  public init(_ string: String) {
    self.string = string
  }

  /// Whether the text begins with these bytes.
  public func hasPrefix(_ prefix: ExactString) -> Bool {
    string.utf8.starts(with: prefix.string.utf8)
  }
}

extension ExactString: Equatable {
  public static func == (left: ExactString, right: ExactString) -> Bool {
    left.string.utf8.count == right.string.utf8.count && left.string.utf8.elementsEqual(right.string.utf8)
  }
}

extension ExactString: Comparable {
  public static func < (left: ExactString, right: ExactString) -> Bool {
    left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
  }
}

extension ExactString: Hashable {
  public func hash(into hasher: inout Hasher) {
    var copy = string
    copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(UInt8(0xFF))
  }
}

extension ExactString: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, CustomStringConvertible {
  public init(stringLiteral value: String) { self.init(value) }
  public var description: String { string }
}
