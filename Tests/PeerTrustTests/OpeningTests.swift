import PouchCore
import Testing

@testable import PeerTrust

@Suite("Openings")
struct OpeningTests {
  var parties = Parties()

  @Test mutating func `an offer is answered, and both ends have the same session`() throws {
    var (sharer, opener) = try parties.connect()
    #expect(sharer.remote == parties.opener.key)
    #expect(opener.remote == parties.sharer.key)
    #expect(sharer.isHello(opener.hello))
    #expect(opener.isHello(sharer.hello))
    let candidate = try #require(IceCandidate.sample(3))
    #expect(try opener.open(sharer.seal([candidate], using: &parties.generator)) == [candidate])
    #expect(try sharer.open(opener.seal([candidate], using: &parties.generator)) == [candidate])
  }

  @Test mutating func `what the opener says of itself arrives`() throws {
    let ticket = try parties.ticket()
    let offer = try parties.offer(ticket: ticket.keys)
    let received = try parties.receive(offer.signal)
    #expect(received.session == offer.session)
    #expect(received.remote == parties.opener.key)
    #expect(received.info == ["who": "me"])
    #expect(received.description == .sample("open"))
    #expect(received.ticket?.id == ticket.keys.id)
    #expect(try #require(received.ticket).isMade(with: ticket.keys))
  }

  @Test mutating func `a refusal arrives with its reason`() throws {
    let offer = try parties.offer()
    let signal = try parties.receive(offer.signal).refuse(
      as: parties.sharer, .ticketClaimed, using: &parties.generator)
    guard case .refused(let refusal) = try offer.open(signal) else {
      Issue.record("accepted")
      return
    }
    #expect(refusal == .ticketClaimed)
  }

  @Test mutating func `two openings have nothing in common`() throws {
    let (first, second) = (try parties.connect(), try parties.connect())
    #expect(!first.sharer.isHello(second.opener.hello))
    let (one, other) = (try parties.offer(), try parties.offer())
    #expect(one.signal.sealed != other.signal.sealed)
    #expect(one.session != other.session)
  }

  @Test mutating func `an answer to one offer is none to another`() throws {
    let (one, other) = (try parties.offer(), try parties.offer())
    let answer = try parties.receive(one.signal).accept(
      as: parties.sharer, description: .sample("share"), using: &parties.generator)
    #expect(throws: Rejection.id) { try other.open(answer.signal) }
  }

  @Test mutating func `an offer is taken once`() throws {
    let offer = try parties.offer()
    _ = try parties.receive(offer.signal)
    #expect(throws: Rejection.replay) { try parties.receive(offer.signal) }
    parties.reception.end(offer.session)
    #expect(throws: Rejection.replay) { try parties.receive(offer.signal) }
  }

