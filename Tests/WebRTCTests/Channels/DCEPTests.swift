import TestSupport
import Testing

@testable import WebRTC

@Suite struct DCEPTests {
  private func error(_ bytes: [UInt8]) -> DCEPError? {
    do throws(DCEPError) {
      _ = try DCEPMessage(parsing: bytes)
      return nil
    } catch {
      return error
    }
  }

  /// An open message of its parts.
  private func open(
    type: UInt8 = 0, parameter: UInt8 = 0, label: [UInt8] = [], protocol: [UInt8] = []
  ) -> [UInt8] {
    [3, type, 1, 0, 0, 0, 0, parameter, 0, UInt8(label.count), 0, UInt8(`protocol`.count)] + label + `protocol`
  }

  @Test func `an acknowledgement is one byte`() throws {
    #expect(DCEPMessage.acknowledge.bytes == [2])
    #expect(try DCEPMessage(parsing: [2]) == .acknowledge)
    #expect(error([2, 0]) == .trailingBytes)
  }

  @Test func `an open message is laid out as RFC 8832 has it`() throws {
    let message = DCEPMessage.open(
      try DCEPOpen(
        label: "é", protocol: "p1", reliability: .maxPacketLifeTime(0x0102_0304), isOrdered: false, priority: 0x0506))
    let bytes: [UInt8] = [
      0x03, 0x82, 0x05, 0x06, 0x01, 0x02, 0x03, 0x04, 0x00, 0x02, 0x00, 0x02, 0xC3, 0xA9, 0x70, 0x31,
    ]
    #expect(message.bytes == bytes)
    #expect(try DCEPMessage(parsing: bytes) == message)
  }

  @Test(arguments: [
    (UInt8(0x00), DCEPOpen.Reliability.reliable, true), (0x80, .reliable, false),
    (0x01, .maxRetransmits(9), true), (0x81, .maxRetransmits(9), false),
    (0x02, .maxPacketLifeTime(9), true), (0x82, .maxPacketLifeTime(9), false),
  ])
  func `channel types are those of RFC 8832`(type: UInt8, reliability: DCEPOpen.Reliability, isOrdered: Bool) throws {
    let message = DCEPMessage.open(try DCEPOpen(label: "", reliability: reliability, isOrdered: isOrdered))
    #expect(try DCEPMessage(parsing: open(type: type, parameter: 9)) == message)
    #expect(message.bytes == open(type: type, parameter: reliability == .reliable ? 0 : 9))
  }

  @Test func `unknown channel types are refused`() {
    for type in (0...255 as ClosedRange<UInt8>) where type & 0x7F > 2 {
      #expect(error(open(type: type)) == .unknownChannelType(type))
    }
  }

  @Test func `unknown messages are refused`() {
    for type in (0...255 as ClosedRange<UInt8>) where type != 2 && type != 3 {
      #expect(error([type]) == .unknownMessage(type))
    }
  }

  @Test func `messages that are cut or go on are refused`() {
    let whole = open(label: [0x61, 0x62], protocol: [0x63])
    #expect(error([]) == .truncated)
    for length in 1..<whole.count { #expect(error(Array(whole.prefix(length))) == .truncated) }
    #expect(error(whole) == nil)
    #expect(error(whole + [0]) == .trailingBytes)
  }

  @Test(arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]] as [[UInt8]])
  func `texts that are not UTF-8 are refused`(bytes: [UInt8]) {
    #expect(error(open(label: bytes)) == .invalidText)
    #expect(error(open(protocol: bytes)) == .invalidText)
  }

  @Test func `a character does not reach from the label into the protocol`() {
    #expect(error(open(label: [0xC3], protocol: [0xA9])) == .invalidText)
  }

  @Test func `texts may be empty, hold zeros, and have 65535 bytes`() throws {
    let longest = String(repeating: "x", count: 65535)
    for text in ["", "\u{0}", longest] {
      let message = DCEPMessage.open(try DCEPOpen(label: text, protocol: text))
      #expect(try DCEPMessage(parsing: message.bytes) == message)
    }
    #expect(throws: DCEPError.textTooLong) { try DCEPOpen(label: longest + "x") }
    #expect(throws: DCEPError.textTooLong) { try DCEPOpen(label: "", protocol: longest + "x") }
  }

  @Test func `slices of larger buffers are read`() throws {
    let bytes = [9, 9] + open(label: [0x61]) + [9]
    let message = try DCEPMessage(parsing: bytes[2..<bytes.count - 1])
    #expect(message == .open(try DCEPOpen(label: "a")))
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `random and damaged messages are refused, or written as they were read`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var count = 0
    for round in 0..<5_000 {
      var bytes = open(
        type: [0, 1, 2, 0x80, 0x81, 0x82].randomElement(using: &random) ?? 0,
        parameter: .random(in: 0...255, using: &random), label: [0x61, 0xC3, 0xA9], protocol: [0x62])
      if round % 4 == 0 {
        bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in .random(in: 0...255, using: &random) }
        if round % 8 == 0, !bytes.isEmpty { bytes[0] = 3 }
      }
      if round % 2 == 1 { Mutation.damage(&bytes, with: [3, 2, 0, 0xFF], using: &random) }
      guard let message = try? DCEPMessage(parsing: bytes) else { continue }
      count += 1
      let written = message.bytes
      #expect(try DCEPMessage(parsing: written) == message, "seed \(seed), round \(round): \(bytes)")
      #expect(written.count == bytes.count, "seed \(seed), round \(round): \(bytes)")
    }
    #expect(count > 1_000, "seed \(seed)")
  }
}
