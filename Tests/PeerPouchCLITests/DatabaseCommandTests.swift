import Foundation
import PeerPouch
import Testing

@Suite("Commands for databases, and what all commands share", .timeLimit(.minutes(5)))
struct DatabaseCommandTests {
  @Test(arguments: [
    ["get", "DB", "x"], ["ls", "DB"], ["changes", "DB"], ["rm", "DB", "x"], ["fetch", "DB", "x", "y"],
    ["detach", "DB", "x", "y"], ["info", "DB"], ["compact", "DB"], ["check", "DB"], ["dump", "DB"],
    ["purge", "DB", "x", "1-a"], ["destroy", "DB", "--yes"],
  ])
  func `a command that needs a database does not make one`(arguments: [String]) async throws {
    try await Home.with { home in
      for database in ["none", "./none.pouch"] {
        let outcome = try await home.run(arguments.map { $0 == "DB" ? database : $0 }, input: Data())
        #expect(outcome.status == 3)
        #expect(outcome.errors.hasPrefix("peerpouch: not_found: There is no database at "))
      }
      let files = try FileManager.default.contentsOfDirectory(atPath: home.folder.path)
      #expect(files.allSatisfy { $0.hasPrefix("std") })
    }
  }

  @Test(arguments: [
    [], ["ls"], ["nonsense"], ["get", "db"], ["get", "db", "x", "--rev", "nonsense"], ["ls", "db", "--limit", "x"],
    ["changes", "db", "--live", "--descending"], ["attach", "db", "x", "-"],
    ["fetch", "db", "x", "y", "--range", "9-1"],
    ["ls", "db", "--prefix", "a", "--key", "b"], ["put", "db", "x", "--force", "--rev", "1-a"],
  ])
  func `wrong usage exits with 2`(arguments: [String]) async throws {
    try await Home.with { home in
      let outcome = try await home.run(arguments, input: Data())
      // Without a command there is help.
      #expect(outcome.status == (arguments.isEmpty ? 0 : 2))
      #expect(outcome.text.isEmpty == !arguments.isEmpty)
    }
  }

  @Test func `errors are JSON with --json, wherever that stands`() async throws {
    try await Home.with { home in
      let expected: JSON = [
        "error": "not_found", "reason": JSON("There is no database at \(home.folder.path)/none.pouch."),
      ]
      for arguments in [["--json", "ls", "none"], ["ls", "none", "--json"], ["ls", "--json", "none"]] {
        let outcome = try await home.run(arguments, input: Data())
        #expect(try JSON(parsing: outcome.errors) == expected)
      }
      let usage = try await home.run("ls", "--json")
      #expect(try JSON(parsing: usage.errors)["error"] == "usage")
    }
  }

  @Test func `help tells the exit codes, and there is a version`() async throws {
    try await Home.with { home in
      let help = try await home.run("--help")
      #expect(help.text.contains("Exit codes: 0 fine"))
      let version = try await home.run("--version")
      #expect(version.text.first?.isNumber == true)
    }
  }

  @Test func `a database is a name, a path, or memory`() async throws {
    try await Home.with { home in
      #expect(try await home.run("put", "named", "n", input: "{}").status == 0)
      #expect(try await home.run("ls", "./named.pouch").lines.count == 1)
      #expect(try await home.run("put", "memory:", "n", input: "{}").status == 0)
      #expect(try await home.run("ls", "memory:").lines.isEmpty)
      let wrong = try await home.run("put", "named.pouch", "n", input: "{}")
      #expect(wrong.status == 1)
      #expect(wrong.errors.hasPrefix("peerpouch: illegal_database_name: "))
    }
  }

  @Test func `a file that is no database is refused and left as it is`() async throws {
    try await Home.with { home in
      let content = Data(repeating: 0x41, count: 5000)
      try content.write(to: URL(fileURLWithPath: home.path("text.pouch")))
      let outcome = try await home.run("put", "text", "n", input: "{}")
      #expect(outcome.status == 1)
      #expect(outcome.errors.hasPrefix("peerpouch: unsupported_format: "))
      #expect(try Data(contentsOf: URL(fileURLWithPath: home.path("text.pouch"))) == content)
    }
  }

