public import PouchCore

/// An offer that passed every check but the gate's. Nothing was allocated or answered for it yet.
public struct ReceivedOffer: Sendable {
  public let share: ShareID
  public let session: SessionID
  /// Who wants in; verified.
  public let remote: IdentityKey
  /// Where it is.
  public let description: IceDescription
  /// What it says of itself. It never identifies.
  public let info: JSON
  /// What it showed of a ticket; to be judged by the share's book.
  public let ticket: TicketProof?
  private let owner: IdentityKey
  /// `E`
  let key: AgreementKey
  let secrets: OfferSecrets
  /// `tO`
  let transcript: [UInt8]
  /// `H(c)`
  let digest: [UInt8]

  /// Decrypts and verifies an offer whose header was checked.
  /// - Throws: ``Rejection/decryption``, ``Rejection/body(_:)`` or ``Rejection/signature``.
  init(_ signal: Signal, header: OfferHeader, epoch: EphemeralKey, owner: IdentityKey) throws(Rejection) {
    secrets = OfferSecrets(agreement: epoch.agree(with: header.key), header: signal.header)
    guard let text = Primitives.open(signal.sealed, key: secrets.key, number: 0, header: signal.header) else {
      throw .decryption
    }
    let (bytes, code, signature, body) = try Result { () throws(Flaw) in
      guard let parts = Parts.split(text, into: 3) else { throw Flaw(member: "parts") }
      let body = try OfferBody(parsing: parts[0])
      guard parts[1].count == (body.ticket == nil ? 0 : 32) else { throw Flaw(member: "mac") }
      return (parts[0], parts[1], parts[2], body)
    }.orBody()
    transcript = secrets.transcript(of: bytes)
    let signed = OfferSecrets.signedMessage(owner: owner, transcript: transcript, code: code)
    guard body.key.verifies(signature, of: signed) else { throw .signature }
    self.owner = owner
    share = header.share
    session = header.session
    remote = body.key
    description = body.description
    info = body.info
    let message = OfferSecrets.ticketMessage(owner: owner, transcript: transcript)
    ticket = body.ticket.map { TicketProof(id: $0, code: code, message: message) }
    key = header.key
    digest = Primitives.hash(signal.sealed)
  }

  /// Lets the remote in.
  /// - Parameter identity: the sharer's, whose share it is.
  /// - Returns: what to write into the hub, and the keys of the opening.
  /// - Throws: ``SignalProblem/size``.
  public func accept(
    as identity: Identity, description: IceDescription, using generator: inout some RandomNumberGenerator
  ) throws(SignalProblem) -> (signal: Signal, session: Session) {
    let key = EphemeralKey(using: &generator)
    let answer = answer(.accepted(description), as: identity, key: key, using: &generator)
    guard answer.signal.fits else { throw .size }
    let session = Session(
      id: session, share: share, role: .sharer, remote: remote, secrets: answer.secrets,
      transcripts: (transcript, answer.transcript),
      candidates: (own: description.candidates.count, remote: self.description.candidates.count))
    return (answer.signal, session)
  }

  /// Tells the remote that it is not let in, and why.
  public func refuse(
    as identity: Identity, _ refusal: Refusal, using generator: inout some RandomNumberGenerator
  ) -> Signal {
    let key = EphemeralKey(using: &generator)
    return answer(.refused(refusal), as: identity, key: key, using: &generator).signal
  }

  func answer(
    _ body: AnswerBody, as identity: Identity, key: EphemeralKey, using generator: inout some RandomNumberGenerator
  ) -> (signal: Signal, secrets: SessionSecrets, transcript: [UInt8]) {
    precondition(identity.key == owner, "An offer is answered by the share's owner.")
    let header = AnswerHeader(session: session, offer: digest, key: key.publicKey).bytes
    let keys = SessionSecrets(
      agreements: (secrets.agreement, key.agree(with: self.key)), transcript: transcript, header: header)
    let bytes = body.encoded
    let answered = SessionSecrets.transcript(of: bytes, header: header)
    let signature = identity.sign(
      SessionSecrets.signedMessage(opener: remote, offer: transcript, answer: answered))
    let text = Parts.join(.bytes(bytes), .bytes(signature))
    let sealed = Primitives.seal(text, key: keys.answer, number: 0, header: header)
    let signal = Signal(
      from: .sharer, share: share, session: session, header: header, sealed: sealed, using: &generator)
    return (signal, keys, answered)
  }
}
