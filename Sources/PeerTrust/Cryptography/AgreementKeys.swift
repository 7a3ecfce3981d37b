import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The public half of a key that secrets are agreed on with: an epoch's, an offer's (`E`) or an answer's (`F`).
public struct AgreementKey: Sendable, Hashable {
  /// The point, 65 bytes (X9.63, uncompressed).
  public let bytes: [UInt8]

  /// - Returns: `nil` unless the bytes are an uncompressed point of P-256.
  public init?(_ bytes: [UInt8]) {
    guard Point.isUncompressed(bytes), (try? P256.KeyAgreement.PublicKey(x963Representation: bytes)) != nil else {
      return nil
    }
    self.bytes = bytes
  }

  fileprivate init(of key: P256.KeyAgreement.PrivateKey) {
    bytes = Array(key.publicKey.x963Representation)
  }
}

/// A key of one epoch or one opening. It lives in memory only.
struct EphemeralKey: Sendable {
  private let key: P256.KeyAgreement.PrivateKey
  let publicKey: AgreementKey

  /// A new key.
  init(using generator: inout some RandomNumberGenerator) {
    // One text in 2^32 is no scalar of the curve.
    while true {
      if let key = EphemeralKey(scalar: .random(32, using: &generator)) {
        self = key
        return
      }
    }
  }

  /// - Returns: `nil` if the 32 bytes are zero or not below the order of the curve.
  init?(scalar: [UInt8]) {
    guard let key = try? P256.KeyAgreement.PrivateKey(rawRepresentation: scalar) else { return nil }
    self.key = key
    publicKey = AgreementKey(of: key)
  }

  /// `ECDH`: the 32 bytes of the common point's x.
  func agree(with other: AgreementKey) -> [UInt8] {
    do {
      let point = try P256.KeyAgreement.PublicKey(x963Representation: other.bytes)
      return try key.sharedSecretFromKeyAgreement(with: point).withUnsafeBytes { Array($0) }
    } catch {
      preconditionFailure("Two keys on a curve of prime order always agree: \(error)")
    }
  }
}

/// The form of public keys.
enum Point {
  static let byteCount = 65

  /// Whether the bytes have the length and the first byte of an uncompressed point. Libraries also take compressed
  /// points, which would give one key several texts.
  static func isUncompressed(_ bytes: [UInt8]) -> Bool {
    bytes.count == byteCount && bytes[0] == 0x04
  }
}
