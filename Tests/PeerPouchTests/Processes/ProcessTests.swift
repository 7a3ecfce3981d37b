#if WebRTC
  import Foundation
  import PouchCore
  import PouchStore
  import TestSupport
  import Testing

  @testable import PeerPouch

  /// Peers in processes of their own, whose hub is one file, and which are killed in the middle.
  @Suite(.timeLimit(.minutes(3)), .serialized)
  struct ProcessTests {
    /// A running `PeerTool`.
    private final class Tool: Sendable {
      private let process = Process()
      private let lines = ProcessLines()

      init(_ arguments: String...) throws {
        process.executableURL = try BuiltProduct.url("PeerTool")
        process.arguments = arguments
        process.standardOutput = lines.pipe
        try process.run()
      }

      /// Reads on to a line that begins so.
      /// - Returns: the rest of it; `nil` if the process has ended before.
      func first(_ beginning: String) async -> String? {
        while let line = await lines.next() {
          if line.hasPrefix(beginning) { return String(line.dropFirst(beginning.count)) }
        }
        return nil
      }

      /// Ends the process as a crash would.
      func kill() async {
        await lines.blocking { [self] in
          Foundation.kill(process.processIdentifier, SIGKILL)
          process.waitUntilExit()
        }
      }
    }

    @Test func `sharer and opener are killed and started again, and both databases become equal`() async throws {
      try await withFolder { folder in
        let (hub, notes, copy) = (folder + "/hub.pouch", folder + "/notes.pouch", folder + "/copy.pouch")
        let theirs = try await Pouch(notes)
        let mine = try await Pouch(copy)
        try await theirs.put(["_id": "first"])
        var sharer = try Tool("share", hub, notes, folder + "/anna")
        let url = try #require(await sharer.first("sharing "))
        var opener = try Tool("sync", url, copy, folder + "/ben")
        let ben = try #require(await sharer.first("joined "))
        #expect(await opener.first("change first") != nil)

        // The sharer dies and comes back: nobody has to do anything.
        await sharer.kill()
        try await theirs.put(["_id": "second"])
        try await mine.put(["_id": "mine"])
        #expect(await opener.first("reconnecting") != nil)
        sharer = try Tool("share", hub, notes, folder + "/anna")
        #expect(await sharer.first("sharing ") == url)
        #expect(await sharer.first("joined ") == ben)
        #expect(await opener.first("change second") != nil)

        // The opener dies and comes back: the sharer notices, and lets it in again.
        await opener.kill()
        #expect(await sharer.first("left ") == ben)
        try await theirs.put(["_id": "third"])
        opener = try Tool("sync", url, copy, folder + "/ben")
        #expect(await sharer.first("joined ") == ben)
        #expect(await opener.first("change third") != nil)
        for try await change in theirs.changes(.live) where change.id == "mine" { break }
        #expect(try await theirs.allDocs().rows.map(\.id) == mine.allDocs().rows.map(\.id))
        await opener.kill()
        await sharer.kill()
        try await theirs.close()
        try await mine.close()
      }
    }

    @Test func `peers are killed in the middle of a replication, which is finished all the same`()
      async throws
    {
      try await withFolder { folder in
        let (hub, notes, copy) = (folder + "/hub.pouch", folder + "/notes.pouch", folder + "/copy.pouch")
        let count = 4000
        let theirs = try await Pouch(notes)
        let text = JSON(String(repeating: "x", count: 1000))
        _ = try await theirs.bulkDocs((0..<count).map { Document(id: DocumentID("n\($0)"), fields: ["text": text]) })
        var sharer = try Tool("share", hub, notes, folder + "/anna")
        let url = try #require(await sharer.first("sharing "))
        var opener = try Tool("sync", url, copy, folder + "/ben")
        #expect(await opener.first("change n") != nil)
        await sharer.kill()
        sharer = try Tool("share", hub, notes, folder + "/anna")
        #expect(await sharer.first("sharing ") == url)
        #expect(await sharer.first("joined ") != nil)
        await opener.kill()
        opener = try Tool("sync", url, copy, folder + "/ben")
        let mine = try await Pouch(copy)
        var seen = 0
        for try await _ in mine.changes(.live) {
          seen += 1
          if seen == count { break }
        }
        #expect(try await theirs.allDocs().rows.map(\.revision) == mine.allDocs().rows.map(\.revision))
        let files = try #require(mine as? LocalDatabase)
        #expect(try await files.integrityCheck() == [])
        await opener.kill()
        await sharer.kill()
        try await theirs.close()
        try await mine.close()
      }
    }
  }
#endif
