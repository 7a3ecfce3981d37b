import TestSupport
import Testing

@testable import WebRTC

@Suite("Messages that come in parts")
struct MessageReassemblyTests {
  /// Takes a part, and returns the message if it is whole.
  private func take(
    _ part: [UInt8], of stream: UInt16 = 0, isEnd: Bool, by reassembly: inout MessageReassembly
  ) throws -> [UInt8]? {
    var whole: [UInt8]?
    try part.withUnsafeBytes { bytes in
      try reassembly.take(bytes, of: stream, isEnd: isEnd) { whole = Array($0) }
    }
    return whole
  }

  @Test func `a message in one part is handed on as it is`() throws {
    var reassembly = MessageReassembly(limit: 3)
    #expect(try take([1, 2, 3], isEnd: true, by: &reassembly) == [1, 2, 3])
    #expect(try take([4], isEnd: true, by: &reassembly) == [4])
  }

  @Test func `parts are put together in their order`() throws {
    var reassembly = MessageReassembly(limit: 4)
    #expect(try take([1], isEnd: false, by: &reassembly) == nil)
    #expect(try take([2, 3], isEnd: false, by: &reassembly) == nil)
    #expect(try take([4], isEnd: true, by: &reassembly) == [1, 2, 3, 4])
    #expect(try take([5], isEnd: true, by: &reassembly) == [5])
  }

  @Test func `a message above the limit is a violation, at the first byte too many`() throws {
    var reassembly = MessageReassembly(limit: 3)
    #expect(throws: RTCError.self) { try take([1, 2, 3, 4], isEnd: true, by: &reassembly) }
    #expect(try take([1, 2], isEnd: false, by: &reassembly) == nil)
    #expect { try take([3, 4], isEnd: false, by: &reassembly) } throws: { error in
      if case .violation? = error as? RTCError { true } else { false }
    }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `messages of several streams do not mix, however their parts are interleaved`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var reassembly = MessageReassembly(limit: 1_000)
    var left: [UInt16: [[UInt8]]] = [:]
    for stream in 0..<5 as Range<UInt16> {
      left[stream] = (0..<20).map { _ in
        (0..<Int.random(in: 1...1_000, using: &random)).map { _ in .random(in: 0...255, using: &random) }
      }
    }
    let expected = left
    var taken: [UInt16: [[UInt8]]] = [:]
    while let stream = left.keys.sorted().randomElement(using: &random) {
      guard var message = left[stream]?.first else {
        left[stream] = nil
        continue
      }
      let count = Int.random(in: 1...message.count, using: &random)
      let part = Array(message.prefix(count))
      message.removeFirst(count)
      if message.isEmpty { left[stream]?.removeFirst() } else { left[stream]?[0] = message }
      guard let whole = try take(part, of: stream, isEnd: message.isEmpty, by: &reassembly) else { continue }
      let start = expected[stream]?[taken[stream]?.count ?? 0]
      #expect(whole == start, "seed \(seed)")
      taken[stream, default: []].append(whole)
    }
    #expect(taken == expected, "seed \(seed)")
  }
}
