import HTTPTypes
import PouchCore
import TestSupport
import Testing

@testable import CouchAPI

/// What a body says, whatever pieces it came in.
private struct Read: Equatable {
  struct Part: Equatable {
    var headers: HTTPFields
    var content: [UInt8] = []
    var isComplete = false
  }

  var parts: [Part] = []
  var error: PouchError?
}

private func read(_ pieces: [[UInt8]], boundary: String, limits: MultipartLimits = .standard) -> Read {
  var result = Read()
  do throws(PouchError) {
    var parser = try MultipartParser(boundary: boundary, limits: limits)
    var rest = pieces[...]
    while true {
      guard let event = try parser.next() else {
        guard let piece = rest.popFirst() else {
          try parser.finish()
          return result
        }
        parser.receive(piece)
        continue
      }
      let last = result.parts.indices.last
      switch event {
      case .part(let headers): result.parts.append(Read.Part(headers: headers))
      case .bytes(let bytes): if let last { result.parts[last].content += bytes }
      case .endOfPart: if let last { result.parts[last].isComplete = true }
      case .end: return result
      }
    }
  } catch {
    result.error = error
  }
  return result
}

private func pieces(of bytes: [UInt8], using random: inout SeededGenerator) -> [[UInt8]] {
  var pieces: [[UInt8]] = []
  var rest = bytes[...]
  while !rest.isEmpty {
    let piece = rest.prefix(.random(in: 0...9, using: &random))
    pieces.append(Array(piece))
    rest = rest.dropFirst(piece.count)
  }
  return pieces
}

struct MultipartParserTests {
  private static let example = """
    skipped\r
    --xyz\r
    Content-Type: application/json\r
    X-Folded: one\r
      two\r
    \r
    {"a":1}\r
    --xyz \t\r
    \r
    \r
    --xy\r\r
    --xyz0\r
    --xyz-\r
    \r
    --xyz\r
    Content-Disposition: attachment; filename="ü"\r
    \r
    \r
    --xyz--\r
    --xyz\r
    ignored
    """

