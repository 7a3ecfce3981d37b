import PouchCore

/// Percent-encoding of paths and queries (RFC 3986, section 2.1).
enum PercentCoding {
  /// The decoded segments of a path. Empty segments at the end do not count, as in CouchDB: `/db/` is `/db`.
  static func segments(of path: some StringProtocol) throws(PouchError) -> [String] {
    guard path.utf8.first == 0x2F else { throw PouchError(.badRequest, "The path must begin with a slash.") }
    var parts = Substring(path).utf8.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false)
    while let last = parts.last, last.isEmpty { parts.removeLast() }
    var segments: [String] = []
    segments.reserveCapacity(parts.count)
    for part in parts { segments.append(try decode(part)) }
    return segments
  }

  static func decode(_ text: some StringProtocol) throws(PouchError) -> String { try decode(Substring(text).utf8) }

  /// - Throws: ``PouchError/Code/badRequest`` for a `%` without two hexadecimal digits, and bytes that are no UTF-8.
  static func decode(_ text: Substring.UTF8View) throws(PouchError) -> String {
    // Most have nothing to decode.
    guard text.contains(where: { $0 == 0x25 || $0 == 0x2B }) else { return String(Substring(text)) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text.makeIterator()
    while let byte = rest.next() {
      switch byte {
      case 0x2B: bytes.append(0x20)
      case 0x25:
        guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else {
          throw PouchError(.badRequest, "A percent sign in the URL is not followed by two hexadecimal digits.")
        }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
      throw PouchError(.badRequest, "The URL is not UTF-8.")
    }
    return decoded
  }

  /// Encodes everything but the unreserved characters (RFC 3986, section 2.3).
  static func encode(_ text: String) -> String {
    if text.utf8.allSatisfy(isUnreserved) { return text }
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if isUnreserved(byte) {
        bytes.append(byte)
      } else {
        bytes.append(contentsOf: [0x25, hexDigit(byte >> 4), hexDigit(byte & 0xF)])
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Encodes a segment of a path. One of nothing but dots would be taken for a step within the path.
  static func encodeSegment(_ text: String) -> String {
    text == "." || text == ".." ? String(repeating: "%2E", count: text.utf8.count) : encode(text)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
    default: false
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

  private static func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x37
    case 0x61...0x66: digit - 0x57
    default: nil
    }
  }
}
