import PouchCore

/// The keys and counters of an opening, from the answer on.
///
/// It seals further candidates, proves over the new connection that both ends of it are those that signalled, and proves
/// tickets for more shares over the same connection. It is to be kept in one place: two copies would seal different
/// candidates under one number.
public struct Session: Sendable {
  public let id: SessionID
  public let share: ShareID
  /// This side's role.
  public let role: Role
  /// Who the other side is; verified.
  public let remote: IdentityKey
  /// `T = H(L(tO, tA))`: what both sides agree to have said.
  let transcript: [UInt8]
  private let secrets: SessionSecrets
  private var own: Direction
  private var other: Direction

  /// What went one way so far.
  private struct Direction: Sendable {
    /// The number of the last signal.
    var number: UInt32 = 0
    var candidates: Int
  }

  init(
    id: SessionID, share: ShareID, role: Role, remote: IdentityKey, secrets: SessionSecrets,
    transcripts: (offer: [UInt8], answer: [UInt8]), candidates: (own: Int, remote: Int)
  ) {
    self.id = id
    self.share = share
    self.role = role
    self.remote = remote
    self.secrets = secrets
    transcript = Primitives.hash(Parts.join(.bytes(transcripts.offer), .bytes(transcripts.answer)))
    own = Direction(candidates: candidates.own)
    other = Direction(candidates: candidates.remote)
  }
}

// MARK: - Further candidates

extension Session {
  /// Seals candidates that were found after the offer or answer: `AEAD(kSO or kOS, n, h, {cands})` with
  /// `h = L("pp1 more", sid, direction, n)`.
  /// - Throws: ``SignalProblem/candidates``, ``SignalProblem/exhausted`` or ``SignalProblem/size``.
  public mutating func seal(
    _ candidates: [IceCandidate], using generator: inout some RandomNumberGenerator
  ) throws(SignalProblem) -> Signal {
    guard !candidates.isEmpty, own.candidates + candidates.count <= TrustLimits.candidates else { throw .candidates }
    guard own.number < TrustLimits.furtherSignals else { throw .exhausted }
    let number = own.number + 1
    let header = Session.header(id, from: role, number: number)
    let body = JSONText(["cands": .array(candidates.map { JSON($0.text) })]).bytes
    let sealed = Primitives.seal(body, key: secrets.direction(from: role), number: number, header: header)
    let signal = Signal(from: role, share: share, session: id, header: header, sealed: sealed, using: &generator)
    guard signal.fits else { throw .size }
    own.number = number
    own.candidates += candidates.count
    return signal
  }

  /// Opens candidates that the other side found later.
  ///
  /// Numbers must rise: what arrives after a later one is rejected.
  /// - Throws: ``Rejection/form(_:)``, ``Rejection/id``, ``Rejection/order``, ``Rejection/decryption`` or
  ///   ``Rejection/body(_:)``, in this order.
  public mutating func open(_ signal: Signal) throws(Rejection) -> [IceCandidate] {
    let number = try Result { () throws(Flaw) in
      guard let parts = Parts.split(signal.header, into: 4), parts[0] == Array("pp1 more".utf8),
        SessionID(parts[1]) != nil, parts[3].count == 4
      else { throw Flaw(member: "h") }
      return parts[3].reduce(0) { $0 << 8 | UInt32($1) }
    }.orForm()
    let isExpected = signal.header == Session.header(id, from: role.other, number: number)
    guard signal.role == role.other, signal.isBetween(id, and: share), isExpected else { throw .id }
    guard number > other.number, number <= TrustLimits.furtherSignals else { throw .order }
    guard
      let body = Primitives.open(
        signal.sealed, key: secrets.direction(from: role.other), number: number, header: signal.header)
    else { throw .decryption }
    let candidates = try Result { () throws(Flaw) in
      let candidates = try IceDescription.candidates(in: Fields(parsing: body))
      guard !candidates.isEmpty, other.candidates + candidates.count <= TrustLimits.candidates else {
        throw Flaw(member: "cands")
      }
      return candidates
    }.orBody()
    other.number = number
    other.candidates += candidates.count
    return candidates
  }

  private static func header(_ id: SessionID, from role: Role, number: UInt32) -> [UInt8] {
    Parts.join("pp1 more", .bytes(id.bytes), .text(role.direction), .integer(number))
  }
}

// MARK: - The connection

extension Session {
  /// What this side's first frame carries: `HMAC(kB, L("pp1 hello", role, T))`, 32 bytes.
  public var hello: [UInt8] { hello(from: role) }

  /// Whether the other side's first frame carries what it must. If not, the connection ends.
  public func isHello(_ code: [UInt8]) -> Bool {
    Primitives.isAuthentic(code, helloMessage(from: role.other), key: secrets.binding)
  }

  func hello(from role: Role) -> [UInt8] {
    Primitives.authenticate(helloMessage(from: role), key: secrets.binding)
  }

  private func helloMessage(from role: Role) -> [UInt8] {
    Parts.join("pp1 hello", .text(role.rawValue), .bytes(transcript))
  }

  /// Proves a ticket for another share of the other side over this connection:
  /// `HMAC(kT, L("pp1 open", id, T, requester))`.
  public func proof(of ticket: TicketKeys, opening share: ShareID) -> TicketProof {
    let message = openMessage(share, requester: role)
    return TicketProof(id: ticket.id, code: Primitives.authenticate(message, key: ticket.key), message: message)
  }

  /// What the other side showed of a ticket, in order to open a share of this side over this connection; to be judged
  /// by that share's book.
  /// - Returns: `nil` unless `id` has 16 and `code` 32 bytes.
  public func proof(id: [UInt8], code: [UInt8], opening share: ShareID) -> TicketProof? {
    guard id.count == 16, code.count == 32 else { return nil }
    return TicketProof(id: TicketID(id), code: code, message: openMessage(share, requester: role.other))
  }

  private func openMessage(_ share: ShareID, requester: Role) -> [UInt8] {
    Parts.join("pp1 open", .text(share.text), .bytes(transcript), .text(requester.rawValue))
  }
}
