import HTTPTypes
import PouchCore
import TestSupport
import Testing

@testable import CouchAPI

struct HostileRequestTests {
  @Test(arguments: ["..%2f", "..%2Fetc", "%2e%2e", "a%00b", "A", "_x", "a.b", "a%5Cb", "%F0%9F%98%80", "a%20b"])
  func `a name that leads out of the folder is no database`(_ name: String) async throws {
    let server = try await Server.withDatabase()
    #expect(try await server.send(.put, "/\(name)").error() == "illegal_database_name")
    for method in [HTTPRequest.Method.get, .delete, .head, .post] {
      #expect(try await server.send(method, "/\(name)", "{}").status == .notFound, "\(method)")
    }
    #expect(try await server.send(.get, "/\(name)/_all_docs").status == .notFound)
  }

  @Test func `what an id says cannot become a header of its own`() async throws {
    let server = try await Server.withDatabase()
    let response = try await server.send(
      .put, "/db/a%0D%0ASet-Cookie:%20x", "{}", headers: [.host: "example.org"])
    #expect(response.status == .created)
    #expect(response.headers[.location] == "http://example.org/db/a%0D%0ASet-Cookie%3A%20x")
    let odd = try await server.send(
      .put, "/db/b?new_edits=false", #"{"_rev":"1-x\r\nSet-Cookie: \"é"}"#)
    #expect(odd.status == .created)
    #expect(odd.headers[.eTag] == "\"1-x%0D%0ASet-Cookie%3A%20%22%C3%A9\"")
    #expect(odd.headers[.setCookie] == nil)
  }

  @Test(
    arguments: [
      "", "{", "[", "{\"docs\"", "{\"docs\":", "{\"docs\":[", "{\"docs\":[}", "{\"docs\":[{]}", "{\"docs\":[{}],}",
      "{\"docs\":[{},]}", "{\"docs\":[,]}", "{\"docs\":[{}]}x", "{\"docs\":[{\"a\":\"\\\"}]}", "{\"docs\" [{}]}",
      "{docs:[]}", "{\"docs\":[1 2]}", "{\"docs\":[{}]} {}", "\u{0}", "{\"\\ud800\":1}", "{\"docs\":[nul]}",
    ])
  func `a batch that is no JSON is refused as a whole`(_ body: String) async throws {
    let server = try await Server.withDatabase()
    let response = try await server.send(.post, "/db/_bulk_docs", body)
    #expect(response.status == .badRequest)
    #expect(try await server.json(.get, "/db")["doc_count"] == 0)
  }

  @Test func `a batch is read whatever white space and members stand around its documents`() async throws {
    let server = try await Server.withDatabase()
    let results = try await server.json(
      .post, "/db/_bulk_docs",
      """
       { "x" : [ { "]" : "}" } , "\\"" ] , "docs" : [ { "_id" : "a" , "b" : [ 1 , { } ] } ,
      {"_id":"c","\\u0062":"\\"]}"} ] , "new_edits" : true }
      """)
    #expect(results.array?.compactMap { $0["id"]?.string } == ["a", "c"])
    #expect(try await server.json(.get, "/db/a")["b"] == [1, [:]])
    #expect(try await server.json(.get, "/db/c")["b"] == "\"]}")
  }

  @Test func `a batch with more members than anybody knows is refused`() async throws {
    let server = try await Server.withDatabase()
    let members = String(repeating: "\"\":1,", count: 10_000)
    let response = try await server.send(.post, "/db/_bulk_docs", "{\(members)\"docs\":[{}]}")
    #expect(response.status == .contentTooLarge)
    #expect(try await server.json(.get, "/db")["doc_count"] == 0)
  }

  @Test func `deep nesting in a batch is refused without recursion`() async throws {
    let server = try await Server.withDatabase()
    let deep = String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000)
    let response = try await server.send(.post, "/db/_bulk_docs", "{\"docs\":[{\"a\":\(deep)}]}")
    #expect(response.status == .badRequest)
    #expect(try await server.send(.post, "/db/_revs_diff", "{\"a\":\(deep)}").status == .badRequest)
    let key = String(repeating: "[", count: 5000)
    #expect(try await server.send(.get, "/db/_all_docs?key=\(key)").status == .badRequest)
  }

