import TestSupport
import Testing

@testable import WebRTC

@Suite("What a channel does with messages that are to be sent", .timeLimit(.minutes(1)))
struct ChannelSendingTests {
  private func message(_ size: Int) -> OutgoingMessage {
    OutgoingMessage(.binary([UInt8](repeating: 0, count: size)))
  }

  private func isQueued(_ admission: ChannelState.Admission) -> Bool {
    if case .queued = admission { true } else { false }
  }

  private func refusal(_ admission: ChannelState.Admission) -> RTCError? {
    if case .refused(let error) = admission { error } else { nil }
  }

  @Test func `messages are queued until the high mark is reached, and one may pass it`() {
    var state = ChannelState(highMark: 100, lowMark: 50)
    state.open(id: 0, sendLimit: .max, isAcknowledged: true)
    #expect(isQueued(state.admit(message(99))))
    #expect(isQueued(state.admit(message(1_000))))
    #expect(state.bufferedAmount == 1_099)
    #expect(!isQueued(state.admit(message(1))))
    #expect(state.bufferedAmount == 1_099)
  }

  @Test func `a high mark of nothing lets one message in at a time, and a low mark is not above it`() {
    var state = ChannelState(highMark: 0, lowMark: 1_000)
    state.open(id: 0, sendLimit: .max, isAcknowledged: true)
    #expect(isQueued(state.admit(message(10))))
    #expect(!isQueued(state.admit(message(10))))
    state.sent()
    #expect(isQueued(state.admit(message(10))))
  }

