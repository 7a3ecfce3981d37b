import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The functions that the handshake is made of, as `docs/signalling-protocol.md` names them.
enum Primitives {
  /// `H`: SHA-256.
  static func hash(_ bytes: [UInt8]) -> [UInt8] {
    Array(SHA256.hash(data: bytes))
  }

  /// `HMAC` with SHA-256 (RFC 2104).
  static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
  }

  /// Whether a code is the message's, in a time that tells nothing.
  static func isAuthentic(_ code: [UInt8], _ message: [UInt8], key: [UInt8]) -> Bool {
    HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: SymmetricKey(data: key))
  }

  /// `HKDF` with SHA-256 (RFC 5869).
  static func derive(_ secret: [UInt8], salt: [UInt8], info: String, count: Int) -> [UInt8] {
    let key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: secret), salt: salt, info: Array(info.utf8), outputByteCount: count)
    return key.withUnsafeBytes { Array($0) }
  }

  /// `AEAD`: AES-256-GCM.
  /// - Parameters:
  ///   - key: 32 bytes.
  ///   - number: the nonce, as twelve big-endian bytes.
  /// - Returns: ciphertext and tag.
  static func seal(_ text: [UInt8], key: [UInt8], number: UInt32, header: [UInt8]) -> [UInt8] {
    do {
      let box = try AES.GCM.seal(
        text, using: SymmetricKey(data: key), nonce: nonce(number), authenticating: header)
      return Array(box.ciphertext) + Array(box.tag)
    } catch {
      preconditionFailure("AES-GCM takes every text of this size with a key of 32 bytes: \(error)")
    }
  }

  /// - Returns: the text, or `nil` unless it was sealed with this key, number and header.
  static func open(_ sealed: [UInt8], key: [UInt8], number: UInt32, header: [UInt8]) -> [UInt8]? {
    guard sealed.count >= 16,
      let box = try? AES.GCM.SealedBox(
        nonce: nonce(number), ciphertext: sealed.dropLast(16), tag: sealed.suffix(16)),
      let text = try? AES.GCM.open(box, using: SymmetricKey(data: key), authenticating: header)
    else { return nil }
    return Array(text)
  }

  private static func nonce(_ number: UInt32) throws -> AES.GCM.Nonce {
    try AES.GCM.Nonce(data: [UInt8](repeating: 0, count: 8) + Parts.bigEndian(number))
  }
}
