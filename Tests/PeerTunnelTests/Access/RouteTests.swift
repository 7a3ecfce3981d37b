import CouchAPI
import HTTPTypes
import PeerTunnel
import PouchCore
import Testing

/// Which requests a peer gets through with. What is not allowed and what does not exist look alike.
struct RouteTests {
  /// What a missing document is answered with.
  private static let missing = "{\"error\":\"not_found\",\"reason\":\"missing\"}\n"
  private static let db = "/" + SharedNotes.share

  /// Everything that writes, in a way that would succeed if it were let through.
  static let writes: [(String, String, String?)] = [
    ("PUT", "/a?rev=1-abc", #"{"text":"changed"}"#),
    ("PUT", "/new", #"{"text":"new"}"#),
    ("PUT", "/new?new_edits=false", #"{"_rev":"3-abc","text":"new"}"#),
    ("POST", "", #"{"_id":"new","text":"new"}"#),
    ("DELETE", "/a?rev=1-abc", nil),
    ("COPY", "/a", nil),
    ("PUT", "/a/f.txt?rev=1-abc", "other"),
    ("PUT", "/a/g.txt?rev=1-abc", "other"),
    ("PUT", "/new/g.txt", "other"),
    ("DELETE", "/a/f.txt?rev=1-abc", nil),
    ("PUT", "/_design/new", #"{"views":{}}"#),
    ("PUT", "/_design%2Fnew", #"{"views":{}}"#),
    ("DELETE", "/_design/d?rev=1-abc", nil),
    ("PUT", "/_design/d/f.txt?rev=1-abc", "other"),
    ("POST", "/_bulk_docs", #"{"docs":[{"_id":"new"}]}"#),
    ("POST", "/_bulk_docs", #"{"new_edits":false,"docs":[{"_id":"new","_rev":"1-a"}]}"#),
    ("POST", "/_purge", #"{"a":["1-abc"]}"#),
    ("POST", "/_compact", "{}"),
    ("POST", "/_view_cleanup", "{}"),
    ("PUT", "/_revs_limit", "1"),
    ("PUT", "/_security", "{}"),
    ("POST", "/_index", #"{"index":{"fields":["a"]}}"#),
    ("PUT", "/_purged_infos_limit", "1"),
    ("DELETE", "", nil),
    ("PUT", "", nil),
  ]

  @Test(arguments: Array(writes.indices))
  func `a read-only peer changes nothing, whatever it tries`(index: Int) async throws {
    let (method, path, body) = Self.writes[index]
    let notes = try await SharedNotes(.readOnly)
    let before = try await notes.contents()
    let answer = try await notes.ask(
      try #require(HTTPRequest.Method(method)), Self.db + path, body, headers: ["Destination": "copy"].fields)
    #expect(answer.status == 404)
    #expect(answer.text == Self.missing)
    #expect(try await notes.contents() == before)
    #expect(try await notes.database.revsLimit() == 1000)
  }

  @Test(arguments: [
    "PUT", "DELETE", "POST", "COPY",
  ])
  func `a method in a header is not looked at`(method: String) async throws {
    let notes = try await SharedNotes(.readOnly)
    let before = try await notes.contents()
    for path in ["/a?rev=1-abc", "/new", "", "/_all_docs"] {
      _ = try await notes.ask(.post, Self.db + path, "{}", headers: ["X-HTTP-Method-Override": method].fields)
    }
    #expect(try await notes.contents() == before)
  }

  @Test(arguments: [
    "/", "/_all_dbs", "/_users", "/_users/_all_docs", "/_replicator", "/_up", "/_session", "/_uuids", "/_dbs_info",
    "/_active_tasks", "/_utils/", "/_node/_local/_config", "/other", "/other/a", "/share-0002", "/SHARE-0001",
    "/share-0001%2F..%2Fother", "/share-0001/..", "/share-0001/../other", "/share-0001/../other/a",
    "/share-0001/%2e%2e", "/share-0001/%2E%2E/other", "/share-0001/.", "/share-0001/./a", "/share-0001//a",
    "/share-0001/a/..", "/share-0001/a/%2e%2e/%2e%2e/other", "/share-0001/_security", "/share-0001/_local_docs",
    "/share-0001/_design_docs", "/share-0001/_revs_limit", "/share-0001/_design/d/_view/v",
    "/share-0001/_design/d/_info", "/share-0001/_design%2Fd/_view/v", "/share-0001/_shards", "/share-0001/_index",
    "/share-0001/_explain", "/share-0001/_find", "/share-0001/_purged_infos", "/share-0001/_local",
    "/share-0001/_local/", "/share-0001/_design", "/share-0001/_all_docs/queries", "/share-0001/%5fsecurity",
    "/share-0001/_changes/a", "/share-0001/_unknown", "/%73hare-0002", "/share-0001/%00",
  ])
  func `what is not shared does not exist`(path: String) async throws {
    let notes = try await SharedNotes(.readWrite)
    for method: HTTPRequest.Method in [.get, .post, .put, .delete] {
      // A document may have nearly any id, so that some of these could be written.
      if method == .put, path == "/share-0001/%00" { continue }
      let answer = try await notes.ask(method, path, method == .get ? nil : "{}")
      #expect(answer.status == 404, "\(method) \(path)")
      #expect(answer.text == Self.missing)
    }
  }

  @Test(arguments: [
    "", "/a", "/a?rev=1-abc&revs=true", "/a?open_revs=all", "/a/f.txt", "/a%2Ff.txt", "/_all_docs",
    "/_all_docs?include_docs=true", "/_changes", "/_changes?feed=longpoll&since=0", "/_design/d", "/_design%2Fd",
    "/%61", "/_all_docs?startkey=%22a%22",
  ])
  func `a read-only peer reads what there is`(path: String) async throws {
    let notes = try await SharedNotes(.readOnly)
    let answer = try await notes.ask(.get, Self.db + path)
    // A slash within a segment is part of an id.
    #expect(answer.status == (path == "/a%2Ff.txt" ? 404 : 200))
    let head = try await notes.ask(.head, Self.db + path)
    #expect(head.status == answer.status)
    #expect(head.text.isEmpty)
  }

  @Test func `a read-only peer compares and fetches revisions`() async throws {
    let notes = try await SharedNotes(.readOnly)
    let diff = try await notes.ask(.post, Self.db + "/_revs_diff", #"{"a":["1-abc","2-x"]}"#)
    #expect(diff.text == "{\"a\":{\"missing\":[\"2-x\"],\"possible_ancestors\":[\"1-abc\"]}}\n")
    let missing = try await notes.ask(.post, Self.db + "/_missing_revs", #"{"a":["2-x"]}"#)
    #expect(missing.status == 200)
    let bulk = try await notes.ask(.post, Self.db + "/_bulk_get?revs=true", #"{"docs":[{"id":"b"}]}"#)
    #expect(bulk.text.contains("_revisions"))
    let keys = try await notes.ask(.post, Self.db + "/_all_docs", #"{"keys":["a","zz"]}"#)
    #expect(keys.text.contains("1-abc"))
  }

  @Test func `queries are for those to whom they were granted`() async throws {
    let query = #"{"selector":{"text":"x"}}"#
    let plain = try await SharedNotes(.readWrite)
    #expect(try await plain.ask(.post, Self.db + "/_find", query).status == 404)
    let granted = try await SharedNotes(PeerGrant(.readOnly, queries: .granted))
    #expect(try await granted.ask(.post, Self.db + "/_find", query).status == 200)
    let regex = try await granted.ask(.post, Self.db + "/_find", #"{"selector":{"text":{"$regex":"x"}}}"#)
    #expect(regex.status == 400)
  }

  @Test func `a writing peer writes documents and attachments`() async throws {
    let notes = try await SharedNotes(.readWrite)
    #expect(try await notes.ask(.put, Self.db + "/new", #"{"text":"new"}"#).status == 201)
    #expect(try await notes.ask(.post, Self.db, #"{"_id":"posted"}"#).status == 201)
    #expect(try await notes.ask(.put, Self.db + "/b/f.txt?rev=1-abc", "file").status == 201)
    #expect(try await notes.ask(.post, Self.db + "/_bulk_docs", #"{"docs":[{"_id":"bulk"}]}"#).status == 201)
    #expect(try await notes.ask(.delete, Self.db + "/a?rev=1-abc").status == 200)
    let ids = try await notes.database.allDocs(AllDocsQuery()).rows.map(\.id.text)
    #expect(ids == ["_design/d", "b", "bulk", "new", "posted"])
  }

  @Test func `design documents are taken only if that was granted`() async throws {
    let notes = try await SharedNotes(.readWrite)
    #expect(try await notes.ask(.put, Self.db + "/_design/new", "{}").status == 403)
    #expect(try await notes.ask(.put, Self.db + "/_design%2Fnew", "{}").status == 403)
    #expect(try await notes.ask(.delete, Self.db + "/_design/d?rev=1-abc").status == 403)
    #expect(try await notes.ask(.put, Self.db + "/_design/d/f.txt?rev=1-abc", "x").status == 403)
    let batch = try await notes.ask(
      .post, Self.db + "/_bulk_docs", #"{"docs":[{"_id":"_design/new"},{"_id":"new"}]}"#)
    #expect(batch.text.contains("forbidden") && batch.text.contains("\"ok\":true,\"id\":\"new\""))
    let granted = try await SharedNotes(PeerGrant(.readWrite, designDocuments: .granted))
    #expect(try await granted.ask(.put, Self.db + "/_design/new", "{}").status == 201)
  }

  @Test func `headers that tell of the server are not sent, and others of peers not taken`() async throws {
    let notes = try await SharedNotes(.readWrite)
    let answer = try await notes.ask(
      .put, Self.db + "/new", "{}",
      headers: ["Host": "evil.example", "Cookie": "AuthSession=x", "Authorization": "Basic eDp5"].fields)
    #expect(answer.status == 201)
    #expect(answer.headers[.server] == nil)
    #expect(answer.headers[.location] == nil)
    #expect(answer.headers[.setCookie] == nil)
    #expect(answer.headers[.eTag] != nil)
  }
}

extension [String: String] {
  /// As headers.
  var fields: HTTPFields {
    var fields = HTTPFields()
    for (name, value) in self { fields.append(HTTPField(name: HTTPField.Name(name)!, value: value)) }
    return fields
  }
}
