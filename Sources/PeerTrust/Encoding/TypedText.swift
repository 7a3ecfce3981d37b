/// What people type or paste.
enum TypedText {
  /// The text in lower case, without white space around it.
  /// - Returns: `nil` if it has anything but ASCII: other letters may become ASCII in lower case.
  static func lowered(_ text: String) -> String? {
    guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    let start = text.drop(while: \.isWhitespace)
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return start[...end].lowercased()
  }
}
