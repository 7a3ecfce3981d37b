import Testing

@testable import WebRTC

@Suite struct IceCandidateTests {
  private func reason(_ text: String) -> SDPError.Reason? {
    do throws(SDPError) {
      _ = try IceCandidate(text)
      return nil
    } catch {
      return error.reason
    }
  }

  @Test func `a candidate is read in full`() throws {
    let text =
      "candidate:842163049 1 udp 1677729535 203.0.113.9 50712 typ srflx raddr 10.0.0.4 rport 50711 "
      + "generation 0 ufrag 4ZcD network-id 1 network-cost 10"
    let candidate = try IceCandidate(text)
    #expect(candidate.foundation == "842163049")
    #expect(candidate.component == 1)
    #expect(candidate.transport == .udp)
    #expect(candidate.priority == 1_677_729_535)
    #expect(candidate.address == "203.0.113.9")
    #expect(candidate.addressForm == .ipv4)
    #expect(candidate.port == 50712)
    #expect(candidate.kind == .serverReflexive)
    #expect(candidate.relatedAddress == "10.0.0.4")
    #expect(candidate.relatedPort == 50711)
    #expect(candidate.tcpType == nil)
    #expect(candidate.extensions.map(\.name) == ["generation", "ufrag", "network-id", "network-cost"])
    #expect(candidate.extensions.map(\.value) == ["0", "4ZcD", "1", "10"])
    #expect(candidate.usernameFragment == "4ZcD")
    #expect(candidate.sdpMid == nil)
    #expect(candidate.sdpMLineIndex == nil)
    #expect(candidate.candidate == text)
    #expect(candidate.description == text)
  }

  @Test(arguments: ["", "candidate:", "a=candidate:"], ["", "\r\n", "\n"])
  func `prefix and line end may be there`(prefix: String, end: String) throws {
    let value = "1 1 udp 5 192.0.2.1 7 typ relay raddr 0.0.0.0 rport 0"
    #expect(try IceCandidate(prefix + value + end).candidate == "candidate:" + value)
  }

  @Test(arguments: [
    ("udp", IceCandidate.Transport.udp), ("UDP", .udp), ("uDp", .udp), ("tcp", .tcp), ("TCP", .tcp),
    ("ssltcp", .other("ssltcp")), ("QUIC", .other("QUIC")),
  ])
  func `transports are known in either case, and unknown ones kept`(
    name: String, transport: IceCandidate.Transport
  ) throws {
    #expect(try IceCandidate("1 1 \(name) 5 192.0.2.1 7 typ host").transport == transport)
  }

  @Test(arguments: [
    ("host", IceCandidate.Kind.host), ("srflx", .serverReflexive), ("prflx", .peerReflexive), ("relay", .relayed),
  ])
  func `kinds have the names of the field`(name: String, kind: IceCandidate.Kind) throws {
    let candidate = try IceCandidate("1 1 udp 5 192.0.2.1 7 typ \(name)")
    #expect(candidate.kind == kind)
    #expect(candidate.candidate.hasSuffix("typ \(name)"))
  }

  @Test func `candidates of TCP say who opens the connection`() throws {
    let candidate = try IceCandidate("1 1 TCP 5 192.0.2.1 9 typ host tcptype active")
    #expect(candidate.tcpType == .active)
    #expect(candidate.candidate == "candidate:1 1 tcp 5 192.0.2.1 9 typ host tcptype active")
  }

  @Test(arguments: [
    ("192.0.2.1", IceCandidate.AddressForm.ipv4), ("0.0.0.0", .ipv4), ("255.255.255.255", .ipv4),
    ("::", .ipv6), ("::1", .ipv6), ("1::", .ipv6), ("2001:db8::1:2", .ipv6), ("1:2:3:4:5:6:7:8", .ipv6),
    ("1:2:3:4:5:6:7::", .ipv6), ("::2:3:4:5:6:7:8", .ipv6), ("1:2:3::5:6:7:8", .ipv6),
    ("::ffff:192.0.2.1", .ipv6), ("1:2:3:4:5:6:192.0.2.1", .ipv6), ("FE80::ABCD", .ipv6),
    ("0000:0000:0000:0000:0000:0000:0000:0001", .ipv6), ("64:ff9b::192.0.2.33", .ipv6),
    ("a.local", .name), ("localhost", .name), ("turn.example.org", .name), ("example.org.", .name),
    ("under_score.example", .name), ("1.2.3.x", .name), ("a-b.example", .name), ("a1", .name), ("3com.example", .name),
    (String(repeating: "a", count: 63) + ".b", .name),
  ])
  func `addresses and names are told apart`(text: String, form: IceCandidate.AddressForm) throws {
    let candidate = try IceCandidate("1 1 udp 5 \(text) 7 typ host")
    #expect(candidate.addressForm == form)
    #expect(candidate.address == text)
  }

