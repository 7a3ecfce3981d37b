import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

struct AccessTests {
  private let server = Server(AdminAccounts(["admin": "right", "colon": "a:b"]))
  private var admin: Server { server.with(basic("admin", "right")) }

  @Test func `a wrong password is refused, and a right one is not`() async throws {
    for (name, password, status) in [
      ("admin", "right", 200), ("admin", "wrong", 401), ("admin", "", 401), ("nobody", "right", 401),
      ("colon", "a:b", 200), ("colon", "a", 401),
    ] {
      let response = try await server.send(.get, "/_all_dbs", headers: basic(name, password))
      #expect(response.status.code == status, "\(name):\(password)")
    }
    let refused = try await server.json(.get, "/_all_dbs", headers: basic("admin", "wrong"))
    #expect(refused == ["error": "unauthorized", "reason": "Name or password is incorrect."])
  }

  @Test func `credentials that were right before are told from others as at first`() async throws {
    let names = (0...ProvenCredentials.capacity).map { "name\($0)" }
    let server = Server(AdminAccounts(Dictionary(uniqueKeysWithValues: names.map { ($0, "right") })))
    // More of them than are remembered, so that the first ones are forgotten in between.
    for name in names + names {
      for (password, status) in [("right", 200), ("wrong", 401), ("right", 200), ("righ", 401), ("right", 200)] {
        let response = try await server.send(.get, "/_session", headers: basic(name, password))
        #expect(response.status.code == status, "\(name):\(password)")
        guard status == 200 else { continue }
        #expect(try await response.json()["userCtx"]?["name"]?.string == name)
      }
    }
  }

  @Test(arguments: ["Basic", "Basic ###", "Basic YQ==", "Bearer x", ""])
  func `the greeting is answered though credentials cannot be read`(_ header: String) async throws {
    let response = try await server.send(.get, "/", headers: [.authorization: header])
    #expect(response.status == .ok)
    #expect(try await response.json()["couchdb"] == "Welcome")
  }

  @Test func `the greeting tells whether credentials are right`() async throws {
    #expect(try await server.send(.get, "/", headers: basic("admin", "right")).status == .ok)
    #expect(try await server.send(.get, "/", headers: basic("admin", "wrong")).status == .unauthorized)
    #expect(try await server.send(.get, "/", headers: basic("", "")).status == .unauthorized)
    #expect(try await server.send(.get, "/").status == .ok)
  }

  @Test func `credentials that are no base64 are a bad request elsewhere`() async throws {
    let response = try await server.send(.get, "/_all_dbs", headers: [.authorization: "Basic ###"])
    #expect(response.status == .badRequest)
  }

  @Test func `what the server keeps in a database for itself is written by nobody`() async throws {
    let id = DocumentID.reservedPrefix + "security"
    let encoded = id.replacing("/", with: "%2F")
    #expect(try await admin.send(.put, "/db").status == .created)
    #expect(try await admin.send(.put, "/db/doc", "{}").status == .created)
    for target in ["/db/\(id)", "/db/\(encoded)", "/db/\(encoded)/attachment"] {
      for method in [HTTPRequest.Method.put, .delete] {
        #expect(try await admin.send(method, target, "{}").status == .forbidden, "\(method) \(target)")
      }
    }
    let document = "{\"_id\":\"\(id)\"}"
    #expect(try await admin.send(.post, "/db", document).status == .forbidden)
    #expect(try await admin.send(.post, "/db/_bulk_docs", "{\"docs\":[\(document)]}").status == .forbidden)
    #expect(try await admin.send(.copy, "/db/doc", headers: [.destination: id]).status == .forbidden)
    #expect(try await admin.json(.get, "/db/_local_docs")["rows"] == [])
  }

  @Test func `nobody but an admin makes, lists or removes databases`() async throws {
    #expect(try await server.send(.put, "/db").status == .unauthorized)
    #expect(try await admin.send(.put, "/db").status == .created)
    #expect(try await server.send(.get, "/_all_dbs").status == .unauthorized)
    #expect(try await server.send(.delete, "/db").status == .unauthorized)
    #expect(try await server.send(.get, "/_active_tasks").status == .unauthorized)
    #expect(try await server.send(.post, "/_replicate", "{}").status == .unauthorized)
    #expect(try await admin.json(.get, "/_all_dbs") == ["db"])
  }

