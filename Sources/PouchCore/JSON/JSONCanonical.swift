#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The canonical form of JSON: minified, with the keys of every object in ascending order of their bytes.
///
/// It is what revision ids of local edits are computed from, so that two machines that make the same edit agree
/// whatever order their encoders gave the keys. Numbers keep their text: `1.0` and `1` are different edits.
/// (RFC 8785 would round numbers to doubles, and two different documents could share a revision.)
struct JSONCanonicalizer {
  private let input: UnsafePointer<UInt8>
  private let end: Int
  /// Has room for as many bytes as there are in `input`: the canonical form has the same length.
  private let output: UnsafeMutablePointer<UInt8>
  private var position = 0
  private var count = 0

  static func canonical(_ text: JSONText) -> [UInt8] {
    let checked = text.checked
    if checked.hasSortedKeys { return checked.bytes }
    return [UInt8](unsafeUninitializedCapacity: checked.bytes.count) { buffer, count in
      checked.bytes.withUnsafeBufferPointer { bytes in
        guard let input = bytes.baseAddress, let output = buffer.baseAddress else { return }
        var canonicalizer = JSONCanonicalizer(input: input, end: bytes.count, output: output)
        canonicalizer.value()
        count = canonicalizer.count
      }
    }
  }

  private init(input: UnsafePointer<UInt8>, end: Int, output: UnsafeMutablePointer<UInt8>) {
    self.input = input
    self.end = end
    self.output = output
  }

  private mutating func value() {
    switch input[position] {
    case 0x22: string()
    case 0x7B: object()
    case 0x5B: array()
    default:
      while position < end, !isDelimiter(input[position]) { copyByte() }
    }
  }

  private func isDelimiter(_ byte: UInt8) -> Bool {
    byte == 0x2C || byte == 0x5D || byte == 0x7D
  }

  private mutating func copyByte() {
    output[count] = input[position]
    count += 1
    position += 1
  }

  private mutating func string() {
    let start = position
    position += 1
    if let quote = plainEnd() {
      position = quote
    } else {
      while input[position] != 0x22 { position += input[position] == 0x5C ? 2 : 1 }
    }
    position += 1
    memcpy(output + count, input + start, position - start)
    count += position - start
  }

  /// Where the next quote is, unless a backslash comes first.
  private func plainEnd() -> Int? {
    let start = UnsafeRawPointer(input + position)
    guard let quote = memchr(start, 0x22, end - position) else { return nil }
    let length = UnsafeRawPointer(quote) - start
    return memchr(start, 0x5C, length) == nil ? position + length : nil
  }

  private mutating func array() {
    copyByte()
    while input[position] != 0x5D {
      value()
      if input[position] == 0x2C { copyByte() }
    }
    copyByte()
  }

  /// A member of an object, as offsets into the output.
  private struct Member {
    /// The key without its quotes.
    let key: Range<Int>
    let end: Int

    /// Key, colon and value.
    var extent: Range<Int> { key.lowerBound - 1..<end }
  }

  /// Writes the members in their order, and arranges them anew if that was not ascending.
  private mutating func object() {
    var members: [Member] = []
    var isSorted = true
    copyByte()
    let start = count
    while input[position] != 0x7D {
      let keyStart = count
      string()
      let key = keyStart + 1..<count - 1
      copyByte()
      value()
      if let last = members.last, !precedes(last.key, key) { isSorted = false }
      members.append(Member(key: key, end: count))
      if input[position] == 0x2C { copyByte() }
    }
    if !isSorted { arrange(&members, from: start) }
    copyByte()
  }

  private func precedes(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
    let order = memcmp(output + left.lowerBound, output + right.lowerBound, min(left.count, right.count))
    return order != 0 ? order < 0 : left.count < right.count
  }

  /// Puts the members of the innermost object, which is written from `start` on, into the order of their keys.
  private func arrange(_ members: inout [Member], from start: Int) {
    members.sort { precedes($0.key, $1.key) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count - start) { sorted in
      guard let target = sorted.baseAddress else { return }
      var length = 0
      for (index, member) in members.enumerated() {
        if index > 0 {
          target[length] = 0x2C
          length += 1
        }
        memcpy(target + length, output + member.extent.lowerBound, member.extent.count)
        length += member.extent.count
      }
      memcpy(output + start, target, length)
    }
  }
}

extension JSONText {
  /// The canonical bytes: keys in ascending order at every level. Revision ids are digests over these.
  public var canonicalBytes: [UInt8] { JSONCanonicalizer.canonical(self) }
}
