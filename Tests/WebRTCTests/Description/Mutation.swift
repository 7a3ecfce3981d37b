/// Damage to bytes, as senders who err or mean harm do it.
enum Mutation: CaseIterable {
  case flip, remove, insert, duplicate, swapLines, dropLine, repeatLine, splice, digits, truncate

  /// What is put in where something is put in.
  private static let pieces: [[UInt8]] = [
    "\r\n", "\n", "\r", "\0", " ", ":", "=", "a=", "m=", "v=0", "/", "%", "::", "0", "-1", "99999999999999999999", "é",
    "\u{212A}", "a=mid:0", "a=candidate:", "typ host", ".local", "webrtc-datachannel", "DTLS/SCTP", "a=group:BUNDLE 0",
    "a=bundle-only", "a=end-of-candidates", "\u{FEFF}", "\u{0301}",
  ].map { Array($0.utf8) }

  /// Damages the bytes; `others` is where what does not belong is taken from.
  static func damage(_ bytes: inout [UInt8], with others: [UInt8], using random: inout some RandomNumberGenerator) {
    guard let mutation = allCases.randomElement(using: &random) else { return }
    let range = someRange(of: bytes, using: &random)
    switch mutation {
    case .flip where !bytes.isEmpty:
      bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case .flip, .insert: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: range.lowerBound)
    case .remove: bytes.removeSubrange(range)
    case .duplicate: bytes.insert(contentsOf: Array(bytes[range]), at: range.lowerBound)
    case .splice: bytes.replaceSubrange(range, with: others[someRange(of: others, using: &random)])
    case .truncate: bytes.removeSubrange(range.lowerBound...)
    case .digits: changeNumber(in: &bytes, using: &random)
    case .swapLines, .dropLine, .repeatLine: changeLines(of: &bytes, by: mutation, using: &random)
    }
  }

  private static func someRange(of bytes: [UInt8], using random: inout some RandomNumberGenerator) -> Range<Int> {
    let start = Int.random(in: 0...bytes.count, using: &random)
    return start..<min(bytes.count, start + Int.random(in: 0...24, using: &random))
  }

  private static func changeNumber(in bytes: inout [UInt8], using random: inout some RandomNumberGenerator) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard let index = bytes.indices.filter({ digits.contains(bytes[$0]) }).randomElement(using: &random) else { return }
    let end = bytes[index...].firstIndex { !digits.contains($0) } ?? bytes.count
    let number = ["0", "65535", "65536", "4294967295", "4294967296", "18446744073709551616", ""]
    bytes.replaceSubrange(index..<end, with: (number.randomElement(using: &random) ?? "").utf8)
  }

  private static func changeLines(
    of bytes: inout [UInt8], by mutation: Mutation, using random: inout some RandomNumberGenerator
  ) {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    guard let one = lines.indices.randomElement(using: &random), let two = lines.indices.randomElement(using: &random)
    else { return }
    switch mutation {
    case .swapLines: lines.swapAt(one, two)
    case .dropLine: lines.remove(at: one)
    default: lines.insert(lines[one], at: two)
    }
    bytes = Array(lines.joined(separator: [0x0A]))
  }
}
