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
    guard !name.unicodeScalars.contains(where: TerminalText.isHarmful) else {
      throw Refusal(reason: "the name has control characters")
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

  /// In bytes; the temporary name is made apart from it.
  private static let longest = 255

  private static let reserved: Set<String> = {
    var names: Set = ["con", "prn", "aux", "nul", "conin$", "conout$"]
    for number in 0...9 { names.formUnion(["com\(number)", "lpt\(number)"]) }
    return names
  }()
}
