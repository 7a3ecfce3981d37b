import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Who this installation is: a long-lived key that signs and never encrypts (ECDSA over P-256).
///
/// A lost key is a lost identity; nothing succeeds it.
public struct Identity: Sendable {
  /// The length of a signature in bytes: `r‖s`.
  public static let signatureLength = 64

  private let privateKey: P256.Signing.PrivateKey
  /// The public half, which others know this identity by.
  public let key: IdentityKey

  /// A new identity.
  /// - Parameter generator: a cryptographically secure one, except in tests.
  public init(using generator: inout some RandomNumberGenerator) {
    while true {
      if let identity = Identity(scalar: .random(32, using: &generator)) {
        self = identity
        return
      }
    }
  }

  /// An identity from its file.
  /// - Parameter saved: what ``saved`` gave: a private key in PKCS #8 (RFC 5958), as PEM.
  /// - Returns: `nil` if it is something else, or a key of another kind.
  public init?(saved: [UInt8]) {
    guard let key = try? P256.Signing.PrivateKey(pemRepresentation: String(decoding: saved, as: UTF8.self)) else {
      return nil
    }
    self.init(key)
  }

  /// - Returns: `nil` if the 32 bytes are zero or not below the order of the curve.
  init?(scalar: [UInt8]) {
    guard let key = try? P256.Signing.PrivateKey(rawRepresentation: scalar) else { return nil }
    self.init(key)
  }

  private init(_ key: P256.Signing.PrivateKey) {
    privateKey = key
    self.key = IdentityKey(of: key)
  }

  /// The bytes to keep, in a file that nobody else can read.
  public var saved: [UInt8] {
    Array((privateKey.pemRepresentation + "\n").utf8)
  }

  public var fingerprint: Fingerprint { key.fingerprint }

  /// The signature over a message: `r‖s`, 64 bytes, another one each time.
  func sign(_ message: [UInt8]) -> [UInt8] {
    do {
      return Array(try privateKey.signature(for: message).rawRepresentation)
    } catch {
      preconditionFailure("A private key signs every message: \(error)")
    }
  }
}
