import HTTPTypes
import PouchCore
import PouchStore
import TestSupport
import Testing

@testable import CouchAPI

/// A body in which the parts have these texts, the first of them JSON.
private func body(_ json: String, _ parts: (name: String?, text: String)...) async throws -> ByteStream {
  let first = MultipartPart(headers: [.contentType: "application/json"], body: .bytes(Array(json.utf8)))
  let rest = parts.map { part in
    MultipartPart(
      headers: part.name.map { [.contentDisposition: AttachmentDisposition.value(name: $0)] } ?? [:],
      body: .bytes(Array(part.text.utf8)))
  }
  return ByteStream(try await MultipartWriter(boundary: "b").body(of: [first] + rest).stream.bytes())
}

private let type = "multipart/related; boundary=\"b\""

private func texts(of document: Document) async throws -> [String: String] {
  var texts: [String: String] = [:]
  for (name, attachment) in document.attachments {
    if case .stream(let stream) = attachment.content {
      texts[name.string] = String(decoding: try await stream.bytes(), as: UTF8.self)
    }
  }
  return texts
}

struct MultipartDocumentTests {
  private static let twoFollow = #"""
    {"v":1,"_attachments":{"m.txt":{"follows":true,"content_type":"text/plain","length":5},
    "old":{"stub":true,"revpos":1},"n.bin":{"follows":true,"length":3}}}
    """#

  @Test func `attachments are in the parts behind the document, in its order`() async throws {
    let stream = try await body(Self.twoFollow, (nil, "hello"), (nil, "abc"))
    let document = try await MultipartDocument.decode(stream, contentType: type)
    #expect(document["v"] == 1)
    #expect(document.attachments["m.txt"]?.contentType == "text/plain")
    #expect(document.attachments["old"]?.isStub == true)
    #expect(try await texts(of: document) == ["m.txt": "hello", "n.bin": "abc"])
  }

  @Test func `parts in another order are told apart by their names`() async throws {
    let stream = try await body(Self.twoFollow, ("n.bin", "abc"), ("m.txt", "hello"))
    let document = try await MultipartDocument.decode(stream, contentType: type)
    #expect(try await texts(of: document) == ["m.txt": "hello", "n.bin": "abc"])
  }

  @Test func `parts with unknown names count in their order`() async throws {
    let stream = try await body(Self.twoFollow, ("x", "hello"), ("n.bin", "abc"), ("surplus", "ignored"))
    let document = try await MultipartDocument.decode(stream, contentType: type)
    #expect(try await texts(of: document) == ["m.txt": "hello", "n.bin": "abc"])
  }

  @Test func `what comes before its turn is kept up to a bound`() async throws {
    var limits = MultipartLimits()
    limits.outOfOrderBytes = 2
    let stream = try await body(Self.twoFollow, ("n.bin", "abc"), ("m.txt", "hello"))
    let document = try await MultipartDocument.decode(stream, contentType: type, limits: limits)
    await #expect(throws: PouchError.self) { try await texts(of: document) }
  }

  @Test(arguments: [("hell", "abc"), ("hello!", "abc"), ("hello", "ab"), ("hello", "abcd")])
  func `an attachment has the length that the document says`(_ first: String, _ second: String) async throws {
    let stream = try await body(Self.twoFollow, (nil, first), (nil, second))
    let document = try await MultipartDocument.decode(stream, contentType: type)
    let error = await #expect(throws: PouchError.self) { try await texts(of: document) }
    #expect(error?.code == .badRequest)
    #expect(error?.reason.hasSuffix("than expected") == true)
  }

  @Test func `a missing part is told`() async throws {
    let document = try await MultipartDocument.decode(body(Self.twoFollow, (nil, "hello")), contentType: type)
    let error = await #expect(throws: PouchError.self) { try await texts(of: document) }
    #expect(error?.code == .badRequest)
  }

  @Test func `the first part must be a document, and of a bounded size`() async throws {
    var limits = MultipartLimits()
    limits.documentBytes = 4
    await #expect(throws: PouchError(.documentTooLarge)) {
      try await MultipartDocument.decode(body(#"{"a":1}"#), contentType: type, limits: limits)
    }
    await #expect(throws: PouchError(.unsupportedMediaType)) {
      try await MultipartDocument.decode(ByteStream(Array("--b\r\n\r\n{}\r\n--b--".utf8)), contentType: type)
    }
    for text in ["--b--", "--b\r\nContent-Type: application/json\r\n\r\n[]\r\n--b--", ""] {
      let error = await #expect(throws: PouchError.self) {
        try await MultipartDocument.decode(ByteStream(Array(text.utf8)), contentType: type)
      }
      #expect(error?.code == .badRequest)
    }
  }

  @Test func `a document with attachments is as long as CouchDB's`() async throws {
    // What CouchDB 3.5.0 answered for a document of these three took 1,384 bytes, with a boundary of 32 digits.
    var document = Document(id: "att", revision: try RevisionID("3-7c8e9d76073989bc72ebc06d2e0a94c1"))
    func attachment(_ length: Int, revpos: Int, digest: String) -> PouchCore.Attachment {
      var attachment = PouchCore.Attachment(Array(repeating: 0x61, count: length))
      attachment.revisionPosition = revpos
      attachment.digest = digest
      return attachment
    }
    document.attachments["n"] = attachment(3, revpos: 3, digest: "md5-kAFQmDzST7DWlj99KOF/cg==")
    document.attachments["b.bin"] = attachment(256, revpos: 2, digest: "md5-4shl20Fivtljv6qe9qwY8A==")
    var text = attachment(73, revpos: 1, digest: "md5-Wrcp1O7nrwOj3FMk/gh02w==")
    text.contentType = "text/plain"
    text.length = 900
    text.encoding = .gzip
    document.attachments["t.txt"] = text
    let encoded = try #require(MultipartDocument.encode(document))
    #expect(encoded.body.length == 1384)
    #expect(try await encoded.body.stream.bytes().count == 1384)
    let decoded = try await MultipartDocument.decode(encoded.body.stream, contentType: encoded.contentType)
    #expect(decoded.attachments.names == document.attachments.names)
    #expect(decoded.attachments["t.txt"]?.encoding == .gzip)
    #expect(try await texts(of: decoded).mapValues(\.count) == ["n": 3, "b.bin": 256, "t.txt": 73])
  }

  @Test func `a document whose attachments are stubs is not multipart`() throws {
    var document = Document(id: "a")
    #expect(MultipartDocument.encode(document) == nil)
    document.attachments["x"] = PouchCore.Attachment(.stub)
    #expect(MultipartDocument.encode(document) == nil)
    document.attachments["y"] = PouchCore.Attachment([1])
    #expect(MultipartDocument.encode(document) != nil)
  }

  @Test func `a document goes from one database through multipart into another`() async throws {
    let source = try LocalDatabase.inMemory()
    let target = try LocalDatabase.inMemory()
    var random = SeededGenerator(seed: 3)
    let large = (0..<3_000_000).map { _ in UInt8.random(in: 10...45, using: &random) }
    var document = Document(id: "a", fields: ["v": 1])
    document.attachments["large"] = PouchCore.Attachment(large)
    document.attachments["empty \"name\""] = PouchCore.Attachment([])
    try await source.put(document)
    let read = try await source.get("a", including: [.attachments, .revisions])
    let encoded = try #require(MultipartDocument.encode(read))
    let decoded = try await MultipartDocument.decode(encoded.body.stream, contentType: encoded.contentType)
    let result = try await target.bulkDocs([decoded], .replicated)
    #expect(try result.first?.outcome.get() == read.revision)
    let copy = try await target.getAttachment("large", of: "a")
    #expect(try await copy.content.bytes() == large)
    #expect(try await target.getAttachment("empty \"name\"", of: "a").content.bytes() == [])
  }
}
