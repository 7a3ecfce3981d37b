import PouchCore

/// The header of an offer: `h = L("pp1 offer", id, epoch, E, sid)`.
struct OfferHeader: Sendable, Hashable {
  let share: ShareID
  let epoch: AgreementKey
  /// `E`
  let key: AgreementKey
  let session: SessionID

  init(share: ShareID, epoch: AgreementKey, key: AgreementKey, session: SessionID) {
    self.share = share
    self.epoch = epoch
    self.key = key
    self.session = session
  }

  init(parsing bytes: [UInt8]) throws(Flaw) {
    guard let parts = Parts.split(bytes, into: 5), parts[0] == Array("pp1 offer".utf8),
      let share = ShareID(String(decoding: parts[1], as: UTF8.self)),
      let epoch = AgreementKey(parts[2]), let key = AgreementKey(parts[3]), let session = SessionID(parts[4])
    else { throw Flaw(member: "h") }
    self.init(share: share, epoch: epoch, key: key, session: session)
  }

  var bytes: [UInt8] {
    Parts.join(
      "pp1 offer", .text(share.text), .bytes(epoch.bytes), .bytes(key.bytes), .bytes(session.bytes))
  }
}

/// What both sides compute for an offer.
struct OfferSecrets: Sendable {
  /// `Z = ECDH(E, epoch)`
  let agreement: [UInt8]
  /// `K`
  let key: [UInt8]
  private let header: [UInt8]

  init(agreement: [UInt8], header: [UInt8]) {
    self.agreement = agreement
    self.header = header
    key = Primitives.derive(agreement, salt: Primitives.hash(header), info: "pp1 offer", count: 32)
  }

  /// `tO`
  func transcript(of body: [UInt8]) -> [UInt8] {
    Primitives.hash(Parts.join(.bytes(header), .bytes(body)))
  }

  /// `c`
  func seal(body: [UInt8], code: [UInt8], signature: [UInt8]) -> [UInt8] {
    let text = Parts.join(.bytes(body), .bytes(code), .bytes(signature))
    return Primitives.seal(text, key: key, number: 0, header: header)
  }

  /// What a ticket's code is over.
  static func ticketMessage(owner: IdentityKey, transcript: [UInt8]) -> [UInt8] {
    Parts.join("pp1 ticket", .bytes(owner.bytes), .bytes(transcript))
  }

  /// What the opener signs.
  static func signedMessage(owner: IdentityKey, transcript: [UInt8], code: [UInt8]) -> [UInt8] {
    Parts.join("pp1 offer sig", .bytes(owner.bytes), .bytes(transcript), .bytes(code))
  }
}

/// `body` of an offer: `{key, ice, fp, cands, info, tid?}`, padded with spaces.
struct OfferBody: Sendable, Hashable {
  let key: IdentityKey
  let description: IceDescription
  let info: JSON
  let ticket: TicketID?

  var encoded: [UInt8] {
    var members: JSON.Object = ["key": JSON(Base64URL.encode(key.bytes))]
    for (name, value) in description.members { members[name] = value }
    members["info"] = info
    members["tid"] = ticket.map { JSON(Base64URL.encode($0.bytes)) }
    var bytes = JSONText(.object(members)).bytes
    let excess = bytes.count % TrustLimits.padding
    if excess > 0 { bytes += [UInt8](repeating: 0x20, count: TrustLimits.padding - excess) }
    return bytes
  }
}

extension OfferBody {
  init(parsing bytes: [UInt8]) throws(Flaw) {
    guard bytes.count.isMultiple(of: TrustLimits.padding) else { throw Flaw(member: "padding") }
    let fields = try Fields(parsing: bytes)
    key = try fields.identity("key")
    description = try IceDescription(fields)
    info = try fields.info("info")
    ticket = fields.has("tid") ? TicketID(try fields.bytes("tid", count: 16)) : nil
  }
}
