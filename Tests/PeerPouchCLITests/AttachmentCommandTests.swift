import Foundation
import PeerPouch
import Testing

@Suite("Commands for attachments", .timeLimit(.minutes(5)))
struct AttachmentCommandTests {
  /// Bytes that differ everywhere, and are the same each time.
  private func bytes(_ count: Int) -> Data {
    var state: UInt64 = 42
    return Data(
      (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 56)
      })
  }

  @Test func `a file goes in, and comes out the same`() async throws {
    try await Home.with { home in
      let content = bytes(3_000_001)
      try content.write(to: URL(fileURLWithPath: home.path("photo.jpg")))
      let attached = try await home.run("attach", "notes", "n", home.path("photo.jpg"))
      #expect(attached.text.hasPrefix("n 1-"))
      let stub = try await home.run("get", "notes", "n").json.first?["_attachments"]?["photo.jpg"]
      #expect(stub?["content_type"] == "image/jpeg")
      #expect(stub?["length"] == 3_000_001)
      #expect(try await home.run("fetch", "notes", "n", "photo.jpg").output == content)
      #expect(try await home.run("fetch", "notes", "n", "photo.jpg", "-o", "copy").status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: home.path("copy"))) == content)
      #expect(home.files == ["photo.jpg", "copy"])
    }
  }

  @Test func `standard input is attached under a name`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "n", input: #"{"kept":true}"#)
      let attached = try await home.run(
        "attach", "notes", "n", "-", "--name", "a.bin", "--type", "x/y", input: "hello")
      #expect(attached.text.hasPrefix("n 2-"))
      let document = try #require(try await home.run("get", "notes", "n", "--attachments").json.first)
      #expect(document["kept"] == true)
      #expect(document["_attachments"]?["a.bin"]?["content_type"] == "x/y")
      #expect(document["_attachments"]?["a.bin"]?["data"] == "aGVsbG8=")
    }
  }

  @Test(arguments: [("0-4", "hello"), ("6-", "world"), ("-3", "rld"), ("4-400", "o world")])
  func `a range of bytes is fetched`(range: String, expected: String) async throws {
    try await Home.with { home in
      try await home.run("attach", "notes", "n", "-", "--name", "a", input: "hello world")
      #expect(try await home.run("fetch", "notes", "n", "a", "--range", range).text == expected)
      #expect(try await home.run("fetch", "notes", "n", "a", "--range", "11-").status == 1)
    }
  }

  @Test func `a range of what is stored compressed counts the bytes as they were`() async throws {
    try await Home.with { home in
      // gzip of 100 times "hello ".
      let gzip = "H4sIAAAAAAACA8tIzcnJV8gYJUdJqpIA8zGiDVgCAAA="
      let document = #"{"_attachments":{"a":{"content_type":"text/plain","encoding":"gzip","data":"\#(gzip)"}}}"#
      try await home.run("put", "notes", "n", input: document)
      #expect(try await home.run("fetch", "notes", "n", "a").text == String(repeating: "hello ", count: 100))
      #expect(try await home.run("fetch", "notes", "n", "a", "--range", "6-10").text == "hello")
      #expect(try await home.run("fetch", "notes", "n", "a", "--range", "-4").text == "llo ")
    }
  }

  @Test func `an attachment is removed, and the document stays`() async throws {
    try await Home.with { home in
      try await home.run("attach", "notes", "n", "-", "--name", "a", input: "hello")
      #expect(try await home.run("detach", "notes", "n", "b").status == 3)
      #expect(try await home.run("detach", "notes", "n", "a").text.hasPrefix("n 2-"))
      #expect(try await home.run("fetch", "notes", "n", "a").status == 3)
      #expect(try await home.run("get", "notes", "n").json.first?["_attachments"] == nil)
    }
  }

  @Test func `a file that is missing makes no database`() async throws {
    try await Home.with { home in
      let outcome = try await home.run("attach", "notes", "n", "nowhere.txt")
      #expect(outcome.status == 1)
      #expect(try await home.run("info", "notes").status == 3)
    }
  }

  @Test func `a file that cannot be written to its end does not appear, and the old one stays`() async throws {
    try await Home.with { home in
      try await home.run(["attach", "notes", "n", "-", "--name", "a"], input: bytes(2_000_000))
      try Data("old".utf8).write(to: URL(fileURLWithPath: home.path("copy")))
      // The shell's limit on the size of files stands in for a full disk.
      let outcome = try await home.shell("trap '' XFSZ; ulimit -f 500; $peerpouch fetch notes n a -o copy")
      #expect(outcome.status == 1)
      #expect(outcome.errors.hasPrefix("peerpouch: io_error: "))
      #expect(try Data(contentsOf: URL(fileURLWithPath: home.path("copy"))) == Data("old".utf8))
      #expect(home.files == ["copy"])
    }
  }

  @Test func `an upload that is interrupted leaves no document`() async throws {
    try await Home.with { home in
      let command = try RunningCommand("attach", "notes", "n", "-", "--name", "a", in: home)
      // More than a pipe holds: when it is written, the command has read most of it and waits for more.
      await command.write(bytes(1_000_000))
      #expect(await command.interrupt() == 130)
      #expect(try await home.run("get", "notes", "n").status == 3)
      #expect(try await home.run("check", "notes").status == 0)
    }
  }
}
