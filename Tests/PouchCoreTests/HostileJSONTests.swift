import PouchCore
import Testing

/// Texts made to cost more than they weigh. Nothing is timed: what takes more than about linear work on 8 MiB does not
/// finish while anybody waits.
@Suite("Hostile JSON")
struct HostileJSONTests {
  /// The object of as many members as fit into a body, numbered from 0.
  private func filled(_ member: (Int) -> String) -> (bytes: [UInt8], count: Int) {
    var bytes: [UInt8] = [0x7B]
    bytes.reserveCapacity(Limits.documentBody)
    var count = 0
    while true {
      let next = member(count).utf8
      guard bytes.count + next.count + 1 < Limits.documentBody else { break }
      if count > 0 { bytes.append(0x2C) }
      bytes.append(contentsOf: next)
      count += 1
    }
    bytes.append(0x7D)
    return (bytes, count)
  }

  private let limits = JSONLimits(bytes: Limits.documentBody)

  @Test func `a body of one key over and over holds its last value`() throws {
    let (bytes, count) = filled { #""k":\#($0)"# }
    let read = try Document(parsing: bytes, limits: limits)
    #expect(read.body.string == #"{"k":\#(count - 1)}"#)
  }

  @Test func `a body whose keys come again, far apart, holds each once with its last value`() throws {
    let distinct = 200_000
    let (bytes, count) = filled { #""k\#($0 % distinct)":\#($0)"# }
    #expect(count > 2 * distinct)
    let fields = try Document(parsing: bytes, limits: limits).fields
    #expect(fields.map(\.value) == (count - distinct..<count).map { JSON($0) })
    #expect(fields.map(\.name) == (count - distinct..<count).map { ExactString("k\($0 % distinct)") })
  }

  @Test func `a body of distinct keys in falling order is kept, and has a canonical form`() throws {
    let (bytes, count) = filled { #""k\#(9_999_999 - $0)":0"# }
    let read = try Document(parsing: bytes, limits: limits)
    #expect(read.body.bytes == bytes)
    let canonical = read.body.canonicalBytes
    #expect(canonical.count == bytes.count)
    #expect(canonical.starts(with: #"{"k\#(10_000_000 - count)":0,"#.utf8))
  }

  @Test func `keys that share long beginnings are told apart`() throws {
    let beginning = String(repeating: "x", count: 4096)
    let (bytes, count) = filled { #""\#(beginning)\#(99_999 - $0)":\#($0)"# }
    let read = try Document(parsing: bytes, limits: limits)
    #expect(read.fields.count == count)
    #expect(read.body.canonicalBytes.count == bytes.count)
  }

  @Test func `replaced members at every level are all dropped`() throws {
    let depth = 511
    let filling = String(repeating: "x", count: 64 * 1024)
    let text =
      String(repeating: #"{"b":1,"a":0,"b":"#, count: depth) + #""\#(filling)""# + String(repeating: "}", count: depth)
    let read = try Document(parsing: text.utf8)
    #expect(
      read.body.string
        == String(repeating: #"{"a":0,"b":"#, count: depth) + #""\#(filling)""# + String(repeating: "}", count: depth))
  }

  @Test(arguments: [
    (open: "[", close: "]"), (open: #"{"a":"#, close: "}"), (open: #"[{"b":0,"a":"#, close: "}]"),
  ])
  func `nesting is refused beyond the limit, and no deeper text is looked at`(_ open: String, _ close: String) throws {
    let perLevel = open.hasPrefix("[{") ? 2 : 1
    func nested(_ levels: Int) -> String {
      String(repeating: open, count: levels) + "0" + String(repeating: close, count: levels)
    }
    let most = 512 / perLevel
    let deepest = try JSONText(nested(most))
    #expect(JSONText(deepest.json) == deepest)
    #expect(deepest.canonicalBytes.count == deepest.bytes.count)
    for levels in [most + 1, Limits.documentBody / (open.utf8.count + close.utf8.count)] {
      let error = try #require(throws: JSONError.self) { try JSONText(nested(levels)) }
      #expect(error.problem == .tooDeep(limit: 512))
      #expect(error.offset < open.utf8.count * (most + 1))
    }
    #expect(throws: JSONError.self) { try JSONText(String(repeating: open, count: 1_000_000)) }
  }

  @Test func `no caller can raise the depth above what recursion bears`() {
    #expect(JSONLimits(depth: .max) == .message)
    #expect(JSONLimits.message.depth < 600)
    #expect(JSONLimits(depth: 3).depth == 3)
  }

  @Test(arguments: ["x", "é", "😀", #"\\"#, #"\n"#, #"\u0001"#, #"\u00e9"#, #"\ud83d\ude00"#, "xxxxxxx\\\""])
  func `a string as long as a body is read`(_ unit: String) throws {
    let count = (Limits.documentBody - 8) / unit.utf8.count
    let bytes = Array(#"{"a":""#.utf8) + Array(String(repeating: unit, count: count).utf8) + Array(#""}"#.utf8)
    let read = try Document(parsing: bytes, limits: limits)
    let one = try #require(try JSON(parsing: "\"\(unit)\"").string)
    let isWhole = read["a"] == JSON(String(repeating: one, count: count))
    #expect(isWhole)
    #expect(try JSONText(read.body.bytes).bytes == read.body.bytes)
  }

  @Test func `a number as long as a body is kept`() throws {
    let digits = String(repeating: "9", count: Limits.documentBody - 10)
    let read = try document(#"{"a":\#(digits)}"#)
    #expect(read.body.bytes.count == digits.utf8.count + 6)
    #expect(read["a"]?.int == nil)
  }

  @Test func `a body one byte over the limit is refused before it is read`() throws {
    let bytes = [UInt8](repeating: 0xFF, count: Limits.documentBody + 1)
    let error = try #require(throws: JSONError.self) { try JSONText(bytes, limits: limits) }
    #expect(error.problem == .tooLarge(limit: Limits.documentBody))
    #expect(error.offset == Limits.documentBody)
  }
}
