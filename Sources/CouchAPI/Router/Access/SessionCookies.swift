import Crypto
import HTTPTypes
import PouchCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The cookies of sessions: CouchDB's `AuthSession`, which say who logged in and when, signed by the server.
///
/// The server keeps nothing of a session, so there is nothing that sessions could fill.
struct SessionCookies: Sendable {
  private let secret: [UInt8]

  init(secret: [UInt8]) {
    self.secret = secret
  }

  /// How long a session lasts without a request, in seconds: CouchDB's `timeout`.
  static let lifetime: Int64 = 600
  /// A cookie is renewed once a tenth of its time has passed, so that not every answer carries one.
  private static let renewalAge = lifetime / 10

  private static let cookieName = "AuthSession"
  private static let attributes = "Version=1; Max-Age=\(lifetime); Path=/; HttpOnly; SameSite=Strict"

  /// The `Set-Cookie` that ends a session.
  static let ending = "\(cookieName)=; Version=1; Max-Age=0; Path=/; HttpOnly; SameSite=Strict"

  /// What a cookie says.
  struct Claim {
    let name: String
    /// When it was made, in seconds since 1970.
    let time: Int64
    fileprivate let signed: [UInt8]
    fileprivate let signature: [UInt8]

    private static let malformed = PouchError(
      .badRequest, "Malformed AuthSession cookie. Please clear your cookies.")

    /// Reads `NAME:HEXADECIMAL-SECONDS:SIGNATURE` in base64url.
    /// - Throws: ``PouchError/Code/badRequest``.
    init(_ cookie: String) throws(PouchError) {
      var base64 = cookie.replacing("-", with: "+").replacing("_", with: "/")
      base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
      guard let bytes = Data(base64Encoded: base64).map(Array.init) else { throw Claim.malformed }
      let length = SHA256.byteCount
      guard bytes.count > length + 1, bytes[bytes.count - length - 1] == 0x3A else { throw Claim.malformed }
      signature = Array(bytes.suffix(length))
      signed = Array(bytes.dropLast(length + 1))
      guard let colon = signed.lastIndex(of: 0x3A), let name = String(validating: signed[..<colon], as: UTF8.self),
        let time = Int64(String(decoding: signed[(colon + 1)...], as: UTF8.self), radix: 16), time >= 0
      else { throw Claim.malformed }
      self.name = name
      self.time = time
    }

    /// Whether the session should be prolonged.
    func isDueForRenewal(at now: Int64) -> Bool { now - time > SessionCookies.renewalAge }
  }

  /// What distinguishes the cookies of one password from those of another.
  func salt(for password: String) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: Array("salt:\(password)".utf8), using: SymmetricKey(data: secret)))
  }

  /// The `Set-Cookie` of a session that begins or goes on now.
  func header(for name: String, salt: [UInt8], at now: Int64) -> String {
    var bytes = Array("\(name):\(String(now, radix: 16, uppercase: true))".utf8)
    let signature = HMAC<SHA256>.authenticationCode(for: bytes, using: key(salt))
    bytes.append(0x3A)
    bytes.append(contentsOf: signature)
    let value = Data(bytes).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    return "\(SessionCookies.cookieName)=\(value); \(SessionCookies.attributes)"
  }

  /// Whether a cookie was made here, for this salt, and not too long ago.
  func isValid(_ claim: Claim, salt: [UInt8], at now: Int64) -> Bool {
    HMAC<SHA256>.isValidAuthenticationCode(claim.signature, authenticating: claim.signed, using: key(salt))
      && claim.time <= now && now - claim.time < SessionCookies.lifetime
  }

  private func key(_ salt: [UInt8]) -> SymmetricKey { SymmetricKey(data: secret + salt) }

  /// The value of the cookie in a request, unless it is empty.
  static func value(in headers: HTTPFields) -> String? {
    for header in headers[values: .cookie] {
      for pair in header.split(separator: ";") {
        let pair = pair.trimmed
        guard pair.hasPrefix(cookieName + "=") else { continue }
        let value = pair.dropFirst(cookieName.utf8.count + 1)
        return value.isEmpty ? nil : String(value)
      }
    }
    return nil
  }
}
