/// Lays out JSON over several lines for people.
enum PrettyJSON {
  /// - Parameter json: minified JSON.
  static func text(of json: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(json.count * 3 / 2)
    var depth = 0
    var isInString = false
    var isEscaped = false
    func breakLine() {
      result.append(0x0A)
      result.append(contentsOf: repeatElement(0x20, count: 2 * depth))
    }
    for (index, byte) in json.enumerated() {
      if isInString {
        result.append(byte)
        if byte == UInt8(ascii: "\""), !isEscaped { isInString = false }
        isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        continue
      }
      switch byte {
      case UInt8(ascii: "\""):
        isInString = true
        result.append(byte)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        result.append(byte)
        // `{}` and `[]` stay together.
        if index + 1 < json.count, json[index + 1] == byte + 2 { continue }
        depth += 1
        breakLine()
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if index > 0, json[index - 1] != byte - 2 {
          depth -= 1
          breakLine()
        }
        result.append(byte)
      case UInt8(ascii: ","):
        result.append(byte)
        breakLine()
      case UInt8(ascii: ":"): result.append(contentsOf: ": ".utf8)
      default: result.append(byte)
      }
    }
    return result
  }
}
