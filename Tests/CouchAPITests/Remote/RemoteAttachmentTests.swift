import Foundation
import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

@Suite("Attachments of a remote database")
struct RemoteAttachmentTests {
  private static let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
  /// The MD5 of the bytes, made by another program.
  private static let digest = "3oCf95TpG2j56RorcDC8sA=="

  /// A document with one attachment.
  private static func document(digest: String, length: Int = 1000) -> Response {
    Response(
      200,
      """
      {"_id":"a","_rev":"3-c","_revisions":{"start":3,"ids":["c","b","a"]},"_attachments":{
      "new":{"content_type":"image/png","revpos":3,"digest":"md5-\(digest)","length":\(length),"stub":true},
      "old":{"content_type":"image/png","revpos":2,"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA==","length":1,"stub":true}}}
      """)
  }

  /// Answers ranges of the bytes; breaks off after some of them.
  private static func answer(_ request: Request, breakingAfter count: Int? = nil, ignoringRange: Bool = false)
    -> Response
  {
    let start = ignoringRange ? 0 : Int(request.headers[.range]?.dropFirst(6).dropLast() ?? "0") ?? 0
    let part = Array(bytes[start...])
    var headers: HTTPFields = [.contentLength: String(part.count)]
    if start > 0 { headers[.contentRange] = "bytes \(start)-999/1000" }
    let body = ByteStream {
      var rest: [[UInt8]?] = count.map { [Array(part.prefix($0)), nil] } ?? [part]
      return {
        guard !rest.isEmpty else { return nil }
        guard let piece = rest.removeFirst() else { throw PouchError(.badResponse, "The connection broke off.") }
        return piece
      }
    }
    return Response(start > 0 ? .partialContent : .ok, headers: headers, body: .stream(body, length: nil))
  }

  private func stream(_ database: RemoteDatabase, _ name: ExactString = "new") async throws -> ByteStream {
    let document = try await database.get("a", including: .attachments)
    guard case .stream(let stream)? = document.attachments[name]?.content else {
      throw PouchError(.internalError, "no stream")
    }
    return stream
  }

  @Test func `only what the reader lacks is a stream`() async throws {
    let server = ScriptedServer(Self.document(digest: Self.digest))
    let document = try await server.database().get("a", GetOptions(attachmentsSince: [RevisionID("2-b")]))
    #expect(document.attachments["new"]?.isStub == false)
    #expect(document.attachments["old"]?.isStub == true)
    #expect(document.revisions == nil)
    #expect(server.lines == ["GET /trace/a?revs=true"])
  }

  @Test func `content is asked for when it is read, and checked`() async throws {
    let server = ScriptedServer { request, number in
      number == 0 ? Self.document(digest: Self.digest) : Self.answer(request)
    }
    let stream = try await stream(server.database())
    #expect(server.requests.count == 1)
    #expect(try await stream.bytes() == Self.bytes)
    #expect(try await stream.dropping(first: 990).bytes() == Array(Self.bytes[990...]))
    #expect(server.lines.dropFirst() == ["GET /trace/a/new?rev=3-c", "GET /trace/a/new?rev=3-c"])
    #expect(server.requests[2].headers[.range] == "bytes=990-")
  }

