import PouchCore

/// Finds the members of the outermost object of a text and the elements of an array in it, without reading them.
///
/// What lies between is only skipped, by its brackets and quotes; whoever reads a part checks it. So a batch of
/// documents is scanned once by each document's own reader, and never built as a tree.
struct JSONOutline {
  /// The members in order, as ranges of the text.
  private let members: [(name: String, value: Range<Int>)]
  private let text: [UInt8]

  /// The most members of the outermost object: all that are known, and many more. Each is kept, and may be as short as
  /// five bytes.
  fileprivate static let memberLimit = 1000

  /// - Throws: ``PouchError/Code/badRequest`` for text that is no object, ``PouchError/Code/requestTooLarge`` for one
  ///   with too many members.
  init(_ text: [UInt8]) throws(PouchError) {
    self.text = text
    var skimmer = JSONSkimmer(text)
    members = try skimmer.object()
  }

  /// The value of a member; of several the last.
  subscript(name: String) -> Range<Int>? { members.last { $0.name == name }?.value }

  /// The value of a member, read.
  /// - Throws: ``PouchError/Code/badRequest``.
  func json(_ name: String) throws(PouchError) -> JSON? {
    guard let range = self[name] else { return nil }
    do throws(JSONError) {
      return try JSON(parsing: text[range])
    } catch {
      throw JSONSkimmer.malformed
    }
  }

  /// The elements of an array.
  /// - Returns: `nil` if the value is no array.
  /// - Throws: ``PouchError/Code/badRequest`` if it is malformed, ``PouchError/Code/requestTooLarge`` if it is long.
  func elements(of array: Range<Int>, limit: Int) throws(PouchError) -> [Range<Int>]? {
    guard text[array.lowerBound] == 0x5B else { return nil }
    var skimmer = JSONSkimmer(text, at: array.lowerBound)
    return try skimmer.array(limit: limit)
  }
}

/// Skips over JSON. Every position is checked against the end; nesting costs no stack.
private struct JSONSkimmer {
  static let malformed = PouchError(.badRequest, "invalid UTF-8 JSON")

  private let text: [UInt8]
  private var position: Int

  init(_ text: [UInt8], at position: Int = 0) {
    self.text = text
    self.position = position
  }

  private var byte: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipWhiteSpace() {
    while position < text.count, text[position] <= 0x20 {
      switch text[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ wanted: UInt8) throws(PouchError) {
    guard byte == wanted else { throw JSONSkimmer.malformed }
    position += 1
  }

  /// The members of the object that the text is.
  mutating func object() throws(PouchError) -> [(name: String, value: Range<Int>)] {
    var members: [(name: String, value: Range<Int>)] = []
    skipWhiteSpace()
    guard byte == 0x7B else {
      // Other JSON is not malformed, but nothing that has members.
      guard (try? JSONText(text)) != nil else { throw JSONSkimmer.malformed }
      throw PouchError(.badRequest, "Request body must be a JSON object")
    }
    position += 1
    skipWhiteSpace()
    if byte == 0x7D {
      position += 1
    } else {
      while true {
        skipWhiteSpace()
        let key = position
        guard byte == 0x22 else { throw JSONSkimmer.malformed }
        try skipString()
        guard let name = (try? JSON(parsing: text[key..<position]))?.string else { throw JSONSkimmer.malformed }
        skipWhiteSpace()
        try take(0x3A)
        skipWhiteSpace()
        let start = position
        try skipValue()
        guard members.count < JSONOutline.memberLimit else { throw PouchError(.requestTooLarge) }
        members.append((name, start..<position))
        skipWhiteSpace()
        if byte == 0x7D { break }
        try take(0x2C)
      }
      position += 1
    }
    skipWhiteSpace()
    guard position == text.count else { throw JSONSkimmer.malformed }
    return members
  }

  /// The elements of the array that begins here.
  mutating func array(limit: Int) throws(PouchError) -> [Range<Int>] {
    var elements: [Range<Int>] = []
    try take(0x5B)
    skipWhiteSpace()
    if byte == 0x5D { return [] }
    while true {
      skipWhiteSpace()
      let start = position
      try skipValue()
      guard elements.count < limit else { throw PouchError(.requestTooLarge) }
      elements.append(start..<position)
      skipWhiteSpace()
      if byte == 0x5D { return elements }
      try take(0x2C)
    }
  }

  /// Skips a value: to the bracket that closes it, or to what ends a scalar. At least one byte.
  private mutating func skipValue() throws(PouchError) {
    var depth = 0
    let start = position
    scan: while position < text.count {
      switch text[position] {
      case 0x22:
        try skipString()
        if depth == 0 { return }
      case 0x7B, 0x5B:
        depth += 1
        position += 1
      case 0x7D, 0x5D:
        if depth == 0 { break scan }
        depth -= 1
        position += 1
        if depth == 0 { return }
      case 0x2C, 0x3A, 0x20, 0x0A, 0x0D, 0x09:
        if depth == 0 { break scan }
        position += 1
      default: position += 1
      }
    }
    guard depth == 0, position > start else { throw JSONSkimmer.malformed }
  }

  private mutating func skipString() throws(PouchError) {
    var index = position + 1
    let found: Int? = text.withUnsafeBufferPointer { text in
      while index < text.count {
        switch text[index] {
        case 0x22: return index
        case 0x5C: index += 2
        default: index += 1
        }
      }
      return nil
    }
    guard let found else { throw JSONSkimmer.malformed }
    position = found + 1
  }
}
