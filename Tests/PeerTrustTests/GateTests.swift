import PouchCore
import TestSupport
import Testing

@testable import PeerTrust

@Suite("Gates")
struct GateTests {
  let friend = Fingerprint(digest: .init(repeating: 1, count: 32))
  let stranger = Fingerprint(digest: .init(repeating: 2, count: 32))
  var generator = SeededGenerator(seed: 6)
  private let good = TicketBook.Verdict.good(TicketID([]))

  @Test func `without a gate everybody may read, and behind one also write`() {
    #expect(Gate.anyone.isOpen)
    #expect(Gate.anyone.decision(on: stranger, ticket: .none) == .admit(.anyone))
    #expect(ShareAccess.usual(behind: Gate.anyone.ways) == .readOnly)
    for gate in [Gate(allowed: []), Gate(takesTickets: true), Gate(asks: true)] {
      #expect(!gate.isOpen)
      #expect(ShareAccess.usual(behind: gate.ways) == .readWrite)
    }
  }

  @Test func `an empty list lets nobody in`() {
    let gate = Gate(allowed: [])
    #expect(gate.ways == [.allow])
    #expect(gate.decision(on: stranger, ticket: good) == .refuse(.forbidden))
  }

  @Test func `each way is enough`() {
    let gate = Gate(allowed: [friend], takesTickets: true)
    #expect(gate.ways == [.allow, .ticket])
    #expect(gate.decision(on: friend, ticket: .wrong) == .admit(.allow))
    #expect(gate.decision(on: stranger, ticket: good) == .admit(.ticket))
    #expect(gate.decision(on: stranger, ticket: .none) == .refuse(.forbidden))
  }

  @Test mutating func `who has no other way in is asked about`() {
    let claimant = Identity(using: &generator).key
    let gate = Gate(allowed: [friend], takesTickets: true, asks: true)
    #expect(gate.decision(on: friend, ticket: .none) == .admit(.allow))
    #expect(gate.decision(on: stranger, ticket: good) == .admit(.ticket))
    #expect(gate.decision(on: stranger, ticket: .expired) == .ask(.expired))
    #expect(gate.decision(on: stranger, ticket: .claimed(by: claimant)) == .ask(.claimed(by: claimant)))
    #expect(Gate(asks: true).decision(on: stranger, ticket: good) == .ask(good))
  }

  @Test mutating func `a bad ticket is refused with its reason`() {
    let gate = Gate(takesTickets: true)
    let claimant = Identity(using: &generator).key
    #expect(gate.decision(on: stranger, ticket: .wrong) == .refuse(.ticket))
    #expect(gate.decision(on: stranger, ticket: .expired) == .refuse(.ticketExpired))
    #expect(gate.decision(on: stranger, ticket: .claimed(by: claimant)) == .refuse(.ticketClaimed))
  }

  @Test func `a reason that is too long is none`() {
    #expect(Refusal(rawValue: String(repeating: "x", count: 128)) != nil)
    #expect(Refusal(rawValue: String(repeating: "x", count: 129)) == nil)
    #expect(Refusal(rawValue: "forbidden") == .forbidden)
  }
}

@Suite("Limits of offers")
struct OfferLimiterTests {
  let start = ContinuousClock.now
  var limiter = OfferLimiter()
  var generator = SeededGenerator(seed: 7)

  @Test mutating func `200 signals are looked at within any second`() throws {
    for number in 0..<200 { try limiter.count(at: start + .milliseconds(number)) }
    #expect(throws: Rejection.rate) { try limiter.count(at: start + .milliseconds(999)) }
    try limiter.count(at: start + .milliseconds(1000))
    #expect(throws: Rejection.rate) { try limiter.count(at: start + .milliseconds(1000)) }
    try limiter.count(at: start + .milliseconds(1001))
  }

  @Test mutating func `128 openings are under way at most`() throws {
    let later = start + .seconds(2)
    for _ in 0..<TrustLimits.pending {
      try limiter.begin(SessionID(using: &generator), by: Identity(using: &generator).key, at: start)
    }
    #expect(throws: Rejection.rate) { try limiter.count(at: later) }
    #expect(limiter.expire(at: start + TrustLimits.handshake).count == TrustLimits.pending)
    try limiter.count(at: later)
  }
}
