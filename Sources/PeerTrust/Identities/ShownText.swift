/// Text of other peers as people see it.
public enum ShownText {
  /// Whether a character does not show, or changes how others show: control characters, marks of direction, joiners, variation
  /// selectors, tags and the like.
  public static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: scalar.properties.isDefaultIgnorableCodePoint
    }
  }

  /// The text without hidden characters, and with one space for any white space within it.
  public static func plain(_ text: String) -> String {
    let shown = String.UnicodeScalarView(text.unicodeScalars.filter { !isHidden($0) })
    return shown.split { $0.properties.isWhitespace }.map { String($0) }.joined(separator: " ")
  }

  /// The same for texts that people take for one another: case does not matter either.
  static func likeness(of text: String) -> String { plain(text).lowercased() }
}
