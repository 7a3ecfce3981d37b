/// The order of values in Mango, and in the keys of views: `null`, `false`, `true`, numbers, strings, arrays, objects.
///
/// Strings are in the order of their UTF-8 bytes; CouchDB has ICU's order of the root locale there. Objects are compared
/// member by member as they stand, so the order of their keys counts. Integers are compared exactly, whatever their
/// length, other numbers as floating-point values; `1` and `1.0` are equal.
///
/// Source: CouchDB documentation, "Views Collation", section "Collation Specification".
public enum JSONCollation {
  /// Negative when the first sorts before the second, positive when after, 0 when they are equal.
  public static func compare(_ left: JSON, _ right: JSON) -> Int {
    switch (left, right) {
    case (.number(let left), .number(let right)): return compare(left, right)
    case (.string(let left), .string(let right)): return sign(left, right)
    case (.array(let left), .array(let right)):
      for (left, right) in zip(left, right) {
        let order = compare(left, right)
        if order != 0 { return order }
      }
      return sign(left.count, right.count)
    case (.object(let left), .object(let right)):
      for (left, right) in zip(left, right) {
        let order = left.name == right.name ? compare(left.value, right.value) : sign(left.name, right.name)
        if order != 0 { return order }
      }
      return sign(left.count, right.count)
    default: return sign(rank(left), rank(right))
    }
  }

  private static func rank(_ json: JSON) -> Int {
    switch json {
    case .null: 0
    case .bool(false): 1
    case .bool(true): 2
    case .number: 3
    case .string: 4
    case .array: 5
    case .object: 6
    }
  }

  private static func compare(_ left: JSON.Number, _ right: JSON.Number) -> Int {
    if let left = Int(left.text), let right = Int(right.text) { return sign(left, right) }
    if let left = Integer(left.text), let right = Integer(right.text) { return left.compare(right) }
    return sign(left.double, right.double)
  }

  /// The text of an integer of any length.
  private struct Integer {
    let isNegative: Bool
    let digits: Substring.UTF8View

    init?(_ text: String) {
      isNegative = text.utf8.first == 0x2D
      digits = Substring(text).utf8.dropFirst(isNegative ? 1 : 0)
      guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    }

    func compare(_ other: Integer) -> Int {
      guard isNegative == other.isNegative else {
        // -0 equals 0.
        return digits.elementsEqual(other.digits) && digits.elementsEqual([0x30]) ? 0 : isNegative ? -1 : 1
      }
      // JSON has no leading zeros: the longer one is larger.
      var order = sign(digits.count, other.digits.count)
      if order == 0, !digits.elementsEqual(other.digits) {
        order = digits.lexicographicallyPrecedes(other.digits) ? -1 : 1
      }
      return isNegative ? -order : order
    }
  }

  private static func sign<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
    left < right ? -1 : left == right ? 0 : 1
  }
}
