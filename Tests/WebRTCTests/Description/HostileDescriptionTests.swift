import Testing

@testable import WebRTC

@Suite struct HostileDescriptionTests {
  /// Chromium's description with a line in place of the one that begins as given, or without it.
  private func changing(_ beginning: String, to line: String?) -> String {
    PeerDescription.chromium.text.split(separator: "\r\n").flatMap { old in
      old.hasPrefix(beginning) ? line.map { [$0] } ?? [] : [String(old)]
    }.map { $0 + "\r\n" }.joined()
  }

  private func reason(_ text: String, _ type: SDPType = .offer) -> SDPError.Reason? {
    do throws(SDPError) {
      _ = try SessionDescription(type, sdp: text)
      return nil
    } catch {
      return error.reason
    }
  }

  @Test(arguments: [
    ("a=ice-ufrag:", SDPError.Field.iceUfrag), ("a=ice-pwd:", .icePwd), ("a=fingerprint:", .fingerprint),
    ("a=setup:", .setup), ("o=", .origin), ("v=", .version),
  ])
  func `what a connection cannot be without is missed`(beginning: String, field: SDPError.Field) {
    #expect(reason(changing(beginning, to: nil)) == .missing(field))
  }

  @Test(arguments: [
    ("v=", "v=1", SDPError.Field.version),
    ("o=", "o=-", .origin),
    ("o=", "o=- x 1 IN IP4 127.0.0.1", .origin),
    ("o=", "o=- 1 -1 IN IP4 127.0.0.1", .origin),
    ("o=", "o=- 18446744073709551616 1 IN IP4 127.0.0.1", .origin),
    ("m=", "m=application", .media),
    ("m=", "m=application 65536 UDP/DTLS/SCTP webrtc-datachannel", .media),
    ("m=", "m=application +9 UDP/DTLS/SCTP webrtc-datachannel", .media),
    ("m=", "m=application 9 UDP//SCTP webrtc-datachannel", .media),
    ("m=", "m=appli(cation 9 UDP/DTLS/SCTP webrtc-datachannel", .media),
    ("m=", "m=application 9 UDP/DTLS/SCTP", .media),
    ("a=mid:", "a=mid:", .mid),
    ("a=mid:", "a=mid:a b", .mid),
    ("a=mid:", "a=mid:ä", .mid),
    ("a=mid:", "a=mid:" + String(repeating: "m", count: 65), .mid),
    ("a=ice-ufrag:", "a=ice-ufrag:abc", .iceUfrag),
    ("a=ice-ufrag:", "a=ice-ufrag", .iceUfrag),
    ("a=ice-ufrag:", "a=ice-ufrag:abc:", .iceUfrag),
    ("a=ice-ufrag:", "a=ice-ufrag:" + String(repeating: "u", count: 257), .iceUfrag),
    ("a=ice-pwd:", "a=ice-pwd:012345678901234567890", .icePwd),
    ("a=ice-pwd:", "a=ice-pwd:0123456789012345678901 ", .icePwd),
    ("a=ice-pwd:", "a=ice-pwd:" + String(repeating: "p", count: 257), .icePwd),
    ("a=fingerprint:", "a=fingerprint:sha-256", .fingerprint),
    ("a=fingerprint:", "a=fingerprint:sha-256 00:11", .fingerprint),
    ("a=fingerprint:", "a=fingerprint:sha-1 " + PeerDescription.sha256, .fingerprint),
    ("a=setup:", "a=setup:server", .setup),
    ("a=setup:", "a=setup:ACTIVE", .setup),
    ("a=sctp-port:", "a=sctp-port:0", .sctpPort),
    ("a=sctp-port:", "a=sctp-port:65536", .sctpPort),
    ("a=sctp-port:", "a=sctp-port:", .sctpPort),
    ("a=max-message-size:", "a=max-message-size:-1", .maxMessageSize),
    ("a=max-message-size:", "a=max-message-size:many", .maxMessageSize),
    ("a=candidate:1129", "a=candidate:x", .candidate),
  ])
  func `what is malformed is refused by name`(beginning: String, line: String, field: SDPError.Field) {
    #expect(reason(changing(beginning, to: line)) == .malformed(field))
  }

  @Test func `the bounds themselves are kept`() {
    #expect(reason(changing("a=ice-ufrag:", to: "a=ice-ufrag:abc+")) == nil)
    #expect(reason(changing("a=ice-ufrag:", to: "a=ice-ufrag:" + String(repeating: "u", count: 256))) == nil)
    #expect(reason(changing("a=ice-pwd:", to: "a=ice-pwd:0123456789012345678901")) == nil)
    #expect(reason(changing("a=ice-pwd:", to: "a=ice-pwd:" + String(repeating: "p", count: 256))) == nil)
    #expect(reason(changing("o=", to: "o=- 18446744073709551615 0 IN IP4 127.0.0.1")) == nil)
    #expect(reason(changing("a=sctp-port:", to: "a=sctp-port:65535")) == nil)
  }

  @Test func `fingerprints of unknown algorithms alone are none`() {
    #expect(reason(changing("a=fingerprint:", to: "a=fingerprint:sha-3 00:11")) == .missing(.fingerprint))
  }

