import COpenSSL

/// A key and a self-signed certificate, by whose fingerprint a peer knows this side (RFC 8122).
///
/// ECDSA with P-256 and SHA-256, as browsers make them (RFC 8827 section 6.5). The certificate says nothing of its owner.
public final class Certificate: Sendable {
  // SAFETY: OpenSSL counts the references of both atomically, and neither is changed once it is made.
  nonisolated(unsafe) let key: OpaquePointer
  nonisolated(unsafe) let certificate: OpaquePointer

  /// The SHA-256 of the certificate.
  public let fingerprint: Fingerprint

  /// Makes a fresh one, valid for a year.
  /// - Throws: ``RTCError/exhausted(_:)`` if OpenSSL fails.
  public convenience init() throws(RTCError) {
    guard let key = copenssl_new_p256_key(), let certificate = X509_new() else {
      throw .exhausted("OpenSSL could not make a key.")
    }
    X509_set_version(certificate, 2)
    // Validity is not checked by peers, who know the fingerprint; a day of clocks' differences is allowed for all the same.
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86_400)
    X509_gmtime_adj(X509_getm_notAfter(certificate), 365 * 86_400)
    ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), Int64.random(in: 1...Int64.max))
    let name = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, "WebRTC", -1, -1, 0)
    X509_set_issuer_name(certificate, name)
    X509_set_pubkey(certificate, key)
    guard X509_sign(certificate, key, EVP_sha256()) > 0 else {
      X509_free(certificate)
      EVP_PKEY_free(key)
      throw .exhausted("OpenSSL could not sign a certificate.")
    }
    self.init(owning: key, certificate)
  }

  /// Reads one that was kept, in the form of PEM: the certificate and its key, one after the other.
  /// - Throws: ``RTCError/invalid(_:)``.
  public convenience init(pem: String) throws(RTCError) {
    var (certificate, key): (OpaquePointer?, OpaquePointer?)
    var text = pem
    let isRead = text.withUTF8 {
      copenssl_read_pem_certificate_and_key($0.baseAddress, Int32(clamping: $0.count), &certificate, &key) == 1
    }
    guard isRead, let certificate, let key, X509_check_private_key(certificate, key) == 1 else {
      ERR_clear_error()
      X509_free(certificate)
      EVP_PKEY_free(key)
      throw .invalid("This is not a certificate with its key.")
    }
    self.init(owning: key, certificate)
  }

  private init(owning key: OpaquePointer, _ certificate: OpaquePointer) {
    self.key = key
    self.certificate = certificate
    fingerprint = Certificate.fingerprint(of: certificate)
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(key)
  }

  /// The certificate and its key as PEM, to be kept where only their owner can read them.
  public var pem: String {
    guard let bio = BIO_new(BIO_s_mem()) else { return "" }
    defer { BIO_free(bio) }
    PEM_write_bio_X509(bio, certificate)
    PEM_write_bio_PrivateKey(bio, key, nil, nil, 0, nil, nil)
    let count = BIO_ctrl_pending(bio)
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
      read = max(0, Int(BIO_read(bio, buffer.baseAddress, Int32(count))))
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func fingerprint(
    of certificate: OpaquePointer, algorithm: Fingerprint.Algorithm = .sha256
  ) -> Fingerprint {
    let digest: OpaquePointer? =
      switch algorithm {
      case .sha1: EVP_sha1()
      case .sha256: EVP_sha256()
      case .sha384: EVP_sha384()
      case .sha512: EVP_sha512()
      }
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
      var length: UInt32 = 0
      X509_digest(certificate, digest, buffer.baseAddress, &length)
      count = Int(length)
    }
    return Fingerprint(algorithm: algorithm, bytes: bytes)!
  }
}
