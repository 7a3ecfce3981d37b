#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A value within a JSON text that was checked as a whole, found by walking over its bytes; no tree is built.
///
/// This is how long messages are taken apart: the documents of a `_bulk_docs` request, the rows of an answer.
///
/// ```swift
/// let message = JSONSlice(try JSONText(bytes, limits: .message))
/// for element in message["docs"]?.elements ?? .none { documents.append(try Document(element)) }
/// ```
///
/// Reading members and elements of a value of another kind gives none of them.
public struct JSONSlice: Sendable {
  /// The whole text, checked and minified.
  fileprivate let whole: [UInt8]
  /// Where the value stands in it.
  fileprivate let range: Range<Int>
  let hasSortedKeys: Bool

  /// The whole of a text.
  public init(_ text: JSONText) {
    let checked = text.checked
    self.init(checked.bytes, checked.bytes.indices, hasSortedKeys: checked.hasSortedKeys)
  }

  fileprivate init(_ whole: [UInt8], _ range: Range<Int>, hasSortedKeys: Bool) {
    self.whole = whole
    self.range = range
    self.hasSortedKeys = hasSortedKeys
  }

  /// The minified bytes of the value.
  public var bytes: ArraySlice<UInt8> { whole[range] }

  private var first: UInt8 { whole[range.lowerBound] }

  public var isObject: Bool { first == 0x7B }
  public var isArray: Bool { first == 0x5B }
  public var isString: Bool { first == 0x22 }
  public var isNull: Bool { first == 0x6E }

  /// The text, if this is a string.
  public var string: String? {
    guard isString else { return nil }
    let content = whole[range].dropFirst().dropLast()
    if !content.contains(0x5C) { return String(decoding: content, as: UTF8.self) }
    return json.string
  }

  /// The value, if this is an integer that fits.
  public var int: Int? {
    guard first == 0x2D || first &- 0x30 < 10 else { return nil }
    return JSON.Number(unchecked: String(decoding: bytes, as: UTF8.self)).int
  }

  /// The value, if this is `true` or `false`.
  public var bool: Bool? {
    switch first {
    case 0x74: true
    case 0x66: false
    default: nil
    }
  }

  /// The value with all that is in it, as a tree.
  public var json: JSON {
    var parser = JSONParser(trusted: whole, at: range.lowerBound)
    return parser.value()
  }

  /// The value as a text of its own.
  public var text: JSONText { JSONText(trusted: Array(bytes), hasSortedKeys: hasSortedKeys, isBody: false) }

  /// How deep arrays and objects are nested: 0 for a string, 1 for `[]`.
  public var depth: Int {
    whole.withUnsafeBufferPointer { JSONWalker.depth(of: range, in: $0) }
  }

  /// The elements, if this is an array.
  public var elements: Elements { isArray ? Elements(of: self) : .none }

  /// The members, if this is an object.
  public var members: Members { isObject ? Members(of: self) : .none }

  /// The member of a name, if this is an object that has one.
  public subscript(name: StaticString) -> JSONSlice? {
    members.first { $0.isNamed(name) }?.value
  }
}

extension JSONSlice {
  /// The elements of an array, in order; each is found when it is asked for.
  public struct Elements: Sequence, IteratorProtocol, Sendable {
    private var walk: Walk

    /// No elements.
    public static var none: Elements { Elements(walk: Walk(at: JSONSlice(.emptyObject))) }

    fileprivate init(of array: JSONSlice) { self.init(walk: Walk(at: array)) }
    private init(walk: Walk) { self.walk = walk }

    public mutating func next() -> JSONSlice? {
      walk.isAtEnd ? nil : walk.value()
    }
  }

  /// A member of an object.
  public struct Member: Sendable {
    fileprivate let key: JSONSlice
    public let value: JSONSlice

    /// The name.
    public var name: String { key.string ?? "" }

