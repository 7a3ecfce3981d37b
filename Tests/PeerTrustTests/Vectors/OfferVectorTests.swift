import PouchCore
import Testing

@testable import PeerTrust

/// The offers of the vectors, and who receives them.
struct OfferVectors {
  let json: JSON
  let sharer: Identity
  let opener: Identity
  let epoch: EphemeralKey
  let share: ShareID
  let ticket: Ticket
  let start = ContinuousClock.now
  private var reception: OfferReception
  private(set) var book = TicketBook()

  init() throws {
    json = try Vectors.load("offers")
    sharer = try #require(Identity(scalar: json.member("sharer").bytes("scalar")))
    opener = try #require(Identity(scalar: json.member("opener").bytes("scalar")))
    epoch = try #require(EphemeralKey(scalar: json.member("epoch").bytes("scalar")))
    share = try #require(ShareID(json.text("id")))
    ticket = Ticket(
      share: share, hub: try #require(HubName(json.text("hub"))), secret: try json.bytes("ticketSecret"))
    reception = OfferReception(share: share, owner: sharer.key, epochs: EpochKeys(epoch, at: start))
    try book.add(ticket, lifetime: nil, at: start)
  }

  mutating func receive(_ document: JSON) throws -> ReceivedOffer {
    var generator = SystemRandomNumberGenerator()
    return try reception.receive(.from(document), at: start, using: &generator)
  }

  /// The check that fails, the gate's included.
  mutating func verdict(on document: JSON) throws -> String {
    do {
      let offer = try receive(document)
      let verdict = book.verdict(on: offer.ticket, by: offer.remote, at: start)
      switch Gate(takesTickets: true).decision(on: offer.remote.fingerprint, ticket: verdict) {
      case .admit: return "admitted"
      case .ask, .refuse: return "gate"
      }
    } catch let rejection as Rejection {
      return rejection.check
    }
  }
}

@Suite("Offers of the vectors")
struct OfferVectorTests {
  var vectors: OfferVectors

  init() throws { vectors = try OfferVectors() }

  @Test func `every value on the way to an offer is the same`() throws {
    for vector in try vectors.json.elements("offers") {
      let key = try #require(EphemeralKey(scalar: vector.member("E").bytes("scalar")))
      let session = try #require(SessionID(try vector.bytes("sid")))
      let header = OfferHeader(
        share: vectors.share, epoch: vectors.epoch.publicKey, key: key.publicKey, session: session)
      #expect(try header.bytes == vector.bytes("h"))
      #expect(try OfferHeader(parsing: vector.bytes("h")) == header)

      let agreement = key.agree(with: vectors.epoch.publicKey)
      #expect(try agreement == vector.bytes("Z"))
      #expect(agreement == vectors.epoch.agree(with: key.publicKey))
      let secrets = OfferSecrets(agreement: agreement, header: header.bytes)
      #expect(try secrets.key == vector.bytes("K"))

      let text = Array(try vector.text("body").utf8)
      let body = try OfferBody(parsing: text)
      #expect(body.encoded == text)
      #expect(body.key == vectors.opener.key)
      let transcript = secrets.transcript(of: text)
      #expect(try transcript == vector.bytes("tO"))

      let code = try vector.bytes("mac")
      if body.ticket != nil {
        #expect(body.ticket == vectors.ticket.keys.id)
        let message = OfferSecrets.ticketMessage(owner: vectors.sharer.key, transcript: transcript)
        #expect(Primitives.authenticate(message, key: vectors.ticket.keys.key) == code)
      }
      let signature = try vector.bytes("sig")
      let signed = OfferSecrets.signedMessage(owner: vectors.sharer.key, transcript: transcript, code: code)
      #expect(vectors.opener.key.verifies(signature, of: signed))
      #expect(try secrets.seal(body: text, code: code, signature: signature) == vector.bytes("c"))
    }
  }

  @Test mutating func `the sharer reads the offers`() throws {
    for vector in try vectors.json.elements("offers") {
      let document = try vector.member("document")
      let offer = try vectors.receive(document)
      #expect(offer.remote == vectors.opener.key)
      #expect(offer.info == ["who": "Ötzi"])
      #expect(offer.description.candidates.map(\.kind) == [.host, .serverReflexive, .host])
      #expect(try offer.transcript == vector.bytes("tO"))
      let signal = try Signal(.from(document))
      #expect(signal.document.json == document)
      #expect(offer.session.text == signal.sender)
    }
  }

  @Test mutating func `an offer with the ticket is let in`() throws {
    let document = try vectors.json.elements("offers")[0].member("document")
    #expect(try vectors.verdict(on: document) == "admitted")
  }

  @Test(arguments: try Vectors.negative(of: "offers"))
  mutating func `an offer is not accepted`(_ negative: Vectors.Negative) throws {
    for document in negative.before { _ = try vectors.receive(document) }
    #expect(try vectors.verdict(on: negative.document) == negative.verdict)
  }
}
