import PouchCore
import TestSupport
import Testing

@Suite("Parts of attachments")
struct AttachmentRangeTests {
  @Test(
    arguments: [
      (.from(0), 10, 0..<10), (.from(9), 10, 9..<10), (.bytes(2..<5), 10, 2..<5), (.bytes(0..<10), 10, 0..<10),
      (.bytes(8..<20), 10, 8..<10), (.bytes(9..<Int64.max), 10, 9..<10), (.suffix(3), 10, 7..<10),
      (.suffix(10), 10, 0..<10), (.suffix(11), 10, 0..<10), (.suffix(.max), 10, 0..<10), (.from(0), 1, 0..<1),
      (.from(.max - 1), .max, .max - 1..<Int64.max),
    ] as [(AttachmentRange, Int64, Range<Int64>)])
  func `a range is cut at the end`(_ range: AttachmentRange, _ length: Int64, _ resolved: Range<Int64>) throws {
    #expect(try range.resolved(length: length) == resolved)
  }

  @Test(
    arguments: [
      (.from(10), 10), (.from(.max), 10), (.from(-1), 10), (.from(.min), 10), (.bytes(10..<11), 10),
      (.bytes(3..<3), 10),
      (.bytes(-1..<3), 10), (.bytes(.min..<Int64.max), 10), (.suffix(0), 10), (.suffix(-1), 10), (.suffix(.min), 10),
      (.from(0), 0), (.bytes(0..<1), 0), (.suffix(1), 0),
    ] as [(AttachmentRange, Int64)])
  func `a range without a byte of the attachment is refused`(_ range: AttachmentRange, _ length: Int64) {
    #expect(throws: PouchError(.rangeNotSatisfiable, "Requested range not satisfiable")) {
      try range.resolved(length: length)
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `a range delivers the bytes that it names`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let length = Int64.random(in: 0...6, using: &generator)
    let start = Int64.random(in: 0...8, using: &generator)
    let count = Int64.random(in: 0...8, using: &generator)
    let (range, named): (AttachmentRange, (Int64) -> Bool) =
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: (.from(start), { $0 >= start })
      case 1: (.bytes(start..<start + count), { $0 >= start && $0 < start + count })
      default: (.suffix(count), { $0 >= length - count })
      }
    let resolved = try? range.resolved(length: length)
    #expect(resolved.map(Array.init) ?? [] == (0..<length).filter(named), "\(range) of \(length)")
  }
}
