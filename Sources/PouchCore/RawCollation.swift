/// The order in which CouchDB lists `_all_docs`: raw collation, Erlang's order of the decoded JSON.
///
/// Numbers come first, then `false`, `null` and `true` (atoms, by name), objects, arrays, and strings by their bytes.
/// All ids are strings, so other values matter only as the ends of a range.
///
/// Source: CouchDB documentation, "Views Collation", section "Raw Collation"; Erlang reference manual, "Term
/// Comparisons".
public enum RawCollation {
  /// Whether a value sorts before another one.
  public static func precedes(_ left: JSON, _ right: JSON) -> Bool {
    compare(left, right) < 0
  }

  /// Negative when the first sorts before the second, positive when after, 0 when neither.
  public static func compare(_ left: JSON, _ right: JSON) -> Int {
    switch (left, right) {
    case (.number(let left), .number(let right)):
      if let left = left.int, let right = right.int { return sign(left, right) }
      return sign(left.double, right.double)
    case (.string(let left), .string(let right)): return sign(left, right)
    case (.array(let left), .array(let right)):
      // Erlang lists: element by element, a shorter one first.
      for (left, right) in zip(left, right) {
        let order = compare(left, right)
        if order != 0 { return order }
      }
      return sign(left.count, right.count)
    case (.object(let left), .object(let right)):
      // Each an Erlang list of key-value pairs.
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
    case .number: 0
    case .bool(false): 1
    case .null: 2
    case .bool(true): 3
    case .object: 4
    // The empty list sorts before all others, which the comparison of elements does as well.
    case .array: 5
    case .string: 6
    }
  }

  private static func sign<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
    left < right ? -1 : left == right ? 0 : 1
  }
}
