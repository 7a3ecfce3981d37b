import CPlatform
import Foundation
import WebRTC

/// What messages are made of.
enum Patterns {
  /// 0, 1, … 255, 0, 1, …: a mebibyte and a little.
  private static let data = [UInt8](unsafeUninitializedCapacity: 1024 * 1024 + 256) { buffer, count in
    count = buffer.count
    for index in buffer.indices { buffer.initializeElement(at: index, to: UInt8(truncatingIfNeeded: index)) }
  }

  /// A text with characters of one to four bytes, again and again.
  private static let sentence = Array("Zwölf Boxkämpfer jagen Виктора 关于 den 🥊 Sylter Deich. ".utf8)
  private static let text = [UInt8]((0..<4096).map { _ in sentence }.joined())

  /// Bytes of a message.
  static func block(_ size: Int) -> [UInt8] {
    if size <= data.count { return Array(data[..<size]) }
    return (0..<size).map { UInt8(truncatingIfNeeded: $0) }
  }

  /// Begins a message with its number, if it has room for it.
  static func write(_ number: Int, into message: inout [UInt8]) {
    guard message.count >= 4 else { return }
    message.withUnsafeMutableBytes {
      $0.storeBytes(of: UInt32(truncatingIfNeeded: number).bigEndian, as: UInt32.self)
    }
  }

  /// A message of an exchange: text where its number is odd.
  static func message(_ number: Int, _ size: Int) -> DataChannel.Message {
    number % 2 == 1 ? .text(text(number, size)) : .binary(data(number, size))
  }

  private static func data(_ number: Int, _ size: Int) -> [UInt8] {
    var message = size <= data.count - 256 ? Array(data[(number & 255)...].prefix(size)) : block(size)
    write(number, into: &message)
    return message
  }

  /// Whole characters, so that it is text.
  private static func text(_ number: Int, _ size: Int) -> String {
    var bytes = Array("\(number) ".utf8.prefix(size))
    bytes.reserveCapacity(size)
    while size - bytes.count >= sentence.count {
      let room = min(size - bytes.count, text.count)
      bytes.append(contentsOf: text[..<(room - room % sentence.count)])
    }
    bytes.append(contentsOf: repeatElement(UInt8(ascii: "."), count: size - bytes.count))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// How long message `number` of an exchange is. The logarithms are those of a multiplicative sequence, evenly spread.
  static func size(_ number: Int, largest: Int) -> Int {
    switch number {
    case 0: return 1
    case 1, 2: return largest
    case 3, 4: return 0
    default:
      let spread = (Double(number) * 0.618_033_988_749_894_9).truncatingRemainder(dividingBy: 1)
      return Int(exp(spread * log(Double(largest))).rounded())
    }
  }

  /// Goes on with a checksum, zlib's CRC-32.
  static func checksum(_ message: DataChannel.Message, _ previous: UInt) -> UInt {
    switch message {
    case .binary(let bytes):
      return checksum(bytes, previous)
    case .text(var text):
      return text.withUTF8 { crc32_z(previous, $0.baseAddress, $0.count) }
    }
  }

  static func checksum(_ bytes: [UInt8], _ previous: UInt) -> UInt {
    bytes.withUnsafeBufferPointer { crc32_z(previous, $0.baseAddress, $0.count) }
  }

  /// Whether two messages are the same, byte by byte.
  static func isSame(_ one: DataChannel.Message, _ other: DataChannel.Message) -> Bool {
    switch (one, other) {
    case (.binary(let one), .binary(let other)):
      return one.withUnsafeBytes { one in other.withUnsafeBytes { isSame(one, $0) } }
    case (.text(var one), .text(var other)):
      // Strings that are equal may differ in their bytes.
      return one.withUTF8 { one in other.withUTF8 { isSame(UnsafeRawBufferPointer(one), UnsafeRawBufferPointer($0)) } }
    case (.text, .binary), (.binary, .text):
      return false
    }
  }

  private static func isSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
    guard one.count == other.count else { return false }
    guard let first = one.baseAddress, let second = other.baseAddress, !one.isEmpty else { return true }
    return memcmp(first, second, one.count) == 0
  }
}
