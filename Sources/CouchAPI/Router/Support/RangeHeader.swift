import PouchCore

/// The header `Range` (RFC 9110, section 14.2).
enum RangeHeader {
  /// As many ranges as CouchDB answers in one response; with more of them the whole is sent.
  static let limit = 9

  /// Reads a header.
  /// - Returns: `nil` if it does not count and the whole is to be sent: other units than bytes, malformed or too many
  ///   ranges, and ranges that begin with the whole.
  static func parse(_ text: String) -> [AttachmentRange]? {
    guard let equals = text.firstIndex(of: "="), text[..<equals].lowercased() == "bytes" else { return nil }
    var ranges: [AttachmentRange] = []
    for part in text[text.index(after: equals)...].split(separator: ",") {
      guard ranges.count < limit, let range = range(part.trimmed) else { return nil }
      ranges.append(range)
    }
    return ranges.isEmpty || ranges.first == .from(0) ? nil : ranges
  }

  private static func range(_ text: Substring) -> AttachmentRange? {
    guard let dash = text.firstIndex(of: "-") else { return nil }
    let (first, last) = (text[..<dash], text[text.index(after: dash)...])
    guard !first.isEmpty else { return offset(last).map { .suffix($0) } }
    guard let start = offset(first) else { return nil }
    guard !last.isEmpty else { return .from(start) }
    guard let end = offset(last), end >= start else { return nil }
    return .bytes(start..<end + 1)
  }

  /// Digits; numbers that are too large stand for the end.
  private static func offset(_ text: Substring) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return min(Int64(text) ?? .max, .max - 1)
  }
}