  @Test func `a new database is for admins only, until its security object says otherwise`() async throws {
    #expect(try await admin.send(.put, "/db").status == .created)
    for target in ["/db", "/db/_all_docs", "/db/_changes", "/db/doc", "/db/_security", "/db/_local/x"] {
      let response = try await server.send(.get, target)
      #expect(response.status == .unauthorized, "\(target)")
    }
    #expect(try await server.send(.put, "/db/doc", "{}").status == .unauthorized)
    #expect(
      try await admin.json(.get, "/db/_security")
        == ["members": ["roles": ["_admin"]], "admins": ["roles": ["_admin"]]])

    #expect(try await admin.send(.put, "/db/_security", "{}").status == .ok)
    #expect(try await server.send(.get, "/db").status == .ok)
    #expect(try await server.send(.put, "/db/doc", "{}").status == .created)
    #expect(try await server.send(.put, "/db/_security", "{}").status == .unauthorized)
    #expect(try await server.send(.put, "/db/_design/d", "{}").status == .unauthorized)
    #expect(try await server.send(.post, "/db/_compact", "{}").status == .unauthorized)
    #expect(try await server.send(.post, "/db/_purge", "{}").status == .unauthorized)
    #expect(try await server.send(.put, "/db/_revs_limit", "5").status == .unauthorized)
  }

  @Test func `a design document in a batch fails alone for who may not write it`() async throws {
    #expect(try await admin.send(.put, "/db").status == .created)
    #expect(try await admin.send(.put, "/db/_security", "{}").status == .ok)
    let results = try await server.json(
      .post, "/db/_bulk_docs", #"{"docs":[{"_id":"a"},{"_id":"_design/d"},{"_id":"b"}]}"#)
    #expect(results[0]?["ok"] == true)
    #expect(results[1]?["error"] == "unauthorized")
    #expect(results[1]?["id"] == "_design/d")
    #expect(results[2]?["id"] == "b")
    #expect(results[2]?["ok"] == true)
  }

  @Test func `a session begins with a login by form or JSON, and lives in a cookie`() async throws {
    for (type, body) in [
      ("application/json", #"{"name":"admin","password":"right"}"#),
      ("application/x-www-form-urlencoded; charset=utf-8", "name=admin&password=right"),
    ] {
      let response = try await server.send(.post, "/_session", body, headers: [.contentType: type])
      #expect(response.status == .ok)
      #expect(try await response.json() == ["ok": true, "name": "admin", "roles": ["_admin"]])
      let cookie = try #require(response.headers[.setCookie])
      for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=600"] {
        #expect(cookie.contains(attribute))
      }
      let value = String(cookie.prefix { $0 != ";" })
      let session = try await server.json(.get, "/_session", headers: [.cookie: "other=1; \(value)"])
      #expect(session["userCtx"] == ["name": "admin", "roles": ["_admin"]])
      #expect(session["info"]?["authenticated"] == "cookie")
    }
  }

  @Test func `a failed login and a logout clear the cookie`() async throws {
    let failed = try await server.send(.post, "/_session", #"{"name":"admin","password":"wrong"}"#)
    #expect(failed.status == .unauthorized)
    #expect(failed.headers[.setCookie]?.contains("AuthSession=;") == true)
    let ended = try await server.send(.delete, "/_session", headers: [.cookie: "AuthSession=unreadable"])
    #expect(ended.status == .ok)
    #expect(ended.headers[.setCookie]?.contains("Max-Age=0") == true)
  }

  @Test func `a cookie that somebody changed counts for nothing`() throws {
    let cookies = SessionCookies(secret: [1, 2, 3])
    let salt = cookies.salt(for: "right")
    let header = cookies.header(for: "admin", salt: salt, at: 1000)
    let value = String(header.dropFirst("AuthSession=".count).prefix { $0 != ";" })
    #expect(cookies.isValid(try SessionCookies.Claim(value), salt: salt, at: 1599))
    #expect(!cookies.isValid(try SessionCookies.Claim(value), salt: salt, at: 1600))
    #expect(!cookies.isValid(try SessionCookies.Claim(value), salt: salt, at: 999))
    #expect(!cookies.isValid(try SessionCookies.Claim(value), salt: cookies.salt(for: "other"), at: 1000))
    #expect(!SessionCookies(secret: [4]).isValid(try SessionCookies.Claim(value), salt: salt, at: 1000))
    #expect(try SessionCookies.Claim(value).isDueForRenewal(at: 1061))
    #expect(try !SessionCookies.Claim(value).isDueForRenewal(at: 1060))
    for index in value.indices {
      var changed = value
      changed.replaceSubrange(index...index, with: value[index] == "A" ? "B" : "A")
      guard changed != value, let claim = try? SessionCookies.Claim(changed) else { continue }
      // The last digit of base64 has bits that say nothing.
      let isSame = claim.name == "admin" && claim.time == 1000 && index == value.index(before: value.endIndex)
      #expect(isSame || !cookies.isValid(claim, salt: salt, at: 1000), "\(changed)")
    }
  }

  @Test func `a read-only server refuses every write but local documents`() async throws {
    let open = Server(AdminParty())
    try await open.databases.create("db")
    let database = try await open.databases.database("db")
    try await database.put(["_id": "doc"])
    let readOnly = Router(open.databases, access: ReadOnly(AdminParty()))
    func status(_ method: HTTPRequest.Method, _ target: String, _ body: String = "{}") async throws -> Int {
      let request = try Request(
        method, target: target, headers: [.contentType: "application/json"], body: .bytes(Array(body.utf8)))
      return await readOnly.respond(to: request).status.code
    }
    for (method, target) in [
      (.put, "/new"), (.delete, "/db"), (.post, "/db"), (.put, "/db/x"), (.delete, "/db/doc"),
      (.post, "/db/_bulk_docs"), (.post, "/db/_purge"), (.post, "/db/_compact"), (.put, "/db/_security"),
      (.put, "/db/_revs_limit"),
      (.post, "/_replicate"), (.put, "/db/_design/d"),
    ] as [(HTTPRequest.Method, String)] {
      #expect(try await status(method, target) == 403, "\(method) \(target)")
    }
    #expect(try await status(.put, "/db/_local/checkpoint") == 201)
    #expect(try await status(.get, "/db/doc") == 200)
    #expect(try await status(.post, "/db/_revs_diff") == 200)
    #expect(try await status(.post, "/db/_ensure_full_commit") == 201)
  }

  @Test func `at a read-only server others than admins write local documents within bounds`() async throws {
    let accounts = AdminAccounts(["admin": "right"])
    let open = Server(accounts)
    try await open.databases.create("db")
    try await open.databases.setSecurity(["members": [:]], of: "db")
    var bounds = LocalDocumentBounds()
    bounds.count = 3
    bounds.bytes = 100
    let readOnly = Router(open.databases, access: ReadOnly(accounts, bounds: bounds))
    func status(
      _ method: HTTPRequest.Method, _ target: String, _ body: String = "{}", headers: HTTPFields = [:]
    ) async throws -> Int {
      var headers = headers
      headers[.contentType] = "application/json"
      let request = try Request(method, target: target, headers: headers, body: .bytes(Array(body.utf8)))
      return await readOnly.respond(to: request).status.code
    }
    let long = #"{"a":"\#(String(repeating: "x", count: 100))"}"#
    #expect(try await status(.put, "/db/_local/long", long) == 413)
    for number in 1...3 { #expect(try await status(.put, "/db/_local/\(number)") == 201) }
    #expect(try await status(.put, "/db/_local/4") == 403)
    #expect(try await status(.copy, "/db/_local/1", headers: [.destination: "_local/4"]) == 403)
    #expect(try await status(.put, "/db/_local/3", #"{"a":1}"#) == 201)
    #expect(try await status(.delete, "/db/_local/2") == 200)
    #expect(try await status(.put, "/db/_local/4") == 201)
    let admin = basic("admin", "right")
    #expect(try await status(.put, "/db/_local/5", long, headers: admin) == 201)
  }
}
