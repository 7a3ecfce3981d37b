import PouchCore
import Testing

@Suite("Update sequences")
struct UpdateSequenceTests {
  @Test(
    arguments: [
      (0, 0, "0-0000000000000000"), (1, 1, "1-0000000000000001"), (42, 0xABC, "42-0000000000000abc"),
      (7, 0x1234_5678_9ABC_DEF0, "7-123456789abcdef0"), (.max, .max, "9223372036854775807-ffffffffffffffff"),
      (3, 1 << 60, "3-1000000000000000"), (3, 1 << 59, "3-0800000000000000"),
    ] as [(Int64, UInt64, String)])
  func `a position is a number and an epoch of 16 digits`(_ number: Int64, _ epoch: UInt64, _ text: String) throws {
    let sequence = UpdateSequence(number: number, epoch: epoch)
    #expect(sequence.description == text)
    #expect(UpdateSequence(text) == sequence)
    let numbered = try #require(UpdateSequence(text).numbered)
    #expect(numbered == (number, epoch))
    #expect(!sequence.isStart)
  }

  @Test func `zero is the start`() {
    #expect(UpdateSequence("0") == .start)
    #expect(UpdateSequence("0").isStart)
    #expect(UpdateSequence.start.description == "0")
    #expect(UpdateSequence.start.numbered == nil)
  }

  @Test(arguments: [
    "", "5", "00", "now", "-", "5-", "5-abc", "-1-0000000000000000", "+5-0000000000000abc", "05-0000000000000abc",
    "5-0000000000000ABC", "5-00000000000000abc", "5-0000000000000abc ", "5-+000000000000abc", "5-000000000000000g",
    "9223372036854775808-0000000000000abc", "5-0000000000000ab\u{301}", "\u{665}-0000000000000abc",
    "28-g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv3___-zMpgTOXOBAuzmFkYplsbG2DTgMSaPBUgyNACp_1DThMGm",
  ])
  func `what another database wrote is kept as it is`(_ text: String) {
    let sequence = UpdateSequence(text)
    #expect(sequence.numbered == nil)
    #expect(!sequence.isStart)
    #expect(Array(sequence.description.utf8) == Array(text.utf8))
  }

  @Test func `equal numbers of different epochs are different positions`() {
    #expect(UpdateSequence(number: 5, epoch: 1) != UpdateSequence(number: 5, epoch: 2))
    #expect(UpdateSequence(number: 0, epoch: 0) != .start)
  }

  @Test func `foreign positions that only look alike are different`() {
    #expect(UpdateSequence("\u{E9}") != UpdateSequence("e\u{301}"))
  }
}