  @Test(arguments: [
    ("a=ice-ufrag:", SDPError.Field.iceUfrag), ("a=ice-pwd:", .icePwd), ("a=setup:", .setup),
    ("a=sctp-port:", .sctpPort), ("a=max-message-size:", .maxMessageSize), ("a=mid:", .mid),
    ("a=ice-options:", .iceOptions),
  ])
  func `what may be said once is not said twice`(beginning: String, field: SDPError.Field) throws {
    let text = PeerDescription.chromium.text
    let line = try #require(text.split(separator: "\r\n").first { $0.hasPrefix(beginning) })
    #expect(reason(text + line + "\r\n") == .repeated(field))
  }

  @Test func `two sections do not share an identification`() {
    let text = PeerDescription.chromiumWithMedia.text.replacing("a=mid:1", with: "a=mid:2")
    #expect(reason(text) == .repeated(.mid))
  }

  @Test func `an answer has chosen the DTLS role`() {
    #expect(reason(PeerDescription.chromium.text, .answer) == .undecidedAnswer)
    #expect(reason(changing("a=setup:", to: "a=setup:passive"), .answer) == nil)
  }

  @Test(arguments: [
    "a=x\u{0}y", "a=x\ty", "a=x\u{1B}[2J", "a=x\u{7F}", "a=x\ry", "s=\u{0}", "\u{0}",
  ])
  func `control characters are refused wherever they are`(line: String) {
    #expect(reason(PeerDescription.chromium.text + line + "\r\n") == .controlCharacter)
  }

  @Test(arguments: ["x", "=", "a", "a:b", "1=2", " a=b", "ä=1", "a =b"])
  func `a line is a letter, an equals sign and a value`(line: String) {
    #expect(reason(PeerDescription.chromium.text + line + "\r\n") == .malformedLine)
  }

  @Test(arguments: ["a=", "a=:", "a=unknown:value", "z=", "Q=what", "k=clear:x", "b=AS:30", "a=über", "\r\n"])
  func `unknown lines are skipped`(line: String) throws {
    let text = PeerDescription.chromium.text
    #expect(try SessionDescription(.offer, sdp: text + line + "\r\n") == SessionDescription(.offer, sdp: text))
  }

  @Test func `lines of 4 KiB are read and longer ones are not`() {
    let text = PeerDescription.chromium.text
    #expect(reason(text + "a=" + String(repeating: "x", count: 4094) + "\r\n") == nil)
    #expect(reason(text + "a=" + String(repeating: "x", count: 4095) + "\r\n") == .lineTooLong)
  }

  @Test func `descriptions of 64 KiB are read and longer ones are not`() {
    let text = PeerDescription.chromium.text
    let room = SDPLimits.textBytes - text.utf8.count
    let filling = String(repeating: "a=\(String(repeating: "x", count: 60))\r\n", count: room / 64 - 1)
    let last = "a=" + String(repeating: "x", count: room % 64 + 60) + "\r\n"
    let full = text + filling + last
    #expect(full.utf8.count == SDPLimits.textBytes)
    #expect(reason(full) == nil)
    #expect(reason(full + "\n") == .textTooLong)
  }

  @Test func `32 sections are read and more are not`() {
    let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"
    let section = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    #expect(reason(head + String(repeating: section, count: 32)) == nil)
    #expect(reason(head + String(repeating: section, count: 33)) == .tooMany(.media))
  }

  @Test func `64 candidates are read and more are not, in any section`() {
    func text(_ peer: PeerDescription, _ count: Int) -> String {
      let lines = (0..<count).map { "a=candidate:\($0) 1 udp 1 192.0.2.1 \($0) typ host\r\n" }.joined()
      return peer.text.replacing("a=mid:0\r\n", with: "a=mid:0\r\n" + lines)
    }
    #expect(reason(text(.safari, 64)) == nil)
    #expect(reason(text(.safari, 65)) == .tooMany(.candidate))
    #expect(reason(text(.chromiumWithMedia, 64)) == nil)
    #expect(reason(text(.chromiumWithMedia, 65)) == .tooMany(.candidate))
  }

  @Test func `sections of other kinds may hold nonsense`() {
    let text = PeerDescription.chromiumWithMedia.text
      .replacing("a=mid:1\r\n", with: "a=mid:1\r\na=candidate:?\r\na=setup:?\r\na=setup:?\r\na=ice-pwd:\r\n")
    #expect(reason(text) == nil)
  }

  @Test func `candidates of unknown kinds are skipped`() throws {
    let line =
      "a=candidate:1 1 udp 1 192.0.2.1 1 typ quantum\r\na=candidate:2 1 udp 1 fe80::1%eth0 1 typ host\r\n"
      + "a=candidate:3 1 tcp 1 192.0.2.1 1 typ host tcptype odd\r\n"
    let read = try SessionDescription(.offer, sdp: PeerDescription.chromium.text + line)
    #expect(read == (try PeerDescription.chromium.read()))
  }

  @Test func `an error says which line it means, and nothing of what stands there`() {
    let text = changing("a=setup:", to: "a=setup:\u{202E}secret")
    #expect {
      try SessionDescription(.offer, sdp: text)
    } throws: { error in
      guard let error = error as? SDPError else { return false }
      return error == SDPError(.malformed(.setup), line: 17) && error.description == "line 17: setup is malformed"
    }
    #expect(SDPError(.textTooLong).description == "longer than 65536 bytes")
  }

  @Test(arguments: ["", "\r\n", "\n\n\n", "v=0", "v=0\r\n", "hello", "{}", "\u{FEFF}v=0\r\n"])
  func `what is no description is refused`(text: String) {
    #expect(reason(text) != nil)
  }
}
