/// Random names.
enum Identifiers {
  /// 32 hexadecimal digits, as CouchDB's ids of documents and servers have.
  static func random() -> String {
    hexadecimal(.random(in: .min ... .max), digits: 16) + hexadecimal(.random(in: .min ... .max), digits: 16)
  }

  /// 10 hexadecimal digits, to find a request in a log by.
  static func request() -> String { hexadecimal(.random(in: .min ... .max), digits: 10) }

  private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
    String(unsafeUninitializedCapacity: digits) { buffer in
      for index in 0..<digits {
        let nibble = UInt8(truncatingIfNeeded: value >> UInt64(4 * index)) & 0xF
        buffer[index] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
      }
      return digits
    }
  }
}
