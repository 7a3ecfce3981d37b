/// A candidate address, checked in its form (RFC 8839, section 5.1; TCP types by RFC 6544).
///
/// The text is `candidate:` and the fields, separated by single spaces, as browsers give it; it has no line break and
/// nothing else that a session description could take for something of its own.
public struct IceCandidate: Sendable, Hashable {
  /// How the peer came by the address.
  public enum Kind: String, Sendable, Hashable {
    case host
    case serverReflexive = "srflx"
    case peerReflexive = "prflx"
    case relayed = "relay"
  }

  /// The whole candidate.
  public let text: String
  public let kind: Kind
  /// `udp` or `tcp`.
  public let transport: String
  /// An IPv4 or IPv6 address, or a name that ends in `.local` (a browser that hides its addresses).
  public let address: String
  public let port: UInt16

  /// Reads a candidate.
  /// - Returns: `nil` unless it has the form of one, with at most ``TrustLimits/candidate`` bytes.
  public init?(_ text: String) {
    guard text.utf8.count <= TrustLimits.candidate, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      return nil
    }
    let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard words.count >= 8, words.count.isMultiple(of: 2), !words.contains("") else { return nil }
    let foundation = words[0].dropFirst(IceCandidate.prefix.count)
    let transport = words[2].lowercased()
    guard words[0].hasPrefix(IceCandidate.prefix), (1...32).contains(foundation.utf8.count),
      foundation.utf8.allSatisfy(IceText.isIce),
      let component = IceCandidate.number(words[1], upTo: 256), component >= 1,
      transport == "udp" || transport == "tcp",
      let priority = IceCandidate.number(words[3], upTo: 1 << 31 - 1), priority >= 1,
      AddressText.isAddress(words[4]) || AddressText.isLocalName(words[4]),
      let port = IceCandidate.number(words[5], upTo: 65535), port >= 1,
      words[6] == "typ", let kind = Kind(rawValue: words[7]),
      IceCandidate.hasValidExtensions(words[8...])
    else { return nil }
    self.text = text
    self.kind = kind
    self.transport = transport
    address = words[4]
    self.port = UInt16(port)
  }

  /// Names and values: the related address is checked, others may be anything visible.
  private static func hasValidExtensions(_ words: ArraySlice<String>) -> Bool {
    let pairs = stride(from: words.startIndex, to: words.endIndex, by: 2).map { (words[$0], words[$0 + 1]) }
    return pairs.allSatisfy { name, value in
      switch name {
      case "raddr": AddressText.isAddress(value) || AddressText.isLocalName(value)
      case "rport": number(value, upTo: 65535) != nil
      default: true
      }
    }
  }

  /// A decimal number without sign, of at most ten digits.
  private static func number(_ text: String, upTo most: Int) -> Int? {
    guard (1...10).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(text), number <= most
    else { return nil }
    return number
  }

  private static let prefix = "candidate:"
}
