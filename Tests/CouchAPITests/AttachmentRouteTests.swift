import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

struct AttachmentRouteTests {
  private let bytes = (0...255).map { UInt8($0) }
  /// "hello hello hello hello hello", by gzip.
  private let compressed: [UInt8] = [
    0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x57, 0xC8, 0x40, 0x27, 0, 0xFB, 0x1B, 0x1A, 0x95,
    29, 0, 0, 0,
  ]

  private func put(
    _ server: TestServer, _ target: String, _ bytes: [UInt8], _ headers: HTTPFields = [:]
  ) async throws -> String {
    let answer = try await server.send(.put, target, headers: headers, body: .bytes(bytes))
    #expect(answer.status == 201, "\(answer.text)")
    return try #require(try answer.json["rev"]?.string)
  }

  @Test func `an attachment comes back as it was put, and says what it is`() async throws {
    let server = try await TestServer()
    _ = try await put(server, "/d/b.bin", bytes, [.contentType: "application/x-thing; v=1"])
    let answer = try await server.send(.get, "/d/b.bin")
    #expect(answer.status == 200)
    #expect(answer.bytes == bytes)
    #expect(answer.response.body.length == 256)
    #expect(answer.header("Content-Type") == "application/x-thing; v=1")
    #expect(answer.header("ETag") == "\"4shl20Fivtljv6qe9qwY8A==\"")
    #expect(answer.header("Accept-Ranges") == "bytes")
    let head = try await server.send(.head, "/d/b.bin")
    #expect(head.bytes.isEmpty)
    #expect(head.header("Content-Length") == "256")
    #expect(head.header("ETag") == answer.header("ETag"))
  }

  @Test func `content that somebody uploaded cannot act in the server's name`() async throws {
    let server = try await TestServer()
    var revision = try await put(server, "/d/x.html", Array("<script>".utf8), [.contentType: "text/html"])
    revision = try await put(server, "/d/x.svg?rev=\(revision)", [0x3C], [.contentType: "image/svg+xml"])
    _ = try await put(server, "/d/x.png?rev=\(revision)", [0x89], [.contentType: "Image/PNG"])
    for name in ["x.html", "x.svg", "x.png"] {
      let answer = try await server.send(.get, "/d/\(name)")
      #expect(answer.header("Content-Security-Policy") == "sandbox")
      #expect(answer.header("X-Content-Type-Options") == "nosniff")
      #expect(answer.header("Content-Disposition") == (name == "x.png" ? nil : "attachment"))
    }
  }

  @Test(arguments: [
    ("bytes=0-9", 206, "bytes 0-9/256", 0..<10), ("bytes=-5", 206, "bytes 251-255/256", 251..<256),
    ("bytes=250-", 206, "bytes 250-255/256", 250..<256), ("bytes=250-9999999999999999999", 206, "bytes 250-255/256", 250..<256),
    ("bytes=-999", 206, "bytes 0-255/256", 0..<256), ("bytes=0-", 200, nil, 0..<256), ("lines=0-1", 200, nil, 0..<256),
    ("bytes=5-2", 200, nil, 0..<256), ("bytes=a-b", 200, nil, 0..<256), ("bytes=", 200, nil, 0..<256),
    ("bytes=1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10", 200, nil, 0..<256),
  ] as [(String, Int, String?, Range<Int>)])
  func `a range of an attachment can be read`(
    _ range: String, _ status: Int, _ contentRange: String?, _ expected: Range<Int>
  ) async throws {
    let server = try await TestServer()
    _ = try await put(server, "/d/b", bytes)
    let answer = try await server.send(.get, "/d/b", headers: [.range: range])
    #expect(answer.status == status)
    #expect(answer.header("Content-Range") == contentRange)
    #expect(answer.bytes == Array(bytes[expected]))
    #expect(answer.response.body.length == Int64(expected.count))
  }

  @Test func `a range beyond the end is told, and several ranges come in parts`() async throws {
    let server = try await TestServer()
    _ = try await put(server, "/d/b", bytes)
    for range in ["bytes=900-999", "bytes=256-", "bytes=-0"] {
      let answer = try await server.send(.get, "/d/b", headers: [.range: range])
      #expect(answer.status == 416)
      #expect(try answer.json["error"] == "requested_range_not_satisfiable")
    }
    let answer = try await server.send(.get, "/d/b", headers: [.range: "bytes=0-1, 4-5"])
    #expect(answer.status == 206)
    let reader = try MultipartReader(ByteStream(answer.bytes), contentType: answer.header("Content-Type") ?? "")
    let first = try #require(try await reader.next())
    #expect(first.headers[.contentRange] == "bytes 0-1/256")
    #expect(try await first.body.stream.bytes() == [0, 1])
    let second = try #require(try await reader.next())
    #expect(try await second.body.stream.bytes() == [4, 5])
    #expect(try await reader.next() == nil)
  }

