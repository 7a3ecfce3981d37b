import Testing

@testable import PeerPouchCLI

struct IncomingNameTests {
  @Test(arguments: [
    "film.mkv", "a b.txt", "Ötzi – 1.pdf", "_x", "-rf", "con1", "nulls.txt", "a..b", "日本語.txt", "$HOME",
    "می\u{200C}خواهم.txt", "❤\u{FE0F}.png", "👩\u{200D}💻.png",
  ])
  func `usual names are taken as they are`(name: String) throws {
    #expect(try IncomingName(name).text == name)
  }

  @Test func `names that look alike, or are one file on some systems, are alike`() throws {
    #expect(try IncomingName("Film.MKV").likeness == IncomingName("film\u{FE0F}.mkv").likeness)
    #expect(try IncomingName("film.mkv").likeness != IncomingName("film.mk").likeness)
  }

  @Test(arguments: [
    "", ".", "..", "../x", "x/../y", "/x", "x/", "x\\y", "..\\x", "C:x", "x:y", ".profile", "x.", "x ", " x", "a\u{0}b",
    "a\nb", "a\u{1B}[31m", "a\u{7F}", "a\u{85}b", "a\u{202E}b", "a\u{2066}b", "a\u{200B}b", "a\u{FEFF}b", "a\u{E0041}b",
    "con", "CON.txt", "nul", "LPT1.tar.gz",
    "/\u{301}x",
    String(repeating: "x", count: 256),
  ])
  func `names that would do harm are refused`(name: String) {
    #expect(throws: IncomingName.Refusal.self) { try IncomingName(name) }
  }
}
