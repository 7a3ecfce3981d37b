import PouchCore
import TestSupport
import Testing

@Suite("What is wrong with a text, and where")
struct JSONErrorTests {
  @Test(
    arguments: [
      ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{\"a\":", .unexpectedEnd, 5), ("[1", .unexpectedEnd, 2),
      ("\"abc", .unexpectedEnd, 4), ("-", .unexpectedEnd, 1), ("1e+", .unexpectedEnd, 3), ("tru", .unexpectedEnd, 3),
      ("\"\\", .unexpectedEnd, 1), ("\"\\u12", .unexpectedEnd, 5), ("[1,]", .unexpectedByte(0x5D), 3),
      ("{\"a\":1,}", .unexpectedByte(0x7D), 7), ("{a", .unexpectedByte(0x61), 1), ("01", .unexpectedByte(0x31), 1),
      ("nulL", .unexpectedByte(0x4C), 3), ("1 2", .unexpectedByte(0x32), 2), ("\"a\nb\"", .unexpectedByte(0x0A), 2),
      ("\"\\x\"", .unexpectedByte(0x78), 2), ("\"\\u12g4\"", .unexpectedByte(0x67), 5),
      ("{}}", .unexpectedByte(0x7D), 2),
      ("\"12345678\u{1}\"", .unexpectedByte(1), 9), ("\u{FEFF}1", .unexpectedByte(0xEF), 0),
    ] as [(String, JSONError.Problem, Int)])
  func `the first problem is named with its offset`(_ text: String, _ problem: JSONError.Problem, _ offset: Int) throws
  {
    let error = try #require(throws: JSONError.self) { try JSONText(text) }
    #expect(error.problem == problem)
    #expect(error.offset == offset)
  }

  @Test(arguments: [
    #"\ud800"#, #"\udbff"#, #"\udc00"#, #"\udfff"#, #"\ud800x"#, #"\ud800\n"#, #"\ud800\u0041"#, #"\ud800\ud800"#,
    #"\udc00\ud800"#, #"\ud83d\ude00\ud83d"#,
  ])
  func `half of a surrogate pair is refused, as CouchDB does`(_ escapes: String) throws {
    for padding in ["", "1234567", "é"] {
      let error = try #require(throws: JSONError.self) { try JSONText("\"\(padding)\(escapes)\"") }
      #expect(error.problem == .loneSurrogate)
    }
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func `bytes are taken for UTF-8 exactly when Swift takes them for it`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<30 {
      // Mostly bytes at the borders of what is allowed: any others would nearly always be wrong at the first.
      let borders: [UInt8] = [
        0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
        0xF0,
        0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
      ]
      let bytes = (0..<Int.random(in: 1...5, using: &generator)).map { _ in borders.randomElement(using: &generator)! }
      let padding = [UInt8](repeating: 0x78, count: .random(in: 0...9, using: &generator))
      let read = try? JSON(parsing: [0x22] + padding + bytes + [0x22]).string
      let expected = String(validating: padding + bytes, as: UTF8.self)
      #expect(read.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(bytes)")
    }
  }
}
