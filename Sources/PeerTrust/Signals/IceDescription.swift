import PouchCore

/// What one side says of its connection: the fields from which the other side builds the session description itself.
///
/// In JSON `{ice: {ufrag, pwd}, fp, cands}`; `fp` is 32 bytes in base64url, the SHA-256 of the DTLS certificate.
public struct IceDescription: Sendable, Hashable {
  /// 4 to 256 letters, digits, `+` and `/` (RFC 8839, section 5.4).
  public let usernameFragment: String
  /// 22 to 256 of these characters.
  public let password: String
  /// The SHA-256 of the certificate for DTLS, 32 bytes.
  public let fingerprint: [UInt8]
  /// At most ``TrustLimits/candidates``.
  public let candidates: [IceCandidate]

  /// - Returns: `nil` if a value has not the form it must have, or there are too many candidates.
  public init?(usernameFragment: String, password: String, fingerprint: [UInt8], candidates: [IceCandidate]) {
    guard IceText.isCredential(usernameFragment, from: 4), IceText.isCredential(password, from: 22),
      fingerprint.count == 32, candidates.count <= TrustLimits.candidates
    else { return nil }
    self.usernameFragment = usernameFragment
    self.password = password
    self.fingerprint = fingerprint
    self.candidates = candidates
  }

  init(_ fields: Fields) throws(Flaw) {
    let ice = try fields.fields("ice")
    let usernameFragment = try ice.text("ufrag", upTo: TrustLimits.iceCredential)
    guard IceText.isCredential(usernameFragment, from: 4) else { throw Flaw(member: "ufrag") }
    let password = try ice.text("pwd", upTo: TrustLimits.iceCredential)
    guard IceText.isCredential(password, from: 22) else { throw Flaw(member: "pwd") }
    self.usernameFragment = usernameFragment
    self.password = password
    fingerprint = try fields.bytes("fp", count: 32)
    candidates = try IceDescription.candidates(in: fields)
  }

  /// The members, in their order.
  var members: JSON.Object {
    [
      "ice": ["ufrag": JSON(usernameFragment), "pwd": JSON(password)],
      "fp": JSON(Base64URL.encode(fingerprint)),
      "cands": .array(candidates.map { JSON($0.text) }),
    ]
  }

  static func candidates(in fields: Fields) throws(Flaw) -> [IceCandidate] {
    guard let values = fields.value("cands")?.array, values.count <= TrustLimits.candidates else {
      throw Flaw(member: "cands")
    }
    var candidates: [IceCandidate] = []
    for value in values {
      guard let candidate = value.string.flatMap(IceCandidate.init) else { throw Flaw(member: "cands") }
      candidates.append(candidate)
    }
    return candidates
  }
}

/// The characters of ICE's texts (RFC 8839, section 5.1: `ice-char`).
enum IceText {
  static func isIce(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F: true
    default: false
    }
  }

  static func isCredential(_ text: String, from least: Int) -> Bool {
    (least...TrustLimits.iceCredential).contains(text.utf8.count) && text.utf8.allSatisfy(isIce)
  }
}