  @Test func `parts have their headers and their content to the byte`() {
    let result = read([Array(Self.example.utf8)], boundary: "xyz")
    #expect(result.error == nil)
    #expect(result.parts.map(\.isComplete) == [true, true, true])
    #expect(result.parts.first?.headers[.contentType] == "application/json")
    #expect(result.parts.first?.headers.first { $0.name.canonicalName == "x-folded" }?.value == "one two")
    #expect(
      result.parts.map { String(decoding: $0.content, as: UTF8.self) } == [
        #"{"a":1}"#, "\r\n--xy\r\r\n--xyz0\r\n--xyz-\r\n", "",
      ])
    #expect(result.parts.last?.headers[.contentDisposition] == "attachment; filename=\"ü\"")
  }

  @Test func `a part without headers and content may end at once`() {
    let result = read([Array("--b\r\n\r\n--b\r\n\r\n\r\n--b--".utf8)], boundary: "b")
    #expect(result == Read(parts: Array(repeating: Read.Part(headers: [:], content: [], isComplete: true), count: 2)))
  }

  @Test func `a body of no parts is complete`() {
    #expect(read([Array("--b--".utf8)], boundary: "b") == Read())
    #expect(read([Array("\r\n--b--\r\n".utf8)], boundary: "b") == Read())
  }

  @Test func `the pieces in which a body comes make no difference`() {
    var random = SeededGenerator(seed: 1)
    let bytes = Array(Self.example.utf8)
    let whole = read([bytes], boundary: "xyz")
    #expect(read(bytes.map { [$0] }, boundary: "xyz") == whole)
    for _ in 0..<200 { #expect(read(pieces(of: bytes, using: &random), boundary: "xyz") == whole) }
  }

  @Test func `a body cut short anywhere before its last boundary is refused`() throws {
    let bytes = Array(Self.example.utf8)
    let end = try #require(Self.example.firstRange(of: "--xyz--"))
    let complete = Self.example.utf8.distance(from: Self.example.startIndex, to: end.upperBound)
    for length in 0..<bytes.count {
      let cut = Array(bytes[..<length])
      let result = read([cut], boundary: "xyz")
      #expect((result.error?.code == .badRequest) == (length < complete), "\(length)")
      #expect(read(cut.map { [$0] }, boundary: "xyz") == result, "\(length)")
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `damaged bodies give the same answer in whatever pieces they come`(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("\r\n-xyz :;\"\u{0}\u{FF}a".utf8)
    for _ in 0..<50 {
      var bytes = Array(Self.example.utf8)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes.remove(at: index)
        case 1: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: index)
        default: bytes[index] = alphabet.randomElement(using: &random) ?? 0
        }
      }
      let whole = read([bytes], boundary: "xyz")
      #expect(whole.error == nil || whole.error?.code == .badRequest)
      #expect(read(pieces(of: bytes, using: &random), boundary: "xyz") == whole)
      #expect(read(bytes.map { [$0] }, boundary: "xyz") == whole)
    }
  }

  @Test(arguments: ["", " ", "a\r\nb", "é", String(repeating: "x", count: 201), "a "])
  func `what cannot be a boundary is refused`(_ boundary: String) {
    #expect(throws: PouchError.self) { try MultipartParser(boundary: boundary) }
  }

  @Test(arguments: ["no colon", ": no name", "bad name: x", "Name: a\u{1}b", "Name: a\rb"])
  func `what is no header is refused`(_ line: String) {
    #expect(read([Array("--b\r\n\(line)\r\n\r\n\r\n--b--".utf8)], boundary: "b").error?.code == .badRequest)
  }

  @Test func `headers and parts are bounded`() {
    var limits = MultipartLimits()
    limits.headerBytes = 20
    limits.parts = 2
    func error(_ text: String) -> PouchError.Code? {
      let bytes = Array(text.utf8)
      let result = read([bytes], boundary: "b", limits: limits)
      #expect(read(bytes.map { [$0] }, boundary: "b", limits: limits) == result)
      return result.error?.code
    }
    #expect(error("--b\r\nA: 34567890123456\r\n\r\n\r\n--b--") == .badRequest)
    #expect(error("--b\r\nA: 345678901234567890") == .badRequest)
    #expect(error("--b\r\nA: 3456789012345\r\n\r\n\r\n--b--") == nil)
    #expect(error("--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--") == nil)
    #expect(error("--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--") == .badRequest)
  }
}

struct MultipartReaderTests {
  @Test func `what is not read of a part is skipped`() async throws {
    let body = MultipartWriter(boundary: "b").body(of: [
      MultipartPart(headers: [:], body: .bytes(Array(repeating: 0x0D, count: 100_000))),
      MultipartPart(headers: [:], body: .bytes(Array("two".utf8))),
      MultipartPart(headers: [:], body: .bytes(Array("three".utf8))),
    ])
    let reader = try MultipartReader(body.stream, contentType: "multipart/mixed; boundary=b")
    let first = try #require(try await reader.next())
    var pieces = first.body.stream.makeAsyncIterator()
    _ = try await pieces.next()
    _ = try await reader.next()
    let third = try #require(try await reader.next())
    #expect(try await third.body.stream.bytes() == Array("three".utf8))
    #expect(try await reader.next() == nil)
    #expect(try await reader.next() == nil)
    await #expect(throws: PouchError.self) { try await pieces.next() }
  }

  @Test func `multipart within multipart is read by a reader over the part`() async throws {
    let inner = MultipartWriter(boundary: "outer-and-more")
    let outer = MultipartWriter(boundary: "outer")
    let body = outer.body(of: [
      MultipartPart(
        headers: [.contentType: inner.contentType("related")],
        body: inner.body(of: [
          MultipartPart(headers: [:], body: .bytes(Array("{}".utf8))),
          MultipartPart(headers: [:], body: .bytes(Array("bytes".utf8))),
        ])),
      MultipartPart(headers: [.contentType: "application/json; error=\"true\""], body: .bytes(Array("gone".utf8))),
    ])
    let bytes = try await body.stream.bytes()
    #expect(body.length == Int64(bytes.count))
    let reader = try MultipartReader(ByteStream(bytes), contentType: outer.contentType("mixed"))
    let related = try #require(try await reader.next())
    let nested = try MultipartReader(related.body.stream, contentType: related.headers[.contentType] ?? "")
    let document = try #require(try await nested.next())
    #expect(try await document.body.stream.bytes() == Array("{}".utf8))
    let attachment = try #require(try await nested.next())
    #expect(try await attachment.body.stream.bytes() == Array("bytes".utf8))
    #expect(try await nested.next() == nil)
    let error = try #require(try await reader.next())
    #expect(ParameterizedValue(error.headers[.contentType] ?? "").parameters["error"] == "true")
    #expect(try await reader.next() == nil)
  }

