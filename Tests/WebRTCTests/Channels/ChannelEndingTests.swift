import Testing

@testable import WebRTC

@Suite("How a channel opens and ends", .timeLimit(.minutes(1)))
struct ChannelEndingTests {
  @Test func `those who wait for it to open go on when it does, and later ones at once`() async {
    let subject = ChannelStateSubject()
    let early = await subject.wait { $0.waitUntilOpen($1) }
    subject.open()
    #expect(await early.outcome.error == nil)
    #expect(await subject.wait { $0.waitUntilOpen($1) }.outcome.error == nil)
  }

  @Test func `it opens once`() {
    var state = ChannelState(highMark: 1, lowMark: 0)
    state.open(id: 4, sendLimit: .max, isAcknowledged: false)
    state.open(id: 6, sendLimit: .max, isAcknowledged: true)
    #expect(state.id == 4)
    #expect(!state.isAcknowledged)
    state.acknowledge()
    #expect(state.isAcknowledged)
    _ = state.end(nil)
    state.open(id: 8, sendLimit: .max, isAcknowledged: true)
    #expect(state.phase == .closed(nil))
  }

  @Test func `closing refuses those who wait to send, and sends what was taken`() async {
    let subject = ChannelStateSubject(highMark: 10, lowMark: 5)
    subject.open()
    _ = await subject.send(10)
    let waiting = await subject.send(1)
    #expect(!subject.change { $0.beginClosing() }.0)
    #expect(await waiting.outcome.error == .closed)
    #expect(await subject.send(1).outcome.error == .closed)
    #expect(await subject.wait { $0.waitUntilOpen($1) }.outcome.error == .closed)
    #expect(!subject.change { $0.isAllSent }.0)
    #expect(subject.takeOver() == [10])
    #expect(subject.change { $0.isAllSent }.0)
    #expect(subject.change { $0.phase }.0 == .closing)
  }

  @Test(arguments: [nil, .peerVanished] as [RTCError?])
  func `the end resumes everybody, with its reason`(reason: RTCError?) async {
    let subject = ChannelStateSubject(highMark: 10, lowMark: 5)
    let opener = await subject.wait { $0.waitUntilOpen($1) }
    let sender = await subject.send(1)
    let drainer = await subject.wait { $0.waitUntilDrained($1) }
    let closer = await subject.wait { $0.waitUntilClosed($1) }
    let reader = await subject.read().0
    #expect(subject.change { $0.end(reason) }.resumed == 5)
    for waiting in [opener, sender, drainer] { #expect(await waiting.outcome.error == reason ?? .closed) }
    #expect(await closer.outcome.error == nil)
    #expect(await reader.outcome == (reason.map { .failure($0) } ?? .success(nil)))
    #expect(subject.change { $0.end(.closed) }.resumed == 0)
    #expect(subject.change { $0.phase }.0 == .closed(reason))
  }

  @Test func `what waits is let go of at the end`() async {
    let subject = ChannelStateSubject(highMark: 10, lowMark: 5)
    subject.open()
    _ = await subject.send(10)
    subject.change { _ = $0.end(nil) }
    #expect(subject.change { $0.bufferedAmount }.0 == 0)
    #expect(subject.takeOver() == [])
    #expect(await subject.send(1).outcome.error == .closed)
    #expect(await subject.wait { $0.waitUntilClosed($1) }.outcome.error == nil)
  }

  @Test func `waiting for the opening, the last message or the end can be cancelled`() async {
    let subject = ChannelStateSubject(highMark: 1, lowMark: 0)
    _ = await subject.send(1)
    let waiting = [
      await subject.wait { $0.waitUntilOpen($1) }, await subject.wait { $0.waitUntilDrained($1) },
      await subject.wait { $0.waitUntilClosed($1) },
    ]
    for waiter in waiting {
      #expect(subject.change { $0.cancelWaiter(waiter.token) }.resumed == 1)
      #expect(await waiter.outcome.error == .cancelled)
    }
    #expect(subject.change { _ = $0.end(nil) }.resumed == 1, "the sender alone is left")
  }
}
