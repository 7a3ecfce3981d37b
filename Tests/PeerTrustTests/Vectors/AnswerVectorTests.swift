import PouchCore
import TestSupport
import Testing

@testable import PeerTrust

/// The offer of the vectors as its opener remembers it, and its answers.
struct AnswerVectors {
  let json: JSON
  let offers: OfferVectors
  let offer: OutgoingOffer
  let vector: JSON

  init() throws {
    json = try Vectors.load("answers")
    offers = try OfferVectors()
    vector = try offers.json.elements("offers")[0]
    var generator = SeededGenerator(seed: 1)
    let record = try ShareRecord(
      owner: offers.sharer.key, salt: try #require(ShareSalt(offers.json.bytes("salt"))), number: 7,
      epoch: offers.epoch.publicKey, name: "notes", access: .readWrite, gate: [.ticket], lease: 0)
    let body = try OfferBody(parsing: Array(vector.text("body").utf8))
    var offer = try OutgoingOffer(
      to: record, from: offers.opener, description: body.description, info: body.info, ticket: offers.ticket.keys,
      key: try #require(EphemeralKey(scalar: vector.member("E").bytes("scalar"))),
      session: try #require(SessionID(vector.bytes("sid"))), using: &generator)
    // The same offer but for its signature, which is another each time.
    offer.signal = try Signal(.from(json.member("offer")))
    self.offer = offer
  }

  func open(_ document: JSON) throws -> OutgoingOffer.Answer {
    try offer.open(Signal(.from(document)))
  }

  func received() throws -> ReceivedOffer {
    var offers = offers
    return try offers.receive(json.member("offer"))
  }
}

@Suite("Answers of the vectors")
struct AnswerVectorTests {
  let vectors: AnswerVectors

  init() throws { vectors = try AnswerVectors() }

  @Test(arguments: ["accepted", "refused"])
  func `every value on the way to an answer is the same`(_ name: String) throws {
    let vector = try vectors.json.member(name)
    let answered = try vector["F"] ?? vectors.json.member("F")
    let key = try #require(EphemeralKey(scalar: answered.bytes("scalar")))
    let offer = try vectors.received()
    let header = AnswerHeader(session: offer.session, offer: offer.digest, key: key.publicKey)
    #expect(try header.bytes == vector.bytes("h"))
    #expect(try key.agree(with: offer.key) == vector.bytes("ZF"))
    let body = try AnswerBody(parsing: Array(vector.text("body").utf8))
    #expect(try String(decoding: body.encoded, as: UTF8.self) == vector.text("body"))

    var generator = SeededGenerator(seed: 1)
    let answer = offer.answer(body, as: vectors.offers.sharer, key: key, using: &generator)
    #expect(try answer.secrets.answer == vector.bytes("kA"))
    #expect(try answer.secrets.fromSharer == vector.bytes("kSO"))
    #expect(try answer.secrets.fromOpener == vector.bytes("kOS"))
    #expect(try answer.secrets.binding == vector.bytes("kB"))
    #expect(try answer.transcript == vector.bytes("tA"))
    #expect(try answer.signal.header == vector.bytes("h"))
    let signature = try vector.bytes("sig")
    let signed = SessionSecrets.signedMessage(
      opener: vectors.offers.opener.key, offer: offer.transcript, answer: answer.transcript)
    #expect(vectors.offers.sharer.key.verifies(signature, of: signed))
    let text = Parts.join(.bytes(body.encoded), .bytes(signature))
    let sealed = Primitives.seal(text, key: answer.secrets.answer, number: 0, header: header.bytes)
    #expect(try sealed == vector.bytes("c"))
  }

  @Test func `the opener reads an acceptance and has the session's keys`() throws {
    let vector = try vectors.json.member("accepted")
    guard case .accepted(let session, let description) = try vectors.open(vector.member("document")) else {
      Issue.record("refused")
      return
    }
    #expect(try session.transcript == vector.bytes("T"))
    #expect(session.remote == vectors.offers.sharer.key)
    #expect(description.usernameFragment == "sHaR")
    #expect(description.candidates.map(\.transport) == ["udp", "tcp"])
  }

  @Test func `the opener reads a refusal`() throws {
    guard case .refused(let refusal) = try vectors.open(vectors.json.member("refused").member("document")) else {
      Issue.record("accepted")
      return
    }
    #expect(refusal == .forbidden)
  }

  @Test(arguments: try Vectors.negative(of: "answers"))
  func `an answer is not accepted`(_ negative: Vectors.Negative) throws {
    let rejection = #expect(throws: Rejection.self) { try vectors.open(negative.document) }
    #expect(rejection?.check == negative.verdict)
  }
}
