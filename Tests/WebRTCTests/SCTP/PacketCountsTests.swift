import TestSupport
import Testing

@testable import WebRTC

@Suite("Counts of packets")
struct PacketCountsTests {
  /// A packet of SCTP: 12 bytes of header, then chunks, each padded to four bytes (RFC 9260, section 3).
  private func packet(_ chunks: [UInt8]...) -> [UInt8] {
    [UInt8](repeating: 0xEE, count: SctpTuning.headerBytes)
      + chunks.flatMap { $0 + [UInt8](repeating: 0, count: (4 - $0.count % 4) % 4) }
  }

  /// A DATA chunk with a transmission sequence number (RFC 9260, section 3.3.1).
  private func data(_ number: UInt32, _ content: Int = 4) -> [UInt8] {
    let digits = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    return chunk(type: 0, digits + [UInt8](repeating: 1, count: 8 + content))
  }

  private func chunk(type: UInt8, _ content: [UInt8]) -> [UInt8] {
    let length = content.count + 4
    return [type, 3, UInt8(length >> 8), UInt8(length & 255)] + content
  }

  private func sent(_ packets: [[UInt8]]) -> PacketCounts {
    var counts = PacketCounts()
    for packet in packets { packet.withUnsafeBytes { counts.sent($0) } }
    return counts
  }

  @Test func `packets and bytes are counted each way`() {
    var counts = sent([packet(data(1)), packet(data(2), data(3))])
    packet(chunk(type: 3, [])).withUnsafeBytes { counts.received($0) }
    #expect(counts.packetsSent == 2)
    #expect(counts.bytesSent == 12 * 2 + 20 * 3)
    #expect(counts.packetsReceived == 1)
    #expect(counts.bytesReceived == 16)
    #expect(counts.chunksRetransmitted == 0)
  }

  @Test func `numbers that were sent before are retransmissions, and others are not`() {
    #expect(sent([packet(data(10), data(11)), packet(data(10)), packet(data(11), data(12))]).chunksRetransmitted == 2)
  }

  @Test func `numbers go round`() {
    let numbers: [UInt32] = [.max - 1, .max, 0, 1]
    #expect(sent(numbers.map { packet(data($0)) }).chunksRetransmitted == 0)
    #expect(sent((numbers + [.max]).map { packet(data($0)) }).chunksRetransmitted == 1)
  }

  @Test func `other chunks have no numbers, and padding is passed over`() {
    let packets = [
      packet(chunk(type: 3, [UInt8](repeating: 0, count: 12)), data(5, 1), data(6, 3), chunk(type: 4, [1])),
      packet(chunk(type: 3, [0, 0, 0, 1]), data(7)),
    ]
    #expect(sent(packets).chunksRetransmitted == 0)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `retransmissions in random order are all counted`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var number = UInt32.random(in: 0...UInt32.max, using: &random)
    var (packets, expected) = ([packet(data(number))], 0)
    for _ in 0..<1_000 {
      if Bool.random(using: &random) {
        number &+= 1
        packets.append(packet(data(number, .random(in: 1...9, using: &random))))
      } else {
        packets.append(packet(data(number &- .random(in: 0...500, using: &random))))
        expected += 1
      }
    }
    #expect(sent(packets).chunksRetransmitted == expected, "seed \(seed)")
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `damaged packets are counted as packets, and read no further than they go`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      var bytes = packet(data(1), data(2, 3))
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        bytes[.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      bytes.removeLast(.random(in: 0...bytes.count, using: &random))
      #expect(sent([bytes]).bytesSent == bytes.count, "seed \(seed)")
    }
  }
}