  @Test func `who has an attachment gets only that`() async throws {
    let server = try await TestServer()
    _ = try await put(server, "/d/b", bytes)
    let tag = "\"4shl20Fivtljv6qe9qwY8A==\""
    let current = try await server.send(.get, "/d/b", headers: [.ifNoneMatch: tag])
    #expect(current.status == 304)
    #expect(current.bytes.isEmpty)
    #expect(try await server.send(.get, "/d/b", headers: [.ifNoneMatch: "\"other\""]).status == 200)
    let part = try await server.send(.get, "/d/b", headers: [.range: "bytes=1-2", .ifRange: tag])
    #expect(part.status == 206)
    let whole = try await server.send(.get, "/d/b", headers: [.range: "bytes=1-2", .ifRange: "\"other\""])
    #expect(whole.status == 200)
    #expect(whole.bytes == bytes)
  }

  @Test func `what came compressed is given so to those who take it`() async throws {
    let server = try await TestServer()
    let text = "hello hello hello hello hello"
    _ = try await put(server, "/d/t", compressed, [.contentEncoding: "gzip", .contentType: "text/plain"])
    let plain = try await server.send(.get, "/d/t")
    #expect(plain.text == text)
    #expect(plain.header("Content-Encoding") == nil)
    #expect(plain.header("Accept-Ranges") == "none")
    #expect(plain.response.body.length == Int64(text.utf8.count))
    let stored = try await server.send(.get, "/d/t", headers: [.acceptEncoding: "br, gzip;q=0.5"])
    #expect(stored.bytes == compressed)
    #expect(stored.header("Content-Encoding") == "gzip")
    #expect(stored.header("ETag") == plain.header("ETag"))
    #expect(try await server.send(.get, "/d/t", headers: [.acceptEncoding: "gzip;q=0"]).text == text)
    let range = try await server.send(.get, "/d/t", headers: [.range: "bytes=0-3", .acceptEncoding: "gzip"])
    #expect(range.status == 200)
    #expect(range.text == text)
    let other = try await server.send(.put, "/e/t", headers: [.contentEncoding: "br"], body: .bytes([1]))
    #expect(other.status == 415)
    let broken = try await server.send(.put, "/e/t", headers: [.contentEncoding: "gzip"], body: .bytes([1]))
    #expect(broken.status == 400)
  }

  @Test func `writing names the revision, and deleting too`() async throws {
    let server = try await TestServer()
    let first = try await put(server, "/d/a", [1])
    #expect(try await server.send(.put, "/d/b", body: .bytes([2])).status == 409)
    #expect(try await server.send(.put, "/d/b?rev=x", body: .bytes([2])).status == 400)
    let second = try await put(server, "/d/b", [2], [.ifMatch: "\"\(first)\""])
    #expect(try await server.send(.get, "/d/b?rev=\(first)").status == 404)
    #expect(try await server.send(.get, "/d/a?rev=\(second)").bytes == [1])
    #expect(try await server.send(.delete, "/d/a").status == 409)
    #expect(try await server.send(.delete, "/d/zzz").json["reason"] == "Document is missing attachment")
    #expect(try await server.send(.delete, "/d/zzz?rev=\(second)").status == 404)
    #expect(try await server.send(.delete, "/nope/a").status == 404)
    let deleted = try await server.send(.delete, "/d/a?rev=\(second)")
    #expect(deleted.status == 200)
    #expect(try await server.send(.get, "/d/a").json["reason"] == "Document is missing attachment")
    #expect(try await server.send(.get, "/nope/a").json["reason"] == "missing")
    #expect(try await server.send(.post, "/d/b", body: .bytes([1])).header("Allow") == "DELETE,GET,HEAD,PUT")
  }

  @Test func `names have slashes, and documents may be designs`() async throws {
    let server = try await TestServer()
    let answer = try await server.send(
      .put, "/_design/x/lib/a%20b.js", headers: [.host: "h:1", .contentType: "text/javascript"], body: .bytes([1, 2]))
    #expect(answer.status == 201)
    #expect(answer.header("Location") == "http://h:1/db/_design/x/lib%2Fa%20b.js")
    #expect(try await server.send(.get, "/_design/x/lib/a%20b.js").bytes == [1, 2])
    #expect(try await server.send(.get, "/_design/x/lib%2Fa+b.js").bytes == [1, 2])
    #expect(try await server.send(.put, "/d/_hidden", body: .bytes([1])).status == 400)
    _ = try await put(server, "/s/..%2F..%2Fetc", [3])
    #expect(try await server.send(.get, "/s/../../etc").bytes == [3])
  }

  @Test func `an upload may come in pieces, and is checked against its digest`() async throws {
    let server = try await TestServer()
    let digest = try #require(HTTPField.Name("Content-MD5"))
    let pieces = ByteStream(bytes)
    let right = try await server.send(
      .put, "/d/b", headers: [digest: "4shl20Fivtljv6qe9qwY8A=="], body: .stream(pieces, length: nil))
    #expect(right.status == 201)
    let wrong = try await server.send(.put, "/e/b", headers: [digest: "AAAAAAAAAAAAAAAAAAAAAA=="], body: .bytes(bytes))
    #expect(wrong.status == 400)
    #expect(try wrong.json["error"] == "content_md5_mismatch")
    #expect(try await server.send(.get, "/e").status == 404)
  }
}
