import Foundation
import PouchCore
import Testing

@Suite("Documents of values")
struct EncodingTests {
  private struct Note: Codable, Equatable {
    var id: String
    var text: String
    var tag: String?
  }

  private struct Stored: Codable, Equatable {
    var _id: String?
    var _rev: String?
    var _deleted: Bool?
    var id: String?
    var text = "milk"
  }

  private struct Everything: Codable, Equatable {
    var date = Date(timeIntervalSince1970: 1_770_091_506)
    var data = Data([0, 0xFF, 0x3E])
    var small = 0.1
    var large = 1e300
    var tiny = Double.leastNonzeroMagnitude
    var single: Float = 0.1
    var highest = UInt64.max
    var lowest = Int64.min
    var decimal = Decimal(string: "12345678901234567890.125")!
    var isOn = true
    var link = URL(string: "https://example.org/a/b")!
    var list: [Int?] = [1, nil, 3]
    var nested: [String: [Inner]] = ["x": [Inner(name: "a"), Inner(name: "é\n")], "": []]
    var choice = Choice.some(3)
    var absent: Inner?

    struct Inner: Codable, Equatable {
      var name: String
    }

    enum Choice: Codable, Equatable {
      case none
      case some(Int)
    }
  }

  @Test func `a value's id is the document's, and is not stored twice`() throws {
    let note = Note(id: "n1", text: "milk")
    let document = try Document(encoding: note)
    #expect(document.id == "n1")
    #expect(document.revision == nil)
    #expect(document.body.string == #"{"text":"milk"}"#)
    #expect(try document.decoded() == note)
  }

  @Test func `_id and _rev are taken over and given back`() throws {
    let value = Stored(_id: "a", _rev: "2-b")
    let document = try Document(encoding: value)
    #expect(document.id == "a")
    #expect(document.revision == (try RevisionID("2-b")))
    #expect(document.body.string == #"{"text":"milk"}"#)
    let decoded: Stored = try document.decoded()
    #expect(decoded._id == "a")
    #expect(decoded._rev == "2-b")
    #expect(decoded.id == "a")
    #expect(try Document(encoding: Stored(_id: "a", _deleted: true)).isDeleted)
  }

  @Test func `an id that says something else than _id is a field`() throws {
    let document = try Document(encoding: Stored(_id: "a", id: "b"))
    #expect(document.id == "a")
    #expect(document["id"] == "b")
    #expect(try document.decoded(as: Stored.self).id == "b")
    let elsewhere = try Document(encoding: Note(id: "n1", text: "milk"), id: "elsewhere")
    #expect(elsewhere.id == "elsewhere")
    #expect(try elsewhere.decoded(as: Note.self).id == "n1")
    let composed = try Document(encoding: Stored(_id: "\u{E9}", id: "e\u{301}"))
    #expect(composed["id"] == "e\u{301}")
  }

  @Test func `a number is an id as text, and stays a number`() throws {
    let document = try Document(encoding: ["id": 5])
    #expect(document.id == "5")
    #expect(document["id"] == 5)
    struct Numbered: Decodable { var id: Int }
    #expect(try document.decoded(as: Numbered.self).id == 5)
  }

  @Test func `a value without an id has none`() throws {
    let document = try Document(encoding: ["text": "milk"])
    #expect(document.id == nil)
    #expect(try document.decoded() == ["text": "milk"])
  }

  @Test func `an id is taken as it is, and checked when it is used`() throws {
    #expect(try Document(encoding: Note(id: "", text: "")).id == "")
    #expect(try Document(encoding: Note(id: "_x", text: "")).id == "_x")
  }

  @Test func `every kind of value comes back as it was`() throws {
    let document = try Document(encoding: Everything())
    #expect(try document.decoded() == Everything())
    #expect(try Document(parsing: document.encoded).decoded() == Everything())
    #expect(document["date"] == "2026-02-03T04:05:06Z")
    #expect(document["data"] == "AP8+")
    #expect(document["decimal"] == .number(JSON.Number("12345678901234567890.125")!))
    #expect(document["highest"] == .number(JSON.Number("18446744073709551615")!))
    #expect(document["link"] == "https://example.org/a/b")
    #expect(document["list"] == [1, nil, 3])
    #expect(document["absent"] == nil)
  }

  @Test func `null, and nothing at all, decode as nil`() throws {
    for text in [#"{"id":"a","text":"x","tag":null}"#, #"{"id":"a","text":"x"}"#] {
      #expect(try document(text).decoded() == Note(id: "a", text: "x", tag: nil))
    }
  }

  @Test func `JSON within a value is kept`() throws {
    struct Open: Codable, Equatable {
      var known: Int
      var rest: JSON
    }
    let value = Open(known: 1, rest: ["a": [1, 2.5, nil, true, "é"], "b": [:], "c": []])
    let document = try Document(encoding: value)
    #expect(document["rest"] == value.rest)
    #expect(try document.decoded() == value)
    #expect(try document.decoded(as: JSON.self) == ["known": 1, "rest": value.rest])
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func `any JSON comes through Swift's coders with the same meaning`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let value = random.value()
    let coded = try JSONText(encoding: value).decoded(as: JSON.self)
    #expect(rounded(coded) == rounded(value), "\(coded.text) \(value.text)")
  }

  /// The value with its numbers as doubles: Foundation's decoder gives back some as integers that were none, by the
  /// shortest text that means the double.
  private func rounded(_ json: JSON) -> JSON {
    switch json {
    case .number(let number): .number(JSON.Number(number.double)!)
    case .array(let elements): .array(elements.map(rounded))
    case .object(let object): .object(object.reduce(into: JSON.Object()) { $0[$1.name] = rounded($1.value) })
    default: json
    }
  }

  @Test(arguments: ["0", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615"])
  func `integers that Swift has keep their digits`(_ text: String) throws {
    let value = try JSON(parsing: text)
    #expect(try JSONText(encoding: value).decoded(as: JSON.self) == value)
  }

  @Test func `a value that is no object is refused`() {
    let refusal = PouchError(.badRequest, "Document must be a JSON object")
    #expect(throws: refusal) { try Document(encoding: [1, 2]) }
    #expect(throws: refusal) { try Document(encoding: "text") }
    #expect(throws: refusal) { try Document(encoding: 1) }
    #expect(throws: refusal) { try Document(encoding: Note?.none) }
  }

  @Test func `members that a value encodes are checked as those of a document are`() {
    #expect(throws: PouchError(.invalidDocument, "Bad special document member: _foo")) {
      try Document(encoding: ["_foo": 1])
    }
    #expect(throws: PouchError(.illegalDocumentID, "Document id must be a string")) {
      try Document(encoding: ["_id": 1])
    }
    #expect(throws: PouchError(.badRequest, "Invalid rev format")) { try Document(encoding: Stored(_rev: "x")) }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func `a number that JSON does not have is refused`(_ value: Double) {
    #expect(throws: EncodingError.self) { try Document(encoding: ["v": value]) }
  }

  @Test func `a document that does not fit says where`() throws {
    let wrongType = try #require(throws: DecodingError.self) {
      try document(#"{"id":"a","text":5}"#).decoded(as: Note.self)
    }
    guard case .typeMismatch(_, let context) = wrongType else {
      Issue.record("\(wrongType)")
      return
    }
    #expect(context.codingPath.map(\.stringValue) == ["text"])
    let missing = try #require(throws: DecodingError.self) { try document(#"{"id":"a"}"#).decoded(as: Note.self) }
    guard case .keyNotFound(let key, _) = missing else {
      Issue.record("\(missing)")
      return
    }
    #expect(key.stringValue == "text")
  }
}