  @Test func `those who wait go on at the low mark, in the order in which they came`() async {
    let subject = ChannelStateSubject(highMark: 100, lowMark: 50)
    subject.open()
    for size in [60, 60] { _ = await subject.send(size) }
    let waiting = [await subject.send(70), await subject.send(40), await subject.send(30)]
    // 120 bytes wait: 60 are above the low mark, none are not.
    #expect(subject.change { _ = $0.nextOutgoing() }.resumed == 0)
    #expect(subject.change { $0.sent() }.resumed == 0)
    #expect(subject.change { $0.sent() }.resumed == 2)
    for sender in waiting[..<2] { #expect(await sender.outcome.error == nil) }
    #expect(subject.takeOver() == [70, 40, 30])
    #expect(await waiting[2].outcome.error == nil)
  }

  @Test func `nobody overtakes those who wait`() async {
    let subject = ChannelStateSubject(highMark: 10, lowMark: 5)
    subject.open()
    _ = await subject.send(10)
    _ = await subject.send(1)
    subject.change { _ = $0.nextOutgoing() }
    #expect(!isQueued(subject.admit(1)))
    #expect(subject.takeOver() == [10, 1])
  }

  @Test func `senders of a channel that is not open yet wait, and are let in when it is`() async {
    let subject = ChannelStateSubject(highMark: 10, lowMark: 5)
    let senders = [await subject.send(8), await subject.send(8), await subject.send(8)]
    #expect(subject.change { $0.bufferedAmount }.0 == 0)
    #expect(subject.change { $0.open(id: 2, sendLimit: .max, isAcknowledged: true) }.resumed == 2)
    #expect(subject.change { $0.id }.0 == 2)
    #expect(subject.takeOver() == [8, 8, 8])
    for sender in senders { #expect(await sender.outcome.error == nil) }
  }

  @Test func `messages above the peer's limit are refused, also those that waited for it to be known`() async {
    let subject = ChannelStateSubject(highMark: 1_000, lowMark: 5)
    let (small, large) = (await subject.send(10), await subject.send(11))
    subject.open(sendLimit: 10)
    #expect(await small.outcome.error == nil)
    #expect(await large.outcome.error == .messageTooLarge(limit: 10))
    #expect(refusal(subject.admit(11)) == .messageTooLarge(limit: 10))
    #expect(isQueued(subject.admit(10)))
  }

  @Test func `one who is cancelled is taken out of the line, and the others stay in order`() async {
    let subject = ChannelStateSubject(highMark: 10, lowMark: 5)
    subject.open()
    _ = await subject.send(10)
    let senders = [await subject.send(1), await subject.send(2), await subject.send(3)]
    #expect(subject.change { $0.cancelWaiter(senders[1].token) }.resumed == 1)
    #expect(await senders[1].outcome.error == .cancelled)
    #expect(subject.change { $0.cancelWaiter(senders[1].token) }.resumed == 0)
    #expect(subject.takeOver() == [10, 1, 3])
  }

  @Test func `the engine is told once of messages, and again after it found none`() {
    var state = ChannelState(highMark: 100, lowMark: 50)
    state.open(id: 0, sendLimit: .max, isAcknowledged: true)
    #expect(state.schedulePump() == false)
    _ = state.admit(message(1))
    _ = state.admit(message(2))
    #expect(state.schedulePump() == true)
    #expect(state.schedulePump() == false)
    while state.nextOutgoing() != nil { state.sent() }
    #expect(state.schedulePump() == false)
    _ = state.admit(message(1))
    #expect(state.schedulePump() == true)
  }

  @Test func `what the protocol says goes ahead of what was sent`() {
    var state = ChannelState(highMark: 100, lowMark: 50)
    state.open(id: 0, sendLimit: .max, isAcknowledged: false)
    _ = state.admit(message(5))
    state.pushControl([1, 2, 3])
    #expect(state.bufferedAmount == 8)
    #expect(state.nextOutgoing()?.payload == .control)
    state.sent()
    #expect(state.nextOutgoing()?.bytes.count == 5)
    #expect(state.bufferedAmount == 5)
  }

  @Test func `drained means that nothing is queued and nobody waits to be`() async {
    let subject = ChannelStateSubject(highMark: 10, lowMark: 0)
    subject.open()
    #expect(await subject.wait { $0.waitUntilDrained($1) }.outcome.error == nil)
    _ = await subject.send(10)
    _ = await subject.send(10)
    let drainer = await subject.wait { $0.waitUntilDrained($1) }
    // The first message goes, and with it comes the second.
    #expect(subject.takeOver(1) == [10])
    #expect(!subject.change { $0.isAllSent }.0)
    #expect(subject.takeOver() == [10])
    #expect(await drainer.outcome.error == nil)
  }

  @Test func `one who waits for all to be sent goes on when the last sender is cancelled or refused`() async {
    let cancelled = ChannelStateSubject()
    let sender = await cancelled.send(1)
    let first = await cancelled.wait { $0.waitUntilDrained($1) }
    #expect(cancelled.change { $0.cancelWaiter(sender.token) }.resumed == 2)
    #expect(await first.outcome.error == nil)

    let refused = ChannelStateSubject()
    _ = await refused.send(100)
    let second = await refused.wait { $0.waitUntilDrained($1) }
    refused.open(sendLimit: 10)
    #expect(await second.outcome.error == nil)
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `whatever the order of events, messages leave in the order in which they came, within the mark`(
    seed: UInt64
  ) async {
    var random = SeededGenerator(seed: seed)
    let (high, largest) = (Int.random(in: 1...64, using: &random), 16)
    let subject = ChannelStateSubject(highMark: high, lowMark: Int.random(in: 0...64, using: &random))
    subject.open()
    var expected: [Int] = []
    var left: [Int] = []
    var waiting: [(size: Int, waiting: ChannelStateSubject.Waiting<Void>)] = []
    for _ in 0..<200 {
      if Bool.random(using: &random) {
        let size = Int.random(in: 1...largest, using: &random)
        waiting.append((size, await subject.send(size)))
        expected.append(size)
      } else {
        left += subject.takeOver(1)
      }
      #expect(subject.change { $0.bufferedAmount }.0 < high + largest, "seed \(seed)")
    }
    left += subject.takeOver()
    #expect(left == expected, "seed \(seed)")
    for sender in waiting { #expect(await sender.waiting.outcome.error == nil, "seed \(seed)") }
    #expect(subject.change { $0.bufferedAmount }.0 == 0, "seed \(seed)")
  }
}
