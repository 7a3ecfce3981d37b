import Testing

@testable import WebRTC

@Suite struct SessionDescriptionTests {
  @Test(arguments: PeerDescription.all)
  func `every peer's data section is found`(peer: PeerDescription) throws {
    let data = try #require(try peer.read().dataSection)
    #expect(data.fingerprints.first?.text == PeerDescription.sha256)
    #expect(SDPLimits.ufragLength.contains(data.iceUfrag.utf8.count))
  }

  @Test(arguments: PeerDescription.all)
  func `what was read and written is read as the same`(peer: PeerDescription) throws {
    let read = try peer.read()
    #expect(try SessionDescription(peer.type, sdp: read.sdp) == read)
  }

  @Test(arguments: PeerDescription.all)
  func `lines may end in a line feed alone`(peer: PeerDescription) throws {
    let text = String(decoding: peer.text.utf8.filter { $0 != 0x0D }, as: UTF8.self)
    #expect(try SessionDescription(peer.type, sdp: text) == peer.read())
  }

  @Test(arguments: PeerDescription.all)
  func `the last line may lack its end`(peer: PeerDescription) throws {
    #expect(try SessionDescription(peer.type, sdp: String(peer.text.dropLast())) == peer.read())
  }

  @Test func `a browser's description is read in full`() throws {
    let offer = try PeerDescription.chromium.read()
    #expect(offer.sessionID == 4_358_612_201_187_339_021)
    #expect(offer.sessionVersion == 2)
    #expect(offer.isBundled)
    let data = try #require(offer.dataSection)
    #expect(offer.sections == [.data(data)])
    #expect(data.mid == "0")
    #expect(data.transport == .udp)
    #expect(data.iceUfrag == "Qx7+")
    #expect(data.icePwd == "hT3/kLw9ZpRq0dXy+4sVbN1m")
    #expect(data.iceOptions == ["trickle"])
    #expect(data.trickles)
    #expect(data.setup == .actpass)
    #expect(data.sctpPort == 5000)
    #expect(data.maxMessageSize == 262_144)
    #expect(data.candidates.map(\.kind) == [.host, .serverReflexive, .host])
    #expect(data.candidates.map(\.isMDNS) == [true, false, true])
    #expect(!data.isComplete)
    #expect(!data.isRejected)
  }

  @Test func `a description is written as browsers write it`() throws {
    let print = try #require(Fingerprint(algorithm: .sha256, text: PeerDescription.sha256))
    let data = DataSection(
      mid: "0", iceUfrag: "abcd", icePwd: "0123456789012345678901", fingerprints: [print], setup: .active,
      maxMessageSize: 262_144,
      candidates: [try IceCandidate("candidate:1 1 udp 99 192.0.2.1 5 typ host generation 0")], isComplete: true)
    let audio = OtherSection(media: "audio", port: 0, transport: "UDP/TLS/RTP/SAVPF", formats: ["111", "0"], mid: "1")
    let answer = SessionDescription(
      type: .answer, sessionID: 7, sessionVersion: 2, sections: [.data(data), .other(audio)])
    let lines = [
      "v=0", "o=- 7 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0",
      "a=candidate:1 1 udp 99 192.0.2.1 5 typ host generation 0", "a=end-of-candidates", "a=ice-ufrag:abcd",
      "a=ice-pwd:0123456789012345678901", "a=ice-options:trickle", "a=fingerprint:sha-256 \(PeerDescription.sha256)",
      "a=setup:active", "a=mid:0", "a=sctp-port:5000", "a=max-message-size:262144",
      "m=audio 0 UDP/TLS/RTP/SAVPF 111 0", "c=IN IP4 0.0.0.0", "a=mid:1", "a=inactive",
    ]
    #expect(answer.sdp == lines.map { $0 + "\r\n" }.joined())
    #expect(answer.description == answer.sdp)
  }

