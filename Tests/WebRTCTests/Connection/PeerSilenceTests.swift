import Testing

@testable import WebRTC

@Suite("The silence of a peer")
struct PeerSilenceTests {
  @Test func `a peer that says something now and then is heard or quiet`() {
    var silence = PeerSilence()
    var verdicts: [PeerSilence.Verdict] = []
    for packets in [1, 1, 1, 2, 2, 5] { verdicts.append(silence.look(packetsReceived: packets)) }
    #expect(verdicts == [.heard, .quiet, .quiet, .heard, .quiet, .heard])
  }

  @Test func `a peer is missed after half of the time, lost after all of it, and welcome when it comes back`() {
    var silence = PeerSilence()
    _ = silence.look(packetsReceived: 7)
    let verdicts = (0..<9).map { _ in silence.look(packetsReceived: 7) }
    #expect(verdicts[..<3].allSatisfy { $0 == .quiet })
    #expect(verdicts[3..<7].allSatisfy { $0 == .missed })
    #expect(verdicts[7...].allSatisfy { $0 == .lost })
    #expect(silence.look(packetsReceived: 8) == .heard)
  }
}
