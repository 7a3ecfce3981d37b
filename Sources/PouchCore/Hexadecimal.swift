/// Lowercase hexadecimal digits, as digests and random names are written.
package enum Hexadecimal {
  /// Two digits for each byte.
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.underestimatedCount)
    for byte in bytes {
      text.append(JSONEscape.hexDigit(byte >> 4))
      text.append(JSONEscape.hexDigit(byte & 0xF))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// All 16 digits of a number.
  package static func text(_ word: UInt64) -> String {
    var text: [UInt8] = []
    HexWord.append(word, to: &text)
    return String(decoding: text, as: UTF8.self)
  }
}
