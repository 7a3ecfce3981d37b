/// Bytes as groups of a few bits, the most significant first: what base64 and base32 share.
enum BitGroups {
  /// - Parameters:
  ///   - width: bits of a character, below 8.
  ///   - alphabet: the character of each value.
  static func encode(_ bytes: some Sequence<UInt8>, width: Int, alphabet: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.underestimatedCount * 8 + width - 1) / width)
    var bits = 0
    var buffer = 0
    for byte in bytes {
      buffer = (buffer << 8 | Int(byte)) & 0xFFFF
      bits += 8
      while bits >= width {
        bits -= width
        text.append(alphabet[buffer >> bits & (1 << width - 1)])
      }
    }
    if bits > 0 { text.append(alphabet[buffer << (width - bits) & (1 << width - 1)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// - Returns: `nil` if a character has no value, a whole character could be left out, or unused bits are set.
  static func decode(_ text: String, width: Int, value: (UInt8) -> UInt8?) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count * width / 8)
    var bits = 0
    var buffer = 0
    for character in text.utf8 {
      guard let value = value(character) else { return nil }
      buffer = (buffer << width | Int(value)) & 0xFFFF
      bits += width
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
      }
    }
    guard bits < width, buffer & (1 << bits - 1) == 0 else { return nil }
    return bytes
  }
}
