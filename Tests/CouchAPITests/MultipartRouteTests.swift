import HTTPTypes
import PouchCore
import TestSupport
import Testing

@testable import CouchAPI

struct MultipartRouteTests {
  private let type = "multipart/related; boundary=\"xyzb\""

  private func form(_ json: String, _ parts: String...) -> Body {
    let attachments = parts.map { "\r\n--xyzb\r\n\r\n\($0)" }.joined()
    return .bytes(Array("--xyzb\r\nContent-Type: application/json\r\n\r\n\(json)\(attachments)\r\n--xyzb--".utf8))
  }

  private let described = #"""
    {"v":1,"_attachments":{"m.txt":{"follows":true,"content_type":"text/plain","length":5},"n.bin":{"follows":true,"length":3}}}
    """#

  @Test func `a document and its attachments are put in one request, and read in one`() async throws {
    let server = try await TestServer()
    let put = try await server.send(.put, "/mp", headers: [.contentType: type], body: form(described, "hello", "abc"))
    #expect(put.status == 201)
    let revision = try #require(try put.json["rev"]?.string)
    #expect(put.header("ETag") == "\"\(revision)\"")
    #expect(try await server.send(.get, "/mp/m.txt").text == "hello")

    let get = try await server.send(.get, "/mp?attachments=true", headers: [.accept: "multipart/related"])
    #expect(get.status == 200)
    #expect(get.header("ETag") == "\"\(revision)\"")
    #expect(get.response.body.length == Int64(get.bytes.count))
    let contentType = try #require(get.header("Content-Type"))
    #expect(contentType.hasPrefix("multipart/related; boundary=\""))
    // The answer can be put into another database as it is.
    try await server.databases.create("copy")
    let copied = await server.router.respond(
      to: Request(
        .put, ["copy", "mp"], query: ["new_edits": "false"], headers: [.contentType: contentType],
        body: .bytes(get.bytes)))
    #expect(copied.status == .created)
    let copy = try await server.databases.database("copy").get("mp", including: .attachments)
    #expect(copy.revision?.description == revision)
    #expect(copy.attachments.names == ["m.txt", "n.bin"])
  }

  @Test func `clients that take JSON get JSON`() async throws {
    let server = try await TestServer()
    _ = try await server.send(.put, "/mp", headers: [.contentType: type], body: form(described, "hello", "abc"))
    let json = try await server.send(.get, "/mp?attachments=true", headers: [.accept: "application/json"])
    #expect(try json.json["_attachments"]?["m.txt"]?["data"] == "aGVsbG8=")
    let any = try await server.send(.get, "/mp?attachments=true", headers: [.accept: "*/*"])
    #expect(any.header("Content-Type")?.hasPrefix("multipart/related") == true)
    let stubs = try await server.send(.get, "/mp", headers: [.accept: "multipart/related"])
    #expect(stubs.header("Content-Type") == "application/json")
  }

  @Test(
    arguments: [
      (#"{"_attachments":{"m":{"follows":true,"length":4}}}"#, ["hello"], "attachment longer than expected"),
      (#"{"_attachments":{"m":{"follows":true,"length":6}}}"#, ["hello"], "attachment shorter than expected"),
      (#"{"_attachments":{"m":{"follows":true}}}"#, [], nil), (#"["no document"]"#, [], nil), ("{", [], nil),
      (#"{"_attachments":{"m":{"follows":true,"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA=="}}}"#, ["x"], nil),
    ] as [(String, [String], String?)])
  func `a document that is not what it says is refused, and nothing of it stays`(
    _ json: String, _ parts: [String], _ reason: String?
  ) async throws {
    let server = try await TestServer()
    let body = parts.isEmpty ? form(json) : form(json, parts[0])
    let answer = try await server.send(.put, "/mp", headers: [.contentType: type], body: body)
    #expect(answer.status == 400)
    if let reason { #expect(try answer.json["reason"] == JSON(reason)) }
    #expect(try await server.send(.get, "/mp").status == 404)
  }

  @Test func `a body that is cut short anywhere writes nothing`() async throws {
    let server = try await TestServer()
    let whole = try await form(described, "hello", "abc").collect(upTo: 10_000)
    for length in 0..<whole.count {
      let answer = try await server.send(
        .put, "/mp", headers: [.contentType: type], body: .bytes(Array(whole[..<length])))
      #expect(answer.status == 400, "\(length): \(answer.text)")
    }
    #expect(try await server.database.info().updateSequence.numbered?.number == 0)
    let missing = try await server.send(.put, "/mp", headers: [.contentType: "multipart/related"], body: .bytes(whole))
    #expect(missing.status == 400)
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `a damaged body is written or refused, and nothing else`(_ seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    let server = try await TestServer()
    let whole = try await form(described, "hello", "abc").collect(upTo: 10_000)
    let alphabet = Array("\r\n-xyzb:\"{},0\u{0}".utf8)
    for number in 0..<40 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = alphabet.randomElement(using: &random) ?? 0
      }
      let answer = try await server.send(.put, "/m\(number)", headers: [.contentType: type], body: .bytes(bytes))
      #expect([201, 400, 412, 415].contains(answer.status), "\(answer.text)")
      let isThere = try await server.send(.head, "/m\(number)").status == 200
      #expect(isThere == (answer.status == 201))
    }
  }

  /// A document `c` of two leaves, one of them with an attachment.
  private func conflicted(_ server: TestServer) async throws {
    var first = Document(id: "c", revision: RevisionID(generation: 1, suffix: "a"), fields: ["v": "A"])
    first.attachments["x"] = PouchCore.Attachment([1, 2, 3])
    let second = Document(id: "c", revision: RevisionID(generation: 1, suffix: "b"), fields: ["v": "B"])
    for result in try await server.database.bulkDocs([first, second], .replicated) { _ = try result.outcome.get() }
  }

  /// The parts of an answer, with those of documents in a part of their own joined by `+`.
  private func parts(of answer: TestServer.Answer) async throws -> [String] {
    let reader = try MultipartReader(ByteStream(answer.bytes), contentType: answer.header("Content-Type") ?? "")
    var texts: [String] = []
    while let part = try await reader.next() {
      let type = ParameterizedValue(part.headers[.contentType] ?? "")
      guard type.value == "multipart/related" else {
        let error = type.parameters["error"] == nil ? "" : "error "
        texts.append(error + String(decoding: try await part.body.stream.bytes(), as: UTF8.self))
        continue
      }
      let document = try await MultipartDocument.decode(
        part.body.stream, contentType: part.headers[.contentType] ?? "")
      var text = document.revision?.description ?? ""
      for attachment in document.attachments {
        if case .stream(let stream) = attachment.value.content { text += "+\(try await stream.bytes())" }
      }
      texts.append(text)
    }
    return texts
  }

  @Test func `open revisions come in parts, with their attachments in parts of parts, also unasked`() async throws {
    let server = try await TestServer()
    try await conflicted(server)
    let plain = try await server.send(.get, "/c?open_revs=[%221-b%22,%229-z%22]&revs=true")
    #expect(plain.header("Content-Type")?.hasPrefix("multipart/mixed; boundary=\"") == true)
    #expect(
      try await parts(of: plain) == [
        #"{"_id":"c","_rev":"1-b","v":"B","_revisions":{"start":1,"ids":["b"]}}"#, #"error {"missing":"9-z"}"#,
      ])
    let full = try await server.send(.get, "/c?open_revs=all", headers: [.accept: "multipart/mixed"])
    #expect(try await parts(of: full) == [#"{"_id":"c","_rev":"1-b","v":"B"}"#, "1-a+[1, 2, 3]"])
    let json = try await server.send(.get, "/c?open_revs=all", headers: [.accept: "application/json"])
    #expect(try json.json.array?.count == 2)
  }

  @Test func `many documents come in parts as well`() async throws {
    let server = try await TestServer()
    try await conflicted(server)
    let wanted: JSON = ["docs": [["id": "c", "rev": "1-a"], ["id": "nope"], ["rev": "1-a"], ["id": "c", "rev": "x"]]]
    let mixed = try await server.send(.post, "/_bulk_get", json: wanted, headers: [.accept: "multipart/mixed"])
    #expect(mixed.status == 200)
    #expect(mixed.header("Content-Type")?.hasPrefix("multipart/mixed; boundary=\"") == true)
    #expect(
      try await parts(of: mixed) == [
        "1-a+[1, 2, 3]", #"error {"rev":"undefined","reason":"missing","id":"nope","error":"not_found"}"#,
        #"error {"rev":null,"reason":"document id missed","id":null,"error":"bad_request"}"#,
        #"error {"rev":"x","reason":"Invalid rev format","id":"c","error":"bad_request"}"#,
      ])
    let related = try await server.send(.post, "/_bulk_get", json: wanted, headers: [.accept: "multipart/related"])
    #expect(related.header("Content-Type")?.hasPrefix("multipart/related; boundary=\"") == true)
    #expect(try await parts(of: related).count == 4)
    let none = try await server.send(.post, "/_bulk_get", json: ["docs": []], headers: [.accept: "multipart/mixed"])
    #expect(try await parts(of: none).isEmpty)
  }

  @Test func `who refuses attachments gets stubs of many documents, whatever revisions are named`() async throws {
    let server = try await TestServer()
    try await conflicted(server)
    let wanted: JSON = ["docs": [["id": "c", "rev": "1-a", "atts_since": []]]]
    for (target, member) in [("/_bulk_get", "data"), ("/_bulk_get?attachments=false", "stub")] {
      let answer = try await server.send(.post, target, json: wanted, headers: [.accept: "application/json"]).json
      let document = answer["results"]?[0]?["docs"]?[0]?["ok"]
      #expect(document?["_attachments"]?["x"]?[ExactString(member)] != nil, "\(answer.text)")
    }
  }
}
