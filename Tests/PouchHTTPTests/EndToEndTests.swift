import CouchAPI
import Foundation
import HTTPTypes
import PeerPouch
import PouchHTTP
import PouchReplication
import Testing

/// Databases behind a router behind a server, reached through a carrier: all of the way that HTTP goes.
@Suite(.serialized) struct EndToEndTests {
  /// Serves a folder of databases that is removed afterwards.
  private func withDatabases<Value>(_ body: (DatabaseFolder) async throws -> Value) async throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("peerpouch-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let databases = try DatabaseFolder(path: folder.path)
    let value = try await body(databases)
    try await databases.close()
    return value
  }

  private func responder(
    _ databases: DatabaseFolder, access: any AccessPolicy = AdminParty()
  ) -> @Sendable (Request) async -> Response {
    let router = Router(databases, access: access)
    return { await router.respond(to: $0) }
  }

  @Test func `a live feed goes on after the server was restarted`() async throws {
    try await withDatabases { databases in
      try await databases.create("notes")
      let first = Tally()
      let second = Tally()
      let (port, feed) = try await withServer(respond: responder(databases)) { address in
        let carrier = try HTTPCarrier(address.url)
        let database = RemoteDatabase(carrier: carrier, path: ["notes"], name: address.url + "notes")
        let feed = Task {
          var ids: [String] = []
          for try await change in database.changes(.live) {
            ids.append(change.id.text)
            if ids.count == 1 { first.add() }
            if ids.count == 2 { break }
          }
          second.add()
          await carrier.close()
          return ids
        }
        try await database.put(["_id": "a"])
        await first.reaches(1)
        return (address.port, feed)
      }
      // Nobody listens, and meanwhile something is written.
      try await databases.database("notes").put(["_id": "b"])
      try await withServer(configuration { $0.port = port }, respond: responder(databases)) { _ in
        await second.reaches(1)
        let ids = try await feed.value
        #expect(ids == ["a", "b"])
      }
    }
  }

  @Test func `hundreds of live feeds hear of one write`() async throws {
    let count = 300
    try await withDatabases { databases in
      try await databases.create("notes")
      let heard = Tally()
      let open = Tally()
      let respond = responder(databases)
      try await withServer { request in
        let response = await respond(request)
        if request.path.last == "_changes" { open.add() }
        return response
      } _: { address in
        var configuration = HTTPCarrierConfiguration()
        configuration.maxFeeds = count
        try await withCarrier(address.url, configuration) { carrier in
          try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
              group.addTask {
                let feed = number.isMultiple(of: 2) ? "longpoll" : "continuous"
                let response = try await carrier.send(
                  Request(.get, ["notes", "_changes"], query: ["feed": feed, "since": "now", "heartbeat": "60000"]))
                var text = ""
                for try await piece in response.body.stream {
                  text += String(decoding: piece, as: UTF8.self)
                  if text.contains("\"id\":\"a\"") { break }
                }
                heard.add()
              }
            }
            await open.reaches(count)
            try await databases.database("notes").put(["_id": "a"])
            try await group.waitForAll()
          }
          #expect(heard.count == count)
        }
      }
    }
  }

  @Test func `a large attachment goes there and back`() async throws {
    let length: Int64 = 96 << 20
    try await withDatabases { databases in
      try await databases.create("notes")
      try await withServer(respond: responder(databases)) { address in
        try await withCarrier(address.url) { carrier in
          let database = RemoteDatabase(carrier: carrier, path: ["notes"], name: address.url + "notes")
          let attachment = Attachment(.stream(pattern(length)))
          let revision = try await database.putAttachment("film", attachment, to: "a", at: nil)
          let download = try await database.getAttachment("film", of: "a", at: revision)
          var count: Int64 = 0
          for try await piece in download.content { count += Int64(piece.count) }
          #expect(count == length)
        }
      }
    }
  }

  @Test func `credentials of the URL are asked for and taken`() async throws {
    try await withDatabases { databases in
      try await databases.create("notes")
      let access = AdminAccounts(["jan": "se:cret"])
      try await withServer(respond: responder(databases, access: access)) { address in
        let url = address.url.replacing("http://", with: "http://jan:se%3Acret@")
        try await withCarrier(url) { carrier in
          let stranger = RemoteDatabase(carrier: carrier, path: ["notes"], name: "notes")
          await #expect { try await stranger.info() } throws: { ($0 as? PouchError)?.code == .unauthorized }
          let given = try #require(carrier.credentials)
          for credentials in [
            RemoteCredentials.basic(name: given.user, password: given.password),
            .session(name: given.user, password: given.password),
          ] {
            let database = RemoteDatabase(carrier: carrier, path: ["notes"], name: "notes", credentials: credentials)
            let info = try await database.info()
            #expect(info.name == "notes")
          }
        }
      }
    }
  }

  @Test func `two servers replicate`() async throws {
    try await withDatabases { here in
      try await withDatabases { there in
        try await here.create("notes")
        try await there.create("notes")
        try await withServer(respond: responder(here)) { first in
          try await withServer(respond: responder(there)) { second in
            try await withCarrier(first.url) { firstCarrier in
              try await withCarrier(second.url) { secondCarrier in
                let source = RemoteDatabase(carrier: firstCarrier, path: ["notes"], name: first.url + "notes")
                let target = RemoteDatabase(carrier: secondCarrier, path: ["notes"], name: second.url + "notes")
                let documents = (0..<2000).map { Document(id: DocumentID("doc\($0)"), fields: ["n": JSON($0)]) }
                _ = try await source.bulkDocs(documents, .edits)
                try await source.putAttachment(
                  "file", Attachment([UInt8](repeating: 7, count: 300_000)), to: "big", at: nil)
                try await target.replicate(from: source)
                let info = try await target.info()
                #expect(info.documentCount == 2001)
                let file = try await target.getAttachment("file", of: "big").content.bytes()
                #expect(file == [UInt8](repeating: 7, count: 300_000))
              }
            }
          }
        }
      }
    }
  }

  @Test func `a page that is not listed cannot delete a database`() async throws {
    try await withDatabases { databases in
      try await databases.create("notes")
      try await withServer(respond: responder(databases)) { address in
        try await withCarrier(address.url) { carrier in
          let response = try await carrier.send(
            Request(.delete, ["notes"], headers: [.origin: "http://evil.example"]))
          #expect(response.status == .forbidden)
          let names = try await databases.names()
          #expect(names == ["notes"])
        }
      }
    }
  }
}
