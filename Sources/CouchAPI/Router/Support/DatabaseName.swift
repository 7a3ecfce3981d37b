import PouchCore

/// What databases may be called.
enum DatabaseName {
  /// Whether a name begins with a letter and has lower-case letters, digits and `_$()+-/` only. `.` is not among them:
  /// no such name leads out of a folder.
  static func isLegal(_ name: String) -> Bool {
    guard let first = name.utf8.first, (0x61...0x7A).contains(first), name.utf8.count <= longest else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case 0x61...0x7A, 0x30...0x39, 0x5F, 0x24, 0x28, 0x29, 0x2B, 0x2D, 0x2F: true
      default: false
      }
    }
  }

  /// The longest name in bytes: CouchDB's bound, which leaves room for an extension in a file name.
  static let longest = 238

  static func illegal(_ name: String) -> PouchError {
    PouchError(
      .illegalDatabaseName,
      """
      Name: '\(name)'. Only lowercase characters (a-z), digits (0-9), and any of the characters _, $, (, ), +, -, \
      and / are allowed. Must begin with a letter.
      """)
  }
}
