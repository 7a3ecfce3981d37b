import PouchCore
import TestSupport
import Testing

@testable import PeerTrust

@Suite("Sessions of the vectors")
struct SessionVectorTests {
  let json: JSON
  let answers: AnswerVectors
  var opener: Session
  var sharer: Session

  init() throws {
    json = try Vectors.load("sessions")
    answers = try AnswerVectors()
    let vector = try answers.json.member("accepted")
    guard case .accepted(let session, let description) = try answers.open(vector.member("document")) else {
      throw Rejection.form("accepted")
    }
    opener = session
    let offer = try answers.received()
    let key = try #require(EphemeralKey(scalar: answers.json.member("F").bytes("scalar")))
    var generator = SeededGenerator(seed: 1)
    let answer = offer.answer(.accepted(description), as: answers.offers.sharer, key: key, using: &generator)
    sharer = Session(
      id: offer.session, share: offer.share, role: .sharer, remote: offer.remote, secrets: answer.secrets,
      transcripts: (offer.transcript, answer.transcript),
      candidates: (description.candidates.count, offer.description.candidates.count))
  }

  @Test func `both sides agree on what was said`() throws {
    #expect(try opener.transcript == json.bytes("T"))
    #expect(sharer.transcript == opener.transcript)
  }

  @Test mutating func `further candidates are read both ways`() throws {
    for row in try json.member("more").elements("sharer") {
      let candidates = try opener.open(Signal(.from(row.member("document"))))
      #expect(candidates.count == 1)
      #expect(candidates.first?.kind == .relayed)
    }
    for row in try json.member("more").elements("opener") {
      #expect(try sharer.open(Signal(.from(row.member("document")))).count == 1)
    }
  }

  @Test mutating func `further candidates are sealed to the same bytes`() throws {
    let row = try json.member("more").elements("sharer")[0]
    let body = try Fields(parsing: Array(row.text("body").utf8))
    var generator = SeededGenerator(seed: 1)
    let signal = try sharer.seal(IceDescription.candidates(in: body), using: &generator)
    #expect(try signal.header == row.bytes("h"))
    #expect(try signal.sealed == row.bytes("c"))
  }

  @Test func `the first frames prove both ends`() throws {
    let hello = try json.member("hello")
    #expect(try sharer.hello == hello.bytes("sharer"))
    #expect(try opener.hello == hello.bytes("opener"))
    #expect(sharer.isHello(opener.hello))
    #expect(opener.isHello(sharer.hello))
    // Swapped roles: what a side said itself proves nothing.
    #expect(!sharer.isHello(sharer.hello))
    #expect(!opener.isHello(opener.hello))
    for bit in 0..<256 {
      var flipped = opener.hello
      flipped[bit / 8] ^= 1 << (bit % 8)
      #expect(!sharer.isHello(flipped))
    }
    #expect(!sharer.isHello(Array(opener.hello.dropLast())))
    #expect(!sharer.isHello([]))
  }

  @Test func `tickets for another share are proven over the same connection`() throws {
    for vector in try json.elements("opens") {
      let share = try #require(ShareID(vector.text("id")))
      let hub = try #require(HubName("https://hub.example/hub"))
      let ticket = Ticket(share: share, hub: hub, secret: try vector.bytes("ticketSecret"))
      let (requester, owner) = try vector.text("requester") == "sharer" ? (sharer, opener) : (opener, sharer)
      let proof = requester.proof(of: ticket.keys, opening: share)
      #expect(try proof.id.bytes == vector.bytes("tid"))
      #expect(try proof.code == vector.bytes("mac"))
      let shown = try #require(owner.proof(id: vector.bytes("tid"), code: vector.bytes("mac"), opening: share))
      #expect(shown.isMade(with: ticket.keys))
      // Sent back to whom it came from, or for another share, it proves nothing.
      let back = try #require(requester.proof(id: vector.bytes("tid"), code: vector.bytes("mac"), opening: share))
      #expect(!back.isMade(with: ticket.keys))
      let other = try #require(owner.proof(id: vector.bytes("tid"), code: vector.bytes("mac"), opening: sharer.share))
      #expect(!other.isMade(with: ticket.keys))
    }
    #expect(sharer.proof(id: [], code: .init(repeating: 0, count: 32), opening: sharer.share) == nil)
    #expect(sharer.proof(id: .init(repeating: 0, count: 16), code: [], opening: sharer.share) == nil)
  }

  @Test(arguments: try Vectors.negative(of: "sessions"))
  mutating func `further candidates are not accepted`(_ negative: Vectors.Negative) throws {
    for document in negative.before { _ = try opener.open(Signal(.from(document))) }
    do {
      let candidates = try opener.open(Signal(.from(negative.document)))
      Issue.record("accepted: \(candidates)")
    } catch let rejection as Rejection {
      #expect(rejection.check == negative.verdict)
    }
  }
}
