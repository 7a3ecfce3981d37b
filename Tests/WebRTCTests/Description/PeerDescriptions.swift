import Testing

@testable import WebRTC

/// Descriptions in the manner of the peers that are out there.
struct PeerDescription: CustomTestStringConvertible, Sendable {
  var name: String
  var type: SDPType
  var text: String

  var testDescription: String { name }

  func read() throws(SDPError) -> SessionDescription { try SessionDescription(type, sdp: text) }

  static let all = [
    chromium, chromiumWithMedia, chromiumMaxBundle, firefox, safari, aiortc, aiortcLegacy, pion, libdatachannel,
    oldFirefox, libp2p,
  ]

  private init(_ name: String, _ type: SDPType, _ lines: String) {
    self.name = name
    self.type = type
    text = lines.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
  }

  static let sha256 =
    "1A:2B:3C:4D:5E:6F:70:81:92:A3:B4:C5:D6:E7:F8:09:1A:2B:3C:4D:5E:6F:70:81:92:A3:B4:C5:D6:E7:F8:09"

  static let chromium = PeerDescription(
    "Chromium", .offer,
    """
    v=0
    o=- 4358612201187339021 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0
    a=extmap-allow-mixed
    a=msid-semantic: WMS
    m=application 40112 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 198.51.100.7
    a=candidate:1129476238 1 udp 2113937151 0c6e7b52-8d0e-4f8f-9f43-5ab1d6d0c2f1.local 40112 typ host generation 0 network-cost 999
    a=candidate:2471190365 1 udp 1677729535 198.51.100.7 40112 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999
    a=candidate:77301 1 tcp 1518280447 0c6e7b52-8d0e-4f8f-9f43-5ab1d6d0c2f1.local 9 typ host tcptype active generation 0
    a=ice-ufrag:Qx7+
    a=ice-pwd:hT3/kLw9ZpRq0dXy+4sVbN1m
    a=ice-options:trickle
    a=fingerprint:sha-256 \(sha256)
    a=setup:actpass
    a=mid:0
    a=sctp-port:5000
    a=max-message-size:262144
    """)

  static let chromiumWithMedia = PeerDescription(
    "Chromium with audio and video", .offer,
    """
    v=0
    o=- 7719240055120667113 3 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0 1 2
    a=extmap-allow-mixed
    a=msid-semantic: WMS 5d0b9c1e-77aa-4c3e-8f8e-3a3e2e2a4c10
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
    c=IN IP4 0.0.0.0
    a=rtcp:9 IN IP4 0.0.0.0
    a=ice-ufrag:uF3k
    a=ice-pwd:W2nT8cRj5yLqPz0vXbG7aKdE
    a=ice-options:trickle
    a=fingerprint:sha-256 \(sha256)
    a=setup:actpass
    a=mid:0
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=sendrecv
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2
    a=fmtp:111 minptime=10;useinbandfec=1
    a=ssrc:2893301174 cname:kVn2b7Qw
    m=video 9 UDP/TLS/RTP/SAVPF 96 97
    c=IN IP4 0.0.0.0
    a=rtcp:9 IN IP4 0.0.0.0
    a=ice-ufrag:uF3k
    a=ice-pwd:W2nT8cRj5yLqPz0vXbG7aKdE
    a=fingerprint:sha-256 \(sha256)
    a=setup:actpass
    a=mid:1
    a=recvonly
    a=rtcp-mux
    a=rtpmap:96 VP8/90000
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=ice-ufrag:uF3k
    a=ice-pwd:W2nT8cRj5yLqPz0vXbG7aKdE
    a=ice-options:trickle
    a=fingerprint:sha-256 \(sha256)
    a=setup:actpass
    a=mid:2
    a=sctp-port:5000
    a=max-message-size:262144
    """)

  /// With the bundle policy `max-bundle`, the data section has port 0 and leaves its transport to the first section.
  static let chromiumMaxBundle = PeerDescription(
    "max-bundle", .offer,
    """
    v=0
    o=- 90210773 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE a d
    m=audio 51003 UDP/TLS/RTP/SAVPF 111
    c=IN IP4 192.0.2.9
    a=candidate:5 1 udp 2122260223 192.0.2.9 51003 typ host generation 0 network-id 1
    a=end-of-candidates
    a=ice-ufrag:bnd1
    a=ice-pwd:0123456789abcdefghijkl
    a=ice-options:trickle renomination
    a=fingerprint:sha-256 \(sha256)
    a=setup:actpass
    a=mid:a
    a=sendrecv
    m=application 0 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=bundle-only
    a=mid:d
    a=sctp-port:5000
    a=max-message-size:262144
    """)

  static let firefox = PeerDescription(
    "Firefox", .answer,
    """
    v=0
    o=mozilla...THIS_IS_SDPARTA-128.0 3310098451227716024 0 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=sendrecv
    a=fingerprint:sha-256 \(sha256)
    a=group:BUNDLE 0
    a=ice-options:trickle
    a=msid-semantic:WMS *
    m=application 48209 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 203.0.113.80
    a=candidate:0 1 UDP 2122252543 2c2f6a01-5b4e-4d11-9a7a-0f5d7b6f3e9c.local 48209 typ host
    a=candidate:2 1 TCP 2105524479 2c2f6a01-5b4e-4d11-9a7a-0f5d7b6f3e9c.local 9 typ host tcptype active
    a=candidate:1 1 UDP 1686052863 203.0.113.80 48209 typ srflx raddr 0.0.0.0 rport 0
    a=candidate:3 1 UDP 92217087 2001:db8::9:1 49152 typ relay raddr 2001:db8::9:1 rport 49152
    a=sendrecv
    a=end-of-candidates
    a=ice-pwd:b4c0ffee1234567890abcdef00112233
    a=ice-ufrag:9f00aa17
    a=mid:0
    a=setup:active
    a=sctp-port:5000
    a=max-message-size:1073741823
    """)

