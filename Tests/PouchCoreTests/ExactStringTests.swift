import PouchCore
import TestSupport
import Testing

@Suite("Names compared by their bytes")
struct ExactStringTests {
  private let composed: ExactString = "\u{E9}"
  private let decomposed: ExactString = "e\u{301}"

  @Test func `a composed and a decomposed letter are two texts`() {
    #expect(composed.string == decomposed.string, "Swift takes them for one; otherwise this type is not needed.")
    #expect(composed != decomposed)
    #expect(Set([composed, decomposed, composed]).count == 2)
    #expect(decomposed < composed)
    #expect(!(composed < decomposed))
  }

  @Test func `a prefix is one of bytes, also within a character`() {
    #expect(decomposed.hasPrefix("e"))
    #expect(!decomposed.string.hasPrefix("e"), "Swift looks at whole characters.")
    #expect(!composed.hasPrefix("e"))
    #expect(composed.hasPrefix(""))
    #expect(!(ExactString("").hasPrefix("e")))
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func `equality, order and hashes are those of the bytes`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let characters = ["e", "\u{301}", "\u{E9}", "\u{212B}", "\u{C5}", "A\u{30A}", "\u{0}", "😀"]
    let texts = (0..<10).map { _ in
      (0..<Int.random(in: 0...3, using: &generator)).map { _ in characters.randomElement(using: &generator)! }.joined()
    }
    for left in texts {
      for right in texts {
        let (leftBytes, rightBytes) = (Array(left.utf8), Array(right.utf8))
        #expect((ExactString(left) == ExactString(right)) == (leftBytes == rightBytes))
        #expect((ExactString(left) < ExactString(right)) == leftBytes.lexicographicallyPrecedes(rightBytes))
        if leftBytes == rightBytes { #expect(ExactString(left).hashValue == ExactString(right).hashValue) }
      }
    }
  }
}
