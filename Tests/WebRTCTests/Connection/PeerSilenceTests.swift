import Testing

@testable import WebRTC

@Suite("How long nothing was heard of a peer")
struct PeerSilenceTests {
  @Test func `a peer is asked after the first silent look, missed after half of them, and lost after all`() {
    var silence = PeerSilence()
    var verdicts = [silence.look(packetsReceived: 1)]
    for _ in 0..<PeerSilence.looks { verdicts.append(silence.look(packetsReceived: 1)) }
    let half = PeerSilence.looks / 2
    #expect(verdicts.prefix(1) == [.heard])
    #expect(verdicts[1..<half].allSatisfy { $0 == .quiet })
    #expect(verdicts[half..<PeerSilence.looks].allSatisfy { $0 == .missed })
    #expect(verdicts.last == .lost)
  }

  @Test func `one packet begins the count anew`() {
    var silence = PeerSilence()
    for _ in 0..<PeerSilence.looks - 1 { _ = silence.look(packetsReceived: 0) }
    #expect(silence.look(packetsReceived: 1) == .heard)
    #expect(silence.look(packetsReceived: 1) == .quiet)
  }
}
