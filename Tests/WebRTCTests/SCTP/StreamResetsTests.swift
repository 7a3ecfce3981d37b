import Testing

@testable import WebRTC

@Suite("Resets of streams")
struct StreamResetsTests {
  @Test func `one reset is asked for at a time, in the order in which they were added`() {
    var resets = StreamResets()
    #expect(resets.next == nil)
    for stream in [4, 2, 6] as [UInt16] { resets.add(stream) }
    for stream in [4, 2, 6] as [UInt16] {
      #expect(resets.next == stream)
      resets.begun(stream)
      #expect(resets.next == nil)
      #expect(resets.confirmed(stream) == true)
    }
    #expect(resets.next == nil)
  }

  @Test func `a stream is asked for once, however often it is added`() {
    var resets = StreamResets()
    resets.add(1)
    resets.add(1)
    resets.begun(1)
    resets.add(1)
    #expect(resets.confirmed(1) == true)
    #expect(resets.next == nil)
  }

  @Test func `what nobody asked for is not confirmed`() {
    var resets = StreamResets()
    #expect(resets.confirmed(1) == false)
    resets.add(1)
    #expect(resets.confirmed(1) == false)
    resets.begun(1)
    #expect(resets.confirmed(3) == false)
    #expect(resets.confirmed(1) == true)
    #expect(resets.confirmed(1) == false)
  }

  @Test func `a refused reset is asked for again, ahead of the others`() {
    var resets = StreamResets()
    resets.failed()
    #expect(resets.next == nil)
    for stream in [1, 3] as [UInt16] { resets.add(stream) }
    resets.begun(1)
    resets.failed()
    #expect(resets.next == 1)
    resets.begun(1)
    #expect(resets.confirmed(1) == true)
    #expect(resets.next == 3)
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `whatever is refused, each stream is confirmed once in the end`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var resets = StreamResets()
    let streams = (0..<100 as Range<UInt16>).shuffled(using: &random)
    var (added, confirmed) = (streams[...], [UInt16]())
    while confirmed.count < streams.count {
      if Bool.random(using: &random), let stream = added.popFirst() { resets.add(stream) }
      guard let stream = resets.next else { continue }
      resets.begun(stream)
      #expect(resets.next == nil, "seed \(seed)")
      if Int.random(in: 0..<3, using: &random) == 0 {
        resets.failed()
      } else if resets.confirmed(stream) {
        confirmed.append(stream)
      }
    }
    #expect(confirmed == streams, "seed \(seed)")
    #expect(resets.next == nil, "seed \(seed)")
  }
}
