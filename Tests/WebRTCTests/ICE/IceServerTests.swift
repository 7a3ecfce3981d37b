import Testing
import WebRTC

@Suite("URIs of STUN and TURN servers")
struct IceServerTests {
  @Test(arguments: [
    ("stun:stun.example.org", "stun.example.org", 3478), ("STUN:a:1", "a", 1),
    ("stun:192.0.2.1:65535", "192.0.2.1", 65535), ("stun:[2001:db8::1]", "2001:db8::1", 3478),
    ("stun:[2001:db8::1]:99", "2001:db8::1", 99),
  ])
  func `URIs of STUN servers are read as RFC 7064 has them`(uri: String, host: String, port: UInt16) throws {
    #expect(try IceServer(uri) == IceServer(.stun, host: host, port: port))
  }

  @Test(arguments: [
    ("turn:t.example", IceServer.Transport.udp, 3478), ("turn:t.example?transport=udp", .udp, 3478),
    ("turn:t.example:80?transport=tcp", .tcp, 80), ("turns:t.example", .tls, 5349),
    ("turns:t.example?transport=tcp", .tls, 5349), ("Turns:t.example:443", .tls, 443),
  ])
  func `URIs of TURN servers are read as RFC 7065 has them`(
    uri: String, transport: IceServer.Transport, port: UInt16
  ) throws {
    let server = try IceServer(uri, username: "me", credential: "secret")
    #expect(server.kind == .turn(transport, username: "me", credential: "secret"))
    #expect(server.host == "t.example")
    #expect(server.port == port)
  }

  @Test func `credentials of a STUN server are not needed, and mean nothing`() throws {
    #expect(try IceServer("stun:a", username: "me", credential: "secret").kind == .stun)
  }

  @Test(arguments: [
    "", "stun", "stun:", "http://a", "stun://a", "stun:a:", "stun:a:0", "stun:a:65536", "stun:a:-1", "stun:a:b",
    "stun:2001:db8::1", "stun:[2001:db8::1", "stun:[]", "stun:[::1]1", "stun:[::1]:", "stun:a b", "stun:me@a",
    "stun:a/b", "stun:a#b", "stun:ä", "stun:a?transport=udp",
    "stun:\(String(repeating: "a", count: 256))",
  ])
  func `malformed URIs are refused`(uri: String) {
    #expect { try IceServer(uri) } throws: { error in
      if case .invalid? = error as? RTCError { true } else { false }
    }
  }

  @Test func `control characters in a host are refused`() {
    for scalar in (0..<0x20 as Range<UInt8>).map({ UnicodeScalar($0) }) + ["\u{7F}"] {
      #expect(throws: RTCError.self) { try IceServer("stun:a\(scalar)") }
      #expect(throws: RTCError.self) { try IceServer("stun:[\(scalar)]") }
    }
  }

  @Test(arguments: [
    "turn:a?", "turn:a?transport", "turn:a?transport=", "turn:a?transport=tls", "turn:a?transport=sctp",
    "turn:a?transport=UDP", "turn:a?x=udp", "turn:a?transport=udp&x=1", "turns:a?transport=udp", "turn:", "turn:a:0",
  ])
  func `malformed URIs of TURN servers are refused, whatever the credentials`(uri: String) {
    #expect(throws: RTCError.self) { try IceServer(uri, username: "me", credential: "secret") }
  }

  @Test func `a TURN server without credentials is refused`() {
    for (username, credential) in [(nil, nil), ("me", nil), (nil, "secret")] as [(String?, String?)] {
      #expect(throws: RTCError.self) { try IceServer("turn:a", username: username, credential: credential) }
    }
  }
}
