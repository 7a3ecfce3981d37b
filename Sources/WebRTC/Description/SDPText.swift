/// A piece of a session description.
///
/// It is compared byte by byte: `String` finds some texts equal that are not so on the wire (the Kelvin sign and `K`).
struct SDPText {
  var bytes: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

  init(_ text: String) { bytes = Array(text.utf8)[...] }

  var isEmpty: Bool { bytes.isEmpty }

  var string: String { String(decoding: bytes, as: UTF8.self) }

  /// The parts between spaces; several spaces count as one.
  var fields: [SDPText] { bytes.split(separator: UInt8(ascii: " ")).map(SDPText.init) }

  /// What stands before and after the first of the given bytes; all and `nil` if there is none.
  func divided(at separator: UInt8) -> (head: SDPText, tail: SDPText?) {
    guard let index = bytes.firstIndex(of: separator) else { return (self, nil) }
    return (SDPText(bytes[..<index]), SDPText(bytes[(index + 1)...]))
  }

  func isEqual(to text: String) -> Bool { bytes.elementsEqual(text.utf8) }

  /// Whether it is that text, with ASCII letters of either case. The text is given in lower case.
  func isEqualIgnoringCase(to text: String) -> Bool {
    bytes.count == text.utf8.count && zip(bytes, text.utf8).allSatisfy { Self.lowercased($0) == $1 }
  }

  /// The rest after a prefix, or `nil` if it does not begin so.
  func dropping(prefix: String) -> SDPText? {
    bytes.starts(with: prefix.utf8) ? SDPText(bytes.dropFirst(prefix.utf8.count)) : nil
  }

  /// A number in decimal digits without a sign, or `nil` if it is none or too large.
  func number<Number: FixedWidthInteger & UnsignedInteger>(as type: Number.Type = Number.self) -> Number? {
    guard !bytes.isEmpty else { return nil }
    var value: Number = 0
    for byte in bytes {
      guard Self.isDigit(byte) else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Number(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      value = sum
    }
    return value
  }

  /// Whether it is a run of digits.
  var isNumeric: Bool { !bytes.isEmpty && bytes.allSatisfy(Self.isDigit) }

  /// Whether it is a `token` of RFC 8866, section 9.
  var isToken: Bool { !bytes.isEmpty && bytes.allSatisfy(Self.isTokenCharacter) }

  /// Whether it is tokens with slashes between them, as the `proto` of RFC 8866, section 9.
  var isProtocol: Bool {
    bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { SDPText($0).isToken }
  }

  /// Whether it is `ice-char`s only, as many as given (RFC 8839, section 5.1).
  func isIce(length: ClosedRange<Int>) -> Bool {
    length.contains(bytes.count) && bytes.allSatisfy(Self.isIceCharacter)
  }

  static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercased(byte))
  }

  /// Whether it is one of ASCII's control characters.
  static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }

  private static func isIceCharacter(_ byte: UInt8) -> Bool {
    isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  private static func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x41...0x5A, 0x5E...0x7E: true
    default: false
    }
  }
}
