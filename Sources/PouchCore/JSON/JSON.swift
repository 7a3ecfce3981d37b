/// A JSON value (RFC 8259) that loses nothing: numbers keep their text, objects keep the order of their keys.
///
/// ```swift
/// let json: JSON = ["title": "milk", "count": 3, "tags": ["shop", nil]]
/// json["count"]?.int      // 3
/// ```
///
/// Two values are equal when they mean the same text: strings are compared by their bytes, numbers by their digits
/// (`1.0` and `1` differ), objects without regard to order.
public enum JSON: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(Number)
  case string(ExactString)
  case array([JSON])
  case object(Object)
}

extension JSON {
  /// A JSON number as it was written, with any count of digits.
  public struct Number: Sendable, Hashable, CustomStringConvertible {
    /// The digits as in the source, such as `1.10` or `12345678901234567890`.
    public let text: String

    /// Takes over text that a reader has checked.
    init(unchecked text: String) {
      self.text = text
    }

    /// A number from its text.
    /// - Returns: `nil` if the text is not a JSON number (RFC 8259, section 6).
    public init?(_ text: String) {
      guard let scanned = try? JSONText(text), let first = scanned.bytes.first,
        first == 0x2D || (0x30...0x39).contains(first),
        // White space around it is part of a JSON text, and not of a number.
        scanned.bytes.count == text.utf8.count
      else { return nil }
      self.text = text
    }

    /// A number from an integer.
    public init(_ value: some BinaryInteger) {
      text = String(value)
    }

    /// A number from a floating-point value, in its shortest exact form.
    /// - Returns: `nil` for infinities and NaN, which JSON cannot express.
    public init?(_ value: Double) {
      guard value.isFinite else { return nil }
      text = value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : value.description
    }

    /// The value if it is an integer that fits.
    public var int: Int? {
      if let int = Int(text) { return int }
      guard let double = Double(text), let int = Int(exactly: double) else { return nil }
      return int
    }

    /// The nearest floating-point value; infinite when the number is beyond its range.
    public var double: Double { Double(text) ?? .nan }

    public var description: String { text }
  }
}

extension JSON {
  /// The members of a JSON object.
  public typealias Object = Members<JSON>
}

// MARK: - Reading values

extension JSON {
  /// The member of an object, or `nil` when this is no object or has no such member.
  public subscript(key: ExactString) -> JSON? {
    guard case .object(let object) = self else { return nil }
    return object[key]
  }

  /// The element of an array, or `nil` when this is no array or the index is out of its bounds.
  public subscript(index: Int) -> JSON? {
    guard case .array(let array) = self, array.indices.contains(index) else { return nil }
    return array[index]
  }

  /// The text, if this is a string.
  public var string: String? {
    guard case .string(let value) = self else { return nil }
    return value.string
  }

  /// The value, if this is an integer that fits.
  public var int: Int? {
    guard case .number(let value) = self else { return nil }
    return value.int
  }

  /// The nearest value, if this is a number.
  public var double: Double? {
    guard case .number(let value) = self else { return nil }
    return value.double
  }

  /// The value, if this is `true` or `false`.
  public var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// The elements, if this is an array.
  public var array: [JSON]? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  /// The members, if this is an object.
  public var object: Object? {
    guard case .object(let value) = self else { return nil }
    return value
  }
}

// MARK: - Literals

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self = .number(Number(value)) }
  /// A literal is finite; an overflowing one becomes `null`, as in JavaScript.
  public init(floatLiteral value: Double) { self = Number(value).map(JSON.number) ?? .null }
  public init(stringLiteral value: String) { self = .string(ExactString(value)) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSON)...) {
    var object = Object()
    for (key, value) in elements { object.append(value, as: ExactString(key)) }
    self = .object(object)
  }

  /// A JSON string.
  public init(_ value: String) { self = .string(ExactString(value)) }
  /// A JSON integer.
  public init(_ value: some BinaryInteger) { self = .number(Number(value)) }
  /// A JSON boolean.
  public init(_ value: Bool) { self = .bool(value) }
}
