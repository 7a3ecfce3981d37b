import PouchCore
import Testing

@Suite("The canonical form")
struct CanonicalJSONTests {
  @Test(arguments: 0..<300 as Range<UInt64>)
  func `the order of keys does not matter, and nothing is lost`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let value = random.value()
    let canonical = JSONText(value).canonicalBytes
    #expect(JSONText(random.reordered(value)).canonicalBytes == canonical, "\(value.text)")
    #expect(try JSONText(random.spelled(random.reordered(value))).canonicalBytes == canonical, "\(value.text)")
    #expect(try JSON(parsing: canonical) == value, "\(value.text)")
    #expect(try JSONText(canonical).canonicalBytes == canonical, "\(value.text)")
  }

  @Test(arguments: [
    (#"{"b":1,"a":2}"#, #"{"a":2,"b":1}"#), (#"{"aa":1,"a":2,"":3}"#, #"{"":3,"a":2,"aa":1}"#),
    (#"{"é":1,"z":2,"Z":3}"#, #"{"Z":3,"z":2,"é":1}"#),
    (#"{"a":1.0,"b":{"d":[{"f":1,"e":2}],"c":0}}"#, #"{"a":1.0,"b":{"c":0,"d":[{"e":2,"f":1}]}}"#),
    (#"[{"b":"}\",{","a":"\\"}]"#, #"[{"a":"\\","b":"}\",{"}]"#), (#"{"b":1,"a":2,"b":3}"#, #"{"a":2,"b":3}"#),
    (" 1 ", "1"),
  ])
  func `keys are in the order of their bytes at every level`(_ text: String, _ canonical: String) throws {
    #expect(String(decoding: try JSONText(text).canonicalBytes, as: UTF8.self) == canonical)
  }

  @Test func `numbers of different digits are different edits`() throws {
    #expect(try JSONText("1.0").canonicalBytes != JSONText("1").canonicalBytes)
  }

  @Test func `what was stored damaged reads as null`() {
    for damaged in ["", "{", #"{"a":1"#, "{}{}"] {
      let text = JSONText(stored: Array(damaged.utf8))
      #expect(text.json == .null)
      #expect(text.canonicalBytes == Array("null".utf8))
    }
  }
}