  @Test func `a bundled section takes its transport from the first of its group`() throws {
    let data = try #require(try PeerDescription.chromiumMaxBundle.read().dataSection)
    #expect(data.mid == "d")
    #expect(data.iceUfrag == "bnd1")
    #expect(data.icePwd == "0123456789abcdefghijkl")
    #expect(data.iceOptions == ["trickle", "renomination"])
    #expect(data.setup == .actpass)
    #expect(data.candidates.map(\.port) == [51003])
    #expect(data.isComplete)
  }

  @Test func `a bundled section with the credentials of the first of its group has its candidates`() throws {
    let text = PeerDescription.chromiumMaxBundle.text
      .replacing("m=application 0", with: "m=application 9")
      .replacing("a=bundle-only", with: "a=ice-ufrag:bnd1\r\na=ice-pwd:0123456789abcdefghijkl")
    let data = try #require(try SessionDescription(.offer, sdp: text).dataSection)
    #expect(data.candidates.map(\.port) == [51003])
    #expect(data.isComplete)
  }

  @Test func `a bundled section with credentials of its own has candidates of its own`() throws {
    let text = PeerDescription.chromiumMaxBundle.text
      .replacing("a=bundle-only", with: "a=ice-ufrag:own1\r\na=bundle-only")
    let data = try #require(try SessionDescription(.offer, sdp: text).dataSection)
    #expect(data.iceUfrag == "own1")
    #expect(data.candidates.isEmpty)
    #expect(!data.isComplete)
  }

  @Test func `what a section lacks is taken from the session, and what it has is not`() throws {
    let data = try #require(try PeerDescription.oldFirefox.read().dataSection)
    #expect(data.iceUfrag == "sess")
    #expect(data.icePwd == "0123456789abcdef0123456789abcdef")
    #expect(data.setup == .passive)
    #expect(data.fingerprints.map(\.algorithm) == [.sha256])
  }

  @Test func `the form before RFC 8841 keeps its port, and is answered in kind`() throws {
    let offer = try PeerDescription.aiortcLegacy.read()
    let data = try #require(offer.dataSection)
    #expect(data.transport == .legacy)
    #expect(data.sctpPort == 5010)
    #expect(offer.sdp.contains("m=application 9 DTLS/SCTP 5010\r\n"))
    #expect(offer.sdp.contains("a=sctpmap:5010 webrtc-datachannel 1024\r\n"))
    #expect(!offer.sdp.contains("a=sctp-port"))
  }

  @Test func `a rejected section of the form before RFC 8841 keeps its port`() throws {
    let text = PeerDescription.aiortcLegacy.text.replacing("m=application 54400", with: "m=application 0")
    let read = try SessionDescription(.offer, sdp: text)
    #expect(read.sections == [.data(.rejected(mid: "data", transport: .legacy, sctpPort: 5010))])
    #expect(read.sections.map(\.rejected) == read.sections)
  }

  @Test(arguments: [
    ("trickle", ["trickle"]), ("ice2,trickle", ["ice2", "trickle"]),
    (" trickle  renomination ", ["trickle", "renomination"]),
    ("tri(ckle ice2", ["ice2"]), ("", []), (",", []),
  ])
  func `ICE options are separated by spaces or commas`(value: String, options: [String]) throws {
    let text = PeerDescription.chromium.text.replacing("a=ice-options:trickle", with: "a=ice-options:" + value)
    #expect(try SessionDescription(.offer, sdp: text).dataSection?.iceOptions == options)
  }

  @Test func `applications other than data channels are other sections`() throws {
    for line in [
      "m=application 9 UDP/DTLS/SCTP other", "m=application 9 TCP/TLS/BFCP *", "m=application 9 DTLS/SCTP 5001",
      "m=application 9 DTLS/SCTP webrtc-datachannel", "m=message 9 UDP/DTLS/SCTP webrtc-datachannel",
    ] {
      let text = PeerDescription.aiortcLegacy.text.replacing("m=application 54400 DTLS/SCTP 5010", with: line)
      let read = try SessionDescription(.offer, sdp: text)
      #expect(read.dataSection == nil)
      #expect(read.sections.count == 1)
    }
  }

