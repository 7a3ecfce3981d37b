import Testing
import WebRTC

@Suite("What is refused")
struct RefusalTests {
  @Test func `a peer with another certificate than its description says opens no channel`() async throws {
    let pair = try await Pair()
    let here = try await pair.offerer.createDataChannel("secret")
    let other = try Certificate().fingerprint
    let offer = try await pair.offerer.createOffer()
    try await pair.offerer.setLocalDescription(offer)
    try await pair.answerer.setRemoteDescription(offer)
    var answer = try await pair.answerer.createAnswer()
    try await pair.answerer.setLocalDescription(answer)
    var section = try #require(answer.dataSection)
    section.fingerprints = [other]
    answer.sections[0] = .data(section)
    try await pair.offerer.setRemoteDescription(answer)
    let trickling = Task { try await pair.trickle() }
    await #expect(throws: RTCError.wrongCertificate) { try await pair.offerer.connected() }
    #expect(await here.closed() == .wrongCertificate)
    // The other side is told by the end of the handshake, or hears no more.
    for await state in pair.answerer.connectionStates { if case .failed = state { break } }
    var incoming = pair.answerer.incomingDataChannels.makeAsyncIterator()
    #expect(await incoming.next() == nil)
    #expect(await pair.offerer.remoteFingerprint == nil)
    await pair.close()
    _ = await trickling.result
  }

  @Test func `calls that do not fit the state say so`() async throws {
    let pair = try await Pair()
    await #expect(throws: RTCError.self) { try await pair.answerer.createAnswer() }
    let offer = try await pair.offerer.createOffer()
    await #expect(throws: RTCError.self) { try await pair.answerer.setLocalDescription(offer) }
    try await pair.answerer.setRemoteDescription(offer)
    await #expect(throws: RTCError.self) { try await pair.answerer.createOffer() }
    let answer = SessionDescription(
      type: .answer, sessionID: offer.sessionID, sessionVersion: offer.sessionVersion, sections: offer.sections)
    await #expect(throws: RTCError.self) { try await pair.answerer.setRemoteDescription(answer) }
    await pair.close()
    await #expect(throws: RTCError.self) { try await pair.offerer.createOffer() }
    await #expect(throws: RTCError.self) {
      try await pair.offerer.addIceCandidate(.end(sdpMid: nil, sdpMLineIndex: nil))
    }
  }

  @Test func `an offer without data channels is refused`() async throws {
    let pair = try await Pair()
    let sdp =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
      + "a=mid:0\r\n"
    await #expect(throws: RTCError.self) {
      try await pair.answerer.setRemoteDescription(SessionDescription(.offer, sdp: sdp))
    }
    await pair.close()
  }

  @Test func `a peer that never answers is given up`() async throws {
    var configuration = Pair.configuration
    configuration.connectTimeout = .milliseconds(300)
    let pair = try await Pair(configuration)
    let offer = try await pair.offerer.createOffer()
    try await pair.offerer.setLocalDescription(offer)
    try await pair.answerer.setRemoteDescription(offer)
    let answer = try await pair.answerer.createAnswer()
    try await pair.offerer.setRemoteDescription(answer)
    await #expect(throws: RTCError.noPath) { try await pair.offerer.connected() }
    await pair.close()
  }

  @Test func `configurations that make no sense are refused`() async throws {
    for change: (inout PeerConnection.Configuration) -> Void in [
      { $0.packetSize = 100 }, { $0.packetSize = 65_000 }, { $0.maxMessageSize = 0 }, { $0.window = 1 },
      { $0.peerTimeout = .zero }, { $0.isRelayOnly = true }, { $0.portRange = 0...10 },
    ] {
      var configuration = Pair.configuration
      change(&configuration)
      await #expect(throws: RTCError.self) { try await PeerConnection(configuration) }
    }
  }

  @Test func `an address that is none is refused`() async throws {
    let connecting = Task {
      var configuration = Pair.configuration
      configuration.addresses = .addresses(["example.org"])
      _ = try await PeerConnection(configuration)
    }
    await #expect(throws: RTCError.self) { try await connecting.value }
  }
}
