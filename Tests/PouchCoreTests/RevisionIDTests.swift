import PouchCore
import TestSupport
import Testing

@Suite("Revision ids")
struct RevisionIDTests {
  @Test(arguments: [
    "1-917fa2381192822767f010b95b45325b", "3-abc", "0-0", "0-12", "1-", "1--", "1-a-b", "2-x y", "1-é", "1-\"",
    "9223372036854775807-ffffffffffffffffffffffffffffffff", "1-00000000000000000000000000000000",
    "1-917FA2381192822767F010B95B45325B", "1-917fa2381192822767f010b95b45325", "1-917fa2381192822767f010b95b45325bb",
    "1-917fa2381192822767f010b95b45325g", "1-\u{301}abc", "1-\u{200D}", "1-\u{FE0F}\u{301}",
  ])
  func `an id is printed as it was read`(_ text: String) throws {
    let id = try RevisionID(text)
    #expect(ExactString(id.description) == ExactString(text))
    #expect(id == RevisionID(generation: id.generation, suffix: id.suffix))
    #expect(Array(text.utf8) == Array("\(id.generation)-".utf8) + Array(id.suffix.utf8))
  }

  @Test(arguments: [
    "1-917fa2381192822767f010b95b45325b", "12345-00000000000000000000000000000000", "3-abc", "1-\"", "1-\\", "1-é",
    "1-917FA2381192822767F010B95B45325B", "9223372036854775807-ffffffffffffffffffffffffffffffff",
  ])
  func `an id in JSON is the id by itself`(_ text: String) throws {
    let id = try RevisionID(text)
    var writer = JSONWriter()
    writer.write(id)
    #expect(writer.bytes == JSONText(JSON(text)).bytes)
    #expect(JSONSlice(try JSONText(writer.bytes)).revision == id)
  }

  @Test(arguments: [
    "17", "null", "[]", "\"\"", "\"1\"", "\"-917fa2381192822767f010b95b45325b\"",
    "\"x-917fa2381192822767f010b95b45325b\"", "\"9999999999999999999-917fa2381192822767f010b95b45325b\"",
  ])
  func `other JSON is no id`(_ text: String) throws {
    #expect(JSONSlice(try JSONText(text)).revision == nil)
  }

  @Test(arguments: [
    "", "-", "-abc", "x", "1", "1x-abc", "x-abc", "xyz", "+1-abc", "-1-abc", " 1-abc", "1 -abc", "1.0-abc", "0x1-abc",
    "1\u{301}-abc", "\u{661}-abc", "9223372036854775808-abc", "99999999999999999999999999-abc",
  ])
  func `what is no revision id is refused`(_ text: String) {
    #expect(throws: PouchError(.badRequest, "Invalid rev format")) { try RevisionID(text) }
  }

  @Test func `a suffix is bounded in bytes, not in characters`() throws {
    _ = try RevisionID("1-" + String(repeating: "x", count: Limits.revisionSuffix))
    _ = try RevisionID("1-" + String(repeating: "é", count: Limits.revisionSuffix / 2))
    for suffix in [
      String(repeating: "x", count: Limits.revisionSuffix + 1),
      String(repeating: "é", count: Limits.revisionSuffix / 2 + 1),
    ] {
      #expect(throws: PouchError(.badRequest, "Invalid rev format")) { try RevisionID("1-" + suffix) }
    }
  }

  @Test func `leading zeros of a generation do not count`() throws {
    #expect(try RevisionID("007-abc") == RevisionID("7-abc"))
  }

  @Test func `a digest is 32 lowercase digits and two numbers`() throws {
    let digest: [UInt8] = Array(0...15)
    let id = RevisionID(generation: 4, digest: digest)
    #expect(id.description == "4-000102030405060708090a0b0c0d0e0f")
    #expect(try RevisionID("4-000102030405060708090a0b0c0d0e0f") == id)
    let words = try #require(id.digestWords)
    #expect(words == (0x0001_0203_0405_0607, 0x0809_0A0B_0C0D_0E0F))
    #expect(RevisionID(generation: 4, digestWords: words) == id)
    #expect(try RevisionID("4-000102030405060708090A0B0C0D0E0F").digestWords == nil)
    #expect(try RevisionID("4-abc").digestWords == nil)
  }

  @Test func `the generation decides before the suffix, and counts as a number`() throws {
    #expect(try RevisionID("9-ffffffffffffffffffffffffffffffff") < RevisionID("10-00000000000000000000000000000000"))
    #expect(try RevisionID("2-zzz") < RevisionID("10-a"))
    #expect(try RevisionID("9223372036854775806-z") < RevisionID("9223372036854775807-a"))
  }

  @Test func `digits of a digest count as the bytes they stand for, as with CouchDB`() throws {
    let low = try RevisionID("1-00ffffffffffffffffffffffffffffff")
    let letters = try RevisionID("1-61616161616161616161616161616161")
    let high = try RevisionID("1-f0000000000000000000000000000000")
    // As text the last one would be the first.
    #expect(try [low, RevisionID("1-0"), RevisionID("1-Z"), letters, RevisionID("1-z"), high].isAscending)
    // A text of the same bytes is another revision, and has its place all the same.
    let text = try RevisionID("1-aaaaaaaaaaaaaaaa")
    #expect(try [RevisionID("1-aaaaaaaaaaaaaaa"), letters, text, RevisionID("1-aaaaaaaaaaaaaaaaa")].isAscending)
  }

  @Test func `suffixes that only look alike are different revisions`() throws {
    #expect(try RevisionID("1-e\u{301}") != RevisionID("1-\u{E9}"))
    #expect(try RevisionID("1-917fa2381192822767f010b95b45325b") != RevisionID("1-917FA2381192822767F010B95B45325B"))
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `the order is that of generations, then of the bytes that the suffixes stand for`(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let ids = (0..<12).map { _ in
      RevisionID(generation: .random(in: 1...2, using: &generator), suffix: randomSuffix(using: &generator))
    }
    func precedes(_ left: RevisionID, _ right: RevisionID) -> Bool {
      left.generation != right.generation
        ? left.generation < right.generation : bytes(left).lexicographicallyPrecedes(bytes(right))
    }
    func bytes(_ id: RevisionID) -> [UInt8] {
      guard let (high, low) = id.digestWords else { return Array(id.suffix.utf8) }
      return [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    }
    for left in ids {
      for right in ids {
        #expect((left < right) == precedes(left, right), "\(left) \(right)")
        #expect((left == right) == (Array(left.description.utf8) == Array(right.description.utf8)), "\(left) \(right)")
        if left == right { #expect(left.hashValue == right.hashValue) }
      }
    }
  }

  /// Mostly digests that share their beginnings, so that each half of them decides now and then.
  private func randomSuffix(using generator: inout SeededGenerator) -> String {
    let common = Int.random(in: 0...32, using: &generator)
    let rest = (common..<32).map { _ in "09afAFz".randomElement(using: &generator)! }
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: return String("0aé\u{301}~".randomElement(using: &generator)!)
    case 1: return String(repeating: "0", count: common)
    default:
      return String(repeating: "0", count: common) + String(rest.map { "AFz".contains($0) && common > 8 ? "5" : $0 })
    }
  }
}

extension [RevisionID] {
  /// Whether each one is less than all that follow, and not greater.
  fileprivate var isAscending: Bool {
    indices.allSatisfy { low in indices.allSatisfy { high in (self[low] < self[high]) == (low < high) } }
  }
}
