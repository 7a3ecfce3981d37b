/// Who begins the DTLS handshake: the value of `a=setup` (RFC 4145, section 4; RFC 8842, section 5).
public enum SetupRole: String, Hashable, Sendable, Codable {
  /// This side is the DTLS client, and begins.
  case active
  /// This side is the DTLS server, and waits.
  case passive
  /// This side, an offerer, does either; the answerer chooses.
  case actpass
  /// No connection for now. WebRTC has no use for it; it is read because the grammar knows it.
  case holdconn
}
