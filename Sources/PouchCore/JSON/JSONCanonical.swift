/// The canonical form of JSON: minified, with the keys of every object in ascending order of their bytes.
///
/// It is what revision ids of local edits are computed from, so that two machines that make the same edit agree
/// whatever order their encoders gave the keys. Numbers keep their text: `1.0` and `1` are different edits.
/// (RFC 8785 would round numbers to doubles, and two different documents could share a revision.)
struct JSONCanonicalizer {
  private let input: [UInt8]
  private var position = 0
  private var output: [UInt8]

  static func canonical(_ text: JSONText) -> [UInt8] {
    let checked = text.checked
    if checked.hasSortedKeys { return checked.bytes }
    var canonicalizer = JSONCanonicalizer(checked.bytes)
    canonicalizer.value()
    return canonicalizer.output
  }

  private init(_ input: [UInt8]) {
    self.input = input
    output = []
    output.reserveCapacity(input.count)
  }

  private mutating func value() {
    switch input[position] {
    case 0x22: string()
    case 0x7B: object()
    case 0x5B: array()
    default:
      while position < input.count, !isDelimiter(input[position]) { copyByte() }
    }
  }

  private func isDelimiter(_ byte: UInt8) -> Bool {
    byte == 0x2C || byte == 0x5D || byte == 0x7D
  }

  private mutating func copyByte() {
    output.append(input[position])
    position += 1
  }

  private mutating func string() {
    let start = position
    position += 1
    while input[position] != 0x22 { position += input[position] == 0x5C ? 2 : 1 }
    position += 1
    output.append(contentsOf: input[start..<position])
  }

  private mutating func array() {
    copyByte()
    while input[position] != 0x5D {
      value()
      if input[position] == 0x2C { copyByte() }
    }
    copyByte()
  }

  /// Writes the members in their order, and arranges them anew if that was not ascending.
  private mutating func object() {
    var members: [(key: Range<Int>, end: Int)] = []
    var isSorted = true
    copyByte()
    let start = output.count
    while input[position] != 0x7D {
      let keyStart = output.count
      string()
      let key = keyStart + 1..<output.count - 1
      copyByte()
      value()
      if let last = members.last, !output[last.key].lexicographicallyPrecedes(output[key]) { isSorted = false }
      members.append((key, output.count))
      if input[position] == 0x2C { copyByte() }
    }
    if !isSorted {
      let written = Array(output[start...])
      output.removeSubrange(start...)
      members.sort {
        written[$0.key.lowerBound - start..<$0.key.upperBound - start]
          .lexicographicallyPrecedes(written[$1.key.lowerBound - start..<$1.key.upperBound - start])
      }
      for (index, member) in members.enumerated() {
        if index > 0 { output.append(0x2C) }
        output.append(contentsOf: written[member.key.lowerBound - 1 - start..<member.end - start])
      }
    }
    copyByte()
  }
}

extension JSONText {
  /// The canonical bytes: keys in ascending order at every level. Revision ids are digests over these.
  public var canonicalBytes: [UInt8] { JSONCanonicalizer.canonical(self) }
}
