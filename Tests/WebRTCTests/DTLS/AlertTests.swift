import Testing

@testable import WebRTC

@Suite("Alerts of DTLS", .timeLimit(.minutes(1)))
struct AlertTests {
  /// Who says it, and what: unexpected_message, handshake_failure, bad_certificate, internal_error (RFC 5246, section 7.2).
  @Test(arguments: [DtlsTransport.Role.client, .server], [10, 40, 42, 80] as [UInt8])
  func `a fatal alert ends the handshake`(role: DtlsTransport.Role, reason: UInt8) async throws {
    try await onEngine {
      let pair = try Pair()
      let channel = try pair.offerer.createDataChannel("x")
      let offer = try pair.offerer.createOffer()
      try pair.offerer.setLocalDescription(offer)
      try pair.answerer.setRemoteDescription(offer)
      let answer = try pair.answerer.createAnswer()
      try pair.answerer.setLocalDescription(answer)
      try pair.offerer.setRemoteDescription(answer)
      let isOfferer = try #require(pair.offerer.transport.dtls).role == role
      let (liar, victim) = isOfferer ? (pair.offerer, pair.answerer) : (pair.answerer, pair.offerer)
      let dtls = try #require(liar.transport.dtls)
      let send = dtls.sendDatagram
      dtls.sendDatagram = { _ in Self.alert(reason).withUnsafeBytes { send($0) } }
      let trickling = Task { try await pair.trickle() }
      do {
        try await victim.connected()
        Issue.record("It was connected.")
      } catch RTCError.encryption {}
      pair.close()
      #expect(await channel.closed() != nil)
      _ = await trickling.result
    }
  }

  @Test func `an alert that is not encrypted, or not by the peer, does not end a connection`() async throws {
    try await onEngine {
      let (pair, here, there) = try await Pair.connected()
      for reason in [0, 10, 40, 80] as [UInt8] {
        var forged = Self.alert(reason)
        forged.withUnsafeBytes { pair.offerer.ice.send($0) }
        // As if it were encrypted: the epoch of those that are, and a content that is none.
        forged[4] = 1
        forged[12] = 26
        forged += [UInt8](repeating: reason, count: 24)
        forged.withUnsafeBytes { pair.offerer.ice.send($0) }
      }
      try await here.send("after")
      #expect(try await there.next() == .text("after"))
      #expect(pair.answerer.connectionState == .connected)
      pair.close()
    }
  }

  /// A record with a fatal alert of DTLS 1.2, not encrypted (RFC 6347, section 4.1).
  private static func alert(_ reason: UInt8) -> [UInt8] {
    [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, reason]
  }
}
