import PouchCore
import TestSupport
import Testing

@Suite("Reading JSON")
struct JSONTests {
  @Test(arguments: [
    (#" { "a" : [ 1 , 2.50 , -0 , 1e400 ] } "#, #"{"a":[1,2.50,-0,1e400]}"#),
    (#"{"a":1,"b":2,"a":3}"#, #"{"b":2,"a":3}"#),
    (#"{"a":{"x":1,"x":2},"\u0061":4}"#, #"{"a":4}"#),
    (#""\u0041\/\n\u000a\u00e9\ud83d\ude00\u0000""#, #""A/\n\né😀\u0000""#),
    ("\"plain text that is longer than eight bytes\"", "\"plain text that is longer than eight bytes\""),
    ("[]", "[]"), ("{}", "{}"), ("null", "null"), ("12345678901234567890123", "12345678901234567890123"),
  ])
  func `a text is minified and means the same`(_ input: String, _ output: String) throws {
    #expect(try JSONText(input).string == output)
    #expect(try JSON(parsing: input).text == output)
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "NaN", "1e", "tru", "nul", "\"a", "\"\n\"",
    "1 2",
    "[1 2]", "{\"a\" 1}", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\u{FEFF}1",
  ])
  func `what is no JSON is refused`(_ input: String) {
    #expect(throws: JSONError.self) { try JSONText(input) }
  }

  @Test(
    arguments: [
      [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80], [0xFF],
      [0xF0, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func `what is no UTF-8 is refused`(_ bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONText([0x22] + bytes + [0x22]) }
  }

  @Test func `depth and size are bounded`() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSONText(nested(128), limits: JSONLimits(depth: 128))
    #expect(throws: JSONError.self) { try JSONText(nested(129), limits: JSONLimits(depth: 128)) }
    _ = try JSONText("[1,2]", limits: JSONLimits(bytes: 5))
    #expect(throws: JSONError.self) { try JSONText("[1,2]", limits: JSONLimits(bytes: 4)) }
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func `mutated texts never crash, and what is accepted is stable`(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let corpus = Array(#"{"_id":"a","b":[1.5,-2e9,{"c":"é\u0041\n"},null,true],"b":{"":{}},"z":"\ud83d\ude00"}"#.utf8)
    for _ in 0..<50 {
      var bytes = corpus
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = .random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: index)
        default: bytes.insert(.random(in: 0...255, using: &generator), at: index)
        }
      }
      guard let text = try? JSONText(bytes) else { continue }
      #expect(try JSONText(text.bytes) == text)
      #expect(JSONText(text.json) == text)
      #expect(text.canonicalBytes == (try JSONText(text.canonicalBytes).canonicalBytes))
      _ = try? Document(parsing: bytes)
    }
  }

  @Test func `the canonical form does not depend on the order of keys`() throws {
    let one = try JSONText(#"{"b":[{"y":1,"x":2}],"a":{"d":1,"c":{"f":0,"e":0}}}"#)
    let two = try JSONText(#"{"a":{"c":{"e":0,"f":0},"d":1},"b":[{"x":2,"y":1}]}"#)
    #expect(one.canonicalBytes == two.canonicalBytes)
    #expect(one != two)
  }

  @Test func `raw collation orders types as Erlang does`() {
    let ordered: [JSON] = [-1, 2, 10, false, nil, true, [:], ["a": 1], [], [1], "", "A", "a", "é"]
    for (index, left) in ordered.enumerated() {
      for right in ordered[(index + 1)...] {
        #expect(RawCollation.precedes(left, right))
        #expect(!RawCollation.precedes(right, left))
      }
    }
  }
}
