import PeerPouch

/// The name of a file that another peer sends, once it is known to be harmless.
struct IncomingName: Sendable, Hashable {
  let text: String

  /// Why a name is not taken.
  struct Refusal: Error, Sendable, Hashable {
    let reason: String
  }

  /// - Throws: ``Refusal`` for a name that would leave the folder, hide in it, mean something else to a system than a
  ///   file, or show as something else than it is.
  init(_ name: String) throws(Refusal) {
    guard !name.isEmpty else { throw Refusal(reason: "the name is empty") }
    guard name.utf8.count <= IncomingName.longest else { throw Refusal(reason: "the name is too long") }
    guard !name.unicodeScalars.contains(where: IncomingName.isHidden) else {
      throw Refusal(reason: "the name has control characters, or others that do not show")
    }
    // Scalars: a separator that carries combining marks is one still.
    let separators: Set<Unicode.Scalar> = ["/", "\\", ":"]
    guard !name.unicodeScalars.contains(where: separators.contains) else {
      throw Refusal(reason: "the name would leave the folder")
    }
    // `.` and `..` too.
    guard name.unicodeScalars.first != "." else { throw Refusal(reason: "the name is hidden or none") }
    guard let last = name.unicodeScalars.last, last != ".", last != " ", name.unicodeScalars.first != " " else {
      throw Refusal(reason: "the name begins or ends with what some systems drop")
    }
    let stem = name.prefix { $0 != "." }.lowercased()
    guard !IncomingName.reserved.contains(stem) else { throw Refusal(reason: "the name is a device's on some systems") }
    text = name
  }

  /// What two names have in common that are one file on systems which do not tell case, or look like one.
  var likeness: String { ShownText.plain(text).lowercased() }

  /// Joiners and variation selectors do not show either, but scripts and emoji need them.
  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x200C...0x200D, 0xFE00...0xFE0F: false
    default: ShownText.isHidden(scalar)
    }
  }

  /// In bytes; the temporary name is made apart from it.
  private static let longest = 255

  private static let reserved: Set<String> = {
    var names: Set = ["con", "prn", "aux", "nul", "conin$", "conout$"]
    for number in 0...9 { names.formUnion(["com\(number)", "lpt\(number)"]) }
    return names
  }()
}