    /// Whether this is the name; faster than making a `String` of it.
    /// - Parameter name: plain ASCII without quotes and backslashes.
    public func isNamed(_ name: StaticString) -> Bool {
      let count = name.utf8CodeUnitCount
      guard key.range.count == count + 2 else { return false }
      return key.whole.withUnsafeBufferPointer { bytes in
        guard let start = bytes.baseAddress else { return false }
        return memcmp(start + key.range.lowerBound + 1, name.utf8Start, count) == 0
      }
    }

    /// Whether the name starts with an underscore, as CouchDB's own members do.
    var isSpecial: Bool { key.range.count > 2 && key.whole[key.range.lowerBound + 1] == 0x5F }

    /// Where the whole member stands, counted from the start of the object.
    func extent(in object: JSONSlice) -> Range<Int> {
      let start = object.range.lowerBound
      return key.range.lowerBound - start..<value.range.upperBound - start
    }
  }

  /// The members of an object, in order; each is found when it is asked for.
  public struct Members: Sequence, IteratorProtocol, Sendable {
    private var walk: Walk

    /// No members.
    public static var none: Members { Members(walk: Walk(at: JSONSlice(.emptyObject))) }

    fileprivate init(of object: JSONSlice) { self.init(walk: Walk(at: object)) }
    private init(walk: Walk) { self.walk = walk }

    public mutating func next() -> Member? {
      guard !walk.isAtEnd else { return nil }
      return Member(key: walk.value(), value: walk.value())
    }
  }

  /// A position within an array or object, before a value or a key, or at the closing bracket.
  fileprivate struct Walk: Sendable {
    let slice: JSONSlice
    var position: Int

    init(at slice: JSONSlice) {
      self.slice = slice
      position = slice.range.lowerBound + 1
    }

    var isAtEnd: Bool { position >= slice.range.upperBound - 1 }

    /// The value or key that begins here. Goes on to what follows the comma or colon after it.
    mutating func value() -> JSONSlice {
      let end = slice.whole.withUnsafeBufferPointer { JSONWalker.end(ofValueAt: position, in: $0) }
      defer { position = end + 1 }
      return JSONSlice(slice.whole, position..<end, hasSortedKeys: slice.hasSortedKeys)
    }
  }
}

/// Finds where values end in bytes that ``JSONScanner`` has checked and minified.
private enum JSONWalker {
  static func end(ofValueAt start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    switch bytes[start] {
    case 0x22: return end(ofStringAt: start, in: bytes)
    case 0x7B, 0x5B:
      var position = start
      var depth = 0
      repeat {
        switch bytes[position] {
        case 0x22:
          position = end(ofStringAt: position, in: bytes)
          continue
        case 0x7B, 0x5B: depth += 1
        case 0x7D, 0x5D: depth -= 1
        default: break
        }
        position += 1
      } while depth > 0
      return position
    default:
      var position = start
      while position < bytes.count, bytes[position] != 0x2C, bytes[position] | 0x20 != 0x7D { position += 1 }
      return position
    }
  }

  /// The first offset after the closing quote: the first one with an even number of backslashes before it.
  static func end(ofStringAt start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    guard let base = bytes.baseAddress else { return bytes.count }
    var position = start + 1
    while position < bytes.count, let quote = memchr(base + position, 0x22, bytes.count - position) {
      let found = UnsafeRawPointer(quote) - UnsafeRawPointer(base)
      var backslashes = 0
      while bytes[found - 1 - backslashes] == 0x5C { backslashes += 1 }
      position = found + 1
      if backslashes % 2 == 0 { return position }
    }
    return bytes.count
  }

  static func depth(of range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var position = range.lowerBound
    var depth = 0
    var deepest = 0
    while position < range.upperBound {
      switch bytes[position] {
      case 0x22:
        position = end(ofStringAt: position, in: bytes)
        continue
      case 0x7B, 0x5B:
        depth += 1
        deepest = max(deepest, depth)
      case 0x7D, 0x5D: depth -= 1
      default: break
      }
      position += 1
    }
    return deepest
  }
}
