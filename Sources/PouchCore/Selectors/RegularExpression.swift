/// A regular expression that is matched in bounded time.
///
/// What it knows, in the notation of Perl and PCRE: characters, `.`, classes (`[a-z]`, `[^…]`, `\d \w \s` and their
/// opposites, in ASCII), groups (`(…)`, `(?:…)`, `(?<name>…)`), alternatives, the repetitions `* + ? {n} {n,} {n,m}`
/// (also lazy, which makes no difference to whether something matches), the anchors `^ $ \A \z \Z \b \B`, and the
/// options `(?i)`, `(?m)`, `(?s)` for the rest of a group or for one group. What needs more than a regular language has,
/// look-around, back-references and possessive repetition, is not known, and neither are `\p{…}` and `[:…:]`.
///
/// A character is a Unicode scalar. (CouchDB's PCRE takes bytes; patterns of ASCII mean the same.)
///
/// The pattern becomes a program of at most ``RegularExpression/programLimit`` steps, repetitions written out. All ways
/// to match are followed at once (Thompson, 1968), so that a text takes time in proportion to its length times that of
/// the program at most: there are no patterns that take exponential time.
struct RegularExpression: Sendable {
  /// The longest program. It bounds how long one character of a text may take to a few microseconds.
  static let programLimit = 2000
  /// The longest pattern in bytes. Hardly any longer one fits a program, and reading it would take memory first.
  static let patternLimit = 16 * 1024

  enum Step: Sendable, Equatable {
    /// Takes one character.
    case character(RegularCharacters)
    /// Goes on at both places.
    case fork(Int, Int)
    case jump(Int)
    case check(Anchor)
    case matched
  }

  enum Anchor: Sendable {
    case start, end, endOrLastLine, lineStart, lineEnd, wordBoundary, noWordBoundary
  }

  private let program: [Step]

  /// Reads a pattern.
  /// - Returns: `nil` if it is none, uses what is not known, or is too long.
  init?(_ pattern: String) {
    guard pattern.utf8.count <= RegularExpression.patternLimit,
      let expression = RegularExpressionParser.parse(pattern)
    else { return nil }
    var compiler = Compiler()
    guard compiler.append(expression) else { return nil }
    program = compiler.steps + [.matched]
  }

  /// Whether the pattern matches anywhere in a text.
  func matches(_ text: String) -> Bool {
    var threads = Threads(program: program)
    var previous: Unicode.Scalar?
    var rest = text.unicodeScalars.makeIterator()
    var current = rest.next()
    var following = rest.next()
    while true {
      let place = Place(previous: previous, next: current, isLast: following == nil)
      // A match may begin anywhere.
      threads.start(at: place)
      if threads.hasMatched { return true }
      guard let scalar = current else { return false }
      previous = scalar
      current = following
      following = rest.next()
      threads.advance(over: scalar, to: Place(previous: previous, next: current, isLast: following == nil))
      if threads.hasMatched { return true }
    }
  }

  // MARK: - Matching

  /// A place between two characters.
  private struct Place {
    let previous: Unicode.Scalar?
    let next: Unicode.Scalar?
    /// Whether at most one character follows.
    let isLast: Bool

    func satisfies(_ anchor: Anchor) -> Bool {
      switch anchor {
      case .start: previous == nil
      case .end: next == nil
      case .endOrLastLine: next == nil || next == "\n" && isLast
      case .lineStart: previous == nil || previous == "\n"
      case .lineEnd: next == nil || next == "\n"
      case .wordBoundary: isWordBoundary
      case .noWordBoundary: !isWordBoundary
      }
    }

    private var isWordBoundary: Bool {
      RegularCharacters.isWord(previous) != RegularCharacters.isWord(next)
    }
  }

  /// All places in the program that are reached at once.
  private struct Threads {
    let program: [Step]
    /// Steps that wait for a character.
    private var waiting: [Int] = []
    private var isReached: [Bool]
    private var reached: [Int] = []
    private var stack: [Int] = []
    private(set) var hasMatched = false

    init(program: [Step]) {
      self.program = program
      isReached = Array(repeating: false, count: program.count)
    }

    mutating func start(at place: Place) {
      follow(0, at: place)
    }

