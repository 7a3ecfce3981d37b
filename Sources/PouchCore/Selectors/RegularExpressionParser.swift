/// Reads the notation of regular expressions; see ``RegularExpression`` for what is known of it.
struct RegularExpressionParser {
  indirect enum Expression {
    case characters(RegularCharacters)
    case anchor(RegularExpression.Anchor)
    case sequence([Expression])
    case alternatives([Expression])
    case repeated(Expression, least: Int, most: Int?)
  }

  /// Why a pattern is refused.
  private struct Malformed: Error {}

  private struct Options {
    var ignoresCase = false
    var hasLines = false
    var dotTakesNewline = false
  }

  /// The deepest nesting of groups, and the most repetitions of one another (`a{2}{3}`): reading, compiling and freeing
  /// an expression recurse as deep.
  private static let depthLimit = 64
  /// The highest count of a repetition; higher ones do not fit a program anyway.
  private static let countLimit = 1000

  private var rest: Substring.UnicodeScalarView
  private var options = Options()
  private var depth = 0

  /// - Returns: `nil` for what is no pattern, or is not known.
  static func parse(_ pattern: String) -> Expression? {
    var parser = RegularExpressionParser(rest: pattern[...].unicodeScalars)
    guard let expression = try? parser.alternatives(), parser.rest.isEmpty else { return nil }
    return expression
  }

  private init(rest: Substring.UnicodeScalarView) {
    self.rest = rest
  }

  private mutating func skip(_ text: String) -> Bool {
    guard rest.starts(with: text.unicodeScalars) else { return false }
    rest.removeFirst(text.unicodeScalars.count)
    return true
  }

  private mutating func take() throws(Malformed) -> Unicode.Scalar {
    guard let scalar = rest.popFirst() else { throw Malformed() }
    return scalar
  }

  // MARK: Structure

  private mutating func alternatives() throws(Malformed) -> Expression {
    var all = [try sequence()]
    while skip("|") { all.append(try sequence()) }
    return all.count == 1 ? all[0] : .alternatives(all)
  }

  private mutating func sequence() throws(Malformed) -> Expression {
    var parts: [Expression] = []
    while let next = rest.first, next != "|", next != ")" {
      guard let part = try part() else { continue }
      parts.append(try repetition(of: part))
    }
    return .sequence(parts)
  }

  /// - Returns: `nil` for options, which are no part of their own.
  private mutating func part() throws(Malformed) -> Expression? {
    let scalar = try take()
    switch scalar {
    case "(": return try group()
    case "[": return .characters(try characterClass())
    case ".":
      return .characters(
        RegularCharacters(ranges: options.dotTakesNewline ? [] : RegularCharacters.newline, isNegated: true))
    case "^": return .anchor(options.hasLines ? .lineStart : .start)
    case "$": return .anchor(options.hasLines ? .lineEnd : .endOrLastLine)
    case "\\": return try escape()
    case "*", "+", "?": throw Malformed()
    default: return .characters(single(scalar))
    }
  }

  private func single(_ scalar: Unicode.Scalar) -> RegularCharacters {
    RegularCharacters(ranges: [scalar.value...scalar.value], ignoresCase: options.ignoresCase)
  }

  private mutating func group() throws(Malformed) -> Expression? {
    depth += 1
    guard depth <= RegularExpressionParser.depthLimit else { throw Malformed() }
    defer { depth -= 1 }
    let outer = options
    if skip("?") {
      if skip("<") || skip("P<") {
        try groupName()
      } else if !skip(":") {
        try readOptions()
        // Without a colon they hold for the rest of the group around.
        if skip(")") { return nil }
        guard skip(":") else { throw Malformed() }
      }
    }
    let expression = try alternatives()
    guard skip(")") else { throw Malformed() }
    options = outer
    return expression
  }

  private mutating func groupName() throws(Malformed) {
    // `(?<=` and `(?<!` look behind, which is not known.
    var isEmpty = true
    while !skip(">") {
      guard RegularCharacters.isWord(try take()) else { throw Malformed() }
      isEmpty = false
    }
    if isEmpty { throw Malformed() }
  }

  private mutating func readOptions() throws(Malformed) {
    var isOn = true
    while let next = rest.first, next != ")", next != ":" {
      switch try take() {
      case "-": isOn = false
      case "i": options.ignoresCase = isOn
      case "m": options.hasLines = isOn
      case "s": options.dotTakesNewline = isOn
      default: throw Malformed()
      }
    }
  }

