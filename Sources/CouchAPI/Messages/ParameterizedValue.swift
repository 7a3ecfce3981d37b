/// A header's value with parameters behind it, as `Content-Type` and `Content-Disposition` have them (RFC 9110,
/// section 5.6.6): `multipart/related; boundary="a b"`.
struct ParameterizedValue: Sendable, Hashable {
  /// What stands before the first semicolon, in lower case.
  let value: String
  /// The parameters by their names in lower case; of several the first counts.
  private(set) var parameters: [String: String] = [:]

  /// Reads a header's value. Parameters that are not well-formed are left out: what is missing then is for the caller
  /// to miss.
  init(_ text: some StringProtocol) {
    var scanner = Scanner(rest: Substring(text).utf8)
    value = scanner.upToSemicolon().lowercased()
    while scanner.skip(0x3B) {
      guard let name = scanner.token()?.lowercased(), scanner.skip(0x3D), let value = scanner.value() else {
        _ = scanner.upToSemicolon()
        continue
      }
      if parameters[name] == nil { parameters[name] = value }
    }
  }

  private struct Scanner {
    var rest: Substring.UTF8View

    mutating func skipSpace() {
      rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
    }

    mutating func skip(_ byte: UInt8) -> Bool {
      skipSpace()
      guard rest.first == byte else { return false }
      rest.removeFirst()
      return true
    }

    mutating func upToSemicolon() -> String {
      skipSpace()
      let taken = Substring(rest.prefix { $0 != 0x3B })
      rest = rest.dropFirst(taken.utf8.count)
      return String(taken.trimmingSuffix { $0 == " " || $0 == "\t" })
    }

    mutating func token() -> String? {
      skipSpace()
      let token = rest.prefix { byte in
        switch byte {
        case 0x00...0x20, 0x7F...0xFF, 0x22, 0x28, 0x29, 0x2C, 0x2F, 0x3A...0x40, 0x5B...0x5D, 0x7B, 0x7D: false
        default: true
        }
      }
      guard !token.isEmpty else { return nil }
      rest = rest.dropFirst(token.count)
      return String(Substring(token))
    }

    /// A token, or a text in quotes. Senders leave out quotes where they are needed, as around a boundary with a slash:
    /// so whatever stands up to the next semicolon is taken.
    mutating func value() -> String? {
      skipSpace()
      guard rest.first == 0x22 else {
        let text = upToSemicolon()
        return text.isEmpty ? nil : text
      }
      var bytes: [UInt8] = []
      rest.removeFirst()
      while let byte = rest.popFirst() {
        switch byte {
        case 0x22: return String(decoding: bytes, as: UTF8.self)
        case 0x5C:
          guard let escaped = rest.popFirst() else { return nil }
          bytes.append(escaped)
        default: bytes.append(byte)
        }
      }
      return nil
    }
  }
}

extension Substring {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
    var text = self
    while let last = text.last, predicate(last) { text.removeLast() }
    return text
  }
}
