/// A packet of SCTP as its bytes are (RFC 9260, section 3), to be looked at and damaged.
struct SctpPacket {
  var bytes: [UInt8]

  static let header = 12
  /// Types of chunks (section 3.2; RFC 6525, section 3) and of a parameter of the latter.
  static let (data, reconfiguration): (UInt8, UInt8) = (0, 130)
  static let (outgoingReset, resetResponse): (UInt16, UInt16) = (13, 16)

  init(_ bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
  }

  /// Where chunks begin.
  var chunks: [Int] {
    var starts: [Int] = []
    var offset = Self.header
    while offset + 4 <= bytes.count {
      starts.append(offset)
      offset += max(4, (number(at: offset + 2) + 3) & ~3)
    }
    return starts
  }

  /// Where the first chunk of a type begins.
  func first(_ type: UInt8) -> Int? {
    chunks.first { bytes[$0] == type }
  }

  /// A number of 16 bits.
  func number(at offset: Int) -> Int {
    Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
  }

  mutating func set(_ number: Int, at offset: Int) {
    bytes[offset] = UInt8(truncatingIfNeeded: number >> 8)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: number)
  }

  /// Takes the list out of a request to reset outgoing streams, if this is one: it is one for all streams then.
  mutating func dropList() {
    guard let chunk = first(Self.reconfiguration), chunk + 20 <= bytes.count,
      number(at: chunk + 4) == Int(Self.outgoingReset)
    else { return }
    // The parameter's header and three numbers of 32 bits are left.
    set(16, at: chunk + 6)
    set(20, at: chunk + 2)
    bytes.removeSubrange((chunk + 20)...)
  }

  /// Says in an answer to a request of a reset that it is denied.
  mutating func deny() {
    guard let chunk = first(Self.reconfiguration), chunk + 16 <= bytes.count,
      number(at: chunk + 4) == Int(Self.resetResponse)
    else { return }
    bytes[chunk + 15] = 2
  }

  /// Damages it so that it is still taken for one of the association: the ports and the verification tag stay.
  mutating func mutate(using random: inout some RandomNumberGenerator) {
    guard let chunk = chunks.randomElement(using: &random), bytes.count > Self.header + 4 else { return }
    let types: [UInt8] = Array(0...15) + [64, 128, 129, 130, 192, 193, 194, 255]
    let place = Int.random(in: Self.header..<bytes.count, using: &random)
    switch Int.random(in: 0..<8, using: &random) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
    case 1: bytes.removeSubrange(max(place, Self.header + 4)...)
    case 2: bytes[chunk] = types.randomElement(using: &random) ?? 0
    case 3: bytes[chunk + 1] = UInt8.random(in: 0...255, using: &random)
    case 4: set([0, 1, 3, 4, 5, 16, 65_535, bytes.count].randomElement(using: &random) ?? 0, at: chunk + 2)
    case 5: bytes += bytes[chunk...]
    case 6:
      // A chunk that nobody sends here, of a length that may not be true.
      let content = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let length = content.count + 4 + (Bool.random(using: &random) ? 0 : Int.random(in: -4...40, using: &random))
      bytes += [types.randomElement(using: &random) ?? 0, 0, UInt8(length >> 8), UInt8(length & 255)] + content
    default:
      for _ in 0..<8 {
        bytes[Int.random(in: Self.header..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
    }
  }
}
