import Foundation
import PeerPouch
import Testing

@Suite("Dumping and loading", .timeLimit(.minutes(5)))
struct DumpTests {
  /// A database with everything that a dump must carry over.
  private func fill(_ path: String) async throws {
    let database = try await Pouch(path)
    try await database.put(["_id": "plain", "z": 1, "a": ["n": 2]])
    try await database.put(["_id": "edited", "v": 1])
    for version in 2...5 { try await database.update("edited") { $0["v"] = JSON(version) } }
    try await database.remove(database.get("plain"))
    try await database.put(["_id": "_design/view", "language": "javascript"])
    try await database.put(["_id": "_local/checkpoint", "here": true])
    var leaves: [Document] = []
    for (index, suffix) in ["a", "b", "c", "d"].enumerated() {
      var leaf: Document = ["_id": "conflicts", "leaf": JSON(suffix)]
      leaf.isDeleted = suffix == "d"
      leaf.revisions = [
        RevisionID(generation: 3, suffix: suffix), RevisionID(generation: 2, suffix: "x\(index / 2)"),
        RevisionID(generation: 1, suffix: "o"),
      ]
      leaf.attachments["own"] = Attachment(Array("leaf \(suffix)".utf8), contentType: "text/plain")
      leaves.append(leaf)
    }
    _ = try await database.bulkDocs(leaves, .replicated)
    var attachments: Document = ["_id": "attachments\n\u{202E}"]
    attachments.attachments["z large"] = Attachment([UInt8](repeating: 7, count: 700_001))
    attachments.attachments["empty"] = Attachment([UInt8]())
    attachments.attachments["a \"small\"\n"] = Attachment(Array("x".utf8), contentType: "text/x; y=\"1\"")
    attachments.attachments["limit"] = Attachment([UInt8](repeating: 8, count: 64 << 10))
    attachments.attachments["over"] = Attachment([UInt8](repeating: 9, count: (64 << 10) + 1))
    try await database.put(attachments)
    // Together they are too much for one line.
    var many: Document = ["_id": "many"]
    for index in 0..<100 { many.attachments["f\(index)"] = Attachment([UInt8](repeating: UInt8(index), count: 60_000)) }
    try await database.put(many)
    try await database.close()
  }

  @Test func `loading a dump makes an equal database`() async throws {
    try await Home.with { home in
      try await fill(home.path("first.pouch"))
      let first = try await home.run("dump", "first")
      #expect(first.status == 0)
      #expect(try await home.run(["load", "second"], input: first.output).text == "9 documents loaded\n")
      let second = try await home.run("dump", "second")
      #expect(second.lines.sorted() == first.lines.sorted())
      #expect(try await home.run("check", "second").text == "ok\n")
      let fetched = try await home.run("fetch", "second", "attachments\n\u{202E}", "z large")
      #expect(fetched.output == Data(repeating: 7, count: 700_001))
      // Once more changes nothing.
      #expect(try await home.run(["load", "second"], input: first.output).status == 0)
      #expect(try await home.run("dump", "second").output == second.output)
    }
  }

  @Test func `lines stay short, however much is attached`() async throws {
    try await Home.with { home in
      try await fill(home.path("first.pouch"))
      let lines = try await home.run("dump", "first", "dump.jsonl").status == 0 ? home.lines(of: "dump.jsonl") : []
      #expect(lines.map(\.utf8.count).max() ?? 0 < 6 << 20)
      #expect(lines.contains { $0.hasPrefix(#"{"attachment":"z large","_id":"attachments"#) })
      #expect(!lines.contains { $0.contains("checkpoint") })
    }
  }

  @Test func `plain documents become new ones`() async throws {
    try await Home.with { home in
      let input = "{\"_id\":\"a\"}\r\n\n  \n{\"b\":1}\n{\"_id\":\"c\"}"
      #expect(try await home.run("load", "notes", input: input).text == "3 documents loaded\n")
      let ids = try await home.run("ls", "notes").columns.compactMap(\.first)
      #expect(ids.count == 3)
      #expect(ids.contains("a") && ids.contains("c"))
    }
  }

