/// Base64 with the URL-safe alphabet and without padding (RFC 4648, section 5), in its canonical form only.
public enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// The text of some bytes.
  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    BitGroups.encode(bytes, width: 6, alphabet: alphabet)
  }

  /// The bytes of a text.
  /// - Returns: `nil` for characters outside of the alphabet, padding, an impossible length, or unused bits that are set:
  ///   each value has exactly one text.
  public static func decode(_ text: String) -> [UInt8]? {
    BitGroups.decode(text, width: 6, value: value)
  }

  private static func value(of character: UInt8) -> UInt8? {
    switch character {
    case 0x41...0x5A: character - 0x41
    case 0x61...0x7A: character - 0x61 + 26
    case 0x30...0x39: character - 0x30 + 52
    case 0x2D: 62
    case 0x5F: 63
    default: nil
    }
  }
}
