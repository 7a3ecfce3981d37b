extension SDPText {
  /// What kind of address it is, or `nil` if it is none.
  var addressForm: IceCandidate.AddressForm? {
    if bytes.contains(UInt8(ascii: ":")) { return isIPv6 ? .ipv6 : nil }
    let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(SDPText.init)
    // Names do not end in a number; otherwise "1.2.3" and "1.2.3.256" would be some.
    if let last = labels.last(where: { !$0.isEmpty }), last.isNumeric { return Self.isIPv4(labels) ? .ipv4 : nil }
    return isName ? .name : nil
  }

  /// Whether it is a name with at least one label before `.local`.
  var isMDNSName: Bool {
    let name = SDPText(bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes)
    let suffix = name.bytes.suffix(6)
    return name.isName && suffix.startIndex > name.bytes.startIndex
      && SDPText(suffix).isEqualIgnoringCase(to: ".local")
  }

  /// A name of a host: at most 253 bytes in labels of 1 to 63 letters, digits, hyphens and underscores, which neither
  /// begin nor end with a hyphen; a last dot is allowed (RFC 1123, section 2.1).
  private var isName: Bool {
    let name = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes
    guard (1...253).contains(name.count) else { return false }
    return name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
        && label.allSatisfy {
          Self.isLetter($0) || Self.isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        }
    }
  }

  /// Four numbers up to 255 without leading zeros.
  private static func isIPv4(_ labels: [SDPText]) -> Bool {
    labels.count == 4
      && labels.allSatisfy { label in
        label.number(as: UInt8.self) != nil && (label.bytes.count == 1 || label.bytes.first != UInt8(ascii: "0"))
      }
  }

  /// An address of RFC 4291, section 2.2, without a zone.
  private var isIPv6: Bool {
    guard bytes.count <= 45 else { return false }
    let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(SDPText.init)
    let empties = parts.indices.filter { parts[$0].isEmpty }
    guard let groups = Self.groups(parts) else { return false }
    // `::` is an empty part in the middle; at an end of the address it leaves two of them, and alone three.
    switch empties {
    case []: return groups == 8
    case [0, 1, 2]: return parts.count == 3
    case [0, 1], [parts.count - 2, parts.count - 1]: return parts.count > 2 && groups <= 7
    default: return empties.count == 1 && empties[0] > 0 && empties[0] < parts.count - 1 && groups <= 7
    }
  }

  /// How many groups of 16 bits the parts are; `nil` if one of them is none. The last may be an IPv4 address, which is two.
  private static func groups(_ parts: [SDPText]) -> Int? {
    var count = 0
    for (index, part) in parts.enumerated() where !part.isEmpty {
      if part.bytes.count <= 4, part.bytes.allSatisfy({ hexValue($0) != nil }) {
        count += 1
      } else if index == parts.count - 1,
        isIPv4(part.bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(SDPText.init))
      {
        count += 2
      } else {
        return nil
      }
    }
    return count
  }
}
