import PouchCore
import TestSupport
import Testing

@testable import PeerTrust

/// A sharer with one share, and an opener who wants in.
struct Parties {
  var generator: SeededGenerator
  let sharer: Identity
  let opener: Identity
  let salt: ShareSalt
  var reception: OfferReception
  let start = ContinuousClock.now

  init(seed: UInt64 = 1) {
    generator = SeededGenerator(seed: seed)
    sharer = Identity(using: &generator)
    opener = Identity(using: &generator)
    salt = ShareSalt(using: &generator)
    let share = ShareID(owner: sharer.key, salt: salt)
    reception = OfferReception(share: share, owner: sharer.key, at: start, using: &generator)
  }

  var share: ShareID { reception.share }

  func record(_ number: Int = 1, name: String = "notes", info: JSON = [:]) throws -> ShareRecord {
    try ShareRecord(
      owner: sharer.key, salt: salt, number: number, epoch: reception.epoch, name: name, info: info,
      access: .readWrite, gate: [.ticket], lease: 900)
  }

  mutating func offer(by identity: Identity? = nil, ticket: TicketKeys? = nil) throws -> OutgoingOffer {
    try OutgoingOffer(
      to: record(), from: identity ?? opener, description: .sample("open"), info: ["who": "me"], ticket: ticket,
      using: &generator)
  }

  mutating func receive(_ signal: Signal, after time: Duration = .zero) throws(Rejection) -> ReceivedOffer {
    try reception.receive(signal.document, at: start + time, using: &generator)
  }

  mutating func ticket() throws -> Ticket {
    Ticket(to: share, hub: try #require(HubName("https://hub.example/hub")), using: &generator)
  }

  /// Both ends of an accepted opening.
  mutating func connect() throws -> (sharer: Session, opener: Session) {
    let offer = try offer()
    let (signal, session) = try receive(offer.signal).accept(
      as: sharer, description: .sample("share"), using: &generator)
    guard case .accepted(let other, _) = try offer.open(signal) else {
      throw Rejection.form("accepted")
    }
    return (session, other)
  }
}

extension IceDescription {
  /// A description with one candidate.
  static func sample(_ name: String, candidates: Int = 1) -> IceDescription {
    let found = (0..<candidates).compactMap { IceCandidate.sample($0) }
    guard
      let description = IceDescription(
        usernameFragment: name, password: name + "0123456789012345678901", fingerprint: .init(repeating: 7, count: 32),
        candidates: found)
    else { preconditionFailure("The sample is valid.") }
    return description
  }
}

extension IceCandidate {
  static func sample(_ number: Int) -> IceCandidate? {
    IceCandidate("candidate:\(number) 1 udp 2130706431 192.0.2.1 \(1024 + number) typ host")
  }
}
