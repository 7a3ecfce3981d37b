import Foundation
import TestSupport
import Testing

@testable import PeerPouch

struct ServerFilesTests {
  private let origin = "http://127.0.0.1:5984/"

  @Test func `the secret is told while a server that takes it listens there`() async throws {
    try await withFolder { path in
      let files = ServerFiles(folder: path)
      let secret = try files.identity().secret
      #expect(files.secret(for: origin) == nil)
      let announcement = try files.announce(ServerFiles.Running(url: origin, takesSecret: true))
      #expect(files.secret(for: origin) == secret)
      // Asking changes nothing.
      #expect(files.secret(for: origin) == secret)
      #expect(files.secret(for: "http://127.0.0.1:5985/") == nil)
      announcement.withdraw()
      #expect(files.secret(for: origin) == nil)
      #expect(!FileManager.default.fileExists(atPath: path + "/running.json"))
    }
  }

  @Test func `the secret is not told to whoever has the port of a server that was killed`() async throws {
    try await withFolder { path in
      let files = ServerFiles(folder: path)
      _ = try files.identity()
      let announcement = try files.announce(ServerFiles.Running(url: origin, takesSecret: true))
      let left = try Data(contentsOf: URL(filePath: path + "/running.json"))
      announcement.withdraw()
      // The file stays when its server is killed, and the lock on it does not.
      try left.write(to: URL(filePath: path + "/running.json"))
      #expect(files.secret(for: origin) == nil)
    }
  }

  @Test func `a server that ends leaves the announcement of one that came after it`() async throws {
    try await withFolder { path in
      let files = ServerFiles(folder: path)
      let secret = try files.identity().secret
      let first = try files.announce(ServerFiles.Running(url: origin, takesSecret: true))
      let second = try files.announce(ServerFiles.Running(url: "http://127.0.0.1:5985/", takesSecret: true))
      first.withdraw()
      #expect(files.secret(for: "http://127.0.0.1:5985/") == secret)
      second.withdraw()
    }
  }

  @Test func `the password goes to the server's address, not to whatever its name leads to`() async throws {
    try await withFolder { path in
      let files = ServerFiles(folder: path)
      let secret = try files.identity().secret
      let announcement = try files.announce(ServerFiles.Running(url: origin, takesSecret: true))
      defer { announcement.withdraw() }
      let authorized = PouchServer.authorized("http://localhost:5984/notes/localhost:1", folder: path)
      #expect(authorized == "http://admin:\(secret)@127.0.0.1:5984/notes/localhost:1")
      #expect(PouchServer.authorized("http://jan:pass@localhost:5984/notes", folder: path) == nil)
      #expect(PouchServer.authorized("http://elsewhere:5984/notes", folder: path) == nil)
    }
  }
}