  @Test func `a path that cannot be a database is named with the reason`() async throws {
    try await Home.with { home in
      try Data("text".utf8).write(to: URL(fileURLWithPath: home.path("text.txt")))
      try Data().write(to: URL(fileURLWithPath: home.path("empty.txt")))
      #expect(try await home.run("put", "./none/notes.pouch", input: "{}").errors.contains("There is no folder "))
      #expect(try await home.run("info", "./text.txt").errors.hasPrefix("peerpouch: unsupported_format: ./text.txt: "))
      #expect(try await home.run("info", home.folder.path).errors.hasSuffix("\(home.folder.path) is a folder.\n"))
      // A command that only reads makes no database of an empty file.
      #expect(try await home.run("ls", "./empty.txt").status == 3)
      #expect(try Data(contentsOf: URL(fileURLWithPath: home.path("empty.txt"))).isEmpty)
    }
  }

  @Test(arguments: ["0", "1", "2", "0 1 2"])
  func `standard descriptors that are closed are not those of the database`(closed: String) async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "n", input: "{}")
      let redirections = closed.split(separator: " ").map { "\($0)>&-" }.joined(separator: " ")
      // Writing needs neither input nor errors; without output it is done, and then cannot be told.
      let put = try await home.shell("echo '{}' > m.json; $peerpouch put notes m m.json \(redirections)")
      #expect(put.status == (closed.contains("1") ? 1 : 0))
      #expect(try await home.run("ls", "notes").columns.map(\.first) == ["m", "n"])
      #expect(try await home.run("check", "notes").status == 0)
      let input = try await home.shell("$peerpouch put notes o <&-")
      #expect(input.status == 1)
      #expect(input.errors.contains("Standard input could not be read"))
    }
  }

  @Test func `a database is not written over by a dump or an attachment`() async throws {
    try await Home.with { home in
      try await home.run("attach", "notes", "n", "-", "--name", "a", input: "hello")
      try await home.run("put", "other", "n", input: "{}")
      for database in ["notes", "other"] {
        let file = home.path("\(database).pouch")
        let dump = try await home.run("dump", "notes", file)
        #expect(dump.status == 5)
        #expect(dump.errors.hasPrefix("peerpouch: forbidden: "))
        #expect(try await home.run("fetch", "notes", "n", "a", "-o", file).status == 5)
        #expect(try await home.run("ls", database).columns.map(\.first) == ["n"])
      }
    }
  }

  @Test func `the state of a database is told as CouchDB does`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "a", input: "{}")
      try await home.run("put", "notes", "b", input: "{}")
      try await home.run("rm", "notes", "b")
      let info = try #require(try await home.run("info", "notes", "--json").json.first)
      #expect(info["db_name"] == "notes")
      #expect(info["doc_count"] == 1)
      #expect(info["doc_del_count"] == 1)
      #expect(info["sizes"]?["file"]?.int ?? 0 > 0)
      #expect(try await home.run("info", "notes").columns.contains(["documents", "1"]))
    }
  }

  @Test func `compaction drops old bodies`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "a", input: #"{"v":1}"#)
      try await home.run("put", "notes", "a", "--force", input: #"{"v":2}"#)
      let before = try await home.run("get", "notes", "a", "--revs-info").json.first?["_revs_info"]?[1]
      #expect(before?["status"] == "available")
      #expect(try await home.run("compact", "notes", "--json").json.first?["ok"] == true)
      let after = try await home.run("get", "notes", "a", "--revs-info").json.first?["_revs_info"]?[1]
      #expect(after?["status"] == "missing")
    }
  }

  @Test func `a whole database passes the check, a damaged one does not`() async throws {
    try await Home.with { home in
      let documents = (0..<300).map { #"{"_id":"d\#($0)","text":"\#(String(repeating: "x", count: 500))"}"# }
      try await home.run("load", "notes", input: documents.joined(separator: "\n"))
      let whole = try await home.run("check", "notes", "--json")
      #expect(whole.status == 0)
      #expect(whole.json == [["ok": true, "problems": []]])
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: home.path("notes.pouch")))
      try file.seek(toOffset: 40_960)
      try file.write(contentsOf: Data(repeating: 0xFF, count: 40_960))
      try file.close()
      let damaged = try await home.run("check", "notes")
      #expect(damaged.status == 1)
      #expect(!damaged.text.isEmpty || damaged.errors.contains("database_corrupt"))
    }
  }

  @Test func `a database is destroyed only when that is confirmed`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "a", input: "{}")
      let asked = try await home.run("destroy", "notes", input: "yes\n")
      #expect(asked.status == 2)
      #expect(try await home.run("ls", "notes").lines.count == 1)
      #expect(try await home.run("destroy", "notes", "--yes").status == 0)
      #expect(try await home.run("ls", "notes").status == 3)
    }
  }
}
