import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

struct ListRouteTests {
  private func ids(_ list: JSON?) -> [String] {
    list?["rows"]?.array?.map { $0["id"]?.string ?? "missing \($0["key"]?.string ?? "")" } ?? []
  }

  private func server() async throws -> Server {
    let server = try await Server.withDatabase()
    let list = ["_design/x", "_design/y", "a", "b", "c"].map { "{\"_id\":\"\($0)\"}" }.joined(separator: ",")
    _ = try await server.json(.post, "/db/_bulk_docs", "{\"docs\":[\(list)]}")
    for id in ["2", "1", "3"] { _ = try await server.json(.put, "/db/_local/\(id)", "{\"n\":\(id)}") }
    return server
  }

  @Test(arguments: [
    ("_all_docs", ["_design/x", "_design/y", "a", "b", "c"]),
    ("_all_docs?startkey=%22a%22&endkey=%22b%22", ["a", "b"]),
    ("_all_docs?descending=true&startkey=%22b%22&inclusive_end=false&endkey=%22_design/y%22", ["b", "a"]),
    ("_all_docs?startkey=1&limit=1", ["_design/x"]),
    ("_all_docs?endkey=1", []),
    ("_all_docs?descending=true&startkey=null", []),
    ("_all_docs?descending=true&endkey=null&limit=1", ["c"]),
    ("_all_docs?keys=%5B%22c%22,%22z%22,%22a%22,%22c%22%5D", ["c", "missing z", "a", "c"]),
    ("_all_docs?keys=%5B%22c%22,%22z%22,%22a%22%5D&descending=true&skip=1", ["missing z", "c"]),
    ("_design_docs", ["_design/x", "_design/y"]),
    ("_design_docs?descending=true", ["_design/y", "_design/x"]),
    ("_design_docs?startkey=%22_design/y%22", ["_design/y"]),
    ("_design_docs?endkey=%22a%22&limit=1", ["_design/x"]),
    ("_local_docs", ["_local/1", "_local/2", "_local/3"]),
    ("_local_docs?descending=true&limit=2", ["_local/3", "_local/2"]),
    ("_local_docs?startkey=%22_local/2%22&skip=1", ["_local/3"]),
    ("_local_docs?keys=%5B%22_local/3%22%5D", ["_local/3"]),
  ])
  func `a list has the rows of its range in their order`(_ target: String, _ expected: [String]) async throws {
    let list = try await server().json(.get, "/db/\(target)")
    #expect(ids(list) == expected)
  }

  @Test func `local documents are listed with their content, and by no other list`() async throws {
    let server = try await server()
    let list = try await server.json(.get, "/db/_local_docs?include_docs=true")
    #expect(list["rows"]?.array?.compactMap { $0["doc"]?["n"]?.int } == [1, 2, 3])
    #expect(ids(try await server.json(.get, "/db/_all_docs?startkey=%22_local/%22&endkey=%22_local0%22")) == [])
  }

  @Test func `long lists are streamed and complete`() async throws {
    let server = try await Server.withDatabase()
    let list = (1000..<4321).map { "{\"_id\":\"d\($0)\"}" }.joined(separator: ",")
    _ = try await server.json(.post, "/db/_bulk_docs", "{\"docs\":[\(list)]}")
    for target in ["_all_docs", "_all_docs?include_docs=true", "_all_docs?update_seq=true"] {
      let response = try await server.send(.get, "/db/\(target)")
      #expect(response.body.length == nil)
      let list = try await response.json()
      #expect(list["total_rows"] == 3321)
      #expect(ids(list) == (1000..<4321).map { "d\($0)" })
    }
    let keys = (1000..<4321).map { "\"d\($0)\"" }.joined(separator: ",")
    let byKeys = try await server.json(.post, "/db/_all_docs?include_docs=true", "{\"keys\":[\(keys)]}")
    #expect(ids(byKeys).count == 3321)
    let requests = (1000..<4321).map { "{\"id\":\"d\($0)\"}" }.joined(separator: ",")
    let bulk = try await server.json(.post, "/db/_bulk_get", "{\"docs\":[\(requests)]}")
    #expect(bulk["results"]?.array?.compactMap { $0["docs"]?[0]?["ok"]?["_id"]?.string }.count == 3321)
  }

  @Test func `several queries are answered in one answer, in their order`() async throws {
    let answer = try await server().json(
      .post, "/db/_all_docs/queries", #"{"queries":[{"limit":1},{"keys":["b","q"]},{"startkey":"c"},{"limit":0}]}"#)
    let lists = answer["results"]?.array?.map { ids($0) }
    #expect(lists == [["_design/x"], ["b", "missing q"], ["c"], []])
    #expect(try await server().json(.post, "/db/_all_docs/queries", #"{"queries":[]}"#) == ["results": []])
  }

  @Test func `local documents are listed by keys, in several queries, and missing ones are told`() async throws {
    let server = try await server()
    for id in ["a", "b", "c"] { _ = try await server.json(.put, "/db/_local/\(id)", "{}") }
    let answer = try await server.json(
      .post, "/db/_local_docs/queries",
      """
      {"queries":[{"keys":["_local/c","_local/q","b","_design/x","_local/a","_local/c"]},{"limit":1,"start_key":"_local/b"},
      {"keys":["_local/q","_local/a","_local/b"],"skip":1,"limit":1},{"keys":["_local/a","_local/q"],"descending":true}]}
      """)
    let lists = answer["results"]?.array?.map { ids($0) }
    #expect(
      lists == [
        ["_local/c", "missing _local/q", "_local/a", "_local/c"], ["_local/b"], ["_local/a"],
        ["missing _local/q", "_local/a"],
      ])
    #expect(answer["results"]?[0]?["total_rows"] == .null)
  }

  @Test func `databases are listed by range`() async throws {
    let server = Server()
    for name in ["a", "b", "c", "d"] { try await server.databases.create(name) }
    #expect(try await server.json(.get, "/_all_dbs?startkey=%22b%22&limit=2") == ["b", "c"])
    #expect(try await server.json(.get, "/_all_dbs?descending=true&skip=1&endkey=%22b%22") == ["c", "b"])
    #expect(try await server.json(.get, "/_all_dbs?endkey=%22c%22&inclusive_end=false") == ["a", "b"])
  }

  @Test func `changes still to come are counted, and estimated when they are many`() async throws {
    let database = try await MemoryDatabases.one()
    let documents = (0..<12_000).map { Document(id: "d\($0)") }
    _ = try await database.bulkDocs(documents, .edits)
    let batch = try await database.nextChanges(.once, after: nil, limit: 3000)
    #expect(try await database.pendingChanges(after: batch.lastSequence) == 12_000 - batch.changes.count)
    #expect(try await database.pendingChanges(after: .start) == 12_000)
  }
}
