import Foundation
import PouchCore
import Testing

@Suite("Values changed within their documents")
struct MergingTests {
  private struct Note: Codable {
    var id: String
    var text: String
    var tag: String?
    var price: Double?
    var place: Place?
    var date: Date?
    var scores: [String: Int]?
    var tags: [String]?

    struct Place: Codable {
      var city: String
      var zip: Int?
    }
  }

  /// The body that a document has after its value was changed.
  private func body(of text: String, _ change: (inout Note) -> Void) throws -> String {
    var typed = try TypedDocument<Note>(document(text))
    change(&typed.value)
    return try typed.document.body.string
  }

  @Test func `a field that is changed stays in its place, and unknown ones stay as they are`() throws {
    let text = #"{"_id":"n","colour":"blue","text":"milk","size":1.10,"more":{"z":1,"a":[1E2]}}"#
    #expect(
      try body(of: text) { $0.text = "eggs" }
        == #"{"colour":"blue","text":"eggs","size":1.10,"more":{"z":1,"a":[1E2]}}"#)
  }

  @Test func `known fields that are not changed keep their text`() throws {
    let text =
      #"{"_id":"n","text":"milk","price":1.10,"tag":null,"date":"2026-02-03T04:05:06+00:00","scores":{"b":1.0,"a":2}}"#
    #expect(try body(of: text) { _ in } == (try document(text).body.string))
    #expect(
      try body(of: text) { $0.text = "eggs" }
        == #"{"text":"eggs","price":1.10,"tag":null,"date":"2026-02-03T04:05:06+00:00","scores":{"b":1.0,"a":2}}"#)
  }

  @Test func `a field that became nil is removed, and one that was nil is added`() throws {
    let text = #"{"_id":"n","tag":"shop","text":"milk","colour":"blue"}"#
    #expect(try body(of: text) { $0.tag = nil } == #"{"text":"milk","colour":"blue"}"#)
    #expect(
      try body(of: text) { $0.price = 2.5 } == #"{"tag":"shop","text":"milk","colour":"blue","price":2.5}"#)
    #expect(try body(of: #"{"_id":"n","text":"a","tag":null}"#) { $0.tag = "x" } == #"{"text":"a","tag":"x"}"#)
  }

  @Test func `objects are merged member by member`() throws {
    let text = #"{"_id":"n","text":"milk","place":{"street":"Gasse","city":"Bern","zip":3000}}"#
    #expect(
      try body(of: text) { $0.place?.city = "Basel" }
        == #"{"text":"milk","place":{"street":"Gasse","city":"Basel","zip":3000}}"#)
    #expect(
      try body(of: text) { $0.place?.zip = nil } == #"{"text":"milk","place":{"street":"Gasse","city":"Bern"}}"#)
    #expect(try body(of: text) { $0.place = nil } == #"{"text":"milk"}"#)
  }

  @Test func `a dictionary loses the keys that were removed, and an array is replaced`() throws {
    let text = #"{"_id":"n","text":"milk","scores":{"b":1,"a":2},"tags":["x","y"]}"#
    #expect(
      try body(of: text) {
        $0.scores?["b"] = nil
        $0.scores?["c"] = 3
        $0.tags?.removeFirst()
      } == #"{"text":"milk","scores":{"a":2,"c":3},"tags":["y"]}"#)
  }

  @Test func `a document stays itself, whatever its value says`() throws {
    var document: Document = ["_id": "n", "_rev": "3-c", "text": "milk"]
    document.attachments["photo"] = PouchCore.Attachment([1, 2, 3], contentType: "image/png")
    document.revisions = [try RevisionID("3-c"), try RevisionID("2-b")]
    var typed = try TypedDocument<Note>(document)
    #expect(typed.id == "n")
    #expect(typed.revision == (try RevisionID("3-c")))
    typed.value.text = "eggs"
    typed.value.id = "other"
    let changed = try typed.document
    #expect(changed.id == "n")
    #expect(changed.revision == document.revision)
    #expect(changed.revisions == document.revisions)
    #expect(changed.attachments["photo"]?.data == [1, 2, 3])
    #expect(changed["text"] == "eggs")
  }

  @Test func `keys that Swift takes for one are two fields, and both stay`() throws {
    let text = "{\"_id\":\"n\",\"text\":\"milk\",\"\u{E9}\":1,\"e\u{301}\":2}"
    #expect(
      Array(try body(of: text) { $0.text = "eggs" }.utf8)
        == Array("{\"text\":\"eggs\",\"\u{E9}\":1,\"e\u{301}\":2}".utf8))
  }

  @Test func `a value that no longer encodes gives no document`() throws {
    var typed = try TypedDocument<Note>(document(#"{"_id":"n","text":"milk","price":1}"#))
    typed.value.price = .nan
    #expect(throws: EncodingError.self) { try typed.document }
  }

  @Test func `a document that does not fit makes no value`() {
    #expect(throws: DecodingError.self) { try TypedDocument<Note>(["_id": "n", "text": 5]) }
  }

  /// Knows three fields, and of the last that its members may be any.
  private struct Known: Codable {
    var a: JSON?
    var b: JSON?
    var c: [String: JSON]?
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `a type that knows every field replaces them all`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let (before, after) = (fields(&random), fields(&random))
    var typed = try TypedDocument<[String: JSON]>(Document(id: "n", fields: before))
    typed.value = after.reduce(into: ["_id": "n"]) { $0[$1.name.string] = $1.value }
    #expect(try typed.document.fields == after)
    typed.value = try TypedDocument<[String: JSON]>(Document(id: "n", fields: before)).value
    #expect(try typed.document.body.string == JSON.object(before).text)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `a type that knows some fields leaves the others`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let names: [ExactString] = ["a", "b", "c"]
    let unknown = fields(&random).filter { !names.contains($0.name) }
    var all = JSON.Object()
    for (name, value) in unknown { all[name] = value }
    all["a"] = ["x": 1]
    all["c"] = .object(fields(&random))
    var typed = try TypedDocument<Known>(Document(id: "n", fields: all))
    let new = fields(&random)
    typed.value.a = nil
    typed.value.b = .object(new)
    typed.value.c = new.reduce(into: [:]) { $0[$1.name.string] = $1.value }
    let changed = try typed.document.fields
    #expect(changed["a"] == nil)
    #expect(changed["b"] == .object(new))
    #expect(changed["c"] == .object(new))
    for (name, value) in unknown { #expect(changed[name] == value) }
    #expect(changed.count == unknown.count + 2)
  }

  /// Fields whose numbers are integers, since others change their text on the way through Swift's coders.
  private func fields(_ random: inout RandomJSON) -> JSON.Object {
    var result = JSON.Object()
    for (name, value) in random.object() where !name.hasPrefix("_") && name != "id" {
      result[name] = withIntegers(value)
    }
    return result
  }

  private func withIntegers(_ json: JSON) -> JSON {
    switch json {
    case .number(let number): JSON(number.text.utf8.count)
    case .array(let elements): .array(elements.map(withIntegers))
    case .object(let object): .object(object.reduce(into: JSON.Object()) { $0[$1.name] = withIntegers($1.value) })
    default: json
    }
  }
}
