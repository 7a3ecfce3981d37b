import TestSupport
import Testing

@testable import PouchCore

struct RegularExpressionTests {
  @Test(
    arguments: [
      ("", "", true), ("", "x", true), ("b", "abc", true), ("^b", "abc", false), ("^abc$", "abc", true),
      ("a.c", "abc", true), ("a.c", "a\nc", false), ("(?s)a.c", "a\nc", true), ("c$", "abc\n", true),
      ("c\\z", "abc\n", false),
      ("^b$", "a\nb\nc", false), ("(?m)^b$", "a\nb\nc", true), ("ab*c", "ac", true), ("ab+c", "ac", false),
      ("ab?c", "abbc", false), ("^(ab|cd)+$", "abcdab", true), ("^(ab|cd)+$", "abcda", false), ("^a{2}$", "aa", true),
      ("^a{2}$", "aaa", false), ("^a{2,}$", "aaaa", true), ("^a{1,2}$", "aaa", false), ("^a{,2}$", "a{,2}", true),
      ("^a{0}$", "", true), ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false), ("[]a]", "]", true),
      ("[^]a]", "]", false),
      ("[a-]", "-", true), ("[\\d.]+$", "3.14", true), ("\\d{3}", "ab12", false), ("\\bcat\\b", "a cat sat", true),
      ("\\bcat\\b", "concat", false), ("\\Bcat", "concat", true), ("\\w+@\\w+\\.org", "x me@example.org", true),
      ("(?i)straße", "STRAßE", true), ("(?i)[a-z]+$", "ÄBC", true), ("(?i:a)b", "AB", false), ("(?i:a)b", "Ab", true),
      ("a(?i)b|c", "aB", true), ("(?:a|b)c", "bc", true), ("(?<name>a)b", "ab", true), ("a|", "x", true),
      ("(|a)b", "b", true),
      ("a*?b", "aab", true), ("(a*)*b", "b", true), ("(a|b|)*c", "abac", true), ("\\x41\\x{1F600}", "A\u{1F600}", true),
      ("^.$", "\u{1F600}", true), ("^..$", "e\u{301}", true), ("\\.", "a", false), ("\\$\\^\\(", "$^(", true),
      ("\\S\\s\\S", "a b", true), ("[\\W]", "a_1", false), ("\\Aab\\Z", "ab", true), ("a{b", "a{b", true),
      ("x{2}{2}$", "xxxx", true),
    ] as [(String, String, Bool)])
  func `a pattern matches as it does elsewhere`(_ pattern: String, _ text: String, _ expected: Bool) throws {
    #expect(try #require(RegularExpression(pattern)).matches(text) == expected)
  }

  @Test(arguments: [
    "(", ")", "[", "[b-a]", "*", "a{2,1}", "\\", "(?=a)", "(?!a)", "(?<=a)b", "(a)\\1", "a++", "\\p{L}", "[[:alpha:]]",
    "(?x)", "\\q", "\\x4", "\\x{110000}", "(?<>a)", "a{1001}", "(a{100}){100}", "((((){999}){999}){999}){999}",
    String(repeating: "(", count: 100) + String(repeating: ")", count: 100),
    "a" + String(repeating: "{1}", count: 5000),
    "a" + String(repeating: "*", count: 1000), String(repeating: "(?i)", count: 100_000),
  ])
  func `what is no pattern, not known or too long is refused`(_ pattern: String) {
    #expect(RegularExpression(pattern) == nil)
  }

  @Test(arguments: ["(a+)+$", "^(a|aa)+$", "^(a*)*$", "(.*)*x", "(a?){200}a{200}$"])
  func `patterns that take others exponential time take none`(_ pattern: String) throws {
    let text = String(repeating: "a", count: 10_000) + "b"
    #expect(try #require(RegularExpression(pattern)).matches(text) == false)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `any text is a pattern or refused`(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("ab()[]{}*+?|^$\\.,:-<>=!12imsxdwé\n")
    for _ in 0..<300 {
      let pattern = String(
        (0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
      guard let expression = RegularExpression(pattern) else { continue }
      // Where there is a match, it is still there in a longer text, but for anchors.
      if !pattern.contains(where: { "^$\\".contains($0) }), expression.matches("ab1") {
        #expect(expression.matches("\n\nab1\n\n"), "\(pattern)")
      }
    }
  }
}
