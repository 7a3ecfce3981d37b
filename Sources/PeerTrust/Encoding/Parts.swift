/// `L(x, …)`: each part as its length in four big-endian bytes, then its bytes. What is signed, authenticated or hashed
/// is joined this way, so that no two lists of parts give the same bytes.
enum Parts {
  /// A part: text is UTF-8, an integer is four big-endian bytes.
  enum Part: ExpressibleByStringLiteral {
    case text(String)
    case integer(UInt32)
    case bytes([UInt8])

    init(stringLiteral value: String) { self = .text(value) }

    var bytes: [UInt8] {
      switch self {
      case .text(let text): Array(text.utf8)
      case .integer(let value): Parts.bigEndian(value)
      case .bytes(let bytes): bytes
      }
    }
  }

  static func join(_ parts: Part...) -> [UInt8] {
    var joined: [UInt8] = []
    for part in parts {
      let bytes = part.bytes
      joined += bigEndian(UInt32(bytes.count))
      joined += bytes
    }
    return joined
  }

  /// Takes parts apart again.
  /// - Returns: `nil` unless the bytes are exactly that many parts.
  static func split(_ bytes: [UInt8], into count: Int) -> [[UInt8]]? {
    var parts: [[UInt8]] = []
    var rest = bytes[...]
    while parts.count < count {
      guard rest.count >= 4 else { return nil }
      let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      guard rest.count >= length else { return nil }
      parts.append(Array(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return rest.isEmpty ? parts : nil
  }

  static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
