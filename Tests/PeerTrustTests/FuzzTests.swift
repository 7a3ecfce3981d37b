import PouchCore
import TestSupport
import Testing

@testable import PeerTrust

/// Every byte of what comes from outside, changed: nothing traps, and nothing is accepted that says something else.
@Suite("Changed bytes")
struct FuzzTests {
  /// The text with each byte changed in turn, by each of some bits, and the text cut before it.
  private func mutations(of bytes: [UInt8], bits: [UInt8] = [0x01, 0x20, 0x80]) -> some Sequence<[UInt8]> {
    bytes.indices.lazy.flatMap { index in
      bits.map { bit in
        var changed = bytes
        changed[index] ^= bit
        return changed
      } + [Array(bytes[..<index])]
    }
  }

  @Test func `no changed offer is taken for another one`() throws {
    let vectors = try OfferVectors()
    let document = try vectors.json.elements("offers")[0].member("document")
    let signal = try Signal(.from(document))
    for text in mutations(of: JSONText(document).bytes) {
      guard let changed = try? Document(parsing: text) else { continue }
      var receiver = vectors
      guard let offer = try? receiver.receive(changed.json) else { continue }
      // Changed where nobody looks: in the outer data or info, or in the document's own id.
      let read = try Signal(changed)
      #expect(read.header == signal.header && read.sealed == signal.sealed)
      #expect(read.sender == signal.sender && read.recipient == signal.recipient)
      #expect(offer.remote == vectors.opener.key)
    }
  }

  @Test func `no changed byte of header or ciphertext is accepted`() throws {
    let vectors = try OfferVectors()
    let document = try vectors.json.elements("offers")[0].member("document")
    for member in ["h", "c"] as [ExactString] {
      let ours = try #require(document["peerpouch"]?.object)
      let bytes = try #require(ours[member]?.string.flatMap(Base64URL.decode))
      for changed in mutations(of: bytes, bits: [0x01, 0x80]) {
        var replaced = ours
        replaced[member] = JSON(Base64URL.encode(changed))
        var whole = try #require(document.object)
        whole["peerpouch"] = .object(replaced)
        var receiver = vectors
        #expect(throws: Rejection.self) { try receiver.receive(.object(whole)) }
      }
    }
  }

  @Test func `no changed answer is accepted`() throws {
    let vectors = try AnswerVectors()
    let document = try vectors.json.member("accepted").member("document")
    let signal = try Signal(.from(document))
    for text in mutations(of: JSONText(document).bytes) {
      guard let changed = try? Document(parsing: text), let read = try? Signal(changed) else { continue }
      guard (try? vectors.offer.open(read)) != nil else { continue }
      #expect(read.header == signal.header && read.sealed == signal.sealed)
      #expect(read.sender == signal.sender && read.recipient == signal.recipient)
    }
  }

  @Test func `no changed share document says anything new`() throws {
    let document = try Vectors.load("shares").member("document")
    let signed = try SignedRecord(.from(document))
    for text in mutations(of: JSONText(document).bytes) {
      guard let changed = try? Document(parsing: text), let read = try? SignedRecord(changed) else { continue }
      #expect(read.record == signed.record && read.bytes == signed.bytes)
    }
  }

  @Test func `changed contents of signed and sealed texts do not trap`() throws {
    let record = Array(try Vectors.load("shares").text("r").utf8)
    let offer = Array(try Vectors.load("offers").elements("offers")[0].text("body").utf8)
    let answer = Array(try Vectors.load("answers").member("accepted").text("body").utf8)
    for text in mutations(of: record) { _ = try? ShareRecord(parsing: text) }
    for text in mutations(of: offer) { _ = try? OfferBody(parsing: text) }
    for text in mutations(of: answer) { _ = try? AnswerBody(parsing: text) }
  }

  @Test func `no changed ticket is read`() throws {
    let text = try Vectors.load("tickets").elements("tickets")[0].text("text")
    for changed in mutations(of: Array(text.utf8), bits: [0x01, 0x02, 0x04, 0x08, 0x10, 0x40, 0x80]) {
      #expect(throws: Ticket.Problem.self) { try Ticket(String(decoding: changed, as: UTF8.self)) }
    }
  }

  @Test func `changed candidates and addresses do not trap`() throws {
    let candidate = "candidate:842163049 1 udp 1677729535 2001:db8::7 46154 typ srflx raddr 192.0.2.1 rport 0"
    for text in mutations(of: Array(candidate.utf8), bits: [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80]) {
      _ = IceCandidate(String(decoding: text, as: UTF8.self))
    }
    let address = "webrtc://https%3A%2F%2Fhub.example%2Fhub/\(try ShareID.sample(0))"
    for text in mutations(of: Array(address.utf8)) { _ = ShareAddress(String(decoding: text, as: UTF8.self)) }
  }

  @Test(arguments: 0..<8)
  func `random documents and parts do not trap`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let bytes: [UInt8] = .random(Int.random(in: 0..<200, using: &generator), using: &generator)
      for count in 0..<5 { _ = Parts.split(bytes, into: count) }
      _ = try? OfferHeader(parsing: bytes)
      _ = try? AnswerHeader(parsing: bytes)
      _ = Identity(saved: bytes)
      _ = IdentityKey([4] + bytes.prefix(64))
      let text = Base64URL.encode(bytes)
      #expect(Base64URL.decode(text) == bytes)
      #expect(Base32.decode(Base32.encode(bytes)) == bytes)
      _ = try? Signal(
        Document(
          id: "p-signal-00000000-0000-4000-8000-000000000000",
          fields: [
            "type": JSON(Signal.documentType), "sender": JSON(text), "recipient": JSON(text),
            "peerpouch": ["v": 1, "h": JSON(text), "c": JSON(text)],
          ]))
    }
  }
}
