import PouchCore
import Testing

/// A document from a text in a literal.
func document(_ text: String) throws -> Document {
  try Document(parsing: text.utf8)
}

@Suite("Reading documents")
struct DocumentReadingTests {
  @Test func `CouchDB's members become properties, and the rest is the body`() throws {
    let read = try document(
      #"{"_id":"a","_rev":"3-c","z":1.10,"_deleted":true,"_revisions":{"start":3,"ids":["c","b"]},"m":{"_x":0}}"#)
    #expect(read.id == "a")
    #expect(read.revision == RevisionID(generation: 3, suffix: "c"))
    #expect(read.isDeleted)
    #expect(read.revisions?.map(\.description) == ["3-c", "2-b"])
    #expect(read.attachments.isEmpty)
    #expect(read.metadata == nil)
    #expect(read.body.string == #"{"z":1.10,"m":{"_x":0}}"#)
  }

  @Test(arguments: [
    (#"{}"#, #"{}"#), (#" { } "#, #"{}"#), (#"{"_id":"a"}"#, #"{}"#), (#"{"_id":"a","_rev":"1-a"}"#, #"{}"#),
    (#"{"_id":"a","x":1}"#, #"{"x":1}"#), (#"{"x":1,"_id":"a"}"#, #"{"x":1}"#),
    (#"{"x":1,"_id":"a","y":2}"#, #"{"x":1,"y":2}"#), (#"{"x":1,"_id":"a","_rev":"1-a","y":2}"#, #"{"x":1,"y":2}"#),
    (#"{"_id":"a","x":1,"_rev":"1-a"}"#, #"{"x":1}"#), (#"{ "x" : [ 1 ] , "_id" : "a" }"#, #"{"x":[1]}"#),
    (#"{"x":{"_id":"b"},"_id":"a"}"#, #"{"x":{"_id":"b"}}"#), (#"{"":1,"_id":"a"}"#, #"{"":1}"#),
  ])
  func `members are cut out wherever they stand`(_ text: String, _ body: String) throws {
    #expect(try document(text).body.string == body)
  }

  @Test func `numbers keep their text and keys their order`() throws {
    let body = #"{"z":1.10,"a":12345678901234567890,"m":1e400,"b":-0.0,"é":1E+2}"#
    #expect(try document(body).body.string == body)
    #expect(try document(body).fields.names == ["z", "a", "m", "b", "é"])
  }

  @Test func `of duplicate keys the last wins, also of CouchDB's own members`() throws {
    #expect(try document(#"{"a":1,"b":2,"a":3}"#).body.string == #"{"b":2,"a":3}"#)
    let read = try document(#"{"_id":"old","_rev":5,"x":1,"_rev":"1-a","x":2,"_id":"new"}"#)
    #expect(read.id == "new")
    #expect(read.revision?.description == "1-a")
    #expect(read.body.string == #"{"x":2}"#)
  }

  @Test func `keys that look alike are different members`() throws {
    let read = try document("{\"\u{E9}\":1,\"e\u{301}\":2}")
    #expect(read.fields.count == 2)
    #expect(read["e\u{301}"] == 2)
  }

  @Test func `an escaped key means the member that it spells`() throws {
    let read = try document(#"{"\u005fid":"a","\u005fr\u0065v":"1-a"}"#)
    #expect(read.id == "a")
    #expect(read.revision?.generation == 1)
    #expect(throws: PouchError(.invalidDocument, "Bad special document member: _foo")) {
      try document(#"{"\u005ffoo":1}"#)
    }
  }

  @Test func `facts that a database adds are skipped, whatever they hold`() throws {
    let read = try document(
      #"{"_conflicts":["2-a"],"_deleted_conflicts":5,"_revs_info":[{"rev":"1-a"}],"_local_seq":null,"v":1}"#)
    #expect(read.metadata == nil)
    #expect(read.body.string == #"{"v":1}"#)
  }

  @Test(arguments: [
    "_replication_id", "_replication_state", "_replication_state_time", "_replication_state_reason",
    "_replication_stats",
  ])
  func `what CouchDB's replicator notes in its documents stays in the body`(_ name: String) throws {
    let text = #"{"a":1,"\#(name)":{"x":[1]},"b":2}"#
    #expect(try document(text).body.string == text)
  }

  @Test func `the first of the revisions is the revision, unless that is given`() throws {
    #expect(try document(#"{"_revisions":{"start":3,"ids":["c","b","a"]}}"#).revision?.description == "3-c")
    let both = try document(#"{"_revisions":{"start":3,"ids":["c","b"]},"_rev":"7-x"}"#)
    #expect(both.revision?.description == "7-x")
    #expect(both.revisions?.map(\.description) == ["3-c", "2-b"])
  }

  @Test(
    arguments: [
      (#"[1]"#, .badRequest, "Document must be a JSON object"),
      (#""s""#, .badRequest, "Document must be a JSON object"),
      (#"[{"_id":"a"}]"#, .badRequest, "Document must be a JSON object"),
      (#"null"#, .badRequest, "Document must be a JSON object"), (#"{"a":"#, .badRequest, "invalid UTF-8 JSON"),
      (#""#, .badRequest, "invalid UTF-8 JSON"), (#"{"a":01}"#, .badRequest, "invalid UTF-8 JSON"),
      (#"{"a":NaN}"#, .badRequest, "invalid UTF-8 JSON"), (#"{"a":"\ud800"}"#, .badRequest, "invalid UTF-8 JSON"),
      (#"{"_id":5}"#, .illegalDocumentID, "Document id must be a string"),
      (#"{"_id":null}"#, .illegalDocumentID, "Document id must be a string"),
      (#"{"_rev":"x"}"#, .badRequest, "Invalid rev format"), (#"{"_rev":5}"#, .badRequest, "Invalid rev format"),
      (#"{"_rev":null}"#, .badRequest, "Invalid rev format"),
      (#"{"_deleted":"yes"}"#, .invalidDocument, "Bad special document member: _deleted"),
      (#"{"_deleted":null}"#, .invalidDocument, "Bad special document member: _deleted"),
      (#"{"_attachments":[]}"#, .invalidDocument, "Bad special document member: _attachments"),
      (#"{"_foo":1}"#, .invalidDocument, "Bad special document member: _foo"),
      (#"{"a":1,"_":1}"#, .invalidDocument, "Bad special document member: _"),
      (#"{"__id":"a"}"#, .invalidDocument, "Bad special document member: __id"),
      (#"{"_ID":"a"}"#, .invalidDocument, "Bad special document member: _ID"),
      (#"{"_idx":"a"}"#, .invalidDocument, "Bad special document member: _idx"),
      (#"{"_replication_foo":1}"#, .invalidDocument, "Bad special document member: _replication_foo"),
    ] as [(String, PouchError.Code, String)])
  func `what CouchDB refuses is refused in its words`(_ text: String, _ code: PouchError.Code, _ reason: String) {
    #expect(throws: PouchError(code, reason)) { try document(text) }
  }

  @Test(arguments: [
    #"5"#, #"{}"#, #"{"start":1}"#, #"{"ids":["a"]}"#, #"{"start":"1","ids":["a"]}"#, #"{"start":1.5,"ids":["a"]}"#,
    #"{"start":1,"ids":"a"}"#, #"{"start":1,"ids":[]}"#, #"{"start":1,"ids":["b","a"]}"#,
    #"{"start":0,"ids":["a","b"]}"#,
    #"{"start":-1,"ids":["a"]}"#, #"{"start":1,"ids":[5]}"#, #"{"start":9223372036854775808,"ids":["a"]}"#,
    #"{"start":1,"ids":["\#(String(repeating: "x", count: Limits.revisionSuffix + 1))"]}"#,
  ])
  func `a history that cannot be is refused`(_ revisions: String) {
    #expect(throws: PouchError(.invalidDocument, "Bad special document member: _revisions")) {
      try document(#"{"_revisions":\#(revisions)}"#)
    }
  }

  @Test func `text that is not UTF-8 is refused with the place where it is not`() throws {
    let bytes = Array(#"{"a":"#.utf8) + [0x22, 0xFF, 0x22, 0x7D]
    let error = try #require(throws: PouchError.self) { try Document(parsing: bytes) }
    #expect(error == PouchError(.badRequest, "invalid UTF-8 JSON"))
    let below = try #require(error.underlying as? JSONError)
    #expect(below.problem == .invalidUTF8)
    #expect(below.offset == 6)
  }

  @Test func `limits have errors of their own`() throws {
    let limits = JSONLimits(depth: 3, bytes: 20)
    _ = try Document(parsing: #"{"a":[[]]}"#.utf8, limits: limits)
    #expect(throws: PouchError(.badRequest, "JSON is nested deeper than 3 levels")) {
      try Document(parsing: #"{"a":[[[]]]}"#.utf8, limits: limits)
    }
    #expect(throws: PouchError(.documentTooLarge)) {
      try Document(parsing: #"{"a":"0123456789abcd"}"#.utf8, limits: limits)
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `the body is the text without CouchDB's members`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    var members = random.object().filter { !$0.name.hasPrefix("_") }.map {
      (isOwn: false, text: JSON($0.name.string).text + ":" + random.spelled($0.value))
    }
    for own in [#""_id":"a""#, #""_rev":"1-a""#, #""_deleted":false"#, #""_attachments":{}"#, #""_local_seq":[{}]"#]
    where Bool.random(using: &random.generator) {
      members.insert((true, own), at: .random(in: 0...members.count, using: &random.generator))
    }
    let text = "{" + members.map(\.text).joined(separator: ",") + "}"
    let body = "{" + members.filter { !$0.isOwn }.map(\.text).joined(separator: ",") + "}"
    let read = try document(text)
    #expect(read.body == (try JSONText(body)), "\(text)")
    #expect(read.body.canonicalBytes == (try JSONText(body).canonicalBytes), "\(text)")
  }
}