  static let safari = PeerDescription(
    "Safari", .offer,
    """
    v=0
    o=- 2260541099330744210 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0
    a=extmap-allow-mixed
    a=msid-semantic: WMS
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=ice-ufrag:Mz0e
    a=ice-pwd:Yc6tRb2nUe8iOw4kQa9sDf3g
    a=ice-options:trickle
    a=fingerprint:sha-256 \(sha256)
    a=setup:actpass
    a=mid:0
    a=sctp-port:5000
    a=max-message-size:65536
    """)

  static let aiortc = PeerDescription(
    "aiortc", .answer,
    """
    v=0
    o=- 3975410187 3975410187 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=group:BUNDLE 0
    a=msid-semantic:WMS *
    m=application 39911 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 172.17.0.2
    a=mid:0
    a=sctp-port:5000
    a=max-message-size:65536
    a=candidate:6d0f4c1f0a5a3d6a0b9c2e7f31d2a4b5 1 udp 2130706431 172.17.0.2 39911 typ host
    a=candidate:1c0d9b 1 udp 2130706431 fd00:7:1::2 39912 typ host
    a=end-of-candidates
    a=ice-ufrag:LkP0
    a=ice-pwd:d8RfTg5HyJuKiLo2PqAwSe
    a=fingerprint:sha-256 \(sha256)
    a=fingerprint:sha-384 \(sha256):\(String(sha256.prefix(47)))
    a=fingerprint:sha-512 \(sha256):\(sha256)
    a=setup:active
    """)

  static let aiortcLegacy = PeerDescription(
    "the form before RFC 8841", .offer,
    """
    v=0
    o=- 3975410188 3975410188 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=group:BUNDLE data
    m=application 54400 DTLS/SCTP 5010
    c=IN IP4 10.1.2.3
    a=mid:data
    a=sctpmap:5010 webrtc-datachannel 65535
    a=max-message-size:65536
    a=candidate:ab/+9 1 udp 2130706431 10.1.2.3 54400 typ host
    a=ice-ufrag:OlD1
    a=ice-pwd:OlD1OlD1OlD1OlD1OlD1OlD1
    a=fingerprint:sha-256 \(sha256)
    a=setup:actpass
    """)

  static let pion = PeerDescription(
    "pion", .offer,
    """
    v=0
    o=- 6218874410223309954 1764091465 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=msid-semantic:WMS*
    a=fingerprint:sha-256 \(sha256)
    a=extmap-allow-mixed
    a=group:BUNDLE 0
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=setup:actpass
    a=mid:0
    a=sendrecv
    a=sctp-port:5000
    a=max-message-size:1073741823
    a=ice-ufrag:nEjvLrBqTzKdWxYo
    a=ice-pwd:aZbYcXdWeVfUgThSiRjQkPlOmNnMoLpK
    a=candidate:2957281107 1 udp 2130706431 172.20.0.3 41877 typ host ufrag nEjvLrBqTzKdWxYo
    a=candidate:2957281107 2 udp 2130706431 172.20.0.3 41877 typ host ufrag nEjvLrBqTzKdWxYo
    a=end-of-candidates
    """)

  static let libdatachannel = PeerDescription(
    "libdatachannel", .offer,
    """
    v=0
    o=rtc 2874431967 0 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0
    a=group:LS 0
    a=msid-semantic:WMS *
    a=ice-options:ice2,trickle
    a=fingerprint:sha-256 \(sha256)
    m=application 58021 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 192.168.7.44
    a=mid:0
    a=sendrecv
    a=sctp-port:5000
    a=max-message-size:262144
    a=setup:actpass
    a=ice-ufrag:v6Rb
    a=ice-pwd:qMw1Ne2Br3Vt4Cy5Xu6Zi7
    a=candidate:1 1 UDP 2114977791 192.168.7.44 58021 typ host
    a=candidate:2 1 TCP 1678770175 192.168.7.44 58022 typ host tcptype passive
    a=end-of-candidates
    """)

  static let oldFirefox = PeerDescription(
    "a session that holds what its sections need", .answer,
    """
    v=0
    o=old 17 0 IN IP4 0.0.0.0
    s=Ünïcode, as names may be
    t=0 0
    a=fingerprint:SHA-256 \(sha256.lowercased())
    a=fingerprint:sha-999 00:11
    a=ice-ufrag:sess
    a=ice-pwd:session-is-not-an-ice-char
    a=ice-options:trickle
    a=setup:passive
    a=group:BUNDLE sdparta_0
    m=application 9 DTLS/SCTP 5000
    c=IN IP4 0.0.0.0
    a=mid:sdparta_0
    a=ice-pwd:0123456789abcdef0123456789abcdef
    a=sctpmap:5000 webrtc-datachannel 256
    """)

  static let libp2p = PeerDescription(
    "a server that is not asked", .answer,
    """
    v=0
    o=- 0 0 IN IP6 ::1
    s=-
    c=IN IP6 2001:db8::77
    t=0 0
    a=ice-lite
    m=application 4001 UDP/DTLS/SCTP webrtc-datachannel
    a=mid:0
    a=ice-options:ice2
    a=ice-ufrag:libp2p+webrtc+v1/8sN2kQ
    a=ice-pwd:libp2p+webrtc+v1/8sN2kQ
    a=fingerprint:sha-256 \(sha256)
    a=setup:passive
    a=sctp-port:5000
    a=max-message-size:16384
    a=candidate:1467250027 1 UDP 1467250027 2001:db8::77 4001 typ host
    a=end-of-candidates
    """)
}
