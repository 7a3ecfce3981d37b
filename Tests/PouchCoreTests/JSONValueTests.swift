import PouchCore
import TestSupport
import Testing

@Suite("JSON values")
struct JSONValueTests {
  @Test(arguments: [
    "0", "-0", "1", "-1", "1.10", "0.0", "1e5", "1E+05", "-1.5e-300", "1e400", "12345678901234567890123.50",
  ])
  func `a number keeps its text`(_ text: String) throws {
    #expect(try #require(JSON.Number(text)).text == text)
  }

  @Test(arguments: [
    "", "-", "+1", "01", ".5", "1.", "1e", "1e+", "0x1", "NaN", "inf", "Infinity", "true", "\"1\"", "[1]", "1 2", "1,2",
    " 1", "1 ", "1\n", "\u{661}",
  ])
  func `what is no number is none`(_ text: String) {
    #expect(JSON.Number(text) == nil)
  }

  @Test(
    arguments: [
      ("3", 3), ("-0", 0), ("3.0", 3), ("3e2", 300), ("300e-2", 3), ("9223372036854775807", .max),
      ("-9223372036854775808", .min), ("3.5", nil), ("9223372036854775808", nil), ("9223372036854775807.0", nil),
      ("1e400", nil), ("-1e400", nil), ("1e19", nil), ("1e-400", 0),
    ] as [(String, Int?)])
  func `a number is an integer if its value is one that fits`(_ text: String, _ int: Int?) throws {
    #expect(try #require(JSON.Number(text)).int == int)
    #expect(try JSON(parsing: text).int == int)
  }

  @Test func `numbers beyond the doubles are infinite`() throws {
    #expect(try JSON(parsing: "1e400").double == .infinity)
    #expect(try JSON(parsing: "-1e400").double == -.infinity)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `a double is written as JSON that means the same double`(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for value in [
      Double(bitPattern: generator.next()), .random(in: -1e16...1e16, using: &generator),
      Double.random(in: -1e16...1e16, using: &generator).rounded(),
      Double(Int.random(in: -99...99, using: &generator)) / 8,
    ] {
      let number = JSON.Number(value)
      #expect((number == nil) == !value.isFinite)
      guard let number else { continue }
      #expect(number.double == value)
      #expect(try JSON(parsing: number.text) == .number(number))
    }
  }

  @Test func `infinities and NaN are no JSON`() {
    #expect(JSON.Number(.infinity) == nil)
    #expect(JSON.Number(-.infinity) == nil)
    #expect(JSON.Number(.nan) == nil)
  }

  @Test func `values are equal when they mean the same text`() throws {
    #expect(try JSON(parsing: #"{"a":1,"b":2}"#) == JSON(parsing: #"{"b":2,"a":1}"#))
    #expect(try JSON(parsing: "[1,2]") != JSON(parsing: "[2,1]"))
    #expect(try JSON(parsing: "1.0") != JSON(parsing: "1"))
    #expect(JSON("\u{E9}") != JSON("e\u{301}"))
    #expect(JSON.null != false)
    #expect(JSON("1") != 1)
  }

  @Test func `what a value is not, it does not have`() {
    let json: JSON = ["list": [1, "two"], "flag": true]
    #expect(json["list"]?[1]?.string == "two")
    #expect(json["list"]?[2] == nil)
    #expect(json["list"]?[-1] == nil)
    #expect(json["list"]?["x"] == nil)
    #expect(json[0] == nil)
    #expect(json["none"] == nil)
    #expect(json["flag"]?.bool == true)
    #expect(json["flag"]?.int == nil)
    #expect(json["list"]?[0]?.string == nil)
    #expect(json["list"]?.object == nil)
    #expect(json.array == nil)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `a value is written and read as itself`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let value = random.value()
    let read = try JSON(parsing: value.text)
    #expect(read == value)
    #expect(read.text == value.text)
    let reordered = random.reordered(value)
    #expect(reordered == value)
    #expect(reordered.hashValue == value.hashValue)
  }
}
