public import PouchCore

/// An offer that this side made, waiting for its answer.
///
/// It may be written into the hub again as it is. To change anything a new one is made, with a new key.
public struct OutgoingOffer: Sendable {
  /// What to write into the hub.
  public internal(set) var signal: Signal
  public let session: SessionID
  private let share: ShareID
  private let owner: IdentityKey
  private let opener: IdentityKey
  private let key: EphemeralKey
  private let secrets: OfferSecrets
  /// `tO`
  private let transcript: [UInt8]
  private let candidates: Int

  /// Makes an offer.
  /// - Parameters:
  ///   - record: the verified record of the share.
  ///   - info: what the sharer's `onRemote` gets to see; at most ``TrustLimits/info`` bytes.
  ///   - ticket: the keys of a ticket to this share.
  /// - Throws: a ``SignalProblem`` with what passes a limit.
  public init(
    to record: ShareRecord, from identity: Identity, description: IceDescription, info: JSON = [:],
    ticket: TicketKeys? = nil, using generator: inout some RandomNumberGenerator
  ) throws(SignalProblem) {
    let key = EphemeralKey(using: &generator)
    let session = SessionID(using: &generator)
    try self.init(
      to: record, from: identity, description: description, info: info, ticket: ticket, key: key, session: session,
      using: &generator)
  }

  init(
    to record: ShareRecord, from identity: Identity, description: IceDescription, info: JSON, ticket: TicketKeys?,
    key: EphemeralKey, session: SessionID, using generator: inout some RandomNumberGenerator
  ) throws(SignalProblem) {
    guard info.isInfo else { throw .info }
    self.session = session
    self.key = key
    share = record.id
    owner = record.owner
    opener = identity.key
    candidates = description.candidates.count

    let header = OfferHeader(share: record.id, epoch: record.epoch, key: key.publicKey, session: session).bytes
    secrets = OfferSecrets(agreement: key.agree(with: record.epoch), header: header)
    let body = OfferBody(key: identity.key, description: description, info: info, ticket: ticket?.id).encoded
    transcript = secrets.transcript(of: body)
    let proven = OfferSecrets.ticketMessage(owner: record.owner, transcript: transcript)
    let code = ticket.map { Primitives.authenticate(proven, key: $0.key) } ?? []
    let signed = OfferSecrets.signedMessage(owner: record.owner, transcript: transcript, code: code)
    let sealed = secrets.seal(body: body, code: code, signature: identity.sign(signed))
    signal = Signal(
      from: .opener, share: record.id, session: session, header: header, sealed: sealed, using: &generator)
    guard signal.fits else { throw .size }
  }

  /// What the sharer said.
  public enum Answer: Sendable {
    /// It lets this side in, and this is where it is.
    case accepted(Session, IceDescription)
    case refused(Refusal)
  }

  /// Opens an answer.
  /// - Throws: why it is none to this offer; then the wait for a valid one goes on.
  public func open(_ answer: Signal) throws(Rejection) -> Answer {
    let header = try Result { () throws(Flaw) in
      guard answer.role == .sharer else { throw Flaw(member: "_id") }
      return try AnswerHeader(parsing: answer.header)
    }.orForm()
    guard header.session == session, answer.isBetween(session, and: share) else { throw .id }
    guard header.offer == Primitives.hash(signal.sealed) else { throw .offer }
    let keys = SessionSecrets(
      agreements: (secrets.agreement, key.agree(with: header.key)), transcript: transcript, header: answer.header)
    guard let text = Primitives.open(answer.sealed, key: keys.answer, number: 0, header: answer.header) else {
      throw .decryption
    }
    let (bytes, signature, body) = try Result { () throws(Flaw) in
      guard let parts = Parts.split(text, into: 2) else { throw Flaw(member: "parts") }
      return (parts[0], parts[1], try AnswerBody(parsing: parts[0]))
    }.orBody()
    let answered = SessionSecrets.transcript(of: bytes, header: answer.header)
    let signed = SessionSecrets.signedMessage(opener: opener, offer: transcript, answer: answered)
    guard owner.verifies(signature, of: signed) else { throw .signature }
    switch body {
    case .refused(let refusal):
      return .refused(refusal)
    case .accepted(let description):
      let session = Session(
        id: session, share: share, role: .opener, remote: owner, secrets: keys, transcripts: (transcript, answered),
        candidates: (own: candidates, remote: description.candidates.count))
      return .accepted(session, description)
    }
  }
}
