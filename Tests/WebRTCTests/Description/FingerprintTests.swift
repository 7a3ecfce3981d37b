import Testing

@testable import WebRTC

@Suite struct FingerprintTests {
  @Test(arguments: Fingerprint.Algorithm.allCases)
  func `hashes have the length of their algorithm`(algorithm: Fingerprint.Algorithm) throws {
    let bytes = (0..<algorithm.byteCount).map { UInt8($0) &* 37 }
    let print = try #require(Fingerprint(algorithm: algorithm, bytes: bytes))
    #expect(Fingerprint(print.description) == print)
    #expect(Fingerprint(algorithm: algorithm, text: print.text.lowercased()) == print)
    #expect(Fingerprint(algorithm: algorithm, bytes: bytes.dropLast()) == nil)
    #expect(Fingerprint(algorithm: algorithm, bytes: bytes + [0]) == nil)
    #expect(Fingerprint(algorithm: algorithm, text: String(print.text.dropLast(3))) == nil)
    #expect(Fingerprint(algorithm: algorithm, text: print.text + ":00") == nil)
  }

  @Test func `text is in upper case with colons`() throws {
    let print = try #require(Fingerprint(algorithm: .sha1, bytes: [0xAB, 0x01] + [UInt8](repeating: 0xFE, count: 18)))
    #expect(print.text == "AB:01" + String(repeating: ":FE", count: 18))
    #expect(print.description == "sha-1 " + print.text)
  }

  @Test func `the algorithm's case does not matter`() throws {
    let print = try #require(Fingerprint("SHA-256 \(PeerDescription.sha256)"))
    #expect(print.algorithm == .sha256)
    #expect(print.description == "sha-256 \(PeerDescription.sha256)")
  }

  @Test func `SHA-1 is weak, the others are not`() {
    #expect(Fingerprint.Algorithm.allCases.filter(\.isWeak) == [.sha1])
  }

  @Test(arguments: [
    "", "sha-256", "sha-256 ", "sha-256 AB", "md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
    "sha-1 " + String(repeating: "0", count: 59), "sha-1 " + String(repeating: ":", count: 59),
    "sha-1 0:000" + String(repeating: ":00", count: 18), "sha-1 GG" + String(repeating: ":00", count: 19),
    "sha-1 +1" + String(repeating: ":00", count: 19), "sha-1 00" + String(repeating: "-00", count: 19),
    "sha-1 00" + String(repeating: ":00", count: 19) + " x", "\u{017F}ha-1 00" + String(repeating: ":00", count: 19),
  ])
  func `what is malformed is none`(text: String) {
    #expect(Fingerprint(text) == nil)
  }
}
