import PouchCore

/// The header of an answer: `h = L("pp1 answer", sid, H(c), F)`.
struct AnswerHeader: Sendable, Hashable {
  let session: SessionID
  /// `H(c)`, of the offer.
  let offer: [UInt8]
  /// `F`
  let key: AgreementKey

  init(session: SessionID, offer: [UInt8], key: AgreementKey) {
    self.session = session
    self.offer = offer
    self.key = key
  }

  init(parsing bytes: [UInt8]) throws(Flaw) {
    guard let parts = Parts.split(bytes, into: 4), parts[0] == Array("pp1 answer".utf8),
      let session = SessionID(parts[1]), parts[2].count == 32, let key = AgreementKey(parts[3])
    else { throw Flaw(member: "h") }
    self.init(session: session, offer: parts[2], key: key)
  }

  var bytes: [UInt8] {
    Parts.join("pp1 answer", .bytes(session.bytes), .bytes(offer), .bytes(key.bytes))
  }
}

/// The keys of an opening, once there are an offer and an answer.
struct SessionSecrets: Sendable {
  /// `kA`
  let answer: [UInt8]
  /// `kSO`
  let fromSharer: [UInt8]
  /// `kOS`
  let fromOpener: [UInt8]
  /// `kB`
  let binding: [UInt8]

  /// - Parameters:
  ///   - agreements: `Z` and `ECDH(F, E)`.
  ///   - transcript: `tO`.
  ///   - header: the answer's.
  init(agreements: (offer: [UInt8], answer: [UInt8]), transcript: [UInt8], header: [UInt8]) {
    let salt = Primitives.hash(Parts.join(.bytes(transcript), .bytes(header)))
    let keys = Primitives.derive(agreements.offer + agreements.answer, salt: salt, info: "pp1 session", count: 128)
    answer = Array(keys[0..<32])
    fromSharer = Array(keys[32..<64])
    fromOpener = Array(keys[64..<96])
    binding = Array(keys[96..<128])
  }

  func direction(from role: Role) -> [UInt8] { role == .sharer ? fromSharer : fromOpener }

  /// `tA`
  static func transcript(of body: [UInt8], header: [UInt8]) -> [UInt8] {
    Primitives.hash(Parts.join(.bytes(header), .bytes(body)))
  }

  /// What the sharer signs.
  static func signedMessage(opener: IdentityKey, offer: [UInt8], answer: [UInt8]) -> [UInt8] {
    Parts.join("pp1 answer sig", .bytes(opener.bytes), .bytes(offer), .bytes(answer))
  }
}

/// `body` of an answer: `{ok: true, ice, fp, cands}` or `{ok: false, error}`.
enum AnswerBody: Sendable, Hashable {
  case accepted(IceDescription)
  case refused(Refusal)

  var encoded: [UInt8] {
    switch self {
    case .accepted(let description):
      var members: JSON.Object = ["ok": true]
      for (name, value) in description.members { members[name] = value }
      return JSONText(.object(members)).bytes
    case .refused(let refusal):
      return JSONText(["ok": false, "error": JSON(refusal.rawValue)]).bytes
    }
  }

  init(parsing bytes: [UInt8]) throws(Flaw) {
    let fields = try Fields(parsing: bytes)
    guard let isAccepted = fields.value("ok")?.bool else { throw Flaw(member: "ok") }
    if isAccepted {
      self = .accepted(try IceDescription(fields))
    } else {
      guard let refusal = Refusal(rawValue: try fields.text("error", upTo: TrustLimits.refusal)) else {
        throw Flaw(member: "error")
      }
      self = .refused(refusal)
    }
  }
}