    mutating func advance(over scalar: Unicode.Scalar, to place: Place) {
      let before = waiting
      waiting.removeAll(keepingCapacity: true)
      for step in reached { isReached[step] = false }
      reached.removeAll(keepingCapacity: true)
      for step in before {
        if case .character(let characters) = program[step], characters.contains(scalar) { follow(step + 1, at: place) }
      }
    }

    /// Goes on from a step as far as no character is needed.
    private mutating func follow(_ first: Int, at place: Place) {
      stack.append(first)
      while let step = stack.popLast() {
        guard !isReached[step] else { continue }
        isReached[step] = true
        reached.append(step)
        switch program[step] {
        case .character: waiting.append(step)
        case .fork(let one, let other):
          stack.append(other)
          stack.append(one)
        case .jump(let target): stack.append(target)
        case .check(let anchor): if place.satisfies(anchor) { stack.append(step + 1) }
        case .matched: hasMatched = true
        }
      }
    }
  }

  // MARK: - Compiling

  private struct Compiler {
    private(set) var steps: [Step] = []
    /// How many expressions were appended. Repetitions of nothing add no steps, but take time as well.
    private var expressions = 0

    /// Appends the program of an expression.
    /// - Returns: whether it fits.
    mutating func append(_ expression: RegularExpressionParser.Expression) -> Bool {
      expressions += 1
      guard steps.count < RegularExpression.programLimit, expressions < 4 * RegularExpression.programLimit else {
        return false
      }
      switch expression {
      case .characters(let characters): steps.append(.character(characters))
      case .anchor(let anchor): steps.append(.check(anchor))
      case .sequence(let parts):
        for part in parts {
          guard append(part) else { return false }
        }
      case .alternatives(let options): return append(options[...])
      case .repeated(let part, let least, let most): return append(part, least, most)
      }
      return true
    }

    private mutating func append(_ options: ArraySlice<RegularExpressionParser.Expression>) -> Bool {
      guard let first = options.first else { return true }
      guard options.count > 1 else { return append(first) }
      let fork = steps.count
      steps.append(.fork(fork + 1, 0))
      guard append(first) else { return false }
      let jump = steps.count
      steps.append(.jump(0))
      steps[fork] = .fork(fork + 1, steps.count)
      guard append(options.dropFirst()) else { return false }
      steps[jump] = .jump(steps.count)
      return true
    }

    private mutating func append(
      _ part: RegularExpressionParser.Expression, _ least: Int, _ most: Int?
    ) -> Bool {
      for _ in 0..<least {
        guard append(part) else { return false }
      }
      guard let most else {
        let fork = steps.count
        steps.append(.fork(fork + 1, 0))
        guard append(part) else { return false }
        steps.append(.jump(fork))
        steps[fork] = .fork(fork + 1, steps.count)
        return true
      }
      var forks: [Int] = []
      for _ in least..<most {
        forks.append(steps.count)
        steps.append(.fork(steps.count + 1, 0))
        guard append(part) else { return false }
      }
      for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
      return true
    }
  }
}

/// A set of characters.
struct RegularCharacters: Sendable, Equatable {
  var ranges: [ClosedRange<UInt32>]
  var isNegated = false
  /// Whether letters stand for both cases.
  var ignoresCase = false

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    var isFound = has(scalar.value)
    if !isFound, ignoresCase {
      isFound = RegularCharacters.otherCases(of: scalar).contains(where: has)
    }
    return isFound != isNegated
  }

  private func has(_ value: UInt32) -> Bool {
    ranges.contains { $0.contains(value) }
  }

  private static func otherCases(of scalar: Unicode.Scalar) -> [UInt32] {
    [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping].compactMap { mapping in
      mapping.unicodeScalars.count == 1 ? mapping.unicodeScalars.first?.value : nil
    }
  }

  static let digits: [ClosedRange<UInt32>] = [0x30...0x39]
  static let space: [ClosedRange<UInt32>] = [0x09...0x0D, 0x20...0x20]
  static let word: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
  static let newline: [ClosedRange<UInt32>] = [0x0A...0x0A]

  static func isWord(_ scalar: Unicode.Scalar?) -> Bool {
    guard let value = scalar?.value else { return false }
    return word.contains { $0.contains(value) }
  }

  /// What is not in some ranges, which are ascending.
  static func complement(of ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var start: UInt32 = 0
    for range in ranges {
      if start < range.lowerBound { result.append(start...(range.lowerBound - 1)) }
      start = range.upperBound + 1
    }
    result.append(start...0x10FFFF)
    return result
  }
}
