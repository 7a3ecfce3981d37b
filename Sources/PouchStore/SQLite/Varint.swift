import PouchCore

/// Little-endian base-128 numbers, seven bits a byte, as in Protocol Buffers' varint encoding.
enum Varint {
  static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// Reads stored binary values; everything that does not fit is a damaged file.
struct BinaryReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { position == bytes.count }

  mutating func byte() throws(PouchError) -> UInt8 {
    guard position < bytes.count else { throw BinaryReader.damaged }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func varint() throws(PouchError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64 {
      let byte = try byte()
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw BinaryReader.damaged
  }

  mutating func int() throws(PouchError) -> Int {
    guard let value = Int(exactly: try varint()) else { throw BinaryReader.damaged }
    return value
  }

  mutating func word() throws(PouchError) -> UInt64 {
    guard position + 8 <= bytes.count else { throw BinaryReader.damaged }
    defer { position += 8 }
    return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
  }

  mutating func text(_ count: Int) throws(PouchError) -> String {
    guard count <= bytes.count - position else { throw BinaryReader.damaged }
    defer { position += count }
    return String(decoding: bytes[position..<position + count], as: UTF8.self)
  }

  static let damaged = PouchError(.corrupt, "A stored revision tree is damaged.")
}
