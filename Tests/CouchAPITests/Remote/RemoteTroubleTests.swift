import HTTPTypes
import PouchCore
import Synchronization
import Testing

@testable import CouchAPI

@Suite("Servers in trouble, and servers that make it")
struct RemoteTroubleTests {
  private static let document = Response(200, #"{"_id":"a","_rev":"1-a","v":1}"#)

  private static func busy(_ status: Int, _ headers: HTTPFields = [:]) -> Response {
    Response(status, "<html>busy</html>", headers: headers)
  }

  // MARK: - Asking again

  @Test func `a harmless request is sent again, later each time`() async throws {
    let clock = PromptClock()
    let server = ScriptedServer { _, number in
      switch number {
      case 0: throw PouchError(.unreachable)
      case 1: Self.busy(503)
      case 2: Self.busy(504)
      default: Self.document
      }
    }
    #expect(try await server.database(.prompt(clock)).get("a")["v"]?.int == 1)
    #expect(clock.pauses == [.milliseconds(250), .milliseconds(500), .milliseconds(1000)])
  }

  @Test func `a request is not sent again for ever`() async throws {
    let server = ScriptedServer(Self.busy(503))
    let database = server.database()
    #expect(await failure { _ = try await database.get("a") }?.code == .serviceUnavailable)
    #expect(server.requests.count == 1 + RemoteTuning.repetitions)
  }

  @Test func `the server says when to come back`() async throws {
    let clock = PromptClock()
    let server = ScriptedServer(
      Self.busy(429, [.retryAfter: "7"]),
      Self.busy(
        503, [.retryAfter: "Sun, 22 Nov 2026 23:26:30 GMT", .date: "Sun, 22 Nov 2026 23:26:18 GMT"]), Self.document)
    _ = try await server.database(.prompt(clock)).get("a")
    #expect(clock.pauses == [.seconds(7), .seconds(12)])
    let far = ScriptedServer(Self.busy(503, [.retryAfter: "3600"])).database()
    #expect(await failure { _ = try await far.get("a") }?.retryAfter == .seconds(3600))
  }

  @Test(arguments: [
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
  ])
  func `dates are read`(_ text: String, _ seconds: Int64) {
    #expect(RetryAfter.seconds(of: text) == seconds)
  }

  @Test(arguments: ["", "soon", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 99 Nov 1994 08:49:37 GMT", "-1"])
  func `what is no date is none`(_ text: String) {
    #expect(RetryAfter.seconds(of: text) == nil)
    #expect(RetryAfter.duration(in: [.retryAfter: text, .date: text]) == nil)
  }

  @Test func `an edit is only sent again when it cannot have arrived`() async throws {
    let lost = ScriptedServer { _, _ in throw PouchError(.badResponse, "The connection broke off.") }
    let database = lost.database()
    #expect(await failure { try await database.put(["_id": "a"]) }?.code == .badResponse)
    #expect(lost.requests.count == 1)
    let late = ScriptedServer { _, number in
      switch number {
      case 0: throw PouchError(.unreachable)
      case 1: Self.busy(429)
      default: Response(201, #"{"ok":true,"id":"a","rev":"1-a"}"#)
      }
    }
    #expect(try await late.database().put(["_id": "a"]).description == "1-a")
    #expect(late.requests.count == 3)
    let copied = ScriptedServer { _, number in
      if number == 0 { throw PouchError(.badResponse, "The connection broke off.") }
      return Response(201, #"{"ok":true,"id":"a","rev":"1-a"}"#)
    }
    let copy = Document(id: "a", revision: try RevisionID("1-a"))
    _ = try await copied.database().bulkDocs([copy], .replicated)[0].outcome.get()
    #expect(copied.requests.count == 2)
  }

  @Test func `a server that falls silent is given up`() async throws {
    var options = RemoteOptions.prompt()
    options.silence = .seconds(1)
    options.repetitions = 0
    let server = ScriptedServer { _, _ in
      try await Task.sleep(for: .seconds(3600))
      return Self.document
    }
    let database = server.database(options)
    #expect(await failure { _ = try await database.get("a") }?.code == .timeout)
  }

  // MARK: - Sessions

  @Test func `a session is begun once and again when it has run out`() async throws {
    let server = ScriptedServer { request, number in
      if request.path == ["_session"] {
        return Response(
          200, #"{"ok":true}"#, headers: [.setCookie: "AuthSession=c\(number); Version=1; Path=/; HttpOnly"])
      }
      return request.headers[.cookie] == "AuthSession=c2" ? Self.document : Self.busy(number == 1 ? 200 : 401)
    }
    let database = server.database(credentials: .session(name: "jan", password: "apple"))
    _ = await failure { _ = try await database.get("a") }
    // The first cookie has run out by the second request.
    _ = await failure { _ = try await database.get("a") }
    #expect(
      server.requests.map { $0.path.last } == ["_session", "a", "a", "_session", "a"])
    #expect(try await server.requests[0].json() == ["name": "jan", "password": "apple"])
  }

  @Test func `an upload does not begin with a session that has run out`() async throws {
    let server = ScriptedServer { request, number in
      if request.path == ["_session"] {
        return Response(200, #"{"ok":true}"#, headers: [.setCookie: "AuthSession=c\(number); Path=/"])
      }
      if request.method == .get { return Self.document }
      guard request.headers[.cookie] == "AuthSession=c3" else { return Self.busy(401) }
      _ = try await request.body.stream.bytes()
      return Response(201, #"{"ok":true,"id":"a","rev":"1-a"}"#)
    }
    let database = server.database(credentials: .session(name: "jan", password: "apple"))
    _ = try await database.get("a")
    let attachment = Attachment(.stream(ByteStream([1, 2, 3])))
    #expect(try await database.putAttachment("f", attachment, to: "a", at: nil).description == "1-a")
    #expect(
      server.lines == [
        "POST /_session", "GET /trace/a?att_encoding_info=true", "HEAD /trace", "POST /_session", "PUT /trace/a/f",
      ])
  }

  @Test func `a wrong password is asked once, and told nowhere`() async throws {
    let server = try ScriptedServer(recorded: "session login wrong password")
    let credentials = RemoteCredentials.session(name: "jan", password: "nope")
    let database = server.database(credentials: credentials)
    #expect(
      await failure { _ = try await database.get("a") } == PouchError(.unauthorized, "Name or password is incorrect."))
    #expect(server.requests.count == 1)
    #expect(!"\(credentials) \(String(reflecting: credentials))".contains("nope"))
  }

  @Test func `name and password go with each request`() async throws {
    let server = ScriptedServer(Self.document)
    _ = try await server.database(credentials: .basic(name: "jan", password: "apple")).get("a")
    #expect(server.requests[0].headers[.authorization] == "Basic amFuOmFwcGxl")
  }

  // MARK: - Refused batches

  @Test func `only the document that the server refuses fails`() async throws {
    let server = ScriptedServer { request, _ in
      let text = String(decoding: try await request.body.stream.bytes(), as: UTF8.self)
      if text.contains("1e400") { return Response(400, #"{"error":"bad_request","reason":"invalid UTF-8 JSON"}"#) }
      if text.contains("huge") { return Response(413, "<html>too large</html>") }
      return Response(201, "[]")
    }
    var documents: [Document] = []
    for number in 0..<64 {
      let value = number == 11 ? "1e400" : number == 40 ? "\"huge\"" : "1"
      var document = try Document(parsing: #"{"_rev":"1-a","v":\#(value)}"#.utf8)
      document.id = DocumentID("\(number)")
      documents.append(document)
    }
    let results = try await server.database().bulkDocs(documents, .replicated)
    let failed = results.enumerated().filter { (try? $0.element.outcome.get()) == nil }
    #expect(failed.map(\.offset) == [11, 40])
    #expect(failed.map { code(of: $0.element) } == [.badRequest, .documentTooLarge])
    #expect(server.requests.count < 30)
  }

  private func code(of result: WriteResult) -> PouchError.Code? {
    if case .failure(let error) = result.outcome { error.code } else { nil }
  }

  @Test func `a batch for a database that is gone fails as a whole`() async throws {
    let server = try ScriptedServer(recorded: "put doc in missing db")
    let database = server.database()
    for documents in [["a"], ["a", "b"]] as [[DocumentID]] {
      let error = await failure { _ = try await database.bulkDocs(documents.map { Document(id: $0) }) }
      #expect(error == PouchError(.notFound, "Database does not exist."))
    }
  }

  @Test func `large batches are split`() async throws {
    let server = ScriptedServer(Response(201, "[]"))
    let text = JSON(String(repeating: "x", count: 1_000_000))
    let documents = (0..<10).map {
      Document(id: DocumentID("\($0)"), revision: RevisionID(generation: 1, suffix: "a"), fields: ["t": text])
    }
    let results = try await server.database().bulkDocs(documents, .replicated)
    #expect(results.allSatisfy { (try? $0.outcome.get()) != nil })
    let sizes = server.requests.map { $0.body.length ?? 0 }
    #expect(sizes.count == 3)
    #expect(sizes.allSatisfy { $0 < RemoteTuning.bulkBytes + 1000 })
  }

  // MARK: - Hostile answers

  @Test(arguments: [
    "", "nonsense", "[]", "null", "{}", #"{"_id":5,"_rev":"1-a"}"#, #"{"_id":"b","_rev":"1-a"}"#, #"{"_id":"a"}"#,
    #"{"_id":"a","_rev":"x"}"#, #"{"_id":"a","_rev":"1-a","_attachments":{"f":5}}"#,
    #"{"_id":"a","_rev":"1-a","_attachments":{"f":{"stub":true,"length":-5}}}"#, #"{"_id":"a","_rev":"1-a","_odd":1}"#,
  ])
  func `a document that is none is a bad response`(_ answer: String) async throws {
    let database = ScriptedServer(Response(200, answer)).database()
    #expect(await failure { _ = try await database.get("a", including: .attachments) }?.code == .badResponse)
  }

  @Test(arguments: [
    "{}", #"{"results":5,"last_seq":1}"#, #"{"results":[],"last_seq":{}}"#, #"{"results":[5],"last_seq":1}"#,
    #"{"results":[{"seq":1,"id":"a","changes":[]}],"last_seq":1}"#,
    #"{"results":[{"seq":1,"id":"a","changes":[{"rev":"x"}]}],"last_seq":1}"#,
    #"{"results":[{"seq":1,"id":"a","changes":[{"rev":"1-a"}]},{"seq":1,"id":"a","changes":[{"rev":"1-a"}]}],"last_seq":1}"#,
  ])
  func `changes that are none are a bad response`(_ answer: String) async throws {
    let database = ScriptedServer(Response(200, answer)).database()
    let error = await failure { _ = try await database.nextChanges(.once, after: nil, limit: 1) }
    #expect(error?.code == .badResponse)
  }

  @Test func `other answers that make no sense are bad responses`() async throws {
    for answer in ["{}", "[5]", "5", "null", #"{"rows":[5]}"#, #"{"results":[{},{},{}]}"#, #"[{"id":"z"},{"id":"z"}]"#]
    {
      let database = ScriptedServer(Response(200, answer)).database()
      let errors = [
        await failure { _ = try await database.allDocs() }, await failure { _ = try await database.info() },
        await failure { _ = try await database.bulkGet([BulkGetRequest("a"), BulkGetRequest("b")], GetOptions()) },
        await failure { _ = try await database.bulkDocs([Document(id: "a"), Document(id: "b")]) },
        await failure { _ = try await database.put(["_id": "a"]) },
      ]
      #expect(errors.allSatisfy { $0?.code == .badResponse }, "\(answer)")
    }
  }

  @Test func `an endless answer is read to the limit only`() async throws {
    let pulled = Mutex(0)
    let server = ScriptedServer { _, _ in
      let body = ByteStream {
        {
          pulled.withLock { $0 += 1 << 20 }
          return [UInt8](repeating: 0x20, count: 1 << 20)
        }
      }
      return Response(.ok, body: .stream(body, length: nil))
    }
    let database = server.database()
    #expect(await failure { _ = try await database.get("a") }?.code == .badResponse)
    #expect(pulled.withLock(\.self) <= RemoteLimits.answer + 2 << 20)
    #expect(server.requests.count == 1)
  }

  @Test func `a server cannot pass its errors off as ours`() async throws {
    for name in ["cancelled", "database_closed", "io_error", "unheard_of"] {
      let database = ScriptedServer(Response(400, #"{"error":"\#(name)","reason":"r"}"#)).database()
      #expect(await failure { _ = try await database.get("a") }?.code == .badRequest)
    }
    let long = ScriptedServer(
      Response(404, #"{"error":"not_found","reason":"\#(String(repeating: "x", count: 50_000))"}"#)
    ).database()
    #expect(await failure { _ = try await long.get("a") }?.reason.utf8.count == RemoteLimits.reason)
  }

  @Test func `a redirect that was not followed is no answer`() async throws {
    let database = try ScriptedServer(recorded: "design get escaped slash").database()
    #expect(await failure { _ = try await database.get("a") }?.code == .badResponse)
  }
}
