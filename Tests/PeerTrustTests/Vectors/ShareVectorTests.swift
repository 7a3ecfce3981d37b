import PouchCore
import Testing

@testable import PeerTrust

@Suite("Share documents")
struct ShareVectorTests {
  let vectors: JSON
  let id: ShareID

  init() throws {
    vectors = try Vectors.load("shares")
    id = try #require(ShareID(try vectors.text("id")))
  }

  @Test func `a share's id is computed from its owner's key and salt`() throws {
    let sharer = try vectors.member("sharer")
    let identity = try #require(Identity(scalar: try sharer.bytes("scalar")))
    #expect(try identity.key.bytes == sharer.bytes("public"))
    #expect(try identity.fingerprint.text == vectors.text("fingerprint"))
    let salt = try #require(ShareSalt(try vectors.bytes("salt")))
    #expect(ShareID(owner: identity.key, salt: salt) == id)
  }

  @Test func `a record is read, and written again byte by byte`() throws {
    let signed = try SignedRecord(.from(vectors.member("document")))
    #expect(signed.record.id == id)
    #expect(signed.record.number == 7)
    #expect(signed.record.name == "notes")
    #expect(signed.record.access == .readWrite)
    #expect(signed.record.gate == [.ticket])
    #expect(signed.record.lease == 1_767_226_500)
    #expect(signed.record.info == ["kind": "notes", "size": 1.5, "ü": nil])
    #expect(try String(decoding: signed.record.encoded, as: UTF8.self) == vectors.text("r"))
    #expect(try signed.document.json == vectors.member("document"))
  }

  @Test func `records at the limits and with unknown members are read`() throws {
    for document in try vectors.elements("alsoValid") {
      let signed = try SignedRecord(.from(document))
      #expect(signed.record.id == id)
    }
  }

  @Test func `the highest valid number among the leaves holds`() throws {
    for vector in try vectors.elements("leaves") {
      let documents = try vector.elements("documents").map { try Document.from($0) }
      for order in [documents, documents.reversed()] {
        var memory = RecordMemory()
        #expect(try memory.choose(among: order, of: id).record.number == vector["n"]?.int)
      }
    }
  }

  @Test(arguments: try Vectors.negative(of: "shares"))
  func `a share document is not accepted`(_ negative: Vectors.Negative) throws {
    var memory = RecordMemory()
    for document in negative.before { _ = try memory.choose(among: [.from(document)], of: id) }
    let document = try Document.from(negative.document)
    let rejection = #expect(throws: Rejection.self) { try memory.choose(among: [document], of: id) }
    #expect(rejection?.check == negative.verdict)
  }
}
