import CouchAPI
import HTTPTypes
import PeerTunnel
import PouchCore
import Testing

struct InboxTests {
  private static let db = "/" + SharedNotes.share

  @Test func `an inbox takes new documents`() async throws {
    let notes = try await SharedNotes(.inbox)
    #expect(try await notes.ask(.put, Self.db + "/new", #"{"text":"new"}"#).status == 201)
    #expect(try await notes.ask(.post, Self.db, #"{"_id":"posted"}"#).status == 201)
    #expect(try await notes.ask(.post, Self.db + "/_bulk_docs", #"{"docs":[{"_id":"bulk"}]}"#).status == 201)
    #expect(try await notes.ask(.put, Self.db + "/file/film.mkv", "bytes").status == 201)
    for id: DocumentID in ["new", "posted", "bulk", "file"] { _ = try await notes.database.get(id) }
  }

  @Test(arguments: [
    "/a", "/a/f.txt", "/a?open_revs=all", "/_all_docs", "/_changes", "/_changes?feed=longpoll", "/_local/x",
    "/_design/d",
  ])
  func `an inbox shows nothing`(path: String) async throws {
    let notes = try await SharedNotes(.inbox)
    #expect(try await notes.ask(.get, Self.db + path).status == 404)
    #expect(try await notes.ask(.head, Self.db + path).status == 404)
  }

  @Test func `an inbox neither compares nor finds`() async throws {
    let notes = try await SharedNotes(PeerGrant(.inbox, queries: .granted))
    for path in ["/_bulk_get", "/_revs_diff", "/_missing_revs", "/_find", "/_all_docs"] {
      #expect(try await notes.ask(.post, Self.db + path, "{}").status == 404)
    }
  }

  @Test func `an inbox tells nothing of its size`() async throws {
    let notes = try await SharedNotes(.inbox)
    let info = try await notes.ask(.get, Self.db)
    #expect(info.status == 200)
    #expect(info.text.contains("\"doc_count\":0") && info.text.contains("\"doc_del_count\":0"))
    let size = try await notes.database.info().fileSize
    #expect(!info.text.contains("\"file\":\(size)"))
  }

  @Test func `nothing that is in an inbox can be changed`() async throws {
    let notes = try await SharedNotes(.inbox)
    let before = try await notes.contents()
    let edits: [(HTTPRequest.Method, String, String?)] = [
      (.put, "/a?rev=1-abc", #"{"text":"changed"}"#), (.put, "/a", #"{"_rev":"1-abc"}"#), (.put, "/a", "{}"),
      (.delete, "/a?rev=1-abc", nil), (.put, "/a/f.txt?rev=1-abc", "x"), (.put, "/a/f.txt", "x"),
      (.delete, "/a/f.txt?rev=1-abc", nil), (.put, "/a?new_edits=false", #"{"_rev":"2-x"}"#),
      (.post, "/_bulk_docs", #"{"docs":[{"_id":"a","_rev":"1-abc"}]}"#),
      (.post, "/_bulk_docs", #"{"docs":[{"_id":"a","_rev":"1-abc","_deleted":true}]}"#),
      (.post, "/_bulk_docs", #"{"new_edits":false,"docs":[{"_id":"a","_rev":"9-x"},{"_id":"n","_rev":"1-x"}]}"#),
      (.put, "/n", #"{"_deleted":true}"#), (.put, "/_local/x", "{}"),
      (.post, "/_bulk_docs", #"{"docs":[{"_id":"_local/x"}]}"#),
      (.put, "/n", #"{"_attachments":{"f.txt":{"stub":true,"digest":"md5-x","length":4,"revpos":1}}}"#),
    ]
    for (method, path, body) in edits {
      let answer = try await notes.ask(method, Self.db + path, body)
      #expect(answer.status >= 400 || !answer.text.contains("\"ok\":true"), "\(method) \(path): \(answer.text)")
    }
    #expect(try await notes.contents() == before)
  }
}
