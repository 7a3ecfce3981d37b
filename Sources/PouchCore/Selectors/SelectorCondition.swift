/// A condition in the form that is matched: every test names its field, and negations were moved to the tests.
indirect enum SelectorCondition: Sendable {
  /// All of these; true when there are none.
  case all([SelectorCondition])
  /// Any of these; true when there are none, as in CouchDB.
  case any([SelectorCondition])
  /// None of these. Only within ``SelectorTest/anyElement(_:)`` and its like, where negations stay as they are.
  case none([SelectorCondition])
  /// The value at a path; the value itself if the path is empty.
  case field([ExactString], SelectorTest)
}

/// What is asked of one value.
indirect enum SelectorTest: Sendable {
  enum Comparison: Sendable {
    case less, lessOrEqual, equal, notEqual, greaterOrEqual, greater
  }

  case compare(Comparison, JSON)
  /// `$in`: the value, or an element of it if it is an array, is one of these.
  case isIn([JSON])
  case isNotIn([JSON])
  case exists
  case isMissing
  case hasType(String)
  case containsAll([JSON])
  case anyElement(SelectorCondition)
  case allElements(SelectorCondition)
  case anyKey(SelectorCondition)
  case hasCount(Int)
  case remainder(divisor: Int, remainder: Int)
  case matches(RegularExpression)
  case beginsWith(ExactString)
  case not(SelectorTest)
}

// MARK: - Negation

extension SelectorCondition {
  /// The condition that is true of the documents that have the fields, and of which this is false.
  ///
  /// A negation is moved to the tests as CouchDB does, so that a field that is missing fails both.
  var negated: SelectorCondition {
    switch self {
    case .all(let conditions): .any(conditions.map(\.negated))
    case .any(let conditions): .all(conditions.map(\.negated))
    case .none(let conditions): .any(conditions)
    case .field(let path, let test): .field(path, test.negated)
    }
  }

  /// Whether this asks about nothing but `_id`.
  var isAboutID: Bool {
    switch self {
    case .all(let conditions), .any(let conditions), .none(let conditions): conditions.allSatisfy(\.isAboutID)
    case .field(let path, _): path == ["_id"]
    }
  }
}

extension SelectorTest {
  var negated: SelectorTest {
    switch self {
    case .compare(let comparison, let operand): .compare(comparison.negated, operand)
    case .isIn(let values): .isNotIn(values)
    case .isNotIn(let values): .isIn(values)
    case .exists: .isMissing
    case .isMissing: .exists
    case .not(let test): test
    default: .not(self)
    }
  }
}

extension SelectorTest.Comparison {
  var negated: SelectorTest.Comparison {
    switch self {
    case .less: .greaterOrEqual
    case .lessOrEqual: .greater
    case .equal: .notEqual
    case .notEqual: .equal
    case .greaterOrEqual: .less
    case .greater: .lessOrEqual
    }
  }

  /// Whether this holds for two values of a known order.
  /// - Parameter order: negative if the first is before the second.
  func holds(_ order: Int) -> Bool {
    switch self {
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .equal: order == 0
    case .notEqual: order != 0
    case .greaterOrEqual: order >= 0
    case .greater: order > 0
    }
  }
}

// MARK: - Matching

extension SelectorCondition {
  func matches(_ value: JSON) -> Bool {
    switch self {
    case .all(let conditions): conditions.allSatisfy { $0.matches(value) }
    case .any(let conditions): conditions.isEmpty || conditions.contains { $0.matches(value) }
    case .none(let conditions): !conditions.contains { $0.matches(value) }
    case .field(let path, let test):
      switch FieldPath.look(path, in: value) {
      case .found(let found): test.matches(found, isID: path == ["_id"])
      case .missing: test.isTrueOfNothing
      case .unreachable: false
      }
    }
  }
}

extension SelectorTest {
  /// Whether a field that is not there passes.
  fileprivate var isTrueOfNothing: Bool {
    if case .isMissing = self { true } else { false }
  }

  /// - Parameter isID: whether the value is an id. Ids are in raw collation, as in lists.
  fileprivate func matches(_ value: JSON, isID: Bool) -> Bool {
    func order(_ operand: JSON) -> Int {
      isID ? RawCollation.compare(value, operand) : JSONCollation.compare(value, operand)
    }
    switch self {
    case .compare(let comparison, let operand): return comparison.holds(order(operand))
    case .isIn(let operands): return value.isAmong(operands)
    case .isNotIn(let operands): return !value.isAmong(operands)
    case .exists: return true
    case .isMissing: return false
    case .hasType(let name): return value.typeName == name
    case .containsAll(let operands): return value.containsAll(operands)
    case .anyElement(let condition): return value.array?.contains { condition.matches($0) } ?? false
    case .allElements(let condition):
      guard let elements = value.array, !elements.isEmpty else { return false }
      return elements.allSatisfy { condition.matches($0) }
    case .anyKey(let condition): return value.object?.contains { condition.matches(.string($0.name)) } ?? false
    case .hasCount(let count): return value.array?.count == count
    case .remainder(let divisor, let remainder): return value.remainder(dividedBy: divisor) == remainder
    case .matches(let pattern): return value.string.map { pattern.matches($0) } ?? false
    case .beginsWith(let prefix):
      guard case .string(let text) = value else { return false }
      return text.hasPrefix(prefix)
    case .not(let test): return !test.matches(value, isID: isID)
    }
  }
}

extension JSON {
  /// What `$type` calls this.
  fileprivate var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }

  /// Whether this, or an element of it if it is an array, equals one of these.
  fileprivate func isAmong(_ operands: [JSON]) -> Bool {
    (array ?? [self]).contains { value in operands.contains { JSONCollation.compare(value, $0) == 0 } }
  }

  /// Whether this is an array that has all of these, or is the only one of these. Of no operands nothing has all.
  fileprivate func containsAll(_ operands: [JSON]) -> Bool {
    guard let elements = array, !operands.isEmpty else { return false }
    if operands.count == 1, operands[0].array != nil, JSONCollation.compare(self, operands[0]) == 0 { return true }
    return operands.allSatisfy { operand in elements.contains { JSONCollation.compare($0, operand) == 0 } }
  }

  /// The remainder of an integer of any length, with its sign; `nil` for what is no integer.
  fileprivate func remainder(dividedBy divisor: Int) -> Int? {
    guard case .number(let number) = self else { return nil }
    let isNegative = number.text.utf8.first == 0x2D
    let magnitude = divisor.magnitude
    var remainder: UInt = 0
    for digit in number.text.utf8.dropFirst(isNegative ? 1 : 0) {
      guard (0x30...0x39).contains(digit) else { return nil }
      let product = remainder.multipliedFullWidth(by: 10)
      let (low, carried) = product.low.addingReportingOverflow(UInt(digit - 0x30))
      remainder = magnitude.dividingFullWidth((product.high + (carried ? 1 : 0), low)).remainder
    }
    // Below the divisor's magnitude, so it fits but for the smallest integer's, whose remainders do as well.
    return isNegative ? 0 - Int(remainder) : Int(remainder)
  }
}
