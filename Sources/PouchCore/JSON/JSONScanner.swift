#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One pass over JSON text (RFC 8259) that checks it and writes it minified.
///
/// The output never grows beyond the input: escapes are only ever replaced by shorter forms. That makes it possible to
/// write into one buffer of the input's size, eight bytes at a time where nothing special stands.
struct JSONScanner {
  struct Scanned {
    let text: JSONText
    /// Whether the outermost object has members whose keys start with an underscore.
    let hasSpecialMembers: Bool
  }

  static func scan(
    _ text: some Sequence<UInt8>, limits: JSONLimits = .standard
  ) throws(JSONError) -> Scanned {
    let fast = text.withContiguousStorageIfAvailable { input in
      Result { () throws(JSONError) in try scan(input, limits: limits) }
    }
    if let fast { return try fast.get() }
    let copy = Array(text)
    let slow = copy.withUnsafeBufferPointer { input in
      Result { () throws(JSONError) in try scan(input, limits: limits) }
    }
    return try slow.get()
  }

  private static func scan(
    _ input: UnsafeBufferPointer<UInt8>, limits: JSONLimits
  ) throws(JSONError) -> Scanned {
    guard input.count <= limits.bytes else {
      throw JSONError(problem: .tooLarge(limit: limits.bytes), offset: limits.bytes)
    }
    var failure: JSONError?
    var hasSortedKeys = true
    var hasSpecialMembers = false
    let bytes = [UInt8](unsafeUninitializedCapacity: input.count + wordSize) { buffer, count in
      guard let start = input.baseAddress, let output = buffer.baseAddress else {
        failure = JSONError(problem: .unexpectedEnd, offset: 0)
        return
      }
      var scanner = JSONScanner(input: start, end: input.count, output: output, depthLimit: limits.depth)
      do throws(JSONError) {
        try scanner.document()
        count = scanner.count
        hasSortedKeys = scanner.hasSortedKeys
        hasSpecialMembers = scanner.hasSpecialMembers
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    let text = JSONText(trusted: bytes, hasSortedKeys: hasSortedKeys, isBody: !hasSpecialMembers)
    return Scanned(text: text, hasSpecialMembers: hasSpecialMembers)
  }

  // MARK: - State

  private static let wordSize = 8

  private let input: UnsafePointer<UInt8>
  private let end: Int
  private let output: UnsafeMutablePointer<UInt8>
  private let depthLimit: Int
  private var position = 0
  private var count = 0
  /// The keys, as output offsets with their quotes, of all objects that are open.
  private var keys: [Range<Int>] = []
  private var hasSortedKeys = true
  private var hasSpecialMembers = false

  private init(
    input: UnsafePointer<UInt8>, end: Int, output: UnsafeMutablePointer<UInt8>, depthLimit: Int
  ) {
    self.input = input
    self.end = end
    self.output = output
    self.depthLimit = depthLimit
    keys.reserveCapacity(16)
  }

  private func error(_ problem: JSONError.Problem) -> JSONError {
    JSONError(problem: problem, offset: position)
  }

  private func unexpected() -> JSONError {
    position < end ? error(.unexpectedByte(input[position])) : error(.unexpectedEnd)
  }

  private mutating func emit(_ byte: UInt8) {
    output[count] = byte
    count += 1
  }

  private mutating func skipWhiteSpace() {
    while position < end {
      switch input[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  // MARK: - Grammar

  private mutating func document() throws(JSONError) {
    skipWhiteSpace()
    try value(depth: 0)
    skipWhiteSpace()
    if position < end { throw unexpected() }
  }

  private mutating func value(depth: Int) throws(JSONError) {
    guard position < end else { throw error(.unexpectedEnd) }
    switch input[position] {
    case 0x22: try string()
    case 0x7B: try object(depth: depth + 1)
    case 0x5B: try array(depth: depth + 1)
    case 0x74: try literal("true")
    case 0x66: try literal("false")
    case 0x6E: try literal("null")
    default: try number()
    }
  }

  private mutating func literal(_ text: StaticString) throws(JSONError) {
    for offset in 0..<text.utf8CodeUnitCount {
      guard position < end, input[position] == text.utf8Start[offset] else { throw unexpected() }
      emit(input[position])
      position += 1
    }
  }

  private mutating func number() throws(JSONError) {
    if position < end, input[position] == 0x2D { copyByte() }
    guard position < end else { throw error(.unexpectedEnd) }
    if input[position] == 0x30 {
      copyByte()
    } else {
      try digits()
    }
    if position < end, input[position] == 0x2E {
      copyByte()
      try digits()
    }
    if position < end, input[position] | 0x20 == 0x65 {
      copyByte()
      if position < end, input[position] == 0x2B || input[position] == 0x2D { copyByte() }
      try digits()
    }
  }

  private mutating func copyByte() {
    emit(input[position])
    position += 1
  }

  private mutating func digits() throws(JSONError) {
    guard position < end, input[position] &- 0x30 < 10 else { throw unexpected() }
    while position < end, input[position] &- 0x30 < 10 { copyByte() }
  }

  private mutating func array(depth: Int) throws(JSONError) {
    guard depth <= depthLimit else { throw error(.tooDeep(limit: depthLimit)) }
    copyByte()
    skipWhiteSpace()
    if position < end, input[position] == 0x5D {
      copyByte()
      return
    }
    while true {
      skipWhiteSpace()
      try value(depth: depth)
      skipWhiteSpace()
      guard position < end else { throw error(.unexpectedEnd) }
      let byte = input[position]
      guard byte == 0x2C || byte == 0x5D else { throw unexpected() }
      copyByte()
      if byte == 0x5D { return }
    }
  }

  private mutating func object(depth: Int) throws(JSONError) {
    guard depth <= depthLimit else { throw error(.tooDeep(limit: depthLimit)) }
    let firstKey = keys.count
    defer { keys.removeSubrange(firstKey...) }
    var isSorted = true
    copyByte()
    skipWhiteSpace()
    if position < end, input[position] == 0x7D {
      copyByte()
      return
    }
    while true {
      skipWhiteSpace()
      guard position < end, input[position] == 0x22 else { throw unexpected() }
      let keyStart = count
      try string()
      let key = keyStart..<count
      if isSorted, keys.count > firstKey, !precedes(keys[keys.count - 1], key) { isSorted = false }
      keys.append(key)
      skipWhiteSpace()
      guard position < end, input[position] == 0x3A else { throw unexpected() }
      copyByte()
      skipWhiteSpace()
      try value(depth: depth)
      skipWhiteSpace()
      guard position < end else { throw error(.unexpectedEnd) }
      let byte = input[position]
      guard byte == 0x2C || byte == 0x7D else { throw unexpected() }
      if byte == 0x7D {
        if !isSorted {
          hasSortedKeys = false
          dropDuplicates(from: firstKey)
        }
        if depth == 1 { hasSpecialMembers = containsSpecialMember() }
        copyByte()
        return
      }
      copyByte()
    }
  }

  // MARK: - Keys

  private func precedes(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
    compare(left, right) < 0
  }

  /// Compares two keys by their bytes without the quotes.
  private func compare(_ left: Range<Int>, _ right: Range<Int>) -> Int {
    let order = memcmp(output + left.lowerBound + 1, output + right.lowerBound + 1, min(left.count, right.count) - 2)
    return order != 0 ? Int(order) : left.count - right.count
  }

  private func extent(ofKeyAt index: Int) -> Range<Int> {
    let end = index + 1 < keys.count ? keys[index + 1].lowerBound - 1 : count
    return keys[index].lowerBound..<end
  }

  /// Whether two keys of the innermost object may be equal. Few keys are compared each with each, which takes less than
  /// sorting them; of more it is not known.
  private func mayHaveDuplicates(from firstKey: Int) -> Bool {
    guard keys.count - firstKey <= 16 else { return true }
    for later in firstKey..<keys.count {
      for earlier in firstKey..<later
      where keys[earlier].count == keys[later].count && compare(keys[earlier], keys[later]) == 0 {
        return true
      }
    }
    return false
  }

  /// Removes every member of the innermost object that a later one of the same key replaces.
  private mutating func dropDuplicates(from firstKey: Int) {
    guard mayHaveDuplicates(from: firstKey) else { return }
    var isReplaced: [Bool] = []
    let indices = Array(firstKey..<keys.count).sorted {
      let order = compare(keys[$0], keys[$1])
      return order == 0 ? $0 < $1 : order < 0
    }
    for (current, next) in zip(indices, indices.dropFirst()) where compare(keys[current], keys[next]) == 0 {
      if isReplaced.isEmpty { isReplaced = Array(repeating: false, count: keys.count - firstKey) }
      isReplaced[current - firstKey] = true
    }
    guard !isReplaced.isEmpty else { return }
    let extents = (firstKey..<keys.count).map { extent(ofKeyAt: $0) }
    var kept: [Range<Int>] = []
    var target = extents[0].lowerBound
    for (index, extent) in extents.enumerated() where !isReplaced[index] {
      if !kept.isEmpty {
        output[target] = 0x2C
        target += 1
      }
      memmove(output + target, output + extent.lowerBound, extent.count)
      kept.append(target..<target + keys[firstKey + index].count)
      target += extent.count
    }
    keys.replaceSubrange(firstKey..., with: kept)
    count = target
  }

  private func containsSpecialMember() -> Bool {
    keys.contains { $0.count > 2 && output[$0.lowerBound + 1] == 0x5F }
  }

  // MARK: - Strings

  private mutating func string() throws(JSONError) {
    copyByte()
    while true {
      copyPlainWords()
      guard position < end else { throw error(.unexpectedEnd) }
      let byte = input[position]
      if byte == 0x22 {
        copyByte()
        return
      }
      if byte == 0x5C {
        try escape()
      } else if byte >= 0x80 {
        try multibyte(byte)
      } else if byte < 0x20 {
        throw unexpected()
      } else {
        copyByte()
      }
    }
  }

  /// Copies eight bytes at a time up to the first quote, backslash, control or non-ASCII byte.
  private mutating func copyPlainWords() {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    while position + JSONScanner.wordSize <= end {
      let word = UnsafeRawPointer(input + position).loadUnaligned(as: UInt64.self).littleEndian
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      let isControl = (word &- (ones &* 0x20)) & ~word
      let isQuote = (quote &- ones) & ~quote
      let isBackslash = (backslash &- ones) & ~backslash
      let special = (isControl | isQuote | isBackslash | word) & tops
      UnsafeMutableRawPointer(output + count).storeBytes(of: word.littleEndian, as: UInt64.self)
      if special == 0 {
        position += JSONScanner.wordSize
        count += JSONScanner.wordSize
      } else {
        let plain = special.trailingZeroBitCount >> 3
        position += plain
        count += plain
        return
      }
    }
  }

  /// Copies one scalar of two to four bytes, well-formed by RFC 3629, section 4.
  private mutating func multibyte(_ first: UInt8) throws(JSONError) {
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0:
      length = 3
      second = 0xA0...0xBF
    case 0xED:
      length = 3
      second = 0x80...0x9F
    case 0xE1...0xEF: length = 3
    case 0xF0:
      length = 4
      second = 0x90...0xBF
    case 0xF1...0xF3: length = 4
    case 0xF4:
      length = 4
      second = 0x80...0x8F
    default: throw error(.invalidUTF8)
    }
    guard position + length <= end, second.contains(input[position + 1]) else { throw error(.invalidUTF8) }
    for offset in 2..<max(2, length) where input[position + offset] & 0xC0 != 0x80 {
      throw error(.invalidUTF8)
    }
    for _ in 0..<length { copyByte() }
  }

  private mutating func escape() throws(JSONError) {
    guard position + 1 < end else { throw error(.unexpectedEnd) }
    let byte = input[position + 1]
    switch byte {
    case 0x22, 0x5C, 0x62, 0x66, 0x6E, 0x72, 0x74:
      copyByte()
      copyByte()
    case 0x2F:
      position += 1
      copyByte()
    case 0x75:
      try unicodeEscape()
    default:
      position += 1
      throw unexpected()
    }
  }

  private mutating func unicodeEscape() throws(JSONError) {
    let start = position
    var code = try hexadecimal()
    if code & 0xFC00 == 0xD800 {
      guard position + 1 < end, input[position] == 0x5C, input[position + 1] == 0x75 else {
        throw JSONError(problem: .loneSurrogate, offset: start)
      }
      let low = try hexadecimal()
      guard low & 0xFC00 == 0xDC00 else { throw JSONError(problem: .loneSurrogate, offset: start) }
      code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
    }
    guard let scalar = Unicode.Scalar(code) else { throw JSONError(problem: .loneSurrogate, offset: start) }
    if code < 0x80, JSONWriter.needsEscape(UInt8(code)) {
      for byte in JSONEscape.text(of: UInt8(code)) { emit(byte) }
    } else {
      for byte in UTF8.encode(scalar).unsafelyUnwrapped { emit(byte) }
    }
  }

  /// Reads `\uXXXX`.
  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    guard position + 6 <= end else {
      position = end
      throw error(.unexpectedEnd)
    }
    var code: UInt32 = 0
    for offset in 2..<6 {
      guard let digit = JSONScanner.hexValue(input[position + offset]) else {
        position += offset
        throw unexpected()
      }
      code = code << 4 | UInt32(digit)
    }
    position += 6
    return code
  }

  static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
