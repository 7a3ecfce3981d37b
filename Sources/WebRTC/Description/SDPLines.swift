/// A line of a session description, `kind=value`.
struct SDPLine {
  /// Its number in the text, from 1.
  var number: Int
  /// The letter before `=`.
  var kind: UInt8
  /// What follows `=`.
  var value: SDPText

  /// Divides a description into its lines (RFC 8866, section 5).
  ///
  /// Lines end in CR LF or in LF; empty ones are skipped.
  static func lines(of text: String) throws(SDPError) -> [SDPLine] {
    guard text.utf8.count <= SDPLimits.textBytes else { throw SDPError(.textTooLong) }
    let bytes = Array(text.utf8)
    var lines: [SDPLine] = []
    for (index, part) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let line = part.last == 0x0D ? part.dropLast() : part
      guard !line.isEmpty else { continue }
      lines.append(try SDPLine(number: index + 1, line))
    }
    return lines
  }

  private init(number: Int, _ line: ArraySlice<UInt8>) throws(SDPError) {
    guard line.count <= SDPLimits.lineBytes else { throw SDPError(.lineTooLong, line: number) }
    guard !line.contains(where: SDPText.isControl) else { throw SDPError(.controlCharacter, line: number) }
    guard let kind = line.first, SDPText.isLetter(kind), line.dropFirst().first == UInt8(ascii: "=") else {
      throw SDPError(.malformedLine, line: number)
    }
    self.number = number
    self.kind = kind
    value = SDPText(line.dropFirst(2))
  }
}

/// An attribute, `a=name` or `a=name:value` (RFC 8866, section 5.13), of a name that is known.
struct SDPAttribute {
  var line: Int
  var field: SDPError.Field
  /// What follows the colon; empty if there is none.
  var value: SDPText

  /// Reads an attribute, or returns `nil` if its name is not known.
  init?(_ line: SDPLine) {
    let (name, value) = line.value.divided(at: UInt8(ascii: ":"))
    guard let field = Self.fields[name.bytes] else { return nil }
    self.line = line.number
    self.field = field
    self.value = value ?? SDPText([])
  }

  private static let fields = Dictionary(
    uniqueKeysWithValues: SDPError.Field.allCases.map { (Array($0.rawValue.utf8)[...], $0) })
}

/// The attributes of the session, or of one section, by their names.
struct SDPAttributes {
  private var byField: [SDPError.Field: [SDPAttribute]] = [:]

  mutating func append(_ attribute: SDPAttribute) { byField[attribute.field, default: []].append(attribute) }

  /// All that have a name, in order.
  func all(_ field: SDPError.Field) -> [SDPAttribute] { byField[field] ?? [] }

  func contains(_ field: SDPError.Field) -> Bool { byField[field] != nil }

  /// The one of a name, or `nil`.
  /// - Throws: ``SDPError`` if there are several.
  func single(_ field: SDPError.Field) throws(SDPError) -> SDPAttribute? {
    let found = all(field)
    guard found.count < 2 else { throw SDPError(.repeated(field), line: found[1].line) }
    return found.first
  }
}