  @Test func `a line that is no JSON stops the loading, and what came before is there`() async throws {
    try await Home.with { home in
      let outcome = try await home.run(
        "load", "notes", input: "{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n{oops\n{\"_id\":\"c\"}\n")
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("2 documents loaded before it ended"))
      #expect(outcome.errors.contains("malformed: line 3: "))
      #expect(try await home.run("ls", "notes").columns.map(\.first) == ["a", "b"])
    }
  }

  @Test func `what cannot be stored is reported, and the rest is loaded`() async throws {
    try await Home.with { home in
      let input = """
        {"_id":"a"}
        {"_id":"_bad"}
        {"_id":7}
        {"_id":"stub","_rev":"1-a","_attachments":{"x":{"stub":true,"length":5}}}
        {"_id":"z"}
        """
      let outcome = try await home.run("load", "notes", "--json", input: input)
      #expect(outcome.status == 1)
      #expect(outcome.json == [["ok": false, "loaded": 2, "failed": 3]])
      let errors = outcome.errors.split(separator: "\n").compactMap { try? JSON(parsing: String($0)) }
      let refused = errors.filter { $0["error"] != nil }.sorted { $0["line"]?.int ?? 0 < $1["line"]?.int ?? 0 }
      #expect(refused.map { $0["line"] } == [2, 3, 4])
      #expect(refused.map { $0["id"] } == ["_bad", nil, "stub"])
      #expect(refused.map { $0["error"] } == ["illegal_docid", "illegal_docid", "missing_stub"])
    }
  }

  @Test func `when all that failed are conflicts, that is the exit code`() async throws {
    try await Home.with { home in
      try await home.run("load", "notes", input: "{\"_id\":\"a\"}")
      #expect(try await home.run("load", "notes", input: "{\"_id\":\"a\",\"v\":2}\n{\"_id\":\"b\"}").status == 4)
      #expect(try await home.run("load", "notes", input: "{\"_id\":\"a\",\"v\":2}\n{\"_id\":\"_b\"}").status == 1)
    }
  }

  @Test func `the parts of an attachment whose document is refused are passed over`() async throws {
    try await Home.with { home in
      let stub = #""_attachments":{"x":{"length":5,"follows":true}}"#
      let input = """
        {"_id":"_bad","_rev":"1-a",\(stub)}
        {"attachment":"x","_id":"_bad","_rev":"1-a","offset":0,"data":"aGVsbG8="}
        {"_id":"good","_rev":"1-a",\(stub)}
        {"attachment":"x","_id":"good","_rev":"1-a","offset":0,"data":"aGU="}
        {"attachment":"x","_id":"good","_rev":"1-a","offset":2,"data":"bGxv"}
        """
      let outcome = try await home.run("load", "notes", input: input)
      #expect(outcome.status == 1)
      #expect(outcome.text == "1 document loaded, 1 failed\n")
      #expect(try await home.run("fetch", "notes", "good", "x").text == "hello")
    }
  }

  @Test(arguments: [
    // Another offset, another document, none at all, more than was announced, and a part without its document.
    #"{"_id":"n","_rev":"1-a",ATT}"# + "\n"
      + #"{"attachment":"x","_id":"n","_rev":"1-a","offset":1,"data":"aGVsbG8="}"#,
    #"{"_id":"n","_rev":"1-a",ATT}"# + "\n"
      + #"{"attachment":"x","_id":"m","_rev":"1-a","offset":0,"data":"aGVsbG8="}"#,
    #"{"_id":"n","_rev":"1-a",ATT}"#,
    #"{"_id":"n","_rev":"1-a",ATT}"# + "\n"
      + #"{"attachment":"x","_id":"n","_rev":"1-a","offset":0,"data":"aGVsbG9v"}"#,
    #"{"attachment":"x","_id":"n","_rev":"1-a","offset":0,"data":"aGVsbG8="}"#,
  ])
  func `a dump whose attachments are not whole is malformed`(lines: String) async throws {
    try await Home.with { home in
      let input = lines.replacingOccurrences(of: "ATT", with: #""_attachments":{"x":{"length":5,"follows":true}}"#)
      let outcome = try await home.run("load", "notes", input: input)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("malformed: line "))
      #expect(try await home.run("changes", "notes").lines.isEmpty)
    }
  }

  @Test func `an attachment that was damaged on its way is refused`() async throws {
    try await Home.with { home in
      try await home.run(["attach", "first", "n", "-", "--name", "a"], input: Data(repeating: 65, count: 100_000))
      let dump = try await home.run("dump", "first").text.replacingOccurrences(of: "QUFBQUFB", with: "QUFBQUFC")
      let outcome = try await home.run("load", "second", input: dump)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("content_md5_mismatch"))
    }
  }

  @Test func `machines are told the progress`() async throws {
    try await Home.with { home in
      let outcome = try await home.run("load", "notes", "--json", input: "{\"_id\":\"a\"}\n")
      // On a busy machine there is more than the last line.
      let last = try #require(outcome.errors.split(separator: "\n").last)
      let progress = try JSON(parsing: String(last))["progress"]
      #expect(progress?["done"] == 12)
      #expect(progress?["total"] == 12)
      #expect(try await home.run("load", "notes", "--json", "--quiet", input: "{\"_id\":\"b\"}\n").errors.isEmpty)
    }
  }
}

extension Home {
  fileprivate func lines(of file: String) throws -> [String] {
    try String(contentsOfFile: path(file), encoding: .utf8).split(separator: "\n").map(String.init)
  }
}
