import TestSupport
import Testing

@testable import WebRTC

@Suite("Resets of streams")
struct StreamResetsTests {
  private let start = ContinuousClock.now

  @Test func `one reset is asked for at a time, in the order in which they were added`() {
    var resets = StreamResets()
    #expect(resets.next(at: start) == nil)
    for stream in [4, 2, 6] as [UInt16] { resets.add(stream) }
    for stream in [4, 2, 6] as [UInt16] {
      #expect(resets.next(at: start) == stream)
      resets.begun(stream)
      #expect(resets.next(at: start) == nil)
      #expect(resets.confirmed(stream) == true)
    }
    #expect(resets.next(at: start) == nil)
  }

  @Test func `a stream is asked for once, however often it is added`() {
    var resets = StreamResets()
    resets.add(1)
    resets.add(1)
    resets.begun(1)
    resets.add(1)
    #expect(resets.confirmed(1) == true)
    #expect(resets.next(at: start) == nil)
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

  @Test func `a refused reset is asked for again after a while, ahead of the others`() {
    var resets = StreamResets()
    #expect(resets.failed(at: start) == nil)
    #expect(resets.next(at: start) == nil)
    for stream in [1, 3] as [UInt16] { resets.add(stream) }
    resets.begun(1)
    #expect(resets.failed(at: start) == nil)
    #expect(resets.next(at: start) == nil)
    #expect(resets.next(at: start + .seconds(1)) == 1)
    resets.begun(1)
    #expect(resets.confirmed(1) == true)
    #expect(resets.next(at: start) == 3)
  }

  @Test func `a stream that is refused again and again is asked for more and more rarely, and given up in the end`() {
    var resets = StreamResets()
    for stream in [1, 3] as [UInt16] { resets.add(stream) }
    var now = start
    var asked: [ContinuousClock.Instant] = []
    var givenUp: UInt16?
    while givenUp == nil, now < start + .seconds(60) {
      if resets.next(at: now) == 1 {
        asked.append(now)
        resets.begun(1)
        givenUp = resets.failed(at: now)
      } else {
        now += .milliseconds(10)
      }
    }
    #expect(givenUp == 1)
    #expect((5...20).contains(asked.count))
    #expect((.seconds(5)...(.seconds(15))).contains(now - start))
    let pauses = zip(asked, asked.dropFirst()).map { $1 - $0 }
    #expect(pauses == pauses.sorted())
    // The next one has its turn at once, and its own pauses.
    #expect(resets.next(at: now) == 3)
    resets.begun(3)
    #expect(resets.failed(at: now) == nil)
    #expect(resets.next(at: now + .milliseconds(20)) == 3)
  }

  @Test func `a stream that was refused is not asked for once it is used anew`() {
    var resets = StreamResets()
    for stream in [1, 3, 5] as [UInt16] { resets.add(stream) }
    resets.begun(1)
    #expect(resets.failed(at: start) == nil)
    resets.cancel(1)
    #expect(resets.next(at: start) == 3)
    resets.cancel(5)
    resets.begun(3)
    // Its confirmation is still to come.
    resets.cancel(3)
    #expect(resets.confirmed(3) == true)
    #expect(resets.next(at: start) == nil)
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `whatever is refused, each stream is confirmed once in the end`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var resets = StreamResets()
    let streams = (0..<100 as Range<UInt16>).shuffled(using: &random)
    var (added, confirmed, now) = (streams[...], [UInt16](), start)
    while confirmed.count < streams.count {
      now += .seconds(1)
      if Bool.random(using: &random), let stream = added.popFirst() { resets.add(stream) }
      guard let stream = resets.next(at: now) else { continue }
      resets.begun(stream)
      #expect(resets.next(at: now) == nil, "seed \(seed)")
      if Int.random(in: 0..<3, using: &random) == 0 {
        #expect(resets.failed(at: now) == nil, "seed \(seed)")
      } else if resets.confirmed(stream) {
        confirmed.append(stream)
      }
    }
    #expect(confirmed == streams, "seed \(seed)")
    #expect(resets.next(at: now) == nil, "seed \(seed)")
  }
}
