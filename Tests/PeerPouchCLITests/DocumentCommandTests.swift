import Foundation
import PeerPouch
import Testing

@Suite("Commands for documents", .timeLimit(.minutes(5)))
struct DocumentCommandTests {
  @Test func `what was put is got back`() async throws {
    try await Home.with { home in
      let put = try await home.run("put", "notes", "n1", input: #"{ "text": "milk", "price": 1.10 }"#)
      #expect(put.status == 0)
      let revision = try #require(put.text.split(separator: " ").last).trimmingCharacters(in: .newlines)
      let get = try await home.run("get", "notes", "n1")
      #expect(get.text == #"{"_id":"n1","_rev":"\#(revision)","text":"milk","price":1.10}"# + "\n")
    }
  }

  @Test func `a document is read from a file, and its own id is used`() async throws {
    try await Home.with { home in
      try Data(#"{"_id":"own","a":1}"#.utf8).write(to: URL(fileURLWithPath: home.path("doc.json")))
      #expect(try await home.run("put", "notes", "-", "doc.json").text.hasPrefix("own 1-"))
      #expect(try await home.run("put", "notes", "other", "doc.json").text.hasPrefix("other 1-"))
    }
  }

  @Test func `a document without an id gets one`() async throws {
    try await Home.with { home in
      let put = try await home.run("put", "notes", "--json", input: "{}")
      let id = try #require(put.json.first?["id"]?.string)
      #expect(put.json.first?["ok"] == true)
      #expect(try await home.run("get", "notes", id).status == 0)
    }
  }

  @Test func `an edit that does not name the present revision is a conflict`() async throws {
    try await Home.with { home in
      let first = try await home.run("put", "notes", "n", "--json", input: #"{"v":1}"#)
      let revision = try #require(first.json.first?["rev"]?.string)
      let blind = try await home.run("put", "notes", "n", input: #"{"v":2}"#)
      #expect(blind.status == 4)
      #expect(blind.errors == "peerpouch: conflict: Document update conflict.\n")
      #expect(try await home.run("put", "notes", "n", "--rev", revision, input: #"{"v":2}"#).status == 0)
      #expect(try await home.run("put", "notes", "n", "--rev", revision, input: #"{"v":3}"#).status == 4)
      #expect(try await home.run("put", "notes", "n", "--force", input: #"{"v":4}"#).text.hasPrefix("n 3-"))
    }
  }

  @Test func `a document that cannot be stored leaves nothing behind`() async throws {
    try await Home.with { home in
      let broken = try await home.run("put", "notes", "n", input: "{")
      #expect(broken.status == 1)
      #expect(try await home.run("put", "notes", "n", input: #"{"_unknown":1}"#).status == 1)
      #expect(try await home.run("info", "notes").status == 3)
      #expect(try await home.run("put", "notes", "_n", input: "{}").status == 1)
      #expect(try await home.run("ls", "notes").lines.isEmpty)
    }
  }

  @Test func `a deleted document is not found, and its tombstone is`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "n", input: "{}")
      #expect(try await home.run("rm", "notes", "n").text.hasPrefix("n 2-"))
      let get = try await home.run("get", "notes", "n")
      #expect(get.status == 3)
      #expect(get.errors == "peerpouch: not_found: deleted\n")
      #expect(try await home.run("rm", "notes", "n").status == 3)
      #expect(try await home.run("ls", "notes").lines.isEmpty)
      #expect(try await home.run("changes", "notes").columns.map(\.last) == ["deleted"])
    }
  }

  @Test func `the history and the conflicts of a document are shown`() async throws {
    try await Home.with { home in
      let leaves = """
        {"_id":"n","_rev":"2-a","_revisions":{"start":2,"ids":["a","o"]},"v":"a"}
        {"_id":"n","_rev":"2-b","_revisions":{"start":2,"ids":["b","o"]},"v":"b"}
        {"_id":"n","_rev":"2-c","_revisions":{"start":2,"ids":["c","o"]},"_deleted":true}
        """
      #expect(try await home.run("load", "notes", input: leaves).status == 0)
      let get = try await home.run(
        "get", "notes", "n", "--revs", "--revs-info", "--conflicts", "--deleted-conflicts")
      let document = try #require(get.json.first)
      #expect(document["_rev"] == "2-b")
      #expect(document["_revisions"]?["ids"] == ["b", "o"])
      #expect(document["_revs_info"]?[1] == ["rev": "1-o", "status": "missing"])
      #expect(document["_conflicts"] == ["2-a"])
      #expect(document["_deleted_conflicts"] == ["2-c"])
      #expect(try await home.run("get", "notes", "n", "--rev", "2-a").json.first?["v"] == "a")
      let all = try await home.run("get", "notes", "n", "--open-revs", "all")
      #expect(all.json.first?.array?.compactMap { $0["ok"]?["_rev"]?.string }.sorted() == ["2-a", "2-b", "2-c"])
      let some = try await home.run("get", "notes", "n", "--open-revs", #"["2-a","2-z"]"#)
      #expect(some.json.first?[1] == ["missing": "2-z"])
    }
  }

  @Test func `a list has ranges, prefixes, keys and an order`() async throws {
    try await Home.with { home in
      let documents = ["a1", "a2", "b1", "b2", "c"].map { #"{"_id":"\#($0)","v":1}"# }.joined(separator: "\n")
      try await home.run("load", "notes", input: documents)
      try await home.run("rm", "notes", "b2")
      func ids(_ arguments: String...) async throws -> [String?] {
        try await home.run(["ls", "notes"] + arguments, input: Data()).columns.map(\.first)
      }
      #expect(try await ids() == ["a1", "a2", "b1", "c"])
      #expect(try await ids("--start", "a2", "--end", "b1") == ["a2", "b1"])
      #expect(try await ids("--start", "b9", "--descending") == ["b1", "a2", "a1"])
      #expect(try await ids("--prefix", "a", "--descending") == ["a2", "a1"])
      #expect(try await ids("--skip", "1", "--limit", "2") == ["a2", "b1"])
      let keys = try await home.run("ls", "notes", "--key", "c", "--key", "b2", "--key", "x")
      #expect(keys.columns.map(\.first) == ["c", "b2", "x"])
      #expect(keys.columns.map(\.last)[1...] == ["deleted", "missing"])
      let documentLines = try await home.run("ls", "notes", "--docs", "--prefix", "a1")
      #expect(documentLines.json.first?["v"] == 1)
    }
  }

  @Test(arguments: [[], ["--docs"], ["--descending"], ["--docs", "--limit", "1500", "--skip", "7"]])
  func `a list of many pages has each document once`(options: [String]) async throws {
    try await Home.with { home in
      let ids = (0..<2500).map { String(format: "d%05d", $0) }
      let documents = ids.map { #"{"_id":"\#($0)","text":"\#(String(repeating: "x", count: 3000))"}"# }
      try await home.run("load", "notes", input: documents.joined(separator: "\n"))
      let listed = try await home.run(["ls", "notes", "--json"] + options, input: Data()).json
      var expected = options.contains("--descending") ? ids.reversed() : ids
      if options.contains("--limit") { expected = Array(expected.dropFirst(7).prefix(1500)) }
      #expect(listed.map { ($0["_id"] ?? $0["id"])?.string } == expected)
    }
  }

  @Test func `a line break in an id does not break the lines`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "one\n\ttwo", input: "{}")
      #expect(try await home.run("ls", "notes").columns.map(\.first) == [#"one\n\ttwo"#])
      #expect(try await home.run("ls", "notes", "--json").json.first?["id"] == "one\n\ttwo")
    }
  }

  @Test func `the changes are listed as CouchDB does`() async throws {
    try await Home.with { home in
      let rows = """
        {"_id":"n","_rev":"1-a"}
        {"_id":"n","_rev":"1-b"}
        {"_id":"m"}
        """
      try await home.run("load", "notes", input: rows)
      try await home.run("rm", "notes", "m")
      let changes = try await home.run("changes", "notes", "--json", "--all-leaves", "--docs").json
      #expect(changes.map { $0["id"] } == ["n", "m"])
      #expect(changes[0]["changes"] == [["rev": "1-b"], ["rev": "1-a"]])
      #expect(changes[1]["deleted"] == true)
      #expect(changes[1]["doc"]?["_deleted"] == true)
      let first = try #require(changes[0]["seq"]?.string)
      #expect(try await home.run("changes", "notes", "--since", first).columns.map { $0[1] } == ["m"])
      #expect(try await home.run("changes", "notes", "--since", "now").lines.isEmpty)
      #expect(try await home.run("changes", "notes", "--descending", "--limit", "1").columns.map { $0[1] } == ["m"])
      #expect(try await home.run("changes", "notes", "--all-leaves").columns.first?.last == "1-b,1-a")
    }
  }

  @Test func `a purged revision is gone without a trace`() async throws {
    try await Home.with { home in
      try await home.run("load", "notes", input: #"{"_id":"n","_rev":"1-a"}"#)
      #expect(try await home.run("purge", "notes", "n", "1-z").status == 3)
      #expect(try await home.run("purge", "notes", "n", "1-a", "--json").json == [["purged": ["n": ["1-a"]]]])
      #expect(try await home.run("changes", "notes").lines.isEmpty)
    }
  }
}
