/// Builds values from bytes that ``JSONScanner`` has checked and minified; nothing is checked twice.
///
/// Recursion is bounded by the depth that the scanner let pass.
struct JSONParser {
  private let bytes: [UInt8]
  private var position: Int

  /// - Parameter position: where the value to be read begins.
  init(trusted bytes: [UInt8], at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  mutating func value() -> JSON {
    switch bytes[position] {
    case 0x22: return .string(ExactString(string()))
    case 0x7B: return object()
    case 0x5B: return array()
    case 0x74:
      position += 4
      return .bool(true)
    case 0x66:
      position += 5
      return .bool(false)
    case 0x6E:
      position += 4
      return .null
    default:
      let start = position
      while position < bytes.count, !JSONParser.endsNumber(bytes[position]) { position += 1 }
      return .number(JSON.Number(unchecked: String(decoding: bytes[start..<position], as: UTF8.self)))
    }
  }

  private static func endsNumber(_ byte: UInt8) -> Bool {
    byte == 0x2C || byte == 0x5D || byte == 0x7D
  }

  private mutating func array() -> JSON {
    var elements: [JSON] = []
    position += 1
    while bytes[position] != 0x5D {
      elements.append(value())
      if bytes[position] == 0x2C { position += 1 }
    }
    position += 1
    return .array(elements)
  }

  private mutating func object() -> JSON {
    var members = JSON.Object()
    position += 1
    while bytes[position] != 0x7D {
      let key = string()
      position += 1
      members[ExactString(key)] = value()
      if bytes[position] == 0x2C { position += 1 }
    }
    position += 1
    return .object(members)
  }

  private mutating func string() -> String {
    position += 1
    let start = position
    while bytes[position] != 0x22, bytes[position] != 0x5C { position += 1 }
    if bytes[position] == 0x22 {
      defer { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    var text = Array(bytes[start..<position])
    while bytes[position] != 0x22 {
      if bytes[position] == 0x5C {
        text.append(unescape())
      } else {
        text.append(bytes[position])
        position += 1
      }
    }
    position += 1
    return String(decoding: text, as: UTF8.self)
  }

  /// Minified text escapes single bytes only: `\u` is always `\u00XX`.
  private mutating func unescape() -> UInt8 {
    defer { position += 2 }
    switch bytes[position + 1] {
    case 0x62: return 0x08
    case 0x66: return 0x0C
    case 0x6E: return 0x0A
    case 0x72: return 0x0D
    case 0x74: return 0x09
    case 0x75:
      defer { position += 4 }
      return JSONScanner.hexValue(bytes[position + 4])! << 4 | JSONScanner.hexValue(bytes[position + 5])!
    case let byte: return byte
    }
  }
}
