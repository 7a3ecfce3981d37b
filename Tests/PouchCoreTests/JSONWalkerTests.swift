import PouchCore
import TestSupport
import Testing

@Suite("Walking over JSON")
struct JSONWalkerTests {
  private func slice(_ text: String) throws -> JSONSlice { JSONSlice(try JSONText(text)) }

  @Test func `members and elements are found by their bytes`() throws {
    let message = try slice(#"{ "a" : [1, "x\"],", {"b": [[]]}, -2.5], "c\\" : {"d": null}, "e": true }"#)
    #expect(message.members.map(\.name) == ["a", "c\\", "e"])
    let elements = try #require(message["a"]).elements.map { String(decoding: $0.bytes, as: UTF8.self) }
    #expect(elements == ["1", #""x\"],""#, #"{"b":[[]]}"#, "-2.5"])
    #expect(message["a"]?.elements.dropFirst().first { _ in true }?.string == "x\"],")
    #expect(message["e"]?.bool == true)
    #expect(message["nope"] == nil)
    #expect(message.depth == 5)
  }

  @Test func `what is of another kind has no members and no elements`() throws {
    for text in ["1", "\"a\"", "null", "true", "{}", "[]"] {
      #expect(Array(try slice(text).members).isEmpty)
      #expect(Array(try slice(text).elements).isEmpty)
    }
    #expect(try slice("1.5").int == nil)
    #expect(try slice("\"1\"").int == nil)
    #expect(try slice("17").int == 17)
    #expect(try slice("17").string == nil)
    #expect(try slice("\"\\\\\"").string == "\\")
  }

  @Test func `a document in a message is the document by itself`() throws {
    let texts = [
      #"{"_id":"a","_rev":"2-b","v":[1,{"_x":2}],"_revisions":{"start":2,"ids":["b","a"]},"w":"\n"}"#,
      #"{"v":1,"_id":"é","_deleted":true}"#, "{}", #"{"_id":"only"}"#,
      #"{"_attachments":{"f":{"stub":true,"revpos":1}},"_replication_state":"done"}"#,
    ]
    let message = try slice("[" + texts.joined(separator: ", ") + "]")
    for (text, element) in zip(texts, message.elements) {
      let alone = try Document(parsing: text.utf8)
      let within = try Document(element)
      #expect(within.encoded == alone.encoded)
      #expect(within.body == alone.body)
    }
  }

  @Test func `each document is held to its own limits`() throws {
    func nested(_ depth: Int) -> String {
      #"{"_id":"a","v":"# + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1) + "}"
    }
    let message = JSONSlice(try JSONText("[[[\(nested(512)),\(nested(513))]]]", limits: .message))
    let inner = try #require(message.elements.first { _ in true }?.elements.first { _ in true })
    let documents = Array(inner.elements)
    _ = try Document(documents[0])
    #expect(throws: PouchError.self) { try Document(documents[1]) }
    #expect(throws: PouchError.self) { try Document(documents[0], limits: JSONLimits(bytes: 100)) }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `walking gives what parsing gives`(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let corpus = Array(#"{"a":[1.5,-2e9,{"c":"é\\\"\n"},null,[[]],true],"b":{"":{}},"z":"\\"}"#.utf8)
    for _ in 0..<50 {
      var bytes = corpus
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = corpus.randomElement(using: &generator) ?? 0
      }
      guard let text = try? JSONText(bytes) else { continue }
      #expect(rebuilt(JSONSlice(text)) == text.json)
    }
  }

  private func rebuilt(_ slice: JSONSlice) -> JSON {
    if slice.isArray { return .array(slice.elements.map(rebuilt)) }
    guard slice.isObject else { return slice.json }
    var object = JSON.Object()
    for member in slice.members { object[ExactString(member.name)] = rebuilt(member.value) }
    return .object(object)
  }
}
