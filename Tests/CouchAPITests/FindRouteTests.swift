import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

struct FindRouteTests {
  /// A server with documents `d00` to `d29`, whose `n` counts and whose `group` is one of three.
  private func filled(_ options: RouterOptions = RouterOptions()) async throws -> TestServer {
    let server = try await TestServer(options)
    let documents = (0..<30).map { number in
      Document(
        id: DocumentID(number < 10 ? "d0\(number)" : "d\(number)"),
        fields: ["n": JSON(number), "group": JSON(["a", "b", "c"][number % 3]), "deep": ["x": JSON(-number)]])
    }
    let design = Document(id: "_design/x", fields: ["n": 1])
    for result in try await server.database.bulkDocs(documents + [design]) { _ = try result.outcome.get() }
    return server
  }

  private func find(_ server: TestServer, _ query: JSON) async throws -> JSON {
    let answer = try await server.send(.post, "/_find", json: query)
    #expect(answer.status == 200, "\(answer.text)")
    return try answer.json
  }

  private func numbers(_ answer: JSON) -> [Int] {
    answer["docs"]?.array?.compactMap { $0["n"]?.int } ?? []
  }

  @Test func `documents that match come in the order of their ids, 25 of them`() async throws {
    let server = try await filled()
    let answer = try await server.send(.post, "/_find", json: ["selector": ["n": ["$lt": 2]]])
    let revisions = try answer.json["docs"]?.array?.compactMap { $0["_rev"]?.string } ?? []
    #expect(revisions.count == 2)
    let rows = zip(["0", "1"], zip(["a", "b"], revisions)).map { number, row in
      #"{"_id":"d0\#(number)","_rev":"\#(row.1)","n":\#(number),"group":"\#(row.0)","deep":{"x":\#(number == "0" ? "0" : "-1")}}"#
    }
    let bookmark = try answer.json["bookmark"]?.string ?? ""
    #expect(
      answer.text == "{\"docs\":[\r\n" + rows.joined(separator: ",\r\n")
        + "\r\n],\r\n\"bookmark\": \"\(bookmark)\",\r\n"
        + "\"warning\": \"No matching index found, create an index to optimize query time.\"}\r\n")
    #expect(numbers(try await find(server, ["selector": [:]])) == Array(0..<25))
    #expect(numbers(try await find(server, ["selector": [:], "limit": 3, "skip": 28])) == [28, 29])
    #expect(try await find(server, ["selector": [:], "limit": 0])["bookmark"] == "nil")
  }

  @Test func `pages follow each other by their bookmarks`() async throws {
    let server = try await filled()
    let orders: [(JSON, [Int])] = [
      ([], Array(0..<30)), ([["_id": "desc"]], (0..<30).reversed()), (["deep.x"], (0..<30).reversed()),
      (["group", "n"], (0..<30).sorted { ($0 % 3, $0) < ($1 % 3, $1) }),
      ([["group": "desc"]], (0..<30).sorted { ($0 % 3, $0) > ($1 % 3, $1) }),
    ]
    for (order, expected) in orders {
      var found: [Int] = []
      var bookmark: JSON = nil
      while true {
        let answer = try await find(
          server, ["selector": ["n": ["$gte": 0]], "sort": order, "limit": 7, "bookmark": bookmark])
        if numbers(answer).isEmpty { break }
        found += numbers(answer)
        bookmark = answer["bookmark"] ?? nil
      }
      #expect(found == expected, "\(order.text)")
    }
  }

  @Test func `sorting keeps the first, skips, and leaves out what has no such field`() async throws {
    let server = try await filled()
    try await server.database.put(Document(id: "without", fields: ["n": 100]))
    let sorted = try await find(server, ["selector": [:], "sort": [["deep.x": "desc"]], "limit": 3, "skip": 2])
    #expect(numbers(sorted) == [2, 3, 4])
    #expect(numbers(try await find(server, ["selector": [:], "sort": ["deep.x"], "limit": 100])).count == 30)
  }

  @Test func `what is kept to be sorted is bounded`() async throws {
    var options = RouterOptions()
    options.limits.sortedDocuments = 10
    let server = try await filled(options)
    let few = try await find(server, ["selector": [:], "sort": [["n": "desc"]], "limit": 8, "skip": 2])
    #expect(numbers(few) == (20...27).reversed())
    let many = try await server.send(.post, "/_find", json: ["selector": [:], "sort": ["n"], "limit": 11])
    #expect(many.status == 400)
    #expect(try many.json["error"] == "no_usable_index")
    options.limits.sortedBytes = 100
    let small = try await filled(options)
    let large = try await small.send(.post, "/_find", json: ["selector": [:], "sort": ["n"], "limit": 9])
    #expect(large.status == 400)
  }

  @Test func `only the fields asked for are shown`() async throws {
    let server = try await filled()
    let answer = try await find(
      server, ["selector": ["_id": "d03"], "fields": ["_id", "deep.x", "group", "nope", "group.x"]])
    #expect(answer["docs"] == [["_id": "d03", "deep": ["x": -3], "group": "a"]])
  }

  @Test func `conflicts and statistics are shown when asked for`() async throws {
    let server = try await filled()
    let leaves = ["a", "b"].map {
      Document(id: "c", revision: RevisionID(generation: 1, suffix: $0), fields: ["n": -1])
    }
    _ = try await server.database.bulkDocs(leaves, .replicated)
    let answer = try await find(
      server, ["selector": ["n": ["$lt": 1]], "conflicts": true, "execution_stats": true, "use_index": "x/y"])
    #expect(answer["docs"]?[0]?["_conflicts"] == ["1-a"])
    #expect(answer["execution_stats"]?["total_docs_examined"] == 31)
    #expect(answer["execution_stats"]?["results_returned"] == 2)
    #expect(answer["warning"]?.string?.hasPrefix("_design/x, y was not used because") == true)
    let range = try await find(
      server, ["selector": ["_id": ["$gt": "d10", "$lte": "d12"]], "execution_stats": true])
    #expect(numbers(range) == [11, 12])
    #expect(range["execution_stats"]?["total_docs_examined"] == 3)
  }

  @Test(
    arguments: [
      ([:], "missing_required_key"), (["selector": 1], "invalid_selector_json"),
      (["selector": ["v": ["$foo": 1]]], "invalid_operator"),
      (["selector": [:], "limit": -1], "invalid_non_neg_integer"),
      (["selector": [:], "skip": "x"], "invalid_non_neg_integer"), (["selector": [:], "frob": 1], "invalid_key"),
      (["selector": [:], "sort": "x"], "invalid_sort_json"), (["selector": [:], "sort": [1]], "invalid_sort_field"),
      (["selector": [:], "sort": [["a": "up"]]], "invalid_sort_field"),
      (["selector": [:], "sort": ["a", ["b": "desc"]]], "unsupported_mixed_sort"),
      (["selector": [:], "fields": "x"], "invalid_fields"), (["selector": [:], "fields": [1]], "invalid_field"),
      (["selector": [:], "fields": ["a."]], "invalid_field_name"),
      (["selector": [:], "bookmark": "?"], "invalid_bookmark"),
      (["selector": [:], "bookmark": 1], "invalid_bookmark"), (["selector": [:], "conflicts": 1], "invalid_boolean"),
      (["selector": [:], "r": 0], "invalid_pos_integer"), (["selector": [:], "use_index": 1], "invalid_index_name"),
      (["selector": [:], "use_index": "x", "allow_fallback": false], "invalid_index"),
    ] as [(JSON, String)])
  func `what cannot be asked is refused under CouchDB's names`(_ query: JSON, _ name: String) async throws {
    let server = try await TestServer()
    for path in ["/_find", "/_explain"] {
      let answer = try await server.send(.post, path, json: query)
      #expect(answer.status == 400)
      #expect(try answer.json["error"] == JSON(name), "\(answer.text)")
    }
  }

  @Test func `the plan is always to go through the documents`() async throws {
    let server = try await TestServer()
    let query: JSON = ["selector": ["_id": ["$gt": "b"]], "fields": ["_id"], "limit": 3, "sort": [["_id": "desc"]]]
    let plan = try await server.send(.post, "/_explain", json: query).json
    #expect(plan["dbname"] == "db")
    #expect(plan["index"]?["name"] == "_all_docs")
    #expect(plan["limit"] == 3)
    #expect(plan["fields"] == ["_id"])
    #expect(plan["opts"]?["sort"] == ["_id": "desc"])
    #expect(plan["mrargs"]?["start_key"] == "b")
    #expect(plan["mrargs"]?["direction"] == "rev")
  }

  @Test(
    arguments: [
      ([:], [:]), (["a": 1], ["a": ["$eq": 1]]), (["a": ["b": [:]]], ["a.b": ["$eq": [:]]]),
      (
        ["a": ["$gt": 1, "$lt": 5], "b": nil],
        ["$and": [["$and": [["a": ["$gt": 1]], ["a": ["$lt": 5]]]], ["b": ["$eq": nil]]]]
      ),
      (["a": ["$or": [1, ["b": 2]]]], ["$or": [["a": ["$eq": 1]], ["a.b": ["$eq": 2]]]]),
      (["$not": ["a": ["$gt": 1, "$exists": true]]], ["$or": [["a": ["$lte": 1]], ["a": ["$exists": false]]]]),
      (["$nor": [["a": 1], ["$not": ["b": ["$in": [1]]]]]], ["$and": [["a": ["$ne": 1]], ["b": ["$in": [1]]]]]),
      (
        ["$not": ["$nor": [["a": 1], ["b": ["$regex": "x"]]]]],
        ["$or": [["a": ["$eq": 1]], ["b": ["$regex": "x"]]]]
      ),
      (["$not": ["a": ["$size": 1]]], ["a": ["$not": ["$size": 1]]]),
      (
        ["$not": ["a": ["$elemMatch": ["$not": ["b": 1]]]]],
        ["a": ["$not": ["$elemMatch": ["$not": ["b": ["$eq": 1]]]]]]
      ),
      (["a": ["$allMatch": ["$gt": 1]]], ["a": ["$allMatch": ["": ["$gt": 1]]]]),
    ] as [(JSON, JSON)])
  func `the plan spells the selector out`(_ selector: JSON, _ spelled: JSON) async throws {
    let server = try await TestServer()
    let plan = try await server.send(.post, "/_explain", json: ["selector": selector]).json
    #expect(plan["selector"] == spelled)
  }

  @Test func `there is one index, and no other can be made`() async throws {
    let server = try await TestServer()
    let list = try await server.send(.get, "/_index").json
    #expect(list["total_rows"] == 1)
    #expect(list["indexes"]?[0]?["name"] == "_all_docs")
    #expect(try await server.send(.post, "/_index", json: ["index": ["fields": ["a"]]]).status == 501)
    #expect(try await server.send(.delete, "/_index/x/json/y").status == 404)
    #expect(try await server.send(.get, "/_find").header("Allow") == "POST")
  }

  @Test func `changes can be chosen by a selector`() async throws {
    let server = try await filled()
    let answer = try await server.send(
      .post, "/_changes?filter=_selector", json: ["selector": ["n": ["$gt": 27]]])
    #expect(try answer.json["results"]?.array?.compactMap { $0["id"]?.string } == ["d28", "d29"])
    let refused = try await server.send(.post, "/_changes?filter=_selector", json: ["selector": ["n": ["$foo": 1]]])
    #expect(try refused.json["error"] == "invalid_operator")
    #expect(try await server.send(.post, "/_changes?filter=_selector", json: [:]).status == 400)
  }
}
