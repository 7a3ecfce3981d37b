import Foundation
import PeerPouch
import Testing

@Suite("Servers and live synchronization", .timeLimit(.minutes(5)))
struct SyncCommandTests {
  /// A server of the command's, which keeps its port when it is started again.
  private struct Served {
    let command: RunningCommand
    let port: String
    /// The URL of a database, with the admin's name and password.
    func url(_ name: String) -> String { "http://jan:secret@127.0.0.1:\(port)/\(name)" }

    init(_ home: Home, port: String = "0") async throws {
      command = try RunningCommand(
        "serve", "--json", "--port", port, "--data", home.path("served"), "--admin", "jan:secret", in: home)
      let line = try JSON(parsing: try #require(await command.nextLine()))
      self.port = "\(try #require(line["port"]?.int))"
    }
  }

  /// The ids that a live feed of a database tells, until all that are wanted came.
  private func waitFor(_ wanted: Set<String>, in database: String, _ home: Home) async throws {
    let feed = try RunningCommand("changes", database, "--live", "--json", in: home)
    var missing = wanted
    while !missing.isEmpty {
      let change = try JSON(parsing: try #require(await feed.nextLine()))
      missing.remove(try #require(change["id"]?.string))
    }
    #expect(await feed.interrupt() == 0)
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a live sync keeps two databases the same through the death of either side`(signal: Int32) async throws {
    try await Home.with { home in
      var server = try await Served(home)
      let url = server.url("notes")
      try await home.run("put", url, "first", input: "{}")
      try await home.run("put", "notes", "second", input: "{}")
      var sync = try RunningCommand("sync", "notes", url, "--live", in: home)
      try await waitFor(["first", "second"], in: "notes", home)

      #expect(await server.command.interrupt(SIGKILL) == SIGKILL)
      try await home.run("put", "notes", "while the server was dead", input: "{}")
      server = try await Served(home, port: server.port)
      try await waitFor(["while the server was dead"], in: url, home)

      #expect(await sync.interrupt(SIGKILL) == SIGKILL)
      try await home.run("put", "notes", "here", input: "{}")
      try await home.run("put", url, "there", input: "{}")
      sync = try RunningCommand("sync", "notes", url, "--live", in: home)
      try await waitFor(["first", "second", "while the server was dead", "here", "there"], in: url, home)
      try await waitFor(["first", "second", "while the server was dead", "here", "there"], in: "notes", home)

      #expect(await sync.interrupt(signal) == 0)
      #expect(await server.command.interrupt() == 0)
    }
  }

  @Test func `what a live replication has done is printed when it is interrupted`() async throws {
    try await Home.with { home in
      try await home.run("put", "notes", "first", input: "{}")
      // What is waited in has to be there.
      try await home.run("put", "copy", "own", input: "{}")
      let replication = try RunningCommand("replicate", "notes", "copy", "--live", "--json", in: home)
      try await waitFor(["first"], in: "copy", home)
      #expect(await replication.interrupt() == 0)
      #expect(try await replication.nextJSON()["docs_written"] == 1)
    }
  }

  @Test func `a live sync waits for a server that is not there yet`() async throws {
    try await Home.with { home in
      var server = try await Served(home)
      let url = server.url("notes")
      #expect(await server.command.interrupt(SIGKILL) == SIGKILL)
      try await home.run("put", "notes", "first", input: "{}")
      let once = try await home.run("sync", "notes", url)
      #expect(once.status == 1)
      #expect(once.errors.contains("Connection refused"))

      let sync = try RunningCommand("sync", "notes", url, "--live", in: home, reading: .errors)
      #expect(try #require(await sync.nextLine()).hasSuffix("waiting for it"))
      server = try await Served(home, port: server.port)
      try await home.run("put", url, "second", input: "{}")
      try await waitFor(["first"], in: url, home)
      #expect(await sync.interrupt() == 0)
      #expect(await server.command.interrupt() == 0)
    }
  }
}
