import Foundation
import TestSupport
import Testing
import WebRTC

@Suite("Certificates")
struct CertificateTests {
  /// A part of PEM text, with its first and last line.
  private func section(_ name: String, of pem: String) throws -> String {
    let start = try #require(pem.range(of: "-----BEGIN \(name)-----"))
    let end = try #require(pem.range(of: "-----END \(name)-----\n"))
    return String(pem[start.lowerBound..<end.upperBound])
  }

  @Test func `a certificate that was kept is the same`() throws {
    let certificate = try Certificate()
    let read = try Certificate(pem: certificate.pem)
    #expect(read.fingerprint == certificate.fingerprint)
    #expect(read.pem == certificate.pem)
  }

  @Test func `each is another one`() throws {
    #expect(try Certificate().fingerprint != Certificate().fingerprint)
  }

  @Test func `the fingerprint is the SHA-256 of the certificate`() throws {
    let certificate = try Certificate()
    #expect(certificate.fingerprint.algorithm == .sha256)
    #expect(certificate.fingerprint.bytes.count == 32)
    #expect(Fingerprint(certificate.fingerprint.description) == certificate.fingerprint)
  }

  @Test func `the fingerprint of a known certificate is the one that openssl shows`() throws {
    #expect(try Certificate(pem: Self.known).fingerprint.text == Self.knownFingerprint)
  }

  @Test func `the key may stand before its certificate`() throws {
    let certificate = try Certificate()
    let turned = try section("PRIVATE KEY", of: certificate.pem) + section("CERTIFICATE", of: certificate.pem)
    #expect(try Certificate(pem: turned).fingerprint == certificate.fingerprint)
  }

  @Test func `what is not a certificate with its key is refused`() throws {
    let (one, other) = (try Certificate().pem, try Certificate().pem)
    let (certificate, key) = (try section("CERTIFICATE", of: one), try section("PRIVATE KEY", of: one))
    let texts = [
      "", "nonsense", certificate, key, String(one.prefix(one.count / 2)), one.replacingOccurrences(of: "M", with: "N"),
      certificate + (try section("PRIVATE KEY", of: other)),
    ]
    for text in texts {
      #expect(throws: RTCError.invalid("This is not a certificate with its key.")) { try Certificate(pem: text) }
    }
  }

  @Test func `a key that is encrypted is refused, and nobody is asked for a password`() throws {
    let pem = try section("CERTIFICATE", of: Self.known) + Self.encryptedKey
    #expect(throws: RTCError.invalid("This is not a certificate with its key.")) { try Certificate(pem: pem) }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `damaged text is refused, or read`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let whole = Array(Self.known.utf8)
    for _ in 0..<100 {
      var bytes = whole
      Mutation.damage(&bytes, with: [0, 0x0A, 0x2D, 0x41, 0xFF], using: &random)
      do throws(RTCError) {
        _ = try Certificate(pem: String(decoding: bytes, as: UTF8.self))
      } catch {
        #expect(error == .invalid("This is not a certificate with its key."), "seed \(seed)")
      }
    }
  }
}