  @Test(arguments: [
    "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.04", "1..2.3", ".1.2.3", "1.2.3.4.", "1", "0x7f000001.1",
    "1.2.3.-4", "1.2.3.+4", "+1.2.3.4",
    ":", ":::", "1:", ":1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::1::", "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1.2.3", "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "[::1]",
    "::1.2.3.256", ":1::", "::1:", "1:2:3:4:5:6:7:", ":2:3:4:5:6:7:8",
    "", ".", "a..b", ".a", "a b", "ä.example", "a,b", "a/b", "*.local", "-a.b", "a-.b",
    String(repeating: "a", count: 64),
    Array(repeating: "abcdefg", count: 32).joined(separator: "."),
  ])
  func `what is neither an address nor a name is refused`(text: String) {
    #expect(reason("1 1 udp 5 \(text) 7 typ host") == .malformed(.candidate))
    #expect(reason("1 1 udp 5 192.0.2.1 7 typ srflx raddr \(text) rport 1") == .malformed(.candidate))
  }

  @Test(arguments: [
    ("a.local", true), ("A.LOCAL", true), ("a.b.Local", true), ("a.local.", true), ("local", false), (".local", false),
    ("alocal", false), ("a.local.org", false), ("192.0.2.1", false), ("", false), ("a b.local", false),
  ])
  func `names under local are found by multicast`(address: String, isMDNS: Bool) {
    let candidate = IceCandidate(foundation: "1", priority: 1, address: address, port: 1, kind: .host)
    #expect(candidate.isMDNS == isMDNS)
  }

  @Test func `an address with a zone is not supported`() {
    #expect(reason("1 1 udp 5 fe80::1%eth0 7 typ host") == .unsupportedCandidate)
    #expect(reason("1 1 udp 5 name%eth0 7 typ host") == .malformed(.candidate))
  }

  @Test(arguments: [
    "", "candidate:", "a=candidate:", " ", "end-of-candidates", "candidate:candidate:1 1 udp 5 192.0.2.1 7 typ host",
    "1 1 udp 5 192.0.2.1 7", "1 1 udp 5 192.0.2.1 7 typ", "1 1 udp 5 192.0.2.1 7 type host",
    "1 0 udp 5 192.0.2.1 7 typ host", "1 257 udp 5 192.0.2.1 7 typ host", "1 -1 udp 5 192.0.2.1 7 typ host",
    "1 1 u(p 5 192.0.2.1 7 typ host", "1 1 udp 4294967296 192.0.2.1 7 typ host", "1 1 udp x 192.0.2.1 7 typ host",
    "1 1 udp 5 192.0.2.1 65536 typ host", "1 1 udp 5 192.0.2.1 +7 typ host", "1 1 udp 5 192.0.2.1 7 typ h(st",
    "1-1 1 udp 5 192.0.2.1 7 typ host", String(repeating: "1", count: 33) + " 1 udp 5 192.0.2.1 7 typ host",
    "1 1 udp 5 192.0.2.1 7 typ host generation", "1 1 udp 5 192.0.2.1 7 typ host rport x",
    "1 1 udp 5 192.0.2.1 7 typ host rport 1 rport 2", "1 1 udp 5 192.0.2.1 7 typ host raddr ::1 raddr ::1",
    "1 1 tcp 5 192.0.2.1 7 typ host tcptype so tcptype so",
  ])
  func `what is malformed is refused`(text: String) {
    #expect(reason(text) == .malformed(.candidate))
  }

  @Test func `control characters and long texts are refused`() {
    #expect(reason("1 1 udp 5 192.0.2.1 7 typ host a b\u{0}") == .controlCharacter)
    #expect(reason("1 1 udp 5 192.0.2.1 7 typ host\r\na=b c") == .controlCharacter)
    #expect(reason(String(repeating: "1", count: SDPLimits.lineBytes + 1)) == .lineTooLong)
  }

  @Test func `candidates that are made are written`() {
    let candidate = IceCandidate(
      foundation: "f", component: 2, transport: .other("X"), priority: .max, address: "::1", port: .max,
      kind: .relayed, relatedAddress: "::", relatedPort: 0, tcpType: .simultaneousOpen,
      extensions: [IceCandidate.Extension(name: "n", value: "v")], sdpMid: "m", sdpMLineIndex: 3)
    #expect(
      candidate.candidate == "candidate:f 2 X 4294967295 ::1 65535 typ relay raddr :: rport 0 tcptype so n v")
  }

  @Test func `an empty text is the end of candidates`() throws {
    #expect(try TrickledCandidate("", sdpMid: "0", sdpMLineIndex: 0) == .end(sdpMid: "0", sdpMLineIndex: 0))
    #expect(try TrickledCandidate("") == .end(sdpMid: nil, sdpMLineIndex: nil))
    guard case .candidate(let candidate) = try TrickledCandidate("1 1 udp 5 192.0.2.1 7 typ host", sdpMid: "0") else {
      return #expect(Bool(false))
    }
    #expect(candidate.sdpMid == "0")
    #expect(throws: SDPError(.malformed(.candidate))) { try TrickledCandidate(" ") }
  }
}
