/// The settings of DTLS.
enum DtlsTuning {
  /// Suites with forward secrecy and authenticated encryption. RFC 8827 section 6.5 requires the first; AES with 128 bits
  /// is the fastest where processors help with it.
  static let cipherSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    + "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

  /// The most that a record holds, in bytes (RFC 6347, section 4.1; RFC 5246, section 6.2.1).
  static let largestRecord = 16_384 + 2_048

  /// What a record adds to its content with these suites: header 13, nonce 8, tag 16 bytes.
  static let recordOverhead = 37

  /// How long an answer to a flight is waited for, in microseconds.
  ///
  /// RFC 6347 section 4.2.4.1 begins with a second; here ICE has just measured a path that works, as WebRTC (RFC 8835)
  /// always has, so that what is missing after a fifth is lost.
  static func nextTimeout(after previous: UInt32) -> UInt32 {
    previous == 0 ? 200_000 : min(previous * 2, 2_000_000)
  }
}
