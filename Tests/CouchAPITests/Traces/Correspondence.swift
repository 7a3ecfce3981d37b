import PouchCore

/// Which of our names stand for which recorded ones: revisions, ids that servers make up, sequences and digests.
struct Correspondence {
  /// Where the names of documents' revisions come from.
  enum Origin {
    /// Each server made its own, which correspond.
    case edits
    /// They were replicated, and are the same.
    case replication
  }

  private let origin: Origin
  private var ours: [String: String] = [:]

  init(_ origin: Origin) {
    self.origin = origin
  }

  /// Notes that two texts mean the same, if they could: revisions of one generation, ids, digests.
  /// - Returns: whether they do.
  mutating func accepts(_ recorded: String, _ own: String, opaque: Bool = false) -> Bool {
    if recorded == own { return true }
    if let known = ours[recorded], !opaque { return known == own }
    guard opaque || (origin == .edits && Self.mayCorrespond(recorded, own)) else { return false }
    ours[recorded] = own
    return true
  }

  /// A text of a recorded request with our names in it.
  func translate(_ text: String) -> String {
    var text = text
    for (recorded, own) in ours.sorted(by: { $0.key.count > $1.key.count }) where text.contains(recorded) {
      text = text.replacing(recorded, with: own)
    }
    return text
  }

  private static func mayCorrespond(_ recorded: String, _ own: String) -> Bool {
    if let recorded = revision(recorded), let own = revision(own) { return recorded == own }
    if isHexadecimal(recorded), isHexadecimal(own) { return recorded.count == 32 && own.count == 32 }
    if recorded.hasPrefix("md5-"), own.hasPrefix("md5-") { return true }
    // The tags of attachments: digests, which are of the compressed form where there is one.
    return recorded.utf8.count == 24 && own.utf8.count == 24 && recorded.hasSuffix("==") && own.hasSuffix("==")
  }

  /// The generation of a revision that a server makes.
  private static func revision(_ text: String) -> Int? {
    guard let revision = try? RevisionID(text), isHexadecimal(revision.suffix), revision.suffix.count == 32 else {
      return nil
    }
    return revision.generation
  }

  private static func isHexadecimal(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
