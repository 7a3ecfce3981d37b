#if WebRTC
  import ArgumentParser
  import PeerPouch
  import Testing

  @testable import PeerPouchCLI

  struct PeerArgumentTests {
    private let identity = Fingerprint("abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa")!

    @Test(arguments: [
      ("yes", Doorkeeper.Answer.yes), (" Y ", .yes), ("once", .once), ("no", .no), ("n", .no), ("", .unclear),
      ("maybe", .unclear), ("yes abcd-efgh", .yes), ("no ABCDEFGHI", .no), ("yes abcd-efgi", .aboutAnother),
      ("yes abcdefg", .aboutAnother), ("yes yes yes", .unclear),
    ])
    func `an answer says yes or no, and perhaps about whom`(line: String, answer: Doorkeeper.Answer) {
      #expect(Doorkeeper.Answer(line, about: identity) == answer)
    }

    @Test func `a name that is too long to be told is refused before anything is done`() throws {
      #expect(throws: (any Error).self) { try ConnectionOptions.parse(["--as", String(repeating: "x", count: 129)]) }
      #expect(try ConnectionOptions.parse(["--as", String(repeating: "x", count: 128)]).ownName?.count == 128)
    }

    @Test(arguments: [
      "stun:stun.example", "stun:[::1]:3479", "turn:turn.example,jan,se,cret", "turn:h:1?transport=tcp,jan,secret",
      "turns:turn.example,jan,secret",
    ])
    func `STUN and TURN servers are taken as they are written`(text: String) {
      #expect(throws: Never.self) { try IceServerArgument.read(text) }
    }

    @Test(arguments: [
      "", "stun.example", "turn:turn.example", "turn:turn.example,jan", "http://x", "stun:", "stun:a/b",
    ])
    func `others are refused`(text: String) {
      #expect(throws: (any Error).self) { try IceServerArgument.read(text) }
    }

    @Test func `what peers say is shown without what a terminal acts upon, and not at any length`() {
      #expect(PeerText.name(in: ["name": "a\u{1B}[2J\u{202E}\u{200B}b"]) == "a[2Jb")
      #expect(PeerText.name(in: ["name": ""]) == nil)
      #expect(PeerText.name(in: ["name": 7]) == nil)
      #expect(PeerText.plain(String(repeating: "x", count: 1000)).count == 128)
    }
  }
#endif
