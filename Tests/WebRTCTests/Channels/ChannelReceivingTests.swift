import Testing

@testable import WebRTC

@Suite("What a channel does with messages of the peer", .timeLimit(.minutes(1)))
struct ChannelReceivingTests {
  private static let kibibyte = DataChannel.Message.binary([UInt8](repeating: 9, count: 1024))

  private func opened() -> ChannelState {
    var state = ChannelState(highMark: 1, lowMark: 0)
    state.open(id: 0, sendLimit: .max, isAcknowledged: true)
    return state
  }

  /// How many messages are taken until no more can be.
  private func fill(_ state: inout ChannelState, with message: DataChannel.Message) -> Int {
    var count = 1
    while !state.receive(message) { count += 1 }
    return count
  }

  @Test func `messages are read in the order in which they came`() {
    var state = opened()
    for text in ["a", "b"] { #expect(state.receive(.text(text)) == false) }
    for text in ["a", "b"] {
      guard case (.message(.text(text)), mustResume: false) = state.takeMessage() else {
        Issue.record("\(text) did not come")
        return
      }
    }
    guard case (.wait, mustResume: false) = state.takeMessage() else {
      Issue.record("there was more")
      return
    }
  }

  @Test func `reading from the peer is held up at the high mark, once, and goes on at the low one, once`() {
    var state = opened()
    let count = fill(&state, with: Self.kibibyte)
    let weight = 1024 + ChannelTuning.messageOverhead
    #expect(count == (ChannelTuning.inboxHighMark + weight - 1) / weight)
    // What was on its way still comes.
    #expect(state.receive(Self.kibibyte) == false)
    var resumptions: [Int] = []
    for left in (0...count).reversed() {
      if state.takeMessage().mustResume { resumptions.append(left) }
    }
    #expect(resumptions == [ChannelTuning.inboxLowMark / weight])
  }

  @Test func `empty messages weigh something`() {
    var state = opened()
    let count = fill(&state, with: .binary([]))
    #expect(count == ChannelTuning.inboxHighMark / ChannelTuning.messageOverhead)
  }

  @Test func `a reader who waits gets a message at once, and readers take turns`() async {
    let subject = ChannelStateSubject()
    subject.open()
    let (first, _) = await subject.read()
    let (second, _) = await subject.read()
    for text in ["a", "b"] { #expect(subject.change { $0.receive(.text(text)) }.resumed == 1) }
    #expect(await first.outcome == .success(.text("a")))
    #expect(await second.outcome == .success(.text("b")))
  }

  @Test func `a large message that comes just before its reader waits does not hold up the peer for ever`() async {
    let subject = ChannelStateSubject()
    subject.open()
    let large = DataChannel.Message.binary([UInt8](repeating: 1, count: ChannelTuning.inboxHighMark))
    // The reader finds nothing, then the message comes, then the reader is registered.
    guard case (.wait, _) = subject.change({ $0.takeMessage() }).0 else {
      Issue.record("there was a message")
      return
    }
    #expect(subject.change { $0.receive(large) }.0)
    let (reading, mustResume) = await subject.read()
    #expect(mustResume)
    #expect(await reading.outcome == .success(large))
  }

  @Test func `a reader who is cancelled gets no message, and the next one does`() async {
    let subject = ChannelStateSubject()
    subject.open()
    let (late, _) = await subject.read(isCancelled: true)
    #expect(await late.outcome == .failure(.cancelled))
    let (first, _) = await subject.read()
    let (second, _) = await subject.read()
    #expect(subject.change { $0.cancelReader(first.token) }.resumed == 1)
    #expect(await first.outcome == .failure(.cancelled))
    subject.change { _ = $0.receive(.text("a")) }
    #expect(await second.outcome == .success(.text("a")))
  }

  @Test func `what came before the end is read, then the end is`() async {
    let subject = ChannelStateSubject()
    subject.open()
    subject.change { _ = $0.receive(.text("last")) }
    subject.change { _ = $0.end(nil) }
    #expect(await subject.read().0.outcome == .success(.text("last")))
    #expect(await subject.read().0.outcome == .success(nil))
    #expect(!subject.change { $0.receive(.text("late")) }.0)
    #expect(await subject.read().0.outcome == .success(nil))
  }

  @Test func `the end of a channel that held up reading lets it go on`() {
    var state = opened()
    _ = fill(&state, with: Self.kibibyte)
    #expect(state.end(nil) == true)
    #expect(state.end(nil) == false)
    while case (.message, let mustResume) = state.takeMessage() { #expect(!mustResume) }
  }

  @Test func `a channel that is being closed does not hold up reading, and keeps no more than the high mark`() {
    var state = opened()
    let count = fill(&state, with: Self.kibibyte)
    #expect(state.beginClosing() == true)
    #expect(state.beginClosing() == false)
    for _ in 0..<count { #expect(state.receive(Self.kibibyte) == false) }
    var left = 0
    while case (.message, let mustResume) = state.takeMessage() {
      #expect(!mustResume)
      left += 1
    }
    #expect(left == count)
    // There is room again.
    #expect(state.receive(Self.kibibyte) == false)
    guard case (.message, _) = state.takeMessage() else {
      Issue.record("it was dropped")
      return
    }
  }

  @Test func `where there is no room, a channel that is being closed takes only what somebody waits for`() async {
    let subject = ChannelStateSubject()
    subject.open()
    // Of an open channel the peer has to wait instead.
    #expect(!subject.change { $0.receive(.text("a"), hasRoom: false) }.0)
    subject.change { _ = $0.beginClosing() }
    subject.change { _ = $0.receive(.text("dropped"), hasRoom: false) }
    #expect(await subject.read().0.outcome == .success(.text("a")))
    let (reading, _) = await subject.read()
    subject.change { _ = $0.receive(.text("b"), hasRoom: false) }
    #expect(await reading.outcome == .success(.text("b")))
  }

  @Test func `what is not read counts as held while the channel is used, and as left afterwards`() {
    var state = opened()
    _ = state.receive(Self.kibibyte)
    let weight = 1024 + ChannelTuning.messageOverhead
    #expect(state.unread == Backlog.Share(held: weight))
    _ = state.beginClosing()
    #expect(state.unread == Backlog.Share(left: weight))
    _ = state.end(nil)
    #expect(state.unread == Backlog.Share(left: weight))
    _ = state.takeMessage()
    #expect(state.unread == Backlog.Share())
  }
}
