/// Appends minified JSON to a buffer.
public struct JSONWriter: Sendable {
  /// What was written so far.
  public private(set) var bytes: [UInt8] = []

  public init(capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  /// Appends text that is known to be JSON, or part of it.
  @inlinable
  public mutating func raw(_ text: StaticString) {
    append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends bytes that are known to be JSON, or part of it.
  public mutating func raw(_ text: some Sequence<UInt8>) {
    bytes.append(contentsOf: text)
  }

  @usableFromInline
  mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
    bytes.append(contentsOf: text)
  }

  /// Appends one byte.
  public mutating func raw(byte: UInt8) {
    bytes.append(byte)
  }

  /// Appends a string in quotes, with the fewest escapes.
  public mutating func write(_ string: String) {
    bytes.append(0x22)
    var copy = string
    copy.withUTF8 { utf8 in
      var start = 0
      for index in utf8.indices where JSONWriter.needsEscape(utf8[index]) {
        bytes.append(contentsOf: utf8[start..<index])
        escape(utf8[index])
        start = index + 1
      }
      bytes.append(contentsOf: utf8[start...])
    }
    bytes.append(0x22)
  }

  /// Appends an integer.
  public mutating func write(_ value: some BinaryInteger) {
    bytes.append(contentsOf: String(value).utf8)
  }

  /// Appends 16 hexadecimal digits, which belong into a string.
  mutating func writeDigits(of word: UInt64) {
    HexWord.append(word, to: &bytes)
  }

  /// Appends a value.
  public mutating func write(_ json: JSON) {
    switch json {
    case .null: raw("null")
    case .bool(let value): value ? raw("true") : raw("false")
    case .number(let number): bytes.append(contentsOf: number.text.utf8)
    case .string(let string): write(string.string)
    case .array(let elements):
      bytes.append(0x5B)
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        write(element)
      }
      bytes.append(0x5D)
    case .object(let object):
      bytes.append(0x7B)
      for (index, member) in object.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        write(member.name.string)
        bytes.append(0x3A)
        write(member.value)
      }
      bytes.append(0x7D)
    }
  }

  static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x22 || byte == 0x5C
  }

  private mutating func escape(_ byte: UInt8) {
    let escape = JSONEscape.text(of: byte)
    bytes.append(contentsOf: escape)
  }
}

/// How a byte that may not stand in a JSON string is written.
enum JSONEscape {
  static func text(of byte: UInt8) -> [UInt8] {
    switch byte {
    case 0x22: [0x5C, 0x22]
    case 0x5C: [0x5C, 0x5C]
    case 0x08: [0x5C, 0x62]
    case 0x0C: [0x5C, 0x66]
    case 0x0A: [0x5C, 0x6E]
    case 0x0D: [0x5C, 0x72]
    case 0x09: [0x5C, 0x74]
    default: [0x5C, 0x75, 0x30, 0x30, hexDigit(byte >> 4), hexDigit(byte & 0xF)]
    }
  }

  static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? 0x30 + value : 0x57 + value
  }
}