  @Test func `bodies beyond their bounds are refused before they are read`() async throws {
    var options = RouterOptions()
    options.limits.bulkBody = 1000
    options.limits.documentBody = 1000
    options.limits.bulkDocuments = 2
    options.limits.bulkGets = 2
    let server = try await Server.withDatabase(options: options)
    let long = "{\"a\":\"\(String(repeating: "x", count: 1000))\"}"
    #expect(try await server.send(.put, "/db/a", long).status.code == 413)
    #expect(try await server.send(.post, "/db", long).status.code == 413)
    #expect(try await server.send(.post, "/db/_bulk_docs", long).status.code == 413)
    #expect(try await server.send(.post, "/db/_bulk_docs", #"{"docs":[{},{},{}]}"#).status.code == 413)
    let gets = #"{"docs":[{"id":"a"},{"id":"b"},{"id":"c"}]}"#
    #expect(try await server.send(.post, "/db/_bulk_get", gets).status.code == 413)
  }

  @Test(
    arguments: [
      "/db/_all_docs?limit=99999999999999999999", "/db/_all_docs?skip=-5", "/db/_all_docs?descending=maybe",
      "/db/_all_docs?startkey=%22", "/db/_changes?limit=-1", "/db/_changes?since=-", "/db/_changes?heartbeat=-1",
      "/db/_changes?heartbeat=x", "/db/_changes?timeout=x", "/db/_changes?filter=_doc_ids",
      "/db/_changes?filter=_selector", "/db/a?open_revs=%5B1%5D", "/db/a?atts_since=x", "/db/a?rev=1",
      "/_all_dbs?limit=x", "/_uuids?count=-1",
    ])
  func `an absurd parameter is a bad request`(_ target: String) async throws {
    let server = try await Server.withDatabase()
    #expect(try await server.send(.get, target).status == .badRequest)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `whatever a query says, the server does not fail`(_ seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    let server = try await Server.withDatabase()
    for id in ["a", "b", "c"] { _ = try await server.send(.put, "/db/\(id)", "{}") }
    var answered = 0
    for _ in 0..<100 {
      let target = HostileRequestTests.target(using: &random)
      guard let request = try? Request(.get, target: target) else { continue }
      let response = await server.router.respond(to: request)
      _ = try? await response.body.stream.bytes()
      #expect(response.status.code < 500 || response.status == .notImplemented, "\(target)")
      if response.status == .ok { answered += 1 }
    }
    #expect(answered > 0)
  }

  private static let paths = [
    "/db/_all_docs", "/db/_changes", "/db/_design_docs", "/db/_local_docs", "/db/a", "/db/a/file", "/db", "/_all_dbs",
    "/_uuids",
  ]
  /// All but `feed`: a live one would wait.
  private static let names = [
    "limit", "skip", "startkey", "endkey", "start_key", "end_key", "key", "keys", "descending", "inclusive_end",
    "include_docs", "conflicts", "attachments", "att_encoding_info", "update_seq", "since", "style", "filter", "view",
    "doc_ids", "seq_interval", "timeout", "heartbeat", "last-event-id", "rev", "revs", "revs_info", "open_revs",
    "atts_since", "latest", "local_seq", "meta", "count",
  ]
  private static let values = [
    "", "true", "false", "null", "0", "1", "-1", "0.5", "1e400", "9223372036854775808", "\"a\"", "\"\u{FFF0}\"", "[]",
    "{}", "[\"a\"]", "[1]", "[[[[", "all", "now", "1-x", "[\"1-x\"]", "all_docs", "main_only", "_doc_ids", "_selector",
    "_design", "_view", "a/b", "é", "\u{0}",
  ]

  /// A path with some parameters that exist, whose values are right, wrong, or damaged.
  private static func target(using random: inout SeededGenerator) -> String {
    var target = paths.randomElement(using: &random)!
    for index in 0..<Int.random(in: 0...3, using: &random) {
      var bytes = Array(values.randomElement(using: &random)!.utf8)
      if let damaged = bytes.indices.randomElement(using: &random), Int.random(in: 0..<4, using: &random) == 0 {
        bytes[damaged] = .random(in: 0...255, using: &random)
      }
      let value = bytes.map { $0 < 16 ? "%0\(String($0, radix: 16))" : "%\(String($0, radix: 16))" }.joined()
      target += "\(index == 0 ? "?" : "&")\(names.randomElement(using: &random)!)=\(value)"
    }
    return target
  }
}
