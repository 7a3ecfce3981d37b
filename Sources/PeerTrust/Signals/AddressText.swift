/// The texts of addresses, checked in their form only.
enum AddressText {
  /// Whether this is an IPv4 address of four decimal numbers, or an IPv6 address (RFC 4291, section 2.2) without a zone.
  static func isAddress(_ text: String) -> Bool {
    text.utf8.contains(0x3A) ? isVersion6(text) : isVersion4(text)
  }

  /// Whether this is a name of multicast DNS: labels of letters, digits and dashes that end in `.local`.
  static func isLocalName(_ text: String) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 255, labels.count >= 2, labels.last == "local" else { return false }
    return labels.allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.utf8.allSatisfy(isNameByte)
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: true
    default: false
    }
  }

  private static func isVersion4(_ text: some StringProtocol) -> Bool {
    let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4
      && numbers.allSatisfy { number in
        (1...3).contains(number.utf8.count) && number.utf8.allSatisfy { (0x30...0x39).contains($0) }
          && UInt8(number) != nil && (number == "0" || number.utf8.first != 0x30)
      }
  }

  private static func isVersion6(_ text: String) -> Bool {
    guard text.utf8.count <= 45 else { return false }
    guard let gap = text.firstRange(of: "::") else { return groups(text[...]) == 8 }
    let before = text[..<gap.lowerBound]
    let after = text[gap.upperBound...]
    // An address may begin or end with the gap, and has only one.
    guard let first = before.isEmpty ? 0 : groups(before, mayEndInVersion4: false),
      let last = after.isEmpty ? 0 : groups(after)
    else { return false }
    return first + last <= 7
  }

  /// How many groups of 16 bits there are; an IPv4 address at the end is two.
  private static func groups(_ text: Substring, mayEndInVersion4: Bool = true) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var count = 0
    for (index, part) in parts.enumerated() {
      if mayEndInVersion4, index == parts.count - 1, part.contains(".") {
        guard isVersion4(part) else { return nil }
        count += 2
        continue
      }
      guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ isHex($0) }) else { return nil }
      count += 1
    }
    return count
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