  @Test func `the largest message has a default, and may be unlimited`() throws {
    func limit(_ line: String) throws -> (UInt64?, UInt64) {
      let text = PeerDescription.chromium.text.replacing("a=max-message-size:262144\r\n", with: line)
      let data = try #require(try SessionDescription(.offer, sdp: text).dataSection)
      return (data.maxMessageSize, data.messageLimit)
    }
    #expect(try limit("") == (nil, 65536))
    #expect(try limit("a=max-message-size:0\r\n") == (0, .max))
    #expect(try limit("a=max-message-size:1\r\n") == (1, 1))
    #expect(try limit("a=max-message-size:99999999999999999999999\r\n") == (.max, .max))
  }

  @Test func `a section without an SCTP port has port 5000`() throws {
    let text = PeerDescription.chromium.text.replacing("a=sctp-port:5000\r\n", with: "")
    #expect(try SessionDescription(.offer, sdp: text).dataSection?.sctpPort == 5000)
  }

  @Test func `a section without an identification gets its index`() throws {
    let text = PeerDescription.chromiumWithMedia.text.replacing("a=mid:2\r\n", with: "").replacing(" 0 1 2", with: "")
    #expect(try SessionDescription(.offer, sdp: text).dataSection?.mid == "2")
    let taken = text.replacing("a=mid:1\r\n", with: "a=mid:2\r\n")
    #expect(try SessionDescription(.offer, sdp: taken).sections.map(\.mid) == ["0", "2", "2-"])
  }

  @Test func `a rejected section needs nothing`() throws {
    let text = """
      v=0
      o=- 1 1 IN IP4 127.0.0.1
      s=-
      t=0 0
      m=application 0 UDP/DTLS/SCTP webrtc-datachannel
      a=mid:x
      """
    let read = try SessionDescription(.answer, sdp: text)
    #expect(read.sections == [.data(.rejected(mid: "x"))])
    #expect(read.dataSection == nil)
    #expect(!read.isBundled)
    #expect(try SessionDescription(.answer, sdp: read.sdp) == read)
  }

  @Test func `the first accepted data section is the one`() throws {
    let text = PeerDescription.chromium.text
    let start = try #require(text.firstRange(of: "m=application")).lowerBound
    let second = text[start...].replacing("a=mid:0", with: "a=mid:1")
    let rejected = text.replacing("m=application 40112", with: "m=application 0")
    #expect(try SessionDescription(.offer, sdp: text + second).dataSection?.mid == "0")
    #expect(try SessionDescription(.offer, sdp: rejected + second).dataSection?.mid == "1")
  }

  @Test func `only a group that holds the data section bundles it`() throws {
    func isBundled(_ group: String) throws -> Bool {
      let text = PeerDescription.chromiumWithMedia.text.replacing("a=group:BUNDLE 0 1 2\r\n", with: group)
      return try SessionDescription(.offer, sdp: text).isBundled
    }
    #expect(try isBundled("a=group:BUNDLE 0 1 2\r\n"))
    #expect(try isBundled("a=group:BUNDLE 0 1\r\na=group:BUNDLE 2\r\n"))
    #expect(try !isBundled("a=group:BUNDLE 0 1\r\n"))
    #expect(try !isBundled("a=group:LS 0 1 2\r\n"))
    #expect(try !isBundled("a=group:\r\n"))
    #expect(try !isBundled(""))
  }

  @Test func `no value that is made adds a line`() throws {
    var description = try PeerDescription.chromiumWithMedia.read()
    let lines = description.sdp.split(separator: "\r\n").count
    description.sections[0] = .other(
      OtherSection(
        media: "audio\r\na=x", port: 9, transport: "A\r\na=x", formats: ["1\na=x"], mid: "0\r\na=setup:active"))
    guard case .data(var data) = description.sections[2] else { return #expect(Bool(false)) }
    data.iceUfrag += "\r\na=ice-ufrag:evil"
    data.mid += "\na=mid:9"
    data.iceOptions = ["trickle\r\nm=audio 9 X 0"]
    description.sections[2] = .data(data)
    #expect(description.sdp.split(separator: "\r\n").count == lines)
    #expect(description.sdp.split(whereSeparator: \.isNewline).count == lines)
  }
}
