import PouchCore
import Testing

@testable import PeerTrust

@Suite("Tickets")
struct TicketBookTests {
  var parties = Parties(seed: 8)
  var book = TicketBook()

  private mutating func shown(_ ticket: Ticket) throws -> ReceivedOffer {
    let offer = try parties.offer(ticket: ticket.keys)
    defer { parties.reception.end(offer.session) }
    return try parties.receive(offer.signal)
  }

  @Test mutating func `the first key to redeem a ticket has it`() throws {
    let ticket = try parties.ticket()
    try book.add(ticket, lifetime: nil, at: parties.start)
    let offer = try shown(ticket)
    #expect(book.verdict(on: offer.ticket, by: offer.remote, at: parties.start) == .good(ticket.keys.id))
    book.claim(ticket.keys.id, by: offer.remote)
    #expect(book.verdict(on: offer.ticket, by: offer.remote, at: parties.start) == .good(ticket.keys.id))
    let other = Identity(using: &parties.generator)
    #expect(book.verdict(on: offer.ticket, by: other.key, at: parties.start) == .claimed(by: offer.remote))
    book.claim(ticket.keys.id, by: other.key)
    #expect(book.all.first?.claimant == offer.remote)
  }

  @Test mutating func `a ticket stops being good by the sharer's clock`() throws {
    let ticket = try parties.ticket()
    try book.add(ticket, lifetime: TrustLimits.sendTicketLife, at: parties.start)
    let offer = try shown(ticket)
    let end = parties.start + .seconds(24 * 60 * 60)
    #expect(book.verdict(on: offer.ticket, by: offer.remote, at: end - .seconds(1)) == .good(ticket.keys.id))
    #expect(book.verdict(on: offer.ticket, by: offer.remote, at: end) == .expired)
  }

  @Test mutating func `a ticket that was never made is wrong, and none is none`() throws {
    let offer = try shown(parties.ticket())
    #expect(book.verdict(on: offer.ticket, by: offer.remote, at: parties.start) == .wrong)
    #expect(book.verdict(on: nil, by: offer.remote, at: parties.start) == .none)
  }

  @Test mutating func `a revoked ticket is wrong, and so are those of a forgotten identity`() throws {
    let (one, other, free) = (try parties.ticket(), try parties.ticket(), try parties.ticket())
    for ticket in [one, other, free] { try book.add(ticket, lifetime: nil, at: parties.start) }
    let offer = try shown(one)
    book.revoke(one.keys.id)
    #expect(book.verdict(on: offer.ticket, by: offer.remote, at: parties.start) == .wrong)
    book.claim(other.keys.id, by: offer.remote)
    book.revoke(claimedBy: offer.remote.fingerprint)
    #expect(book.all.map(\.ticket) == [free])
  }

  @Test mutating func `a full book takes no more until a ticket expired`() throws {
    for _ in 0..<TrustLimits.tickets {
      try book.add(parties.ticket(), lifetime: .seconds(60), at: parties.start)
    }
    let ticket = try parties.ticket()
    #expect(throws: TicketBook.Full.self) { try book.add(ticket, lifetime: nil, at: parties.start + .seconds(59)) }
    try book.add(ticket, lifetime: nil, at: parties.start + .seconds(60))
    #expect(book.all.map(\.ticket) == [ticket])
  }

  @Test mutating func `a book outlives its process`() throws {
    let (claimed, timed) = (try parties.ticket(), try parties.ticket())
    try book.add(claimed, lifetime: nil, at: parties.start)
    book.claim(claimed.keys.id, by: parties.opener.key)
    try book.add(timed, lifetime: .seconds(100), at: parties.start)
    let saved = book.saved(at: parties.start + .seconds(10), date: 1000)
    let later = ContinuousClock.now + .seconds(5000)

    func loaded(date: Int) -> TicketBook { TicketBook(saved: saved, of: parties.share, at: later, date: date) }
    let same = loaded(date: 1000).entries
    #expect(same.count == 2)
    #expect(same[claimed.keys.id]?.claimant == parties.opener.key)
    #expect(same[timed.keys.id]?.expiry == later + .seconds(90))
    #expect(loaded(date: 1050).entries[timed.keys.id]?.expiry == later + .seconds(40))
    #expect(loaded(date: 1090).entries[timed.keys.id] == nil)
    // A clock that was set back gives no more than was left.
    #expect(loaded(date: 0).entries[timed.keys.id]?.expiry == later + .seconds(90))
    #expect(TicketBook(saved: saved, of: try ShareID.sample(9), at: later, date: 1000).all.isEmpty)
  }

  @Test mutating func `damaged entries of a saved book are left out`() throws {
    let text = JSON(try parties.ticket().text)
    for entry: JSON in [
      7, [:], ["ticket": "pp1-x"], ["ticket": text, "key": "x"], ["ticket": text, "key": nil],
      ["ticket": text, "left": 5], ["ticket": text, "left": -1, "until": 2000],
      ["ticket": text, "left": "1", "until": 2000],
      ["ticket": text, "left": 5, "until": 999],
    ] {
      let book = TicketBook(saved: ["tickets": [entry]], of: parties.share, at: parties.start, date: 1000)
      #expect(book.all.isEmpty, "\(entry)")
    }
  }
}

extension ShareID {
  static func sample(_ byte: UInt8) throws -> ShareID {
    try #require(ShareID(uuid: UUIDText.marked(.init(repeating: byte, count: 16), version: 8)))
  }
}
