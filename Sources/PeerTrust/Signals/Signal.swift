public import PouchCore

/// A message by way of a hub: a signal document, whose contents only the two peers can read.
///
/// ```json
/// {"_id": "p-signal-<uuid>", "type": "com.stemstorage.peerpouch.signal", "sender": "…", "recipient": "…",
///  "data": null, "info": {}, "peerpouch": {"v": 1, "h": "…", "c": "…"}}
/// ```
public struct Signal: Sendable, Hashable {
  /// The type of signal documents, the seed's.
  public static let documentType = "com.stemstorage.peerpouch.signal"

  /// The document's id.
  public let id: String
  /// Which side sent it.
  public let role: Role
  /// A session id for the opener's signals, and a share's id for the sharer's; unverified.
  public let sender: String
  /// The other of the two; unverified.
  public let recipient: String
  /// `h`
  let header: [UInt8]
  /// `c`
  let sealed: [UInt8]

  init(
    from role: Role, share: ShareID, session: SessionID, header: [UInt8], sealed: [UInt8],
    using generator: inout some RandomNumberGenerator
  ) {
    id = role.prefix + UUIDText.of(UUIDText.marked(.random(16, using: &generator), version: 4))
    self.role = role
    sender = role == .opener ? session.text : share.text
    recipient = role == .opener ? share.text : session.text
    self.header = header
    self.sealed = sealed
  }

  /// Reads a document. What it says is not verified.
  /// - Throws: ``Rejection/size`` or ``Rejection/form(_:)``.
  public init(_ document: Document) throws(Rejection) {
    guard document.body.bytes.count <= TrustLimits.signal else { throw .size }
    self = try Result { () throws(Flaw) in try Signal(reading: document) }.orForm()
  }

  private init(reading document: Document) throws(Flaw) {
    guard !document.isDeleted, let id = document.id?.text,
      let role = Role.allCases.first(where: { id.utf8.starts(with: $0.prefix.utf8) }),
      UUIDText.bytes(of: id.dropFirst(role.prefix.count)) != nil
    else { throw Flaw(member: "_id") }
    let fields = try Fields(document.body.json, named: "json")
    guard fields.value("type")?.string == Signal.documentType else { throw Flaw(member: "type") }
    let ours = try fields.fields("peerpouch")
    guard ours.value("v")?.int == 1 else { throw Flaw(member: "v") }
    self.id = id
    self.role = role
    sender = try fields.text("sender", upTo: 64)
    recipient = try fields.text("recipient", upTo: 64)
    header = try ours.bytes("h")
    sealed = try ours.bytes("c")
  }

  /// The document to write into the hub.
  public var document: Document {
    Document(
      id: DocumentID(id),
      fields: [
        "type": JSON(Signal.documentType),
        "sender": JSON(sender),
        "recipient": JSON(recipient),
        "data": nil,
        "info": [:],
        "peerpouch": ["v": 1, "h": JSON(Base64URL.encode(header)), "c": JSON(Base64URL.encode(sealed))],
      ])
  }

  /// What a signal is for.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case offer
    case answer
    /// Further candidates.
    case more
  }

  /// What it says it is for; unverified. `nil` for what this version does not know.
  public var kind: Kind? {
    Kind.allCases.first { header.starts(with: Parts.join(.text("pp1 \($0.rawValue)"))) }
  }

  /// Whether the document is small enough to be read.
  var fits: Bool { document.body.bytes.count <= TrustLimits.signal }

  /// Whether it goes between this session and this share.
  func isBetween(_ session: SessionID, and share: ShareID) -> Bool {
    // By bytes: Swift's strings also equal others that only look the same.
    let ends = [ExactString(sender), ExactString(recipient)]
    let expected = [ExactString(session.text), ExactString(share.text)]
    return ends == (role == .opener ? expected : expected.reversed())
  }
}

/// Why the own side's signal cannot be made.
public enum SignalProblem: Error, Sendable, Hashable {
  /// The info is larger than ``TrustLimits/info`` bytes.
  case info
  /// The document would be larger than ``TrustLimits/signal``: name fewer candidates.
  case size
  /// ``TrustLimits/candidates`` were named already, or none are given.
  case candidates
  /// ``TrustLimits/furtherSignals`` were sent already.
  case exhausted
}
