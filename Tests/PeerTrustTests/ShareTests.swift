import PouchCore
import Testing

@testable import PeerTrust

@Suite("Shares")
struct ShareTests {
  var parties = Parties(seed: 9)

  @Test mutating func `a share keeps its id when it is shared again`() {
    let again = ShareID(owner: parties.sharer.key, salt: parties.salt)
    #expect(again == parties.share)
    #expect(ShareID(again.text) == again)
    #expect(ShareID(owner: parties.sharer.key, salt: ShareSalt(using: &parties.generator)) != again)
    #expect(ShareID(owner: parties.opener.key, salt: parties.salt) != again)
  }

  @Test func `only the one text of a share's id is read`() {
    let text = parties.share.text
    for other in [
      "", "share-", text.uppercased(), "SHARE-" + text.dropFirst(6), text + "0", String(text.dropLast()),
      text.replacing("-", with: ""), "share-00000000-0000-4000-8000-000000000000",
      "share-00000000-0000-8000-0000-000000000000",
    ] {
      #expect(ShareID(other) == nil, "\(other)")
    }
  }

  @Test func `what passes the limits of a record is refused`() throws {
    func record(
      number: Int = 1, name: String = "", info: JSON = [:], gate: Set<GateWay> = [.ask], lease: Int = 0
    ) throws(ShareRecord.Problem) -> ShareRecord {
      try ShareRecord(
        owner: parties.sharer.key, salt: parties.salt, number: number, epoch: parties.reception.epoch, name: name,
        info: info, access: .inbox, gate: gate, lease: lease)
    }
    #expect(throws: ShareRecord.Problem.name) { try record(name: String(repeating: "x", count: 129)) }
    #expect(throws: ShareRecord.Problem.info) { try record(info: JSON(String(repeating: "x", count: 2047))) }
    #expect(throws: ShareRecord.Problem.gate) { try record(gate: []) }
    #expect(throws: ShareRecord.Problem.gate) { try record(gate: [.anyone, .ask]) }
    #expect(throws: ShareRecord.Problem.number) { try record(number: 0) }
    #expect(throws: ShareRecord.Problem.number) { try record(number: TrustLimits.integer + 1) }
    #expect(throws: ShareRecord.Problem.number) { try record(lease: -1) }
    // What is made within the limits is read again, even where every byte of it is escaped.
    let largest = try record(
      number: TrustLimits.integer, name: String(repeating: "\u{1}", count: 128),
      info: JSON(String(repeating: "x", count: 2046)), gate: [.allow, .ask, .ticket], lease: TrustLimits.integer)
    let signed = SignedRecord(largest, signedBy: parties.sharer)
    #expect(signed.document.body.bytes.count <= TrustLimits.shareDocument)
    #expect(try SignedRecord(signed.document).record == largest)
  }

  @Test func `a lease runs out by the hub's clock`() throws {
    let record = try parties.record()
    #expect(!record.isExpired(at: 899))
    #expect(record.isExpired(at: 900))
  }

  @Test func `a deleted leaf is no record`() throws {
    var document = SignedRecord(try parties.record(), signedBy: parties.sharer).document
    document.isDeleted = true
    #expect(throws: Rejection.form("type")) { try SignedRecord(document) }
    var memory = RecordMemory()
    #expect(throws: Rejection.form("leaves")) { try memory.choose(among: [], of: parties.share) }
  }

  @Test func `of two records with one number all readers take the same`() throws {
    let records = try ["a", "b"].map { SignedRecord(try parties.record(name: $0), signedBy: parties.sharer).document }
    for order in [records, records.reversed()] {
      var memory = RecordMemory()
      #expect(try memory.choose(among: order, of: parties.share).record.name == "b")
    }
  }

  @Test func `a number seen before holds, and lower ones do not`() throws {
    var memory = RecordMemory()
    let two = SignedRecord(try parties.record(2), signedBy: parties.sharer).document
    let one = SignedRecord(try parties.record(1), signedBy: parties.sharer).document
    #expect(try memory.choose(among: [two, one], of: parties.share).record.number == 2)
    #expect(try memory.choose(among: [two], of: parties.share).record.number == 2)
    #expect(throws: Rejection.number) { try memory.choose(among: [one], of: parties.share) }
  }
}

@Suite("Addresses of shares")
struct ShareAddressTests {
  @Test(arguments: [
    "https://hub.example/hub", "http://[::1]:5984/hub?x=1#y", "notes", "/home/me/näch ste.pouch", "memory:hub", "a%2Fb",
  ])
  func `an address leads back to hub and share`(_ hub: String) throws {
    let address = ShareAddress(hub: try #require(HubName(hub)), share: try .sample(3))
    #expect(address.text.hasPrefix("webrtc://"))
    #expect(address.text.dropFirst(9).split(separator: "/").count == 2)
    #expect(ShareAddress(address.text) == address)
  }

  @Test func `it is encoded as JavaScript does`() throws {
    let address = ShareAddress(hub: try #require(HubName("https://hub.example/a b*ü")), share: try .sample(0))
    #expect(
      address.text == "webrtc://https%3A%2F%2Fhub.example%2Fa%20b*%C3%BC/share-00000000-0000-8000-8000-000000000000")
  }

  @Test(arguments: [
    "https://user:secret@hub.example/hub", "http://user@hub", "x://a\\@b:c@d", "", "a\nb", "a\u{7F}b",
    String(repeating: "x", count: 1025),
  ])
  func `a hub with a password, or of a wrong form, has no address`(_ hub: String) throws {
    if hub == "x://a\\@b:c@d" {
      // Browsers end the authority at the backslash, and so do we.
      #expect(HubName(hub) != nil)
      return
    }
    #expect(HubName(hub) == nil)
    let share = try ShareID.sample(0)
    #expect(ShareAddress("webrtc://\(PercentEncoding.encode(hub))/\(share)") == nil)
  }

  @Test func `an @ in path or query is no user`() {
    #expect(HubName("https://hub.example/@me?x=@#@") != nil)
  }

  @Test func `other texts are no addresses`() throws {
    let share = try ShareID.sample(0).text
    for text in [
      "", "webrtc://", "webrtc://hub", "webrtc://hub/", "webrtc://hub/\(share)/", "webrtc://hub/share-1",
      "http://hub/\(share)",
      "webrtc://h%/\(share)", "webrtc://h%2/\(share)", "webrtc://h%zz/\(share)", "webrtc://h%FF/\(share)",
      "webrtc:///\(share)",
    ] {
      #expect(ShareAddress(text) == nil, "\(text)")
    }
  }
}
