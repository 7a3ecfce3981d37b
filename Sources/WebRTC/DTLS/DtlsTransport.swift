import COpenSSL

/// Encrypts what goes to the peer, and makes sure that it is the peer (DTLS 1.2, RFC 6347).
@RTCEngine
final class DtlsTransport {
  enum Event {
    /// The handshake is done, and the peer's certificate is the one that was announced.
    case connected
    /// The peer said goodbye.
    case closed
    case failed(RTCError)
  }

  enum Role: Sendable {
    /// The one that begins, called active in SDP.
    case client
    case server
  }

  private enum Phase {
    case idle
    case handshaking(OpaquePointer)
    case connected(OpaquePointer)
    case closed
  }

  let role: Role
  private let fingerprints: [Fingerprint]
  private let packetSize: Int
  private let context: OpaquePointer
  private var phase = Phase.idle
  private var timer: EngineTimer?
  /// What OpenSSL reads next: the datagram that is being dealt with.
  private var incoming = UnsafeRawBufferPointer(start: nil, count: 0)
  private let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: DtlsTuning.largestRecord, alignment: 16)

  /// The SHA-256 of the peer's certificate, once it was seen to be the right one.
  private(set) var peerFingerprint: Fingerprint?

  /// Called within the call that causes it.
  var onEvent: @RTCEngine (Event) -> Void = { _ in }
  /// Takes what the peer sent, decrypted; valid during the call only.
  var onPacket: @RTCEngine (UnsafeRawBufferPointer) -> Void = { _ in }
  /// Sends a datagram.
  var sendDatagram: @RTCEngine (UnsafeRawBufferPointer) -> Void = { _ in }

  /// - Parameter fingerprints: of the peer's certificate, as its description has them. Those of the strongest algorithm count.
  init(
    _ role: Role, certificate: Certificate, expecting fingerprints: [Fingerprint], packetSize: Int
  ) throws(RTCError) {
    self.role = role
    self.packetSize = packetSize
    self.fingerprints = fingerprints.strongest
    guard let context = SSL_CTX_new(DTLS_method()) else { throw .exhausted("OpenSSL could not make a context.") }
    self.context = context
    guard !self.fingerprints.isEmpty else {
      throw .invalid("The peer's description has no fingerprint that can be trusted.")
    }
    copenssl_set_up(context)
    SSL_CTX_use_certificate(context, certificate.certificate)
    SSL_CTX_use_PrivateKey(context, certificate.key)
    SSL_CTX_set_cipher_list(context, DtlsTuning.cipherSuites)
    // Some peers refuse a client that does not offer to protect media, which nobody here sends.
    SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AES128_CM_SHA1_80")
    // Certificates are signed by themselves: they are compared with the fingerprints once the handshake is done.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) { _, _ in 1 }
  }

  isolated deinit {
    if let ssl { SSL_free(ssl) }
    SSL_CTX_free(context)
    plain.deallocate()
  }

  private var ssl: OpaquePointer? {
    switch phase {
    case .handshaking(let ssl), .connected(let ssl): ssl
    case .idle, .closed: nil
    }
  }

  // MARK: - Handshake

  /// Begins the handshake, or waits for the peer to do so.
  func start() {
    guard case .idle = phase else { return }
    guard let ssl = SSL_new(context), let bio = BIO_new(datagramMethod) else {
      phase = .closed
      return onEvent(.failed(.exhausted("OpenSSL could not begin.")))
    }
    phase = .handshaking(ssl)
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
    SSL_set_bio(ssl, bio, bio)
    copenssl_set_mtu(ssl, packetSize)
    DTLS_set_timer_cb(ssl) { _, previous in DtlsTuning.nextTimeout(after: previous) }
    if role == .client { SSL_set_connect_state(ssl) } else { SSL_set_accept_state(ssl) }
    handshake(ssl)
  }

  private func handshake(_ ssl: OpaquePointer) {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 { return finishHandshake(ssl) }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: setTimer(ssl)
    default: fail(.encryption(lastError))
    }
  }

  private func finishHandshake(_ ssl: OpaquePointer) {
    timer = nil
    guard let certificate = SSL_get1_peer_certificate(ssl) else { return fail(.wrongCertificate) }
    defer { X509_free(certificate) }
    let isExpected = fingerprints.contains { expected in
      Certificate.fingerprint(of: certificate, algorithm: expected.algorithm) == expected
    }
    guard isExpected else { return fail(.wrongCertificate) }
    peerFingerprint = Certificate.fingerprint(of: certificate)
    phase = .connected(ssl)
    onEvent(.connected)
  }

  /// Sends the last flight again if the peer does not answer in time.
  private func setTimer(_ ssl: OpaquePointer) {
    var microseconds = 0
    guard copenssl_timeout(ssl, &microseconds) == 1 else {
      timer = nil
      return
    }
    timer = EngineTimer(after: .microseconds(microseconds)) { [unowned self] in
      guard let ssl = self.ssl else { return }
      if copenssl_handle_timeout(ssl) < 0 {
        ERR_clear_error()
        return fail(.timedOut)
      }
      setTimer(ssl)
    }
  }

  private func fail(_ error: RTCError) {
    guard let ssl else { return }
    // The alert that says why is sent by OpenSSL, but for the certificate, which it did not judge.
    if error == .wrongCertificate { SSL_shutdown(ssl) }
    end()
    onEvent(.failed(error))
  }

  private func end() {
    timer = nil
    guard let ssl else { return }
    phase = .closed
    // It may be in the middle of a call of OpenSSL's.
    RTCEngine.afterThis { SSL_free(ssl) }
  }

  /// Says goodbye.
  func close() {
    if case .connected(let ssl) = phase { SSL_shutdown(ssl) }
    end()
    phase = .closed
    onEvent = { _ in }
    onPacket = { _ in }
  }

  // MARK: - Packets

  /// Takes a datagram of the peer, or of somebody else, who is ignored.
  func receive(_ datagram: UnsafeRawBufferPointer) {
    guard let ssl, Self.looksLikeDTLS(datagram) else { return }
    incoming = datagram
    defer { incoming = UnsafeRawBufferPointer(start: nil, count: 0) }
    if case .handshaking = phase {
      handshake(ssl)
      guard case .connected = phase else { return }
    }
    // A datagram may hold several records.
    repeat {
      // What an earlier call left, of this connection or another, would count as this one's error (SSL_get_error(3)).
      ERR_clear_error()
      let count = SSL_read(ssl, plain.baseAddress, Int32(plain.count))
      guard count > 0 else { return stopped(ssl, count) }
      onPacket(UnsafeRawBufferPointer(rebasing: plain[..<Int(count)]))
    } while isOpen && (!incoming.isEmpty || SSL_has_pending(ssl) == 1)
  }

  private var isOpen: Bool {
    if case .connected = phase { true } else { false }
  }

  private func stopped(_ ssl: OpaquePointer, _ result: Int32) {
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
      break
    case SSL_ERROR_ZERO_RETURN:
      end()
      onEvent(.closed)
    default:
      fail(.encryption(lastError))
    }
  }

  /// RFC 7983, section 7: what else may come to the port begins with other bytes.
  private static func looksLikeDTLS(_ datagram: UnsafeRawBufferPointer) -> Bool {
    guard let first = datagram.first else { return false }
    return (20...63).contains(first) && datagram.count >= 13
  }

  /// Encrypts and sends a packet, which must fit a record.
  func send(_ packet: UnsafeRawBufferPointer) {
    guard case .connected(let ssl) = phase else { return }
    if SSL_write(ssl, packet.baseAddress, Int32(packet.count)) <= 0 { ERR_clear_error() }
  }

  private var lastError: String {
    let code = ERR_peek_error()
    ERR_clear_error()
    guard code != 0, let reason = ERR_reason_error_string(code) else { return "unknown" }
    return String(cString: reason)
  }

  // MARK: - OpenSSL's side of the datagrams

  fileprivate func takeIncoming(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    let count = min(capacity, incoming.count)
    guard count > 0, let start = incoming.baseAddress else { return 0 }
    buffer.copyMemory(from: start, byteCount: count)
    incoming = UnsafeRawBufferPointer(start: nil, count: 0)
    return count
  }
}

