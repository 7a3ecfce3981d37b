import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The public key of an identity: who a peer is. It verifies signatures and does nothing else.
public struct IdentityKey: Sendable, Hashable {
  /// The point, 65 bytes (X9.63, uncompressed).
  public let bytes: [UInt8]

  /// - Returns: `nil` unless the bytes are an uncompressed point of P-256.
  public init?(_ bytes: [UInt8]) {
    guard Point.isUncompressed(bytes), (try? P256.Signing.PublicKey(x963Representation: bytes)) != nil else {
      return nil
    }
    self.bytes = bytes
  }

  init(of key: P256.Signing.PrivateKey) {
    bytes = Array(key.publicKey.x963Representation)
  }

  /// What people and lists know the identity by.
  public var fingerprint: Fingerprint { Fingerprint(digest: Primitives.hash(bytes)) }

  /// Whether a signature over a message was made by this identity (ECDSA with SHA-256, FIPS 186-5).
  /// - Parameter signature: `r‖s`, 64 bytes; other forms, such as DER, are never valid.
  public func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard signature.count == Identity.signatureLength,
      let key = try? P256.Signing.PublicKey(x963Representation: bytes),
      let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
    else { return false }
    return key.isValidSignature(parsed, for: message)
  }
}

/// The SHA-256 of an identity's public key.
public struct Fingerprint: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// 52 characters of base32 in lower case.
  public let text: String

  init(digest: [UInt8]) {
    text = Base32.encode(digest)
  }

  /// A fingerprint from what somebody typed: upper case, and dashes or spaces between groups, are taken too.
  /// - Returns: `nil` unless the rest is a whole fingerprint.
  public init?(_ text: String) {
    guard let plain = TypedText.lowered(text)?.filter({ $0 != "-" && $0 != " " }), let digest = Base32.decode(plain),
      digest.count == 32
    else { return nil }
    self.text = plain
  }

  /// The first 16 characters in groups of four: what two people compare aloud.
  public var short: String {
    let characters = Array(text.prefix(16))
    return stride(from: 0, to: 16, by: 4).map { String(characters[$0..<$0 + 4]) }.joined(separator: "-")
  }

  public static func < (left: Fingerprint, right: Fingerprint) -> Bool { left.text < right.text }
  public var description: String { text }
}
