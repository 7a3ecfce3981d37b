import Foundation
import PeerPouch
import Testing

@testable import PeerPouchCLI

@Suite("What is shown to people")
struct TextTests {
  @Test func `control characters and overrides of direction do not reach a terminal`() {
    let evil = "a\u{1B}[31m\u{7F}\u{9B}\u{202E}\u{2066}\u{200F}\u{2028}é\n"
    #expect(
      TerminalText.escaped(evil, forTerminal: true) == #"a\u001b[31m\u007f\u009b\u202e\u2066\u200f\u2028é\n"#)
    #expect(TerminalText.escaped("a\tb\u{1B}", forTerminal: false) == "a\\tb\u{1B}")
  }

  @Test(arguments: [
    ["ls", "notes"], ["ls", "notes", "--docs"], ["changes", "notes"], ["changes", "notes", "--docs"],
    ["dump", "notes"], ["get", "notes", "EVIL"], ["rm", "notes", "EVIL"], ["put", "notes", "EVIL", "doc.json"],
    ["get", "notes", "x", "--rev", "EVIL"], ["EVIL"], ["info", "EVIL"], ["load", "notes", "bad.jsonl"],
    ["purge", "notes", "EVIL", "1-a"], ["fetch", "notes", "EVIL", "EVIL", "-o", "EVIL"],
  ])
  func `no command lets what a peer named reprogram the terminal`(arguments: [String]) async throws {
    let evil = "a\u{1B}]0;b\u{7}\u{1B}[31m\u{9B}1m\u{202E}\u{2066}\u{7F}\n\t"
    try await Home.with { home in
      let document = JSONText(JSON.object(["_id": JSON(evil), "_rev": "1-a", "e\(evil)": JSON(evil)]))
      let bad = JSONText(JSON.object(["_id": JSON("_\(evil)")]))
      try await home.run("load", "notes", input: String(decoding: document.bytes, as: UTF8.self))
      try Data(bad.bytes).write(to: URL(fileURLWithPath: home.path("bad.jsonl")))
      try Data("{}".utf8).write(to: URL(fileURLWithPath: home.path("doc.json")))
      let shown = try await home.atTerminal(arguments.map { $0 == "EVIL" ? evil : $0 })
      #expect(!shown.isEmpty)
      // What the command itself sends to rewrite its line of progress.
      let own = shown.replacingOccurrences(of: "\u{1B}[K", with: "")
      let harmful = own.unicodeScalars.filter {
        "\u{1B}\u{7}\u{9B}\u{202E}\u{2066}\u{7F}\t".unicodeScalars.contains($0)
      }
      let tabs = arguments.first == "ls" || arguments.first == "changes"
      #expect(harmful.allSatisfy { tabs && $0 == "\t" })
    }
  }

  @Test func `JSON that cannot be read is told with its place`() async throws {
    try await Home.with { home in
      let reasons = [
        ("", "it is empty"), (#"{"a":1,}"#, "unexpected } after 7 bytes"), (#"{"a":"#, "it ends within a value"),
        ("{\"a\":\"\\ud800\"}", "half a surrogate pair after 6 bytes"),
      ]
      for (input, reason) in reasons {
        let outcome = try await home.run("put", "notes", "n", input: input)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains(reason))
      }
      let load = try await home.run("load", "notes", input: "{}\n{\"a\" 1}\n")
      #expect(load.errors.contains("line 2: invalid UTF-8 JSON: unexpected 1 after 5 bytes"))
    }
  }

  @Test func `JSON stays the same JSON when it is made safe`() throws {
    let json: JSON = ["k\u{202E}": ["\u{9B}31m", "\u{1B}\n", "é"]]
    let safe = TerminalText.escaped(json: JSONText(json).bytes)
    #expect(try JSON(parsing: safe) == json)
    #expect(!String(decoding: safe, as: UTF8.self).unicodeScalars.contains { $0 == "\u{9B}" || $0 == "\u{202E}" })
  }