  @Test(arguments: [false, true])
  func `a download that broke off goes on where it ended`(_ ignoringRange: Bool) async throws {
    let clock = PromptClock()
    let server = ScriptedServer { request, number in
      switch number {
      case 0: Self.document(digest: Self.digest)
      case 1: Self.answer(request, breakingAfter: 300)
      case 2: throw PouchError(.unreachable)
      case 3: Self.answer(request, breakingAfter: ignoringRange ? 400 : 100, ignoringRange: ignoringRange)
      default: Self.answer(request, ignoringRange: ignoringRange)
      }
    }
    let stream = try await stream(server.database(.prompt(clock)))
    #expect(try await stream.bytes() == Self.bytes)
    #expect(
      server.requests.dropFirst().map { $0.headers[.range] } == [nil, "bytes=300-", "bytes=300-", "bytes=400-"])
    #expect(clock.pauses.count == 3)
  }

  @Test func `a download that keeps breaking off fails`() async throws {
    let server = ScriptedServer { request, number in
      number == 0 ? Self.document(digest: Self.digest) : Self.answer(request, breakingAfter: 1)
    }
    let stream = try await stream(server.database())
    #expect(await failure { _ = try await stream.bytes() }?.code == .badResponse)
    #expect(server.requests.count == 2 + RemoteTuning.resumptions)
  }

  @Test func `bytes that are not the attachment's are refused`() async throws {
    let wrongDigest = ScriptedServer { request, number in
      number == 0 ? Self.document(digest: "AAAAAAAAAAAAAAAAAAAAAA==") : Self.answer(request)
    }
    let first = try await stream(wrongDigest.database())
    #expect(await failure { _ = try await first.bytes() }?.reason.contains("digest") == true)
    #expect(wrongDigest.requests.count == 2)
    let wrongLength = ScriptedServer { request, number in
      number == 0 ? Self.document(digest: Self.digest, length: 999) : Self.answer(request)
    }
    let second = try await stream(wrongLength.database())
    #expect(await failure { _ = try await second.bytes() }?.reason.contains("length") == true)
  }

  @Test func `a compressed attachment is read in stored form`() async throws {
    let server = try ScriptedServer(recorded: "doc att_encoding_info", "attachment get gzip")
    let document = try await server.database().get("att", including: .attachments)
    let text = try #require(document.attachments["t.txt"])
    #expect(text.encoding == .gzip)
    #expect(text.encodedLength == 73)
    guard case .stream(let stream) = text.content else {
      Issue.record("The attachment should be a stream.")
      return
    }
    // The digest is that of the compressed bytes, and is checked.
    #expect(try await stream.bytes().count == 73)
    #expect(server.requests[1].headers[.acceptEncoding] == "gzip")
  }

  @Test func `an attachment is opened with its description`() async throws {
    let server = try ScriptedServer(recorded: "attachment get", "attachment get gzip", "attachment get binary")
    let database = server.database()
    let plain = try await database.getAttachment("t.txt", of: "att")
    #expect(plain.attachment.contentType == "text/plain")
    #expect(plain.range == 0..<900)
    #expect(try await plain.content.bytes().count == 900)
    #expect(server.requests[0].headers[.acceptEncoding] == "identity")
    let stored = try await database.getAttachment("t.txt", of: "att", at: nil, range: nil, form: .stored)
    #expect(stored.attachment.encoding == .gzip)
    #expect(try await stored.content.bytes().count == 73)
    let binary = try await database.getAttachment("b.bin", of: "att")
    #expect(binary.attachment.digest == "md5-4shl20Fivtljv6qe9qwY8A==")
    #expect(try await binary.content.bytes() == Array(0...255))
  }

  @Test func `ranges are the server's, or cut out here`() async throws {
    let server = try ScriptedServer(
      recorded: "attachment range", "attachment range on gzip-stored text", "attachment get binary")
    let database = server.database()
    let part = try await database.getAttachment("b.bin", of: "att", range: .bytes(0..<10))
    #expect(part.range == 0..<10)
    #expect(try await part.content.bytes() == Array(0..<10))
    #expect(server.requests[0].headers[.range] == "bytes=0-9")
    let compressed = try await database.getAttachment("t.txt", of: "att", range: .bytes(0..<10))
    #expect(compressed.range == 0..<900)
    let ignored = try await database.getAttachment("b.bin", of: "att", range: .suffix(6))
    #expect(ignored.range == 250..<256)
    #expect(try await ignored.content.bytes() == Array(250...255))
  }

  @Test func `an attachment is put as it is stored`() async throws {
    let server = try ScriptedServer(recorded: "attachment put creates doc", "attachment delete")
    let database = server.database()
    var attachment = Attachment([1, 2, 3], contentType: "text/plain")
    attachment.encoding = .gzip
    attachment.digest = "md5-Uonfc331cyb83SJZev1juA=="
    let first = try await database.putAttachment("t.txt", attachment, to: "att", at: RevisionID("1-x"))
    #expect(first.description == "1-b36ea756b2f8a463d3a9c0456a67965a")
    let request = server.requests[0]
    #expect(server.lines == ["PUT /trace/att/t.txt?rev=1-x"])
    #expect(request.headers[.contentEncoding] == "gzip")
    #expect(request.headers[try #require(HTTPField.Name("Content-MD5"))] == "Uonfc331cyb83SJZev1juA==")
    try await database.removeAttachment("n", of: "att", at: RevisionID("3-x"))
    #expect(server.lines.last == "DELETE /trace/att/n?rev=3-x")
  }

  @Test func `documents with streams go out alone, the others together`() async throws {
    let server = ScriptedServer { request, _ in
      guard request.method == .put else { return Response(201, "[]") }
      let parts = try await MultipartDocument.decode(
        request.body.stream, contentType: request.headers[.contentType] ?? "")
      guard case .stream(let content)? = parts.attachments["f"]?.content else { return Response(500, "{}") }
      let bytes = try await content.bytes()
      return Response(201, #"{"ok":true,"id":"s","rev":"1-\#(bytes.count)"}"#)
    }
    var streamed = Document(id: "s", revision: try RevisionID("1-1000"))
    var attachment = Attachment(.stream(ByteStream(Self.bytes)))
    attachment.length = 1000
    streamed.attachments["f"] = attachment
    var small = Document(id: "i", revision: try RevisionID("1-a"))
    small.attachments["f"] = Attachment([1, 2])
    let results = try await server.database().bulkDocs(
      [streamed, small, Document(id: "p", revision: RevisionID("1-a"))], .replicated)
    #expect(results.map { try? $0.outcome.get().description } == ["1-1000", "1-a", "1-a"])
    #expect(server.lines == ["POST /trace/_bulk_docs", "PUT /trace/s?new_edits=false"])
    let sent = try await server.requests[0].json()["docs"]
    #expect(sent?[0]?["_attachments"]?["f"]?["data"] == "AQI=")
    #expect(sent?.array?.count == 2)
  }

  @Test func `an attachment of unknown length is counted before it is sent with its document`() async throws {
    let server = ScriptedServer { request, _ in
      let document = try await MultipartDocument.decode(
        request.body.stream, contentType: request.headers[.contentType] ?? "")
      guard case .stream(let content)? = document.attachments["f"]?.content else { return Response(500, "{}") }
      _ = try await content.bytes()
      return Response(201, #"{"ok":true,"id":"a","rev":"1-\#(document.attachments["f"]?.length ?? 0)"}"#)
    }
    let database = server.database()
    var document = Document(id: "a")
    document.attachments["f"] = Attachment(.stream(ByteStream(Self.bytes)))
    #expect(try await database.put(document).description == "1-1000")
    let endless = ByteStream { { [UInt8](repeating: 0, count: 1 << 20) } }
    document.attachments["f"] = Attachment(.stream(endless))
    let tooLong = document
    #expect(await failure { try await database.put(tooLong) }?.code == .badRequest)
    #expect(server.requests.count == 1)
  }

  @Test func `what breaks the content is told as it was`() async throws {
    struct Broken: Error {}
    let server = ScriptedServer { request, _ in
      // A server that gets half a request answers what it likes.
      _ = try? await request.body.stream.bytes()
      return Response(500, #"{"error":"unknown_error","reason":"badmatch"}"#)
    }
    let attachment = Attachment(.stream(ByteStream { { throw Broken() } }))
    await #expect(throws: Broken.self) {
      try await server.database().putAttachment("f", attachment, to: "a", at: nil)
    }
    #expect(server.requests.count == 1)
  }
}
