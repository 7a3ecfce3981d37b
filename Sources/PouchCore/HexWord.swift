/// Numbers of 64 bits as 16 lowercase hexadecimal digits: the halves of a revision's digest, and the epoch of a position.
enum HexWord {
  static let digits = 16

  /// The number whose digits begin at an offset; `nil` if they are not all lowercase hexadecimal digits.
  /// - Precondition: there are 16 bytes from the offset on.
  static func read(_ text: UnsafeBufferPointer<UInt8>, at offset: Int) -> UInt64? {
    var word: UInt64 = 0
    for byte in text[offset..<offset + digits] {
      switch byte {
      case 0x30...0x39: word = word << 4 | UInt64(byte - 0x30)
      case 0x61...0x66: word = word << 4 | UInt64(byte - 0x57)
      default: return nil
      }
    }
    return word
  }

  /// Appends the 16 digits of a number.
  static func append(_ word: UInt64, to bytes: inout [UInt8]) {
    for index in 0..<digits {
      bytes.append(JSONEscape.hexDigit(UInt8(truncatingIfNeeded: word >> (60 - 4 * index)) & 0xF))
    }
  }
}
