import CouchAPI
import HTTPTypes
import PeerTunnel
import PouchCore
import Testing

struct LocalRoomTests {
  private static let db = "/" + SharedNotes.share

  @Test func `each peer has local documents of its own, on read-only shares too`() async throws {
    let mine = try await SharedNotes(.readOnly, identity: "peer1")
    let theirs = try await SharedNotes(.readOnly, identity: "peer2", database: mine.database)
    #expect(try await mine.ask(.put, Self.db + "/_local/check", #"{"n":1}"#).status == 201)
    #expect(try await theirs.ask(.get, Self.db + "/_local/check").status == 404)
    #expect(try await theirs.ask(.put, Self.db + "/_local/check", #"{"n":2}"#).status == 201)
    let read = try await mine.ask(.get, Self.db + "/_local/check")
    #expect(read.text.contains("\"n\":1") && read.text.contains("\"_id\":\"_local/check\""))
    // The database's own are in no room.
    _ = try await mine.database.bulkDocs([Document(id: "_local/own", fields: ["n": 3])], .edits)
    #expect(try await mine.ask(.get, Self.db + "/_local/own").status == 404)
    #expect(try await mine.ask(.get, Self.db + "/_local/peer-peer2-check").status == 404)
    #expect(try await mine.ask(.get, Self.db + "/_local%2Fcheck").status == 200)
  }

  @Test func `a local document is edited and removed`() async throws {
    let notes = try await SharedNotes(.readOnly)
    #expect(try await notes.ask(.put, Self.db + "/_local/c", #"{"n":1}"#).text.contains("\"rev\":\"0-1\""))
    #expect(try await notes.ask(.put, Self.db + "/_local/c", #"{"_rev":"0-1","n":2}"#).status == 201)
    #expect(try await notes.ask(.delete, Self.db + "/_local/c?rev=0-2").status == 200)
    #expect(try await notes.ask(.get, Self.db + "/_local/c").status == 404)
  }

  @Test func `64 local documents of 64 KiB are taken, and no more`() async throws {
    let notes = try await SharedNotes(.readOnly)
    for number in 0..<64 {
      #expect(try await notes.ask(.put, Self.db + "/_local/\(number)", "{}").status == 201)
    }
    #expect(try await notes.ask(.put, Self.db + "/_local/64", "{}").status == 403)
    #expect(try await notes.ask(.put, Self.db + "/_local/%F4%8F%BF%BF%F4%8F%BF%BFx", "{}").status == 403)
    // What is there can be replaced, and others have room of their own.
    #expect(try await notes.ask(.put, Self.db + "/_local/7", #"{"_rev":"0-1"}"#).status == 201)
    let other = try await SharedNotes(.readOnly, identity: "peer2", database: notes.database)
    #expect(try await other.ask(.put, Self.db + "/_local/64", "{}").status == 201)
    let fits = #"{"t":""# + String(repeating: "x", count: (64 << 10) - 8) + #""}"#
    let tooLong = #"{"t":""# + String(repeating: "x", count: (64 << 10) - 7) + #""}"#
    #expect(try await other.ask(.put, Self.db + "/_local/long", fits).status == 201)
    #expect(try await other.ask(.put, Self.db + "/_local/longer", tooLong).status == 413)
  }

  @Test func `a database elsewhere, which lists no local documents, has rooms of the same bounds`() async throws {
    let owner = try await SharedNotes(.readWrite, identity: "owner")
    let remote = RemoteDatabase(
      carrier: AccessCarrier(access: owner.access), path: [SharedNotes.share], name: "elsewhere")
    var limits = AccessLimits()
    limits.localDocuments = 2
    let notes = try await SharedNotes(.readOnly, limits: limits, database: remote)
    #expect(try await notes.ask(.put, Self.db + "/_local/a", #"{"n":1}"#).status == 201)
    #expect(try await notes.ask(.put, Self.db + "/_local/b", "{}").status == 201)
    #expect(try await notes.ask(.put, Self.db + "/_local/c", "{}").status == 403)
    #expect(try await notes.ask(.put, Self.db + "/_local/a", #"{"_rev":"0-1","n":2}"#).status == 201)
    #expect(try await notes.ask(.get, Self.db + "/_local/a").text.contains("\"n\":2"))
    #expect(try await notes.ask(.delete, Self.db + "/_local/b?rev=0-1").status == 200)
    #expect(try await notes.ask(.put, Self.db + "/_local/c", "{}").status == 201)
    let other = try await SharedNotes(.readOnly, limits: limits, identity: "peer2", database: remote)
    #expect(try await other.ask(.get, Self.db + "/_local/a").status == 404)
    #expect(try await other.ask(.put, Self.db + "/_local/a", "{}").status == 201)
  }

  @Test func `local documents are in no list, and come by no other way`() async throws {
    let notes = try await SharedNotes(.readWrite)
    #expect(try await notes.ask(.put, Self.db + "/_local/c", #"{"n":"secret"}"#).status == 201)
    _ = try await notes.database.bulkDocs([Document(id: "_local/own", fields: ["n": "secret"])], .edits)
    for id in ["_local/c", "_local/own", "_local/peer-peer1-c"] {
      let bulk = try await notes.ask(.post, Self.db + "/_bulk_get", #"{"docs":[{"id":"\#(id)"}]}"#)
      #expect(!bulk.text.contains("secret"))
      let list = try await notes.ask(.post, Self.db + "/_all_docs?include_docs=true", #"{"keys":["\#(id)","b"]}"#)
      #expect(!list.text.contains("secret") && list.text.contains("1-abc"))
      let diff = try await notes.ask(.post, Self.db + "/_revs_diff", #"{"\#(id)":["0-1"]}"#)
      #expect(diff.text == "{}\n")
    }
    let own = try await notes.ask(
      .post, Self.db + "/_bulk_docs", #"{"docs":[{"_id":"_local/own","_rev":"0-1","n":"changed"}]}"#)
    #expect(own.text.contains("conflict") || own.text.contains("\"ok\":true"))
    #expect(try await notes.database.get("_local/own")["n"] == "secret")
  }
}

/// Carries requests to a peer's database in the same process.
private struct AccessCarrier: Carrier {
  let access: PeerAccess

  func send(_ request: Request) async throws -> Response { await access.respond(to: request) }
  func close() async {}
}
