/// A position in a database's log of changes. Opaque: only the database that gave it can compare or continue from it.
///
/// PeerPouch writes `NUMBER-EPOCH`. The epoch changes when a file is copied or restored from a backup, so that a
/// position in a history that no longer exists is recognised; reading on from such a position starts at the beginning.
public struct UpdateSequence: Sendable, Hashable {
  private enum Form: Sendable, Hashable {
    case start
    case numbered(Int64, epoch: UInt64)
    case foreign(ExactString)
  }

  private let form: Form

  /// Before the first change.
  public static let start = UpdateSequence(form: .start)

  private init(form: Form) {
    self.form = form
  }

  /// A position in an embedded database.
  public init(number: Int64, epoch: UInt64) {
    form = .numbered(number, epoch: epoch)
  }

  /// A position as some database wrote it; `0` is the start for all of them.
  public init(_ text: String) {
    if text == "0" {
      form = .start
    } else if let dash = text.firstIndex(of: "-"), let number = Int64(text[..<dash]), number >= 0,
      text.distance(from: dash, to: text.endIndex) == 17,
      let epoch = UInt64(text[text.index(after: dash)...], radix: 16),
      UpdateSequence(number: number, epoch: epoch).description == text
    {
      form = .numbered(number, epoch: epoch)
    } else {
      form = .foreign(ExactString(text))
    }
  }

  /// A position as it stands in JSON: a string, or a number (CouchDB 1, PouchDB) or array (Cloudant) of a server whose
  /// positions are such.
  /// - Returns: `nil` for values of other types.
  public init?(_ json: JSON) {
    switch json {
    case .string(let text): self.init(text.string)
    case .number, .array: self.init(json.text)
    default: return nil
    }
  }

  /// The position in the type in which servers give it: a string, or a number or array if its text is one.
  public var json: JSON {
    if isStart { return 0 }
    let text = description
    guard let first = text.utf8.first, first == 0x5B || first &- 0x30 < 10, let json = try? JSON(parsing: text) else {
      return JSON(text)
    }
    return json
  }

  /// The number and epoch, if an embedded database wrote this position.
  public var numbered: (number: Int64, epoch: UInt64)? {
    guard case .numbered(let number, let epoch) = form else { return nil }
    return (number, epoch)
  }

  /// Whether this is the position before the first change.
  public var isStart: Bool { form == .start }
}

extension UpdateSequence: CustomStringConvertible {
  public var description: String {
    switch form {
    case .start: "0"
    case .foreign(let text): text.string
    case .numbered(let number, let epoch):
      "\(number)-\(String(repeating: "0", count: epoch.leadingZeroBitCount / 4))\(epoch == 0 ? "" : String(epoch, radix: 16))"
    }
  }
}
