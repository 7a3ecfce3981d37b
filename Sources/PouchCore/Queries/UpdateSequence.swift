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
    var copy = text
    form = text == "0" ? .start : copy.withUTF8(UpdateSequence.numbered) ?? .foreign(ExactString(text))
  }

  /// Reads a number without leading zeros, a dash, and 16 hexadecimal digits: the one way in which ``description``
  /// writes a position of an embedded database.
  private static func numbered(_ text: UnsafeBufferPointer<UInt8>) -> Form? {
    let dash = text.count - HexWord.digits - 1
    // Nineteen digits fit the unsigned number, and the largest signed one has as many.
    guard (1...19).contains(dash), text[dash] == 0x2D, dash == 1 || text[0] != 0x30,
      let epoch = HexWord.read(text, at: dash + 1)
    else { return nil }
    var number: UInt64 = 0
    for byte in text[..<dash] {
      guard (0x30...0x39).contains(byte) else { return nil }
      number = number * 10 + UInt64(byte - 0x30)
    }
    return Int64(exactly: number).map { .numbered($0, epoch: epoch) }
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
      {
        var bytes = Array(String(number).utf8)
        bytes.append(0x2D)
        HexWord.append(epoch, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
      }()
    }
  }
}