  @Test func `a part that was cut short is no complete part`() async throws {
    let reader = try MultipartReader(ByteStream(Array("--b\r\n\r\nhel".utf8)), contentType: "multipart/x; boundary=b")
    let part = try #require(try await reader.next())
    await #expect(throws: PouchError.self) { try await part.body.stream.bytes() }
    await #expect(throws: PouchError.self) { try await reader.next() }
  }

  @Test(arguments: ["application/json", "multipart/related", "multipart/related; boundary=\"\"", ""])
  func `a type without a boundary is refused`(_ type: String) {
    #expect(throws: PouchError.self) { try MultipartReader(ByteStream([]), contentType: type) }
  }

  @Test(arguments: [
    ("multipart/related; boundary=\"a b\"", "a b"), ("Multipart/Mixed;charset=x ; BOUNDARY=abc ; x=y", "abc"),
    ("multipart/mixed; boundary=\"a\\\"b\"", "a\"b"), ("multipart/mixed; boundary=a/b", "a/b"),
    ("multipart/mixed; =x; boundary=first; boundary=second", "first"),
  ])
  func `a boundary may stand in quotes, and among other parameters`(_ type: String, _ boundary: String) {
    #expect(ParameterizedValue(type).parameters["boundary"] == boundary)
  }
}

struct MultipartWriterTests {
  @Test func `a body is written to the byte as CouchDB writes it`() async throws {
    let body = MultipartWriter(boundary: "b").body(of: [
      MultipartPart(headers: [.contentType: "application/json"], body: .bytes(Array("{}".utf8))),
      MultipartPart(headers: [:], body: .stream(ByteStream(Array("x".utf8)), length: nil)),
    ])
    let text = String(decoding: try await body.stream.bytes(), as: UTF8.self)
    #expect(text == "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n\r\nx\r\n--b--")
    #expect(body.length == nil)
    #expect(try await MultipartWriter(boundary: "b").body(of: []).stream.bytes() == Array("--b--".utf8))
  }

  @Test func `a part that is longer or shorter than it said ends the body with an error`() async throws {
    for length in [2, 4] as [Int64] {
      let part = MultipartPart(headers: [:], body: .stream(ByteStream([1, 2, 3]), length: length))
      let body = MultipartWriter().body(of: [part])
      await #expect(throws: PouchError.self) { try await body.stream.bytes() }
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `what is written reads back the same`(_ seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("\r\n--boundary".utf8)
    let contents = (0..<Int.random(in: 0...5, using: &random)).map { _ in
      (0..<Int.random(in: 0...400, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
    }
    let writer = MultipartWriter()
    let parts = contents.enumerated().map { index, bytes in
      MultipartPart(
        headers: [.contentLocation: "\(index)"],
        body: index % 2 == 0 ? .bytes(bytes) : .stream(ByteStream(bytes), length: Int64(bytes.count)))
    }
    let body = writer.body(of: parts)
    let bytes = try await body.stream.bytes()
    #expect(body.length == Int64(bytes.count))
    let result = read(pieces(of: bytes, using: &random), boundary: writer.boundary)
    #expect(result.error == nil)
    #expect(result.parts.map(\.content) == contents)
    #expect(result.parts.map { $0.headers[.contentLocation] } == contents.indices.map { "\($0)" })
  }

  @Test(arguments: ["plain.txt", "ü/ö.bin", "a\"b\\c", "line\r\nX-Header: y", "a+b %41", "\u{7F}", ""])
  func `names of attachments survive, and add no header`(_ name: String) {
    let value = AttachmentDisposition.value(name: name)
    #expect(HTTPField.isValidValue(value))
    #expect(AttachmentDisposition.name(in: value) == name)
  }
}
