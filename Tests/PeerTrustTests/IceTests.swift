import Testing

@testable import PeerTrust

@Suite("What peers say of their connections")
struct IceTests {
  @Test(arguments: [
    "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host",
    "candidate:1 1 UDP 1 0.0.0.0 65535 typ prflx raddr 0.0.0.0 rport 0",
    "candidate:a+/Z 256 tcp 2147483647 255.255.255.255 1 typ host tcptype passive",
    "candidate:1 1 udp 1 :: 1 typ host",
    "candidate:1 1 udp 1 ::1 1 typ host",
    "candidate:1 1 udp 1 1:: 1 typ host",
    "candidate:1 1 udp 1 1:2:3:4:5:6:7:8 1 typ host",
    "candidate:1 1 udp 1 ::ffff:192.0.2.1 1 typ host",
    "candidate:1 1 udp 1 2001:DB8::a:b 1 typ srflx raddr fe80::1 rport 9 generation 0 ufrag x network-cost 999",
    "candidate:1 1 udp 1 0a1b-2c.local 1 typ host",
  ])
  func `a candidate is read`(_ text: String) {
    #expect(IceCandidate(text)?.text == text)
  }

  @Test(arguments: [
    "", "candidate:", "a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "1 1 udp 1 192.0.2.1 1 typ host",
    "candidate: 1 udp 1 192.0.2.1 1 typ host", "candidate:1 0 udp 1 192.0.2.1 1 typ host",
    "candidate:1 257 udp 1 192.0.2.1 1 typ host", "candidate:1 1 udp 0 192.0.2.1 1 typ host",
    "candidate:1 1 udp +1 192.0.2.1 1 typ host", "candidate:1 1 udp 2147483648 192.0.2.1 1 typ host",
    "candidate:1 1 udp 1 192.0.2.1 -1 typ host", "candidate:1 1 udp 1 192.0.2 1 typ host",
    "candidate:1 1 udp 1 1:2:3:4:5:6:7 1 typ host", "candidate:1 1 udp 1 1:2:3:4:5:6:7::8 1 typ host",
    "candidate:1 1 udp 1 1:2:3:4:5:6:7:8:9 1 typ host", "candidate:1 1 udp 1 :1::2 1 typ host",
    "candidate:1 1 udp 1 1::2: 1 typ host", "candidate:1 1 udp 1 ::: 1 typ host",
    "candidate:1 1 udp 1 12345:: 1 typ host",
    "candidate:1 1 udp 1 1.2.3.4::1 1 typ host", "candidate:1 1 udp 1 ::1.2.3.4.5 1 typ host",
    "candidate:1 1 udp 1 .local 1 typ host", "candidate:1 1 udp 1 local 1 typ host",
    "candidate:1 1 udp 1 a_b.local 1 typ host",
    "candidate:1 1 udp 1 192.0.2.1 1 typ host raddr x rport 0",
    "candidate:1 1 udp 1 192.0.2.1 1 typ host raddr 0.0.0.0 rport 65536",
    "candidate:1 1 udp 1 192.0.2.1 1 typ host ", "candidate:1 1 udp 1 192.0.2.1 1 typ hóst x",
    "candidate:1 1 udp 1 192.0.2.1 1 typ host\0",
  ])
  func `anything else is no candidate`(_ text: String) {
    #expect(IceCandidate(text) == nil)
  }

  @Test func `user names and passwords have their lengths and characters`() {
    func isValid(_ name: Int, _ password: Int, _ character: Character = "a") -> Bool {
      IceDescription(
        usernameFragment: String(repeating: character, count: name),
        password: String(repeating: character, count: password), fingerprint: .init(repeating: 0, count: 32),
        candidates: []) != nil
    }
    #expect(isValid(4, 22) && isValid(256, 256) && isValid(4, 22, "/") && isValid(4, 22, "+"))
    #expect(!isValid(3, 22) && !isValid(4, 21) && !isValid(257, 22) && !isValid(4, 257))
    #expect(!isValid(4, 22, "-") && !isValid(4, 22, "é") && !isValid(4, 22, "\n"))
  }
}