  private mutating func repetition(of part: Expression) throws(Malformed) -> Expression {
    var result = part
    var nesting = 0
    while true {
      let least: Int
      let most: Int?
      if skip("*") {
        (least, most) = (0, nil)
      } else if skip("+") {
        (least, most) = (1, nil)
      } else if skip("?") {
        (least, most) = (0, 1)
      } else if let counts = try counts() {
        (least, most) = counts
      } else {
        return result
      }
      // Lazy ones find the same texts; possessive ones find fewer.
      if !skip("?"), skip("+") { throw Malformed() }
      nesting += 1
      guard nesting <= RegularExpressionParser.depthLimit else { throw Malformed() }
      result = .repeated(result, least: least, most: most)
    }
  }

  /// `{n}`, `{n,}` or `{n,m}`; anything else in braces stands for itself.
  private mutating func counts() throws(Malformed) -> (Int, Int?)? {
    let start = rest
    guard skip("{"), let least = number() else {
      rest = start
      return nil
    }
    var most: Int? = least
    if skip(",") { most = number() }
    guard skip("}") else {
      rest = start
      return nil
    }
    guard least <= RegularExpressionParser.countLimit, most ?? least <= RegularExpressionParser.countLimit,
      least <= most ?? least
    else { throw Malformed() }
    return (least, most)
  }

  private mutating func number() -> Int? {
    let digits = rest.prefix { ("0"..."9").contains($0) }
    guard let first = digits.first, first.isASCII else { return nil }
    rest = rest.dropFirst(digits.count)
    return Int(String(digits)) ?? .max
  }

  // MARK: Characters

  private mutating func escape() throws(Malformed) -> Expression {
    let scalar = try take()
    switch scalar {
    case "A": return .anchor(.start)
    case "z": return .anchor(.end)
    case "Z": return .anchor(.endOrLastLine)
    case "b": return .anchor(.wordBoundary)
    case "B": return .anchor(.noWordBoundary)
    default: break
    }
    if let ranges = shorthand(scalar) { return .characters(RegularCharacters(ranges: ranges)) }
    return .characters(single(try escaped(scalar)))
  }

  private func shorthand(_ scalar: Unicode.Scalar) -> [ClosedRange<UInt32>]? {
    switch scalar {
    case "d": RegularCharacters.digits
    case "D": RegularCharacters.complement(of: RegularCharacters.digits)
    case "s": RegularCharacters.space
    case "S": RegularCharacters.complement(of: RegularCharacters.space)
    case "w": RegularCharacters.word
    case "W": RegularCharacters.complement(of: RegularCharacters.word)
    default: nil
    }
  }

  /// One character that an escape stands for.
  private mutating func escaped(_ scalar: Unicode.Scalar) throws(Malformed) -> Unicode.Scalar {
    switch scalar {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "f": return "\u{0C}"
    case "e": return "\u{1B}"
    case "a": return "\u{07}"
    case "x": return try hexadecimal()
    default:
      // Letters and digits that are not known mean something else elsewhere.
      guard !RegularCharacters.isWord(scalar) || scalar == "_" else { throw Malformed() }
      return scalar
    }
  }

  /// `\xHH` or `\x{H…}`.
  private mutating func hexadecimal() throws(Malformed) -> Unicode.Scalar {
    let digits: String
    if skip("{") {
      digits = String(rest.prefix { $0 != "}" })
      rest = rest.dropFirst(digits.unicodeScalars.count)
      guard skip("}") else { throw Malformed() }
    } else {
      digits = String(rest.prefix(2))
      rest = rest.dropFirst(2)
      guard digits.unicodeScalars.count == 2 else { throw Malformed() }
    }
    guard digits.utf8.first != 0x2B, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
      throw Malformed()
    }
    return scalar
  }

  private mutating func characterClass() throws(Malformed) -> RegularCharacters {
    var characters = RegularCharacters(ranges: [], ignoresCase: options.ignoresCase)
    characters.isNegated = skip("^")
    // A bracket at the beginning stands for itself.
    if skip("]") { characters.ranges.append(0x5D...0x5D) }
    while !skip("]") {
      guard !rest.starts(with: "[:".unicodeScalars) else { throw Malformed() }
      guard let low = try classMember(&characters) else { continue }
      var high = low
      if rest.first == "-", let next = rest.dropFirst().first, next != "]" {
        rest.removeFirst()
        guard let end = try classMember(&characters) else { throw Malformed() }
        high = end
      }
      guard low <= high else { throw Malformed() }
      characters.ranges.append(low.value...high.value)
    }
    return characters
  }

  /// - Returns: `nil` if it was a shorthand for several characters, which were added.
  private mutating func classMember(_ characters: inout RegularCharacters) throws(Malformed) -> Unicode.Scalar? {
    let scalar = try take()
    guard scalar == "\\" else { return scalar }
    let escapedScalar = try take()
    if escapedScalar == "b" { return "\u{08}" }
    if let ranges = shorthand(escapedScalar) {
      characters.ranges += ranges
      return nil
    }
    return try escaped(escapedScalar)
  }
}
