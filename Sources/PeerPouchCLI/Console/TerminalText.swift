/// Makes text of unknown origin safe to show.
///
/// Control characters can reprogram a terminal, and bidirectional overrides can make text read as something else; both
/// are shown as JSON escapes.
enum TerminalText {
  /// - Parameter forTerminal: whether everything that a terminal would act upon is escaped, or only tabs and line
  ///   breaks, which would break up columns and lines.
  static func escaped(_ text: String, forTerminal: Bool) -> String {
    guard text.unicodeScalars.contains(where: { isStructure($0) || (forTerminal && isHarmful($0)) }) else {
      return text
    }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\t": result += "\\t"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case _ where forTerminal && isHarmful(scalar): result += escape(scalar)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The same JSON, with harmful characters in its strings escaped. Line breaks outside of strings are kept.
  static func escaped(json: [UInt8]) -> [UInt8] {
    guard json.contains(where: { $0 >= 0x7F }) else { return json }
    var result = ""
    for scalar in String(decoding: json, as: UTF8.self).unicodeScalars {
      if scalar != "\n", isHarmful(scalar) { result += escape(scalar) } else { result.unicodeScalars.append(scalar) }
    }
    return Array(result.utf8)
  }

  private static func isStructure(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "\t" || scalar == "\n" || scalar == "\r"
  }

  /// Whether a terminal would act upon a character, or text read as something else by it.
  static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // C0, delete and C1.
    case 0..<0x20, 0x7F..<0xA0: true
    // Marks, embeddings, overrides and isolates of direction; line and paragraph separators.
    case 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