  @Test mutating func `an offer that only somebody else changed can still come`() throws {
    let offer = try parties.offer()
    var document = offer.signal.document
    var ours = try #require(document["peerpouch"]?.object)
    ours["c"] = JSON(Base64URL.encode(offer.signal.sealed.dropLast() + [0]))
    document["peerpouch"] = .object(ours)
    let start = parties.start
    #expect(throws: Rejection.decryption) {
      try parties.reception.receive(document, at: start, using: &parties.generator)
    }
    _ = try parties.receive(offer.signal)
  }

  @Test mutating func `the predecessor of an epoch takes offers for ten minutes`() throws {
    let (early, late) = (try parties.offer(), try parties.offer())
    let published = parties.reception.epoch
    _ = try parties.receive(early.signal, after: TrustLimits.epochLife)
    #expect(parties.reception.epoch != published)
    let end = TrustLimits.epochLife + TrustLimits.predecessorLife
    #expect(throws: Rejection.epoch) { try parties.receive(late.signal, after: end) }
  }

  @Test mutating func `an offer to an epoch is not taken again by its predecessor's memory`() throws {
    let offer = try parties.offer()
    _ = try parties.receive(offer.signal)
    #expect(throws: Rejection.replay) { try parties.receive(offer.signal, after: TrustLimits.epochLife) }
  }

  @Test mutating func `one identity has two openings under way at most`() throws {
    let first = try parties.offer()
    _ = try parties.receive(first.signal)
    _ = try parties.receive(parties.offer().signal)
    let third = try parties.offer()
    #expect(throws: Rejection.pending) { try parties.receive(third.signal) }
    let other = Identity(using: &parties.generator)
    _ = try parties.receive(parties.offer(by: other).signal)
    parties.reception.end(first.session)
    _ = try parties.receive(parties.offer().signal)
    #expect(parties.reception.pendingCount == 3)
  }

  @Test mutating func `an opening ends after thirty seconds, or a minute if somebody is asked`() throws {
    let (one, asked) = (try parties.offer(), try parties.offer())
    _ = try parties.receive(one.signal)
    _ = try parties.receive(asked.signal)
    parties.reception.ask(about: asked.session, at: parties.start)
    #expect(parties.reception.nextChange == parties.start + TrustLimits.handshake)
    let early = parties.start + TrustLimits.handshake - .milliseconds(1)
    #expect(parties.reception.advance(at: early, using: &parties.generator) == [])
    let late = parties.start + TrustLimits.handshake
    #expect(parties.reception.advance(at: late, using: &parties.generator) == [one.session])
    parties.reception.proceed(with: asked.session, at: parties.start + .seconds(59))
    let later = parties.start + TrustLimits.decision
    #expect(parties.reception.advance(at: later, using: &parties.generator) == [])
    #expect(parties.reception.advance(at: later + .seconds(29), using: &parties.generator) == [asked.session])
    #expect(parties.reception.pendingCount == 0)
  }

  @Test mutating func `a session's id is taken while its opening is under way`() throws {
    let session = SessionID(using: &parties.generator)
    func offer(_ identity: Identity) throws -> Signal {
      let key = EphemeralKey(using: &parties.generator)
      return try OutgoingOffer(
        to: parties.record(), from: identity, description: .sample("open"), info: [:], ticket: nil, key: key,
        session: session, using: &parties.generator
      ).signal
    }
    _ = try parties.receive(offer(parties.opener))
    // Neither another identity takes it over, nor does a new offer of its own make one more opening.
    let (own, mallory) = (try offer(parties.opener), try offer(Identity(using: &parties.generator)))
    #expect(throws: Rejection.session) { try parties.receive(own) }
    #expect(throws: Rejection.session) { try parties.receive(mallory) }
    #expect(parties.reception.pendingCount == 1)
    parties.reception.end(session)
    _ = try parties.receive(offer(parties.opener))
  }

  @Test mutating func `a signal says what it is for`() throws {
    let offer = try parties.offer()
    #expect(try Signal(offer.signal.document).kind == .offer)
    var (answer, session) = try parties.receive(offer.signal).accept(
      as: parties.sharer, description: .sample("share"), using: &parties.generator)
    #expect(answer.kind == .answer)
    let candidate = try #require(IceCandidate.sample(1))
    answer = try session.seal([candidate], using: &parties.generator)
    #expect(answer.kind == .more)
  }

  @Test mutating func `info as deep as it may be arrives, and deeper is not sent`() throws {
    func nested(_ depth: Int) -> JSON { (1..<depth).reduce([]) { json, _ in [json] } }
    let record = try parties.record()
    let offer = try OutgoingOffer(
      to: record, from: parties.opener, description: .sample("open"), info: nested(127), using: &parties.generator)
    #expect(try parties.receive(offer.signal).info == nested(127))
    #expect(throws: SignalProblem.info) {
      try OutgoingOffer(
        to: record, from: parties.opener, description: .sample("open"), info: nested(128), using: &parties.generator)
    }
  }

  @Test mutating func `what does not fit into a signal is not sent`() throws {
    let record = try parties.record()
    #expect(throws: SignalProblem.info) {
      try OutgoingOffer(
        to: record, from: parties.opener, description: .sample("open"), info: JSON(String(repeating: "x", count: 2047)),
        using: &parties.generator)
    }
    let long = try #require(
      IceCandidate("candidate:1 1 udp 1 192.0.2.1 1 typ host x " + String(repeating: "y", count: 469)))
    #expect(long.text.utf8.count == TrustLimits.candidate)
    let description = try #require(
      IceDescription(
        usernameFragment: "open", password: String(repeating: "p", count: 22),
        fingerprint: .init(repeating: 0, count: 32),
        candidates: .init(repeating: long, count: 24)))
    #expect(throws: SignalProblem.size) {
      try OutgoingOffer(to: record, from: parties.opener, description: description, using: &parties.generator)
    }
  }

  @Test mutating func `the largest info and 24 usual candidates fit`() throws {
    let offer = try OutgoingOffer(
      to: parties.record(), from: parties.opener, description: .sample("open", candidates: 24),
      info: JSON(String(repeating: "x", count: 2046)), using: &parties.generator)
    let received = try parties.receive(offer.signal)
    #expect(received.description.candidates.count == 24)
    #expect(received.secrets.key.count == 32)
  }

  @Test mutating func `further candidates are at most eight signals and 24 in all`() throws {
    var (sharer, opener) = try parties.connect()
    let candidates = (0..<24).compactMap { IceCandidate.sample($0) }
    #expect(throws: SignalProblem.candidates) { try sharer.seal([], using: &parties.generator) }
    #expect(throws: SignalProblem.candidates) { try sharer.seal(candidates, using: &parties.generator) }
    for _ in 0..<TrustLimits.furtherSignals {
      let signal = try sharer.seal(Array(candidates.prefix(2)), using: &parties.generator)
      #expect(try opener.open(signal).count == 2)
    }
    #expect(throws: SignalProblem.exhausted) { try sharer.seal([candidates[0]], using: &parties.generator) }
  }
}