/// How OpenSSL reads and writes: one datagram a call, whole.
private nonisolated(unsafe) let datagramMethod: OpaquePointer? = {
  // SAFETY: made once, never changed afterwards.
  let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams")
  BIO_meth_set_write(method) { bio, bytes, count in
    guard let bytes, count > 0, let context = BIO_get_data(bio) else { return -1 }
    copenssl_clear_retry(bio)
    // SAFETY: OpenSSL calls on the engine's thread, where this is used at once.
    nonisolated(unsafe) let (from, datagram) = (context, UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    RTCEngine.assumeIsolated {
      Unmanaged<DtlsTransport>.fromOpaque(from).takeUnretainedValue().sendDatagram(datagram)
    }
    return count
  }
  BIO_meth_set_read(method) { bio, buffer, capacity in
    guard let buffer, capacity > 0, let context = BIO_get_data(bio) else { return -1 }
    copenssl_clear_retry(bio)
    // SAFETY: as above.
    nonisolated(unsafe) let (from, into) = (context, buffer)
    let count = RTCEngine.assumeIsolated {
      Unmanaged<DtlsTransport>.fromOpaque(from).takeUnretainedValue().takeIncoming(into, Int(capacity))
    }
    guard count > 0 else {
      copenssl_set_retry_read(bio)
      return -1
    }
    return Int32(count)
  }
  BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
  return method
}()

extension [Fingerprint] {
  /// Those of the strongest algorithm that is not weak: RFC 8122 section 5 has a peer checked by one it prefers.
  fileprivate var strongest: [Fingerprint] {
    let trusted = filter { !$0.algorithm.isWeak }
    guard let best = trusted.map(\.algorithm.byteCount).max() else { return [] }
    return trusted.filter { $0.algorithm.byteCount == best }
  }
}
