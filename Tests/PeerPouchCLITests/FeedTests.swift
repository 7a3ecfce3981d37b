import Foundation
import PeerPouch
import Testing

@Suite("Feeds, signals and pipes", .timeLimit(.minutes(5)))
struct FeedTests {
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `a live feed prints what comes, and ends well when it is interrupted`(signal: Int32) async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "first", input: "{}")
      let feed = try RunningCommand("changes", "notes", "--live", "--json", in: home)
      #expect(try JSON(parsing: try #require(await feed.nextLine()))["id"] == "first")
      try await home.run("put", "notes", "second", input: "{}")
      #expect(try JSON(parsing: try #require(await feed.nextLine()))["id"] == "second")
      #expect(await feed.interrupt(signal) == 0)
      #expect(await feed.nextLine() == nil)
    }
  }

  @Test func `a command goes on without its terminal when it was told to ignore that`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "first", input: "{}")
      let outcome = try await home.shell(
        """
        trap '' HUP; mkfifo feed; echo '{}' > doc.json
        $peerpouch changes notes --live --limit 2 > feed & exec 3< feed
        read first <&3; kill -HUP $!; $peerpouch put notes second doc.json; read second <&3; wait $!
        echo "$? $second"
        """)
      #expect(outcome.lines.last?.hasPrefix("0 2-") == true)
    }
  }

  @Test func `a live feed ends when nobody reads it any more, without another change`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "first", input: "{}")
      let feed = try RunningCommand("changes", "notes", "--live", in: home)
      #expect(await feed.nextLine() != nil)
      feed.closeOutput()
      #expect(await feed.exitStatus() == 0)
    }
  }

  @Test func `a live feed with a limit ends by itself`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "first", input: "{}")
      #expect(try await home.run("changes", "notes", "--live", "--limit", "1").lines.count == 1)
    }
  }

  @Test(arguments: ["ls notes --docs", "changes notes", "dump notes", "fetch notes d0 big"])
  func `a reader that has enough ends the command quietly`(command: String) async throws {
    try await Home.with { home in
      let documents = (0..<2000).map { #"{"_id":"d\#($0)","text":"\#(String(repeating: "x", count: 500))"}"# }
      try await home.run("load", "notes", input: documents.joined(separator: "\n"))
      try await home.run(["attach", "notes", "d0", "-", "--name", "big"], input: Data(repeating: 10, count: 1_000_000))
      let outcome = try await home.shell("{ $peerpouch \(command); echo $? > status; } | head -n 1")
      #expect(outcome.text.filter { $0 == "\n" }.count == 1)
      #expect(outcome.errors.isEmpty)
      #expect(try String(contentsOfFile: home.path("status"), encoding: .utf8) == "0\n")
    }
  }

  @Test func `a command that waits for its reader can be interrupted`() async throws {
    try await Home.with { home in
      let documents = (0..<2000).map { #"{"_id":"d\#($0)","text":"\#(String(repeating: "x", count: 500))"}"# }
      try await home.run("load", "notes", input: documents.joined(separator: "\n"))
      let dump = try RunningCommand("dump", "notes", in: home)
      #expect(await dump.nextLine() != nil)
      #expect(await dump.interrupt() == 130)
    }
  }

  @Test func `a load whose input pauses does not keep what came waiting`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "first", input: "{}")
      let feed = try RunningCommand("changes", "notes", "--live", "--json", in: home)
      #expect(await feed.nextLine() != nil)
      let load = try RunningCommand("load", "notes", in: home)
      await load.write(Data("{\"_id\":\"second\"}\n".utf8))
      #expect(try JSON(parsing: try #require(await feed.nextLine()))["id"] == "second")
      #expect(await load.interrupt() == 130)
      #expect(await feed.interrupt() == 0)
    }
  }

  @Test func `a load that is interrupted keeps what it wrote`() async throws {
    try await Home.with { home in
      let load = try RunningCommand("load", "notes", in: home)
      let documents = (0..<4000).map { #"{"_id":"d\#($0)","text":"\#(String(repeating: "x", count: 500))"}"# }
      await load.write(Data((documents.joined(separator: "\n") + "\n").utf8))
      #expect(await load.interrupt() == 130)
      let count = try #require(try await home.run("info", "notes", "--json").json.first?["doc_count"]?.int)
      #expect(count > 0)
      #expect(try await home.run("check", "notes").status == 0)
    }
  }
}
