/// Base32 in lower case and without padding (the alphabet of RFC 4648, section 6), in its canonical form only.
///
/// Fingerprints and tickets are written in it. Lower case reads more easily in a terminal; where people type such a text,
/// upper case is taken as well (``decode(_:)`` of the lower-cased text).
public enum Base32 {
  private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

  /// The text of some bytes.
  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    BitGroups.encode(bytes, width: 5, alphabet: alphabet)
  }

  /// The bytes of a text.
  /// - Returns: `nil` for characters outside of the lower-case alphabet, padding, an impossible length, or unused bits
  ///   that are set: each value has exactly one text.
  public static func decode(_ text: String) -> [UInt8]? {
    BitGroups.decode(text, width: 5, value: value)
  }

  private static func value(of character: UInt8) -> UInt8? {
    switch character {
    case 0x61...0x7A: character - 0x61
    case 0x32...0x37: character - 0x32 + 26
    default: nil
    }
  }
}
