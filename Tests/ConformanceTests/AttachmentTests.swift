import Foundation
import PeerPouch
import Testing

@Suite("Attachments")
struct AttachmentTests {
  private static let hello = Array("hello, attachments".utf8)
  /// Larger than what is written with its document, and not a multiple of any piece.
  private static let large = (0..<11_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

  private func read(
    _ database: any Database, _ name: String = "file", of id: DocumentID = "a", range: AttachmentRange? = nil
  ) async throws -> [UInt8] {
    try await database.getAttachment(name, of: id, range: range).content.bytes()
  }

  @Test(arguments: Backend.allCases)
  func `an attachment comes back as it was put`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.putAttachment(
        "file", Attachment(Self.hello, contentType: "text/plain"), to: "a", at: nil)
      #expect(first.generation == 1)
      let document = try await database.get("a")
      let stub = try #require(document.attachments["file"])
      #expect(stub.isStub)
      #expect(stub.contentType == "text/plain")
      #expect(stub.length == 18)
      #expect(stub.digest == "md5-t3zExnMyCHejyJr0Zc/VOQ==")
      #expect(stub.revisionPosition == 1)
      #expect(try await read(database) == Self.hello)
      let download = try await database.getAttachment("file", of: "a", at: first)
      #expect(download.attachment.contentType == "text/plain")
      #expect(download.range == 0..<18)
    }
  }

  @Test(arguments: Backend.allCases)
  func `large content is streamed in and out`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let pieces = stride(from: 0, to: Self.large.count, by: 100_000).map {
        Array(Self.large[$0..<min($0 + 100_000, Self.large.count)])
      }
      let stream = ByteStream {
        var rest = pieces[...]
        return { rest.popFirst() }
      }
      try await database.putAttachment("file", Attachment(.stream(stream)), to: "a", at: nil)
      #expect(try await read(database) == Self.large)
      #expect(try await database.get("a").attachments["file"]?.length == 11_000_003)
    }
  }

  @Test(
    arguments: Backend.allCases,
    [AttachmentRange.from(10_999_990), .bytes(5..<6), .bytes(262_000..<263_000), .suffix(7), .bytes(0..<99_999_999)])
  func `a range delivers those bytes`(_ backend: Backend, _ range: AttachmentRange) async throws {
    try await backend.withDatabase { database in
      try await database.putAttachment("file", Attachment(Self.large), to: "a", at: nil)
      let expected = try range.resolved(length: 11_000_003)
      #expect(
        try await read(database, range: range) == Array(Self.large[Int(expected.lowerBound)..<Int(expected.upperBound)])
      )
      await expectError(.rangeNotSatisfiable) { _ = try await read(database, range: .from(11_000_003)) }
    }
  }

  @Test(arguments: Backend.allCases)
  func `an empty attachment is an attachment`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.putAttachment("file", Attachment([UInt8]()), to: "a", at: nil)
      #expect(try await read(database) == [])
      #expect(try await database.get("a").attachments["file"]?.digest == "md5-1B2M2Y8AsgTpgAmY7PhCfg==")
    }
  }

  @Test(arguments: Backend.allCases)
  func `stubs keep attachments through edits, and leaving them out removes them`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.putAttachment("file", Attachment(Self.hello), to: "a", at: nil)
      var document = try await database.get("a")
      document["v"] = 2
      document.attachments["second"] = Attachment([1, 2, 3])
      let second = try await database.put(document)
      document = try await database.get("a")
      #expect(document.attachments.names == ["file", "second"])
      #expect(document.attachments["file"]?.revisionPosition == 1)
      #expect(document.attachments["second"]?.revisionPosition == 2)
      #expect(try await read(database) == Self.hello)
      document.attachments["file"] = nil
      let third = try await database.put(document)
      await expectError(.notFound, "Document is missing attachment") { _ = try await read(database) }
      #expect(try await database.getAttachment("file", of: "a", at: second).content.bytes() == Self.hello)
      #expect(third.generation == 3)
    }
  }

  @Test(arguments: Backend.allCases)
  func `attachments are replaced and removed by revision`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.putAttachment("file", Attachment([1]), to: "a", at: nil)
      await expectError(.conflict) { try await database.putAttachment("file", Attachment([2]), to: "a", at: nil) }
      let second = try await database.putAttachment("file", Attachment([2]), to: "a", at: first)
      await expectError(.conflict) { try await database.putAttachment("file", Attachment([3]), to: "a", at: first) }
      await expectError(.conflict) { try await database.removeAttachment("file", of: "a", at: first) }
      await expectError(.notFound) { try await database.removeAttachment("other", of: "a", at: second) }
      let third = try await database.removeAttachment("file", of: "a", at: second)
      #expect(third.generation == 3)
      #expect(try await database.get("a").attachments.isEmpty)
      await expectError(.notFound, "missing") { _ = try await read(database, of: "nope") }
    }
  }

  @Test(arguments: Backend.allCases)
  func `bad attachments are refused, and nothing is written`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      await expectError(.missingStub, "Invalid attachment stub in a for h") {
        var document: Document = ["_id": "a"]
        document.attachments["h"] = Attachment(.stub)
        try await database.put(document)
      }
      await expectError(.digestMismatch) {
        let attachment = Attachment(.data(Self.hello), digest: "md5-AAAAAAAAAAAAAAAAAAAAAA==")
        try await database.putAttachment("file", attachment, to: "a", at: nil)
      }
      await expectError(.digestMismatch) {
        let attachment = Attachment(.data(Self.large), digest: "md5-AAAAAAAAAAAAAAAAAAAAAA==")
        try await database.putAttachment("file", attachment, to: "a", at: nil)
      }
      await expectError(.badRequest, "Attachment name '_h' starts with prohibited character '_'") {
        try await database.putAttachment("_h", Attachment([1]), to: "a", at: nil)
      }
      await expectError(.missingStub) {
        let first = try await database.putAttachment("file", Attachment([1]), to: "b", at: nil)
        var document = Document(id: "b", revision: first)
        document.attachments["file"] = Attachment(.stub, digest: "md5-AAAAAAAAAAAAAAAAAAAAAA==")
        try await database.put(document)
      }
      await expectError(.notFound, "missing") { _ = try await database.get("a") }
      let info = try await database.info()
      #expect(info.documentCount == 1)
    }
  }

  @Test(arguments: Backend.withUpkeep)
  func `content that breaks off leaves nothing`(_ backend: Backend) async throws {
    struct Broken: Error {}
    try await backend.withDatabase { database in
      let stream = ByteStream {
        var pieces = 0
        return {
          pieces += 1
          if pieces > 20 { throw Broken() }
          return [UInt8](repeating: 1, count: 1 << 20)
        }
      }
      await #expect(throws: Broken.self) {
        try await database.putAttachment("file", Attachment(.stream(stream)), to: "a", at: nil)
      }
      await expectError(.notFound) { _ = try await database.get("a") }
      try await database.compact()
      #expect(try await database.info().activeSize < 1 << 20)
    }
  }

  @Test(arguments: Backend.allCases)
  func `documents bring their attachments when asked`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.putAttachment("file", Attachment(Self.hello), to: "a", at: nil)
      let second = try await database.putAttachment("other", Attachment([9]), to: "a", at: first)
      let whole = try await database.get("a", including: .attachments)
      guard case .stream(let content) = try #require(whole.attachments["file"]).content else {
        Issue.record("The attachment should be a stream")
        return
      }
      #expect(try await content.bytes() == Self.hello)
      let news = try await database.get("a", GetOptions(at: second, attachmentsSince: [first]))
      #expect(news.attachments["file"]?.isStub == true)
      #expect(news.attachments["other"]?.isStub == false)
      let rows = try await database.allDocs(AllDocsQuery(rows: .documents(.attachments))).rows
      #expect(rows[0].document?.attachments["file"]?.isStub == false)
      let changes = try await database.changes(.once.including(.documents(.attachments))).collect()
      #expect(changes[0].document?.attachments["file"]?.isStub == false)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a document carries its attachments to another database`(_ backend: Backend) async throws {
    try await backend.withDatabase { source in
      try await backend.withDatabase { target in
        try await source.putAttachment("big", Attachment(Self.large), to: "a", at: nil)
        let document = try await source.get("a", including: [.attachments, .revisions])
        let results = try await target.bulkDocs([document], .replicated)
        #expect(results[0].revision == document.revision)
        #expect(try await read(target, "big") == Self.large)
        // A later revision needs the stub only.
        var next = try await source.get("a")
        next["v"] = 2
        try await source.put(next)
        let edited = try await source.get("a", including: .revisions)
        _ = try await target.bulkDocs([edited], .replicated)
        #expect(try await read(target, "big") == Self.large)
        #expect(try await target.get("a").attachments["big"]?.revisionPosition == 1)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `compressed content stays compressed and is read either way`(_ backend: Backend) async throws {
    // gzip of "hello, attachments", made by another program.
    let gzip = try #require(Data(base64Encoded: Self.gzipOfHello)).map(\.self)
    try await backend.withDatabase { database in
      var attachment = Attachment(gzip, contentType: "text/plain")
      attachment.encoding = .gzip
      try await database.putAttachment("file", attachment, to: "a", at: nil)
      let stub = try #require(try await database.get("a").attachments["file"])
      #expect(stub.encoding == .gzip)
      #expect(stub.length == 18)
      #expect(stub.encodedLength == Int64(gzip.count))
      #expect(try await read(database) == Self.hello)
      let stored = try await database.getAttachment("file", of: "a", at: nil, range: nil, form: .stored)
      #expect(try await stored.content.bytes() == gzip)
      var broken = Attachment(gzip.dropLast(9), contentType: "text/plain")
      broken.encoding = .gzip
      await expectError(.badRequest) { try await database.putAttachment("file", broken, to: "b", at: nil) }
    }
  }

  private static let gzipOfHello = "H4sIAAAAAAAC/8tIzcnJ11FILClJTM7ITc0rKQYAyPmdThIAAAA="

  @Test(arguments: Backend.withUpkeep)
  func `equal content is stored once, and removed with its last user`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      for id in ["a", "b", "c"] {
        try await database.putAttachment("file", Attachment(Self.large), to: DocumentID(id), at: nil)
      }
      let size = try await database.info().activeSize
      #expect(size < 2 * 11_000_003)
      for id in ["a", "b"] { try await database.remove(database.get(DocumentID(id))) }
      try await database.compact()
      #expect(try await read(database, of: "c") == Self.large)
      try await database.remove(database.get("c"))
      try await database.compact()
      #expect(try await database.info().activeSize < 1 << 20)
      #expect(try await database.info().fileSize < 1 << 20)
    }
  }

  @Test(arguments: Backend.withUpkeep)
  func `what is being read is not swept away`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.putAttachment("file", Attachment(Self.large), to: "a", at: nil)
      let download = try await database.getAttachment("file", of: "a")
      try await database.remove(database.get("a"))
      try await database.compact()
      #expect(try await download.content.bytes() == Self.large)
    }
  }

  @Test(arguments: Backend.withUpkeep)
  func `an upload is not swept away while it arrives`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let sweeper = Task {
        while !Task.isCancelled { try await database.compact() }
      }
      for number in 0..<25 {
        let bytes = [UInt8](repeating: UInt8(number), count: 5 << 20)
        let id = DocumentID("\(number)")
        try await database.putAttachment("file", Attachment(bytes), to: id, at: nil)
        #expect(try await read(database, of: id) == bytes)
      }
      sweeper.cancel()
      _ = await sweeper.result
    }
  }

  @Test(arguments: Backend.allCases)
  func `an upload in vain leaves nothing`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.put(["_id": "a"])
      try await database.put(Document(id: "a", revision: first, fields: ["v": 2]))
      await expectError(.conflict) {
        try await database.putAttachment("file", Attachment(Self.large), to: "a", at: first)
      }
      #expect(try await database.info().activeSize < 1 << 20)
      for id in ["b", "c"] {
        try await database.putAttachment("file", Attachment(Self.large), to: DocumentID(id), at: nil)
      }
      #expect(try await database.info().activeSize < 2 * 11_000_003)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a stub stands for the attachment that is stored`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.putAttachment(
        "file", Attachment(Self.hello, contentType: "text/plain"), to: "a", at: nil)
      let second = try await database.put([
        "_id": "a", "_rev": JSON(first.description), "_attachments": ["file": ["stub": true]],
      ])
      #expect(try await database.get("a").attachments["file"]?.contentType == "text/plain")
      await expectError(.missingStub) {
        try await database.put([
          "_id": "a", "_rev": JSON(second.description), "_attachments": ["file": ["stub": true, "revpos": 2]],
        ])
      }
    }
  }
}
