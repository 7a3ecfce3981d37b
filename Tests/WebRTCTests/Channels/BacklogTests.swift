import Testing

@testable import WebRTC

@Suite("What the channels of a connection hold unread")
struct BacklogTests {
  @Test func `it is full at the high mark, and lets the peer go on once when it falls to the low one`() {
    let backlog = Backlog()
    let (high, low) = (ChannelTuning.connectionHighMark, ChannelTuning.connectionLowMark)
    var share = Backlog.Share()
    func change(to held: Int) -> Bool {
      defer { share.held = held }
      return backlog.change(from: share, to: Backlog.Share(held: held))
    }
    #expect(!change(to: high - 1))
    #expect(!backlog.isFull)
    #expect(!change(to: high))
    #expect(backlog.isFull)
    #expect(!change(to: low + 1))
    #expect(change(to: low))
    #expect(!change(to: 0))
    #expect(!backlog.isFull)
    #expect(backlog.total == Backlog.Share())
  }

  @Test func `shares of several channels count together, and what is left in closed ones counts apart`() {
    let backlog = Backlog()
    let half = ChannelTuning.connectionHighMark / 2
    for _ in 0..<2 { #expect(!backlog.change(from: Backlog.Share(), to: Backlog.Share(held: half))) }
    #expect(backlog.isFull && !backlog.isLeftFull)
    // Two channels are closed: the peer need not wait for them any more.
    #expect(!backlog.change(from: Backlog.Share(held: half), to: Backlog.Share(left: half)))
    #expect(backlog.change(from: Backlog.Share(held: half), to: Backlog.Share(left: half)))
    #expect(!backlog.isFull && backlog.isLeftFull)
    #expect(backlog.total == Backlog.Share(left: 2 * half))
  }
}
