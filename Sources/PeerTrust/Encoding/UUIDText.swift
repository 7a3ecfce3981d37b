/// The usual text of a UUID (RFC 9562, section 4), always in lower case.
enum UUIDText {
  private static let digits = Array("0123456789abcdef".utf8)
  private static let dashes: Set<Int> = [4, 6, 8, 10]

  /// - Parameter bytes: sixteen of them.
  static func of(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if dashes.contains(index) { text.append(0x2D) }
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 0xF)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// - Returns: `nil` for anything but the form that ``of(_:)`` writes.
  static func bytes(of text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text.utf8 where character != 0x2D {
      let digit: UInt8
      switch character {
      case 0x30...0x39: digit = character - 0x30
      case 0x61...0x66: digit = character - 0x61 + 10
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    guard bytes.count == 16, high == nil, of(bytes) == text else { return nil }
    return bytes
  }

  /// Sets the version and the variant of RFC 9562.
  static func marked(_ bytes: [UInt8], version: UInt8) -> [UInt8] {
    var bytes = bytes
    bytes[6] = version << 4 | bytes[6] & 0x0F
    bytes[8] = 0x80 | bytes[8] & 0x3F
    return bytes
  }

  static func isMarked(_ bytes: [UInt8], version: UInt8) -> Bool {
    bytes.count == 16 && bytes[6] >> 4 == version && bytes[8] >> 6 == 0b10
  }
}
