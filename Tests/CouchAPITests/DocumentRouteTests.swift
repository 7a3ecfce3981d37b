import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

struct DocumentRouteTests {
  @Test func `documents without ids get rising ones of 32 digits`() async throws {
    let server = try await Server.withDatabase()
    let results = try await server.json(.post, "/db/_bulk_docs", #"{"docs":[{},{},{}]}"#)
    let posted = try await server.json(.post, "/db", "{}")
    let ids = (results.array ?? []).compactMap { $0["id"]?.string } + [posted["id"]?.string ?? ""]
    #expect(ids == ids.sorted())
    #expect(Set(ids).count == 4)
    #expect(ids.allSatisfy { $0.utf8.count == 32 && $0.utf8.allSatisfy { hexadecimalDigits.contains($0) } })
  }

  @Test func `HEAD answers what GET does, without the body`() async throws {
    let server = try await Server.withDatabase()
    _ = try await server.json(.put, "/db/a", #"{"x":1}"#)
    for target in ["/", "/db", "/db/a", "/db/_all_docs", "/db/_changes", "/_all_dbs", "/db/_local/none"] {
      let get = try await server.send(.get, target)
      let head = try await server.send(.head, target)
      #expect(head.status == get.status, "\(target)")
      #expect(head.headers[.contentType] == get.headers[.contentType])
      #expect(head.headers[.eTag] == get.headers[.eTag])
      #expect(head.headers[.contentLength] == String(try await get.body.stream.bytes().count), "\(target)")
      #expect(try await head.body.stream.bytes().isEmpty)
    }
  }

  @Test func `a tag in several, weak or any form is recognised`() async throws {
    let server = try await Server.withDatabase()
    let tag = try #require(try await server.send(.put, "/db/a", "{}").headers[.eTag])
    for value in [tag, "\"x\", \(tag)", "W/\(tag)", "*"] {
      let response = try await server.send(.get, "/db/a", headers: [.ifNoneMatch: value])
      #expect(response.status == .notModified, "\(value)")
      #expect(try await response.body.stream.bytes().isEmpty)
    }
    #expect(try await server.send(.get, "/db/a", headers: [.ifNoneMatch: "\"x\""]).status == .ok)
    // Conflicts may come without a new revision, so that answers which tell of them have no tag.
    #expect(try await server.send(.get, "/db/a?revs_info=true", headers: [.ifNoneMatch: tag]).status == .ok)
  }

  @Test func `revisions in the document, the URL and If-Match must agree`() async throws {
    let server = try await Server.withDatabase()
    let first = try #require(try await server.json(.put, "/db/a", "{}")["rev"]?.string)
    let other = "1-00000000000000000000000000000000"
    #expect(try await server.send(.put, "/db/a?rev=\(other)", "{\"_rev\":\"\(first)\"}").status == .badRequest)
    #expect(
      try await server.send(.put, "/db/a?rev=\(first)", "{}", headers: [.ifMatch: other]).status == .badRequest)
    #expect(try await server.send(.delete, "/db/a", headers: [.ifMatch: "\"\(other)\""]).status == .conflict)
    #expect(try await server.send(.delete, "/db/a", headers: [.ifMatch: "\"\(first)\""]).status == .ok)
  }

  @Test func `attachments of any length stand in JSON as base64, read piece by piece`() async throws {
    let server = try await Server.withDatabase()
    let database = try await server.databases.database("db")
    // Not a multiple of three, and more than one piece of storage.
    let content = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var document: Document = ["_id": "a", "x": 1]
    document.attachments["big"] = PouchCore.Attachment(content, contentType: "image/png")
    document.attachments["empty"] = PouchCore.Attachment([] as [UInt8])
    try await database.put(document)
    let whole = try await server.send(.get, "/db/a?attachments=true")
    #expect(whole.body.length == nil)
    let read = try Document(try await whole.json())
    #expect(read.attachments["big"]?.data == content)
    #expect(read.attachments["empty"]?.data == [])
    #expect(read["x"] == 1)
    let bulk = try await server.json(.post, "/db/_bulk_get?attachments=true", #"{"docs":[{"id":"a"},{"id":"b"}]}"#)
    let inBulk = try Document(try #require(bulk["results"]?[0]?["docs"]?[0]?["ok"]))
    #expect(inBulk.attachments["big"]?.data == content)
    let rows = try await server.json(.get, "/db/_all_docs?include_docs=true&attachments=true")
    #expect(try Document(try #require(rows["rows"]?[0]?["doc"])).attachments["big"]?.data == content)
  }

  @Test func `a copy takes its attachments along, also onto an existing document`() async throws {
    let server = try await Server.withDatabase()
    let database = try await server.databases.database("db")
    var document: Document = ["_id": "a"]
    document.attachments["t"] = PouchCore.Attachment(Array("hello".utf8), contentType: "text/plain")
    try await database.put(document)
    let destination = try #require(HTTPField.Name("Destination"))
    let copied = try await server.send(.copy, "/db/a", headers: [destination: "_design%2Fb%20c"])
    #expect(copied.status == .created)
    let again = try await server.json(.copy, "/db/a", headers: [destination: "_design%2Fb%20c"])
    #expect(again["error"] == "conflict")
    let revision = try #require(try await copied.json()["rev"]?.string)
    let onto = try await server.send(
      .copy, "/db/a", headers: [destination: "http://host:1/db/_design%2Fb%20c?rev=\(revision)"])
    #expect(onto.status == .created)
    let content = try await database.getAttachment("t", of: "_design/b c").content.bytes()
    #expect(content == Array("hello".utf8))
    let source = try await server.send(.copy, "/db/a", headers: [destination: "old", .ifMatch: "\"1-abc\""])
    #expect(source.status == .notFound)
    #expect(try await server.send(.copy, "/db/a", headers: [destination: "http://host/other/x"]).status == .badRequest)
  }

  @Test func `a batch is told of failures only, when its revisions were made elsewhere`() async throws {
    let server = try await Server.withDatabase()
    let revision = "1-11111111111111111111111111111111"
    let results = try await server.json(
      .post, "/db/_bulk_docs",
      """
      {"new_edits":false,"docs":[{"_id":"a","_rev":"\(revision)"},
       {"_id":"b","_rev":"\(revision)","_attachments":{"x":{"stub":true}}}]}
      """)
    #expect(results.array?.count == 1)
    #expect(results[0]?["id"] == "b")
    #expect(results[0]?["rev"]?.string == revision)
    #expect(results[0]?["error"] == "missing_stub")
  }
}

/// The hexadecimal digits.
private let hexadecimalDigits = Array("0123456789abcdef".utf8)
