#if WebRTC
  import CouchAPI
  import HTTPTypes
  import PeerTrust
  import PeerTunnel
  import PouchCore
  import PouchStore
  import Testing

  @testable import PeerPouch

  /// Requests that a peer's own database would never make, sent over a real connection to a real share.
  @Suite(.timeLimit(.minutes(2)), .serialized)
  struct ForbiddenRouteTests {
    private static let missing = "{\"error\":\"not_found\",\"reason\":\"missing\"}\n"

    /// Sends requests to a share, each of which must look as if what it asks for were not there, and change nothing.
    private func expectNothing(
      _ access: ShareAccess, _ requests: (Share) throws -> [Request], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
      let hub = try LocalDatabase.inMemory("hub\(UInt64.random(in: .min ... .max))")
      let (anna, ben) = (Peers.overWebRTC(), Peers.overWebRTC())
      let notes = try await Peers.notes()
      let other = try await Peers.notes(7)
      try await notes.putAttachment("f", Attachment(Array("file".utf8)), to: "n0", at: notes.get("n0").revision)
      let share = try await hub.shareDatabase(notes, access: access, as: anna)
      let hidden = try await hub.shareDatabase(other, gate: Gate(allowed: []), as: anna)
      let before = try await contents(notes)
      let theirs = try await ben.open(share.address)
      let line = try await theirs.connector.line()
      for request in try requests(share) + [Request(.get, target: "/\(hidden.id)/_all_docs")] {
        let response = try await line.carrier.send(request)
        let text = String(decoding: try await response.body.collect(upTo: 1 << 20), as: UTF8.self)
        #expect(
          response.status == .notFound && text == Self.missing, "\(request.method) \(request.target)",
          sourceLocation: sourceLocation)
      }
      // The connection is as good as before.
      #expect(try await theirs.info().documentCount == 3)
      #expect(try await contents(notes) == before)
      await ben.close()
      await anna.close()
    }

    private func contents(_ database: any Database) async throws -> [String] {
      try await database.changes(ChangesQuery(.once, style: .allLeaves)).reduce(into: []) {
        $0.append("\($1.id) \($1.revisions) \($1.isDeleted)")
      }
    }

    @Test func `a read-only remote that tries every way to write changes nothing`() async throws {
      try await expectNothing(.readOnly) { share in
        let writes: [(HTTPRequest.Method, String, String)] = [
          (.put, "/new", "{}"), (.put, "/n0?rev=1-x", "{}"), (.put, "/new?new_edits=false", #"{"_rev":"1-x"}"#),
          (.post, "", #"{"_id":"new"}"#), (.delete, "/n0?rev=1-x", ""), (.put, "/n0/g?rev=1-x", "x"),
          (.put, "/new/g", "x"), (.delete, "/n0/f?rev=2-x", ""), (.put, "/_design/new", "{}"),
          (.post, "/_bulk_docs", #"{"docs":[{"_id":"new"}]}"#),
          (.post, "/_bulk_docs", #"{"new_edits":false,"docs":[{"_id":"new","_rev":"1-x"}]}"#),
          (.post, "/_purge", #"{"n0":["1-x"]}"#), (.post, "/_compact", "{}"), (.put, "/_revs_limit", "1"),
          (.put, "/_security", "{}"), (.post, "/_index", #"{"index":{"fields":["a"]}}"#), (.delete, "", ""),
          (.put, "", ""),
        ]
        var requests = try writes.map { method, path, body in
          try Request(
            method, target: "/\(share.id)\(path)", headers: [.contentType: "application/json"],
            body: .bytes(Array(body.utf8)))
        }
        let copy = try #require(HTTPRequest.Method("COPY"))
        let destination = try #require(HTTPField.Name("Destination"))
        requests.append(try Request(copy, target: "/\(share.id)/n0", headers: [destination: "copied"]))
        return requests
      }
    }

    @Test func `a remote that asks for anything but the share it was given finds nothing`() async throws {
      try await expectNothing(.readWrite) { share in
        let paths = [
          "/", "/_all_dbs", "/_users", "/_users/_all_docs", "/_replicator", "/_session", "/_up", "/_utils/", "/notes",
          "/share-00000000-0000-8000-8000-000000000000", "/\(share.id)/..", "/\(share.id)/../_users",
          "/\(share.id)/%2e%2e", "/\(share.id)/%2E%2E/notes", "/\(share.id)%2F..%2Fnotes", "/\(share.id)//n0",
          "/\(share.id)/_security", "/\(share.id)/_local_docs", "/\(share.id)/_local/", "/\(share.id)/_find",
          "/\(share.id)/_design/d/_view/v", "/\(share.id)/_local/../n0",
        ]
        return try paths.flatMap { path in
          try [HTTPRequest.Method.get, .post, .put, .delete].map { method in
            try Request(method, target: path, body: method == .get ? .empty : .bytes(Array("{}".utf8)))
          }
        }
      }
    }
  }
#endif
