import PouchCore
import Testing

@Suite("Writing documents")
struct DocumentWritingTests {
  private func text(_ document: Document) -> String {
    String(decoding: document.encoded, as: UTF8.self)
  }

  /// Answers of CouchDB 3.5 to GET, but for `_local_seq`, which is a text here.
  @Test(arguments: [
    #"{"_id":"a","_rev":"5-4c42afd47801bf07a02eba1d38c26f67","v":5}"#,
    #"{"_id":"a","_rev":"6-422ea1c42b40e25e1169d9ecec97c477","_deleted":true}"#,
    """
    {"_id":"c","_rev":"2-0cc175b9c0f1b6a831c399e269772661","v":"A",\
    "_revisions":{"start":2,"ids":["0cc175b9c0f1b6a831c399e269772661","c4ca4238a0b923820dcc509a6f75849b"]}}
    """,
    #"{"_id":"r","_rev":"2-a4","_revisions":{"start":2,"ids":["a4",""]}}"#,
    """
    {"_id":"att","_rev":"3-7c8e9d76073989bc72ebc06d2e0a94c1","_attachments":{\
    "n":{"content_type":"application/octet-stream","revpos":3,\
    "digest":"md5-kAFQmDzST7DWlj99KOF/cg==","length":3,"stub":true},\
    "t.txt":{"content_type":"text/plain","revpos":1,"digest":"md5-Wrcp1O7nrwOj3FMk/gh02w==","length":900,\
    "encoding":"gzip","encoded_length":73,"stub":true}}}
    """,
    """
    {"_id":"att","_rev":"3-7c","_attachments":{\
    "n":{"content_type":"application/octet-stream","revpos":3,"digest":"md5-kAFQmDzST7DWlj99KOF/cg==","data":"YWJj"}}}
    """,
  ])
  func `a document is written as CouchDB writes it`(_ recorded: String) throws {
    #expect(text(try document(recorded)) == recorded)
  }

  @Test func `facts about a document stand behind its body, in CouchDB's order`() throws {
    let (winner, loser, deleted) = (try RevisionID("2-b"), try RevisionID("2-a"), try RevisionID("3-d"))
    var document = Document(id: "c", revision: winner, fields: ["v": "B"])
    document.metadata = Document.Metadata()
    document.metadata?.revisionsInfo = [
      Document.RevisionInfo(revision: winner, status: .available),
      Document.RevisionInfo(revision: try RevisionID("1-x"), status: .missing),
    ]
    document.metadata?.localSequence = UpdateSequence(number: 5, epoch: 10)
    document.metadata?.conflicts = [loser]
    document.metadata?.deletedConflicts = [deleted]
    let expected = """
      {"_id":"c","_rev":"2-b","v":"B",\
      "_revs_info":[{"rev":"2-b","status":"available"},{"rev":"1-x","status":"missing"}],\
      "_local_seq":"5-000000000000000a","_conflicts":["2-a"],"_deleted_conflicts":["3-d"]}
      """
    #expect(text(document) == expected)
    let read = try PouchCoreTests.document(expected)
    #expect(read.metadata == nil)
    #expect(read.body == document.body)
  }

  @Test func `what is not there is not written`() {
    #expect(text([:]) == "{}")
    #expect(text(["v": 1]) == #"{"v":1}"#)
    var document: Document = ["_id": "a"]
    document.revisions = []
    document.metadata = Document.Metadata()
    document.metadata?.conflicts = []
    #expect(text(document) == #"{"_id":"a"}"#)
  }

  @Test func `names and ids are escaped`() {
    var document = Document(id: "a\"\n\\é", revision: RevisionID(generation: 1, suffix: "\""))
    document.attachments["\"\u{1}"] = PouchCore.Attachment(.stub, contentType: "a\"b", digest: "\\")
    let expected =
      #"{"_id":"a\"\n\\é","_rev":"1-\"","_attachments":{"\"\u0001":"#
      + #"{"content_type":"a\"b","digest":"\\","stub":true}}}"#
    #expect(text(document) == expected)
  }

  @Test func `fields are changed in their places`() {
    var document: Document = ["_id": "a", "z": 1, "b": 2, "a": 3]
    document["b"] = "new"
    document["z"] = nil
    document["y"] = [1, nil]
    #expect(document.body.string == #"{"b":"new","a":3,"y":[1,null]}"#)
    #expect(document["z"] == nil)
    #expect(document["y"]?[1] == .null)
    #expect(document.json == ["_id": "a", "b": "new", "a": 3, "y": [1, nil]])
  }

  @Test func `a literal is read as its JSON is`() throws {
    let document: Document = ["_id": "a", "_rev": "1-b", "_deleted": true, "v": 1, "v": 2]
    #expect(document.id == "a")
    #expect(document.revision == (try RevisionID("1-b")))
    #expect(document.isDeleted)
    #expect(document.body.string == #"{"v":2}"#)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `what is written is read as the same document`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    var fields = JSON.Object()
    for (name, value) in random.object() where !name.hasPrefix("_") { fields[name] = value }
    var document = Document(id: DocumentID(random.text()), fields: fields)
    document.isDeleted = .random(using: &random.generator)
    if Bool.random(using: &random.generator) {
      let start = Int.random(in: 3...(.max), using: &random.generator)
      document.revisions = (0..<3).map { RevisionID(generation: start - $0, suffix: random.text()) }
      document.revision = document.revisions?.first
    }
    for _ in 0..<Int.random(in: 0...3, using: &random.generator) {
      let bytes = random.text().utf8.map { $0 ^ 0xA5 }
      document.attachments[ExactString(random.text())] = PouchCore.Attachment(bytes, contentType: random.text())
    }
    let read = try Document(parsing: document.encoded)
    #expect(read.id == document.id)
    #expect(read.revision == document.revision)
    #expect(read.revisions == document.revisions)
    #expect(read.isDeleted == document.isDeleted)
    #expect(read.body == document.body)
    #expect(read.attachments.map(\.value.data) == document.attachments.map(\.value.data))
    #expect(read.attachments.map(\.value.contentType) == document.attachments.map(\.value.contentType))
    #expect(read.encoded == document.encoded)
    #expect(document.json == (try JSON(parsing: document.encoded)))
  }
}
