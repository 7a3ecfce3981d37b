/// The name of one revision of a document: `GENERATION-SUFFIX`, such as `3-917fa2381192822767f010b95b45325b`.
///
/// Ids are ordered by generation, then by the bytes of the suffix, of which 32 hexadecimal digits stand for 16; the winner
/// of a conflict is chosen by this order, which is CouchDB's (`couch_doc:parse_revid`). Databases make suffixes of such
/// digits, but any text is accepted, as CouchDB does.
public struct RevisionID: Sendable, Hashable {
  /// How many edits lead to this revision, itself included; at least 0, and at least 1 for stored documents.
  public let generation: Int
  private let tail: Suffix

  /// Suffixes of 32 lowercase hexadecimal digits, which are nearly all, are kept as their 16 bytes.
  private enum Suffix: Sendable, Hashable {
    case digest(high: UInt64, low: UInt64)
    case other(ExactString)
  }

  /// An id of 16 bytes of digest.
  public init(generation: Int, digest: [UInt8]) {
    precondition(digest.count == 16, "A revision digest has 16 bytes.")
    func word(_ bytes: Range<Int>) -> UInt64 { digest[bytes].reduce(0) { $0 << 8 | UInt64($1) } }
    self.generation = generation
    tail = .digest(high: word(0..<8), low: word(8..<16))
  }

  /// An id with any text after the dash.
  public init(generation: Int, suffix: String) {
    self.generation = generation
    var text = suffix
    tail = text.withUTF8 { RevisionID.digest($0) } ?? .other(ExactString(suffix))
  }

  /// Reads `GENERATION-SUFFIX`.
  /// - Throws: ``PouchError/Code/badRequest`` (`Invalid rev format`) for anything else, for a suffix over
  ///   ``Limits/revisionSuffix`` bytes and for a generation over ``Limits/generation``.
  public init(_ text: String) throws(PouchError) {
    var copy = text
    if let id = copy.withUTF8({ RevisionID(digestForm: $0) }) {
      self = id
      return
    }
    let utf8 = text.utf8
    guard let dash = utf8.firstIndex(of: 0x2D), dash > utf8.startIndex,
      utf8[..<dash].allSatisfy({ (0x30...0x39).contains($0) }),
      let generation = Int(text[..<dash]),
      utf8.distance(from: dash, to: utf8.endIndex) - 1 <= Limits.revisionSuffix
    else { throw PouchError(.badRequest, "Invalid rev format") }
    self.init(generation: generation, suffix: String(text[utf8.index(after: dash)...]))
  }

  /// Reads a generation and 32 lowercase hexadecimal digits, which is what nearly all ids are.
  /// - Returns: `nil` for other ids and for what is none.
  init?(digestForm text: UnsafeBufferPointer<UInt8>) {
    let dash = text.count - RevisionID.digestDigits - 1
    // Eighteen digits are no number that is too large.
    guard (1...18).contains(dash), text[dash] == 0x2D,
      let digest = RevisionID.digest(UnsafeBufferPointer(rebasing: text[(dash + 1)...]))
    else { return nil }
    var generation = 0
    for byte in text[..<dash] {
      guard (0x30...0x39).contains(byte) else { return nil }
      generation = generation * 10 + Int(byte - 0x30)
    }
    self.generation = generation
    tail = digest
  }

  private static let digestDigits = 2 * HexWord.digits

  private static func digest(_ text: UnsafeBufferPointer<UInt8>) -> Suffix? {
    guard text.count == digestDigits, let high = HexWord.read(text, at: 0),
      let low = HexWord.read(text, at: HexWord.digits)
    else { return nil }
    return .digest(high: high, low: low)
  }

  /// The text after the dash.
  public var suffix: String {
    switch tail {
    case .digest(let high, let low):
      {
        var digits: [UInt8] = []
        digits.reserveCapacity(RevisionID.digestDigits)
        HexWord.append(high, to: &digits)
        HexWord.append(low, to: &digits)
        return String(decoding: digits, as: UTF8.self)
      }()
    case .other(let text): text.string
    }
  }
}

extension RevisionID: Comparable {
  /// The bytes of a digest, the first one first.
  private static func bytes(_ high: UInt64, _ low: UInt64) -> [UInt8] {
    [high, low].flatMap { word in stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) } }
  }

  public static func < (left: RevisionID, right: RevisionID) -> Bool {
    if left.generation != right.generation { return left.generation < right.generation }
    switch (left.tail, right.tail) {
    case (.digest(let leftHigh, let leftLow), .digest(let rightHigh, let rightLow)):
      return (leftHigh, leftLow) < (rightHigh, rightLow)
    case (.other(let left), .other(let right)):
      return left < right
    case (.digest(let high, let low), .other(let text)):
      // A text of the same 16 bytes is another revision here, and comes after the digest.
      return !text.string.utf8.lexicographicallyPrecedes(RevisionID.bytes(high, low))
    case (.other(let text), .digest(let high, let low)):
      return text.string.utf8.lexicographicallyPrecedes(RevisionID.bytes(high, low))
    }
  }
}

extension RevisionID: CustomStringConvertible {
  public var description: String { "\(generation)-\(suffix)" }
}

// MARK: - Stored form

extension RevisionID {
  /// The 16 bytes of the digest as two numbers, if the suffix is one.
  public var digestWords: (high: UInt64, low: UInt64)? {
    guard case .digest(let high, let low) = tail else { return nil }
    return (high, low)
  }

  /// An id from the two numbers of ``digestWords``.
  public init(generation: Int, digestWords words: (high: UInt64, low: UInt64)) {
    self.generation = generation
    tail = .digest(high: words.high, low: words.low)
  }
}
