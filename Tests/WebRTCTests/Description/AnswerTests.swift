import Testing

@testable import WebRTC

@Suite struct AnswerTests {
  private let ours = DataSection(
    mid: "ours", iceUfrag: "OURS", icePwd: "OURSOURSOURSOURSOURSOURS",
    fingerprints: [Fingerprint(algorithm: .sha256, bytes: [UInt8](repeating: 7, count: 32))].compactMap(\.self),
    setup: .active, maxMessageSize: 1 << 30)

  @Test(arguments: PeerDescription.all)
  func `an answer has the sections of its offer, and accepts data only`(peer: PeerDescription) throws {
    let offer = try peer.read()
    let answer = SessionDescription(answering: offer, sessionID: 1, with: ours)
    #expect(answer.type == .answer)
    #expect(answer.sections.map(\.mid) == offer.sections.map(\.mid))
    #expect(answer.sections.count { !$0.isRejected } == 1)
    #expect(answer.isBundled == offer.isBundled)
    var expected = ours
    expected.mid = try #require(offer.dataSection).mid
    expected.transport = try #require(offer.dataSection).transport
    #expect(answer.dataSection == expected)
    #expect(try SessionDescription(.answer, sdp: answer.sdp) == answer)
  }

  @Test func `audio and video are rejected in their places`() throws {
    let answer = SessionDescription(
      answering: try PeerDescription.chromiumWithMedia.read(), sessionID: 1, with: ours)
    #expect(answer.sections.map(\.isRejected) == [true, true, false])
    #expect(answer.sdp.contains("m=audio 0 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"))
    #expect(answer.sdp.contains("m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\n"))
    #expect(answer.sdp.contains("a=group:BUNDLE 2\r\n"))
  }

  @Test func `of two data sections the second is rejected`() {
    var second = ours
    second.mid = "second"
    let offer = SessionDescription(
      type: .offer, sessionID: 1, sessionVersion: 1,
      sections: [.data(.rejected(mid: "gone")), .data(ours), .data(second)])
    let sections = SessionDescription.answerSections(to: offer, with: second)
    #expect(sections == [.data(.rejected(mid: "gone")), .data(ours.naming("ours")), .data(.rejected(mid: "second"))])
  }

  @Test func `an offer without data is rejected as a whole`() {
    let audio = OtherSection(media: "audio", port: 9, transport: "UDP/TLS/RTP/SAVPF", formats: ["0"])
    let offer = SessionDescription(
      type: .offer, sessionID: 1, sessionVersion: 1, sections: [.other(audio), .data(.rejected(mid: "1"))])
    let answer = SessionDescription(answering: offer, sessionID: 1, with: ours)
    #expect(answer.dataSection == nil)
    #expect(answer.sections.map(\.isRejected) == [true, true])
  }

  @Test func `an offer that does not bundle is not answered with a bundle`() throws {
    let text = PeerDescription.chromium.text.replacing("a=group:BUNDLE 0\r\n", with: "")
    let answer = SessionDescription(
      answering: try SessionDescription(.offer, sdp: text), sessionID: 1, with: ours)
    #expect(!answer.sdp.contains("BUNDLE"))
  }
}

extension DataSection {
  fileprivate func naming(_ mid: String) -> DataSection {
    var section = self
    section.mid = mid
    return section
  }
}
