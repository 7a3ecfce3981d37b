import PouchCore
import TestSupport

/// Makes values, and texts that mean them, of a seed.
struct RandomJSON {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  /// A value nested no deeper than this.
  mutating func value(depth: Int = 4) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &generator) {
    case 0: return .null
    case 1: return .bool(.random(using: &generator))
    case 2: return .number(JSON.Number(numberText())!)
    case 3, 4: return .string(ExactString(text()))
    case 5: return .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in value(depth: depth - 1) })
    default: return .object(object(depth: depth - 1))
    }
  }

  /// An object of up to 20 members, which is more than the readers treat as few.
  mutating func object(depth: Int = 3) -> JSON.Object {
    let count = Int.random(in: 0...(depth > 1 ? 5 : 20), using: &generator)
    var object = JSON.Object()
    for _ in 0..<count { object[ExactString(text())] = value(depth: depth) }
    return object
  }

  /// A text of characters that need care. None combine, so that different texts are different for Swift as well.
  mutating func text() -> String {
    let characters = Array("ab01 _/\"\\\n\t\u{1}\u{1F}\u{7F}é€ñ\u{2028}\u{FFFD}😀\u{10FFFF}" as String)
    let length = Int.random(in: 0...12, using: &generator)
    return String((0..<length).map { _ in characters.randomElement(using: &generator)! })
  }

  /// A number as somebody might write it, within the range of doubles.
  mutating func numberText() -> String {
    let sign = Bool.random(using: &generator) ? "-" : ""
    let digits = String(
      UInt64.random(in: 0...(.max >> UInt64.random(in: 0...60, using: &generator)), using: &generator))
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: return sign + digits
    case 1: return "\(sign)\(digits).\(Int.random(in: 0...99999, using: &generator))0"
    case 2: return "\(sign)\(digits)e\(Int.random(in: -200...200, using: &generator))"
    default: return "\(sign)0.0\(digits)E+\(Int.random(in: 0...99, using: &generator))"
    }
  }

  /// A text that means a value, with white space and escapes strewn in.
  mutating func spelled(_ json: JSON) -> String {
    switch json {
    case .null, .bool, .number: return space() + json.text + space()
    case .string(let text): return space() + quoted(text.string) + space()
    case .array(let elements):
      return space() + "[" + elements.map { spelled($0) }.joined(separator: ",") + space() + "]"
    case .object(let object):
      let members = object.map { space() + quoted($0.name.string) + space() + ":" + spelled($0.value) }
      return space() + "{" + members.joined(separator: ",") + space() + "}"
    }
  }

  /// The same value with the members of every object in another order.
  mutating func reordered(_ json: JSON) -> JSON {
    switch json {
    case .array(let elements): return .array(elements.map { reordered($0) })
    case .object(let object):
      var shuffled = JSON.Object()
      for (name, value) in object.shuffled(using: &generator) { shuffled[name] = reordered(value) }
      return .object(shuffled)
    default: return json
    }
  }

  private mutating func space() -> String {
    ["", "", "", " ", "\n\t", "\r\n"].randomElement(using: &generator)!
  }

  private mutating func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
      if mustEscape || Int.random(in: 0..<4, using: &generator) == 0 {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16, uppercase: .random(using: &generator))
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