  @Test func `JSON is laid out without changing it`() throws {
    let json = try JSONText(#"{"a":[1,{"b":"},{\"\\"}],"c":{},"d":[],"e":[[]]}"#)
    let pretty = PrettyJSON.text(of: json.bytes)
    #expect(try JSONText(pretty) == json)
    #expect(
      String(decoding: PrettyJSON.text(of: Array(#"{"a":[1,2],"b":{}}"#.utf8)), as: UTF8.self) == """
        {
          "a": [
            1,
            2
          ],
          "b": {}
        }
        """)
  }

  @Test func `progress tells how much, how fast and how long`() {
    let start = ContinuousClock.now
    var meter = ProgressMeter("load", in: .bytes, of: 120_000_000, start: start)
    meter.done = 30_000_000
    meter.detail = ProgressMeter.counted(40_000, "document")
    let later = start + .seconds(10)
    #expect(
      meter.sentence(at: later) == "load: 30.0 MB of 120 MB (25%), 40,000 documents, 3.0 MB/s, 30 s left")
    #expect(meter.json(at: later)["progress"]?["seconds_left"] == 30)
    let due = [1, 6, 7, 12].map { meter.isDue(at: start + .seconds($0), every: .seconds(5)) }
    #expect(due == [false, true, false, true])
  }

  @Test func `a log is told with its details, in JSON where that is wanted`() {
    let details = [(name: "path", value: "/db"), (name: "status", value: "200")]
    #expect(Diagnostics.sentence(of: "GET", details) == "GET (path /db, status 200)")
    #expect(Diagnostics.sentence(of: "started", []) == "started")
    #expect(Diagnostics.json(of: "GET", details) == ["log": "GET", "path": "/db", "status": "200"])
  }

  @Test func `the rate counts from when there was something to do`() {
    let start = ContinuousClock.now
    var meter = ProgressMeter("send", in: .bytes, of: 3000, start: start)
    meter.begin(at: start + .seconds(600))
    meter.done = 1000
    #expect(meter.sentence(at: start + .seconds(601)) == "send: 1.0 kB of 3.0 kB (33%), 1.0 kB/s, 2 s left")
  }

  @Test func `progress makes sense before anything is done, and without an end in sight`() {
    let start = ContinuousClock.now
    var meter = ProgressMeter("load", in: .bytes, start: start)
    #expect(meter.sentence(at: start) == "load: 0 B")
    meter.done = 1500
    #expect(meter.sentence(at: start + .seconds(1)) == "load: 1.5 kB, 1.5 kB/s")
    meter.total = 1000
    #expect(meter.secondsLeft(at: start + .seconds(1)) == nil)
  }

  @Test func `progress towards any number can be told`() {
    let start = ContinuousClock.now
    var meter = ProgressMeter("replicate", in: .count("documents"), of: .max, start: start)
    meter.done = 1
    let later = start + .seconds(60)
    #expect(meter.json(at: later)["progress"]?["seconds_left"] == nil)
    #expect(meter.sentence(at: later).hasSuffix("long left"))
    meter.setTotal(pending: [.max, 3])
    #expect(meter.total == .max)
    meter.setTotal(pending: [2, 3])
    #expect(meter.total == 6)
    meter.setTotal(pending: [0])
    #expect(meter.total == nil)
  }

  @Test func `numbers are short and readable`() {
    #expect(
      [0, 999, 1000, 1_234_567, -1000].map { ProgressMeter.grouped($0) } == [
        "0", "999", "1,000", "1,234,567", "-1,000",
      ])
    #expect([0, 999, 1500, 123_456_789].map { ProgressMeter.size($0) } == ["0 B", "999 B", "1.5 kB", "123 MB"])
    #expect([0.2, 61, 3700].map { ProgressMeter.duration($0) } == ["1 s", "1 min 1 s", "1 h 1 min"])
    #expect(ProgressMeter.counted(1, "document") == "1 document")
  }
}
