/// The hash of a certificate, as `a=fingerprint` says it (RFC 8122, section 5).
///
/// Text such as `sha-256 4A:AD:…` is read in any case and written as RFC 8122 wants it: the algorithm in lower case,
/// the bytes in upper case.
public struct Fingerprint: Hashable, Sendable, LosslessStringConvertible {
  /// The hash functions that are understood. The raw values are the names of the registry of RFC 8122.
  public enum Algorithm: String, Hashable, Sendable, CaseIterable {
    case sha1 = "sha-1"
    case sha256 = "sha-256"
    case sha384 = "sha-384"
    case sha512 = "sha-512"

    /// The length of its hashes.
    public var byteCount: Int {
      switch self {
      case .sha1: 20
      case .sha256: 32
      case .sha384: 48
      case .sha512: 64
      }
    }

    /// Whether certificates that collide can be made (SHA-1). A peer that is known by nothing else is not known.
    public var isWeak: Bool { self == .sha1 }
  }

  /// The hash function.
  public let algorithm: Algorithm

  /// The hash of the certificate in DER; ``Algorithm/byteCount`` bytes.
  public let bytes: [UInt8]

  /// Makes a fingerprint of a hash.
  /// - Returns: `nil` if the hash is not of the algorithm's length.
  public init?(algorithm: Algorithm, bytes: some Collection<UInt8>) {
    guard bytes.count == algorithm.byteCount else { return nil }
    self.algorithm = algorithm
    self.bytes = Array(bytes)
  }

  /// Reads a hash such as `4A:AD:…`: pairs of hexadecimal digits of any case with colons between them.
  /// - Returns: `nil` if it is malformed, or not of the algorithm's length.
  public init?(algorithm: Algorithm, text: String) {
    self.init(algorithm: algorithm, digits: SDPText(text))
  }

  /// Reads an algorithm, a space, and a hash.
  /// - Returns: `nil` if it is malformed, the algorithm is unknown, or the hash not of its length.
  public init?(_ description: String) {
    let fields = SDPText(description).fields
    guard fields.count == 2, let algorithm = Algorithm(fields[0]) else { return nil }
    self.init(algorithm: algorithm, digits: fields[1])
  }

  /// The hash in pairs of upper case hexadecimal digits, with colons between them.
  public var text: String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 3)
    for byte in bytes {
      if !text.isEmpty { text.append(UInt8(ascii: ":")) }
      text.append(hexDigit(byte >> 4))
      text.append(hexDigit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }

  public var description: String { "\(algorithm.rawValue) \(text)" }
}

extension Fingerprint {
  init?(algorithm: Algorithm, digits: SDPText) {
    guard digits.bytes.count == algorithm.byteCount * 3 - 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(algorithm.byteCount)
    for pair in digits.bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
      guard pair.count == 2, let high = pair.first.flatMap(hexValue), let low = pair.last.flatMap(hexValue) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    self.init(algorithm: algorithm, bytes: bytes)
  }
}

extension Fingerprint.Algorithm {
  init?(_ name: SDPText) {
    guard let algorithm = Self.allCases.first(where: { name.isEqualIgnoringCase(to: $0.rawValue) }) else { return nil }
    self = algorithm
  }
}

/// The upper case digit of a number below 16.
private func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + (value - 10)
}

/// The number of a hexadecimal digit.
func hexValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}
