import TestSupport
import Testing

@testable import WebRTC

@Suite("The checksum of packets")
struct PacketChecksumTests {
  private func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.withUnsafeBytes { PacketChecksum().of($0) }
  }

  /// RFC 3720, appendix B.4.
  @Test func `it is that of the standard's examples`() {
    #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(checksum([UInt8](0..<32)) == 0x46dd_794e)
    #expect(checksum((0..<32).reversed()) == 0x113f_db5c)
  }

  @Test(arguments: [0, 1, 7, 8, 9, 255, 767, 768, 769, 776, 1163, 1535, 1536, 4095, 16_000])
  func `packets of all lengths have the one that is computed bit by bit`(count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    var expected = UInt32.max
    for byte in bytes {
      expected ^= UInt32(byte)
      for _ in 0..<8 { expected = expected & 1 == 1 ? expected >> 1 ^ 0x82f6_3b78 : expected >> 1 }
    }
    #expect(checksum(bytes) == ~expected)
  }
}
