/// Where to find a share: `webrtc://<hub>/<share id>`, both percent-encoded as JavaScript's `encodeURIComponent` does.
///
/// Whoever has such an address has authenticated the sharer, since the id commits to the owner's key.
public struct ShareAddress: Sendable, Hashable, CustomStringConvertible {
  /// The hub: a URL, or the name or path of a local database.
  public let hub: HubName
  public let share: ShareID

  public init(hub: HubName, share: ShareID) {
    self.hub = hub
    self.share = share
  }

  /// - Returns: `nil` unless the text is such an address, with a hub that ``HubName`` takes.
  public init?(_ text: String) {
    guard text.utf8.starts(with: ShareAddress.scheme.utf8) else { return nil }
    let parts = text.dropFirst(ShareAddress.scheme.count).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let hub = PercentEncoding.decode(parts[0]).flatMap(HubName.init),
      let share = PercentEncoding.decode(parts[1]).flatMap({ ShareID($0) })
    else { return nil }
    self.init(hub: hub, share: share)
  }

  /// The address, which the seed calls `dbname`.
  public var text: String {
    ShareAddress.scheme + PercentEncoding.encode(hub.text) + "/" + PercentEncoding.encode(share.text)
  }

  public var description: String { text }
  private static let scheme = "webrtc://"
}

/// How a hub is called in addresses and tickets: without a user or password, and not too long.
public struct HubName: Sendable, Hashable {
  public let text: String

  /// - Returns: `nil` if the text is empty, longer than ``TrustLimits/hub`` bytes, has control characters, or is a URL
  ///   with a user or password in it.
  public init?(_ text: String) {
    guard !text.isEmpty, text.utf8.count <= TrustLimits.hub else { return nil }
    guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }) else { return nil }
    let bytes = Array(text.utf8)
    if let start = bytes.firstRange(of: Array("://".utf8))?.upperBound {
      let authority = bytes[start...].prefix { !HubName.authorityEnds.contains($0) }
      guard !authority.contains(0x40) else { return nil }
    }
    self.text = text
  }

  /// What ends the part of a URL that may name a user (a backslash too, where browsers read it).
  private static let authorityEnds = Set(#"/?#\"#.utf8)
}

/// Percent-encoding as JavaScript's `encodeURIComponent` does it.
enum PercentEncoding {
  private static let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()".utf8)
  private static let digits = Array("0123456789ABCDEF".utf8)

  static func encode(_ text: String) -> String {
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      encoded += plain.contains(byte) ? [byte] : [0x25, digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// - Returns: `nil` for a percent sign without two digits, or bytes that are not UTF-8.
  static func decode(_ text: Substring) -> String? {
    var decoded: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        decoded.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
      decoded.append(high << 4 | low)
    }
    return String(validating: decoded, as: UTF8.self)
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x41...0x46: character - 0x41 + 10
    case 0x61...0x66: character - 0x61 + 10
    default: nil
    }
  }
}
