/// Reads selectors: CouchDB's steps of normalisation (operators, fields, negations) in one pass.
struct SelectorParser {
  let limits: SelectorLimits

  /// Reads a selector of documents.
  func selector(_ json: JSON) throws(PouchError) -> SelectorCondition {
    guard let members = json.object, !members.isEmpty else { return .all([]) }
    let condition = try condition(json, at: [], isInElement: false)
    if case .field(let path, _) = condition, path.isEmpty {
      throw PouchError(
        .badRequest, named: "invalid_selector", "One or more conditions is missing a field name.")
    }
    return condition
  }

  /// Reads what stands for the value at a path.
  /// - Parameter isInElement: whether this is about elements of an array, where negations stay as they are.
  private func condition(
    _ json: JSON, at path: [ExactString], isInElement: Bool
  ) throws(PouchError) -> SelectorCondition {
    guard let members = json.object, let first = members.first else { return .field(path, .compare(.equal, json)) }
    guard members.count == 1 else {
      var conditions: [SelectorCondition] = []
      for (name, operand) in members {
        conditions.append(try member(name, operand, at: path, isInElement: isInElement))
      }
      return .all(conditions)
    }
    return try member(first.name, first.value, at: path, isInElement: isInElement)
  }

  private func member(
    _ name: ExactString, _ operand: JSON, at path: [ExactString], isInElement: Bool
  ) throws(PouchError) -> SelectorCondition {
    guard name.hasPrefix("$") else {
      return try condition(operand, at: path + FieldPath.parse(name.string), isInElement: isInElement)
    }
    switch name {
    case "$and": return .all(try list(name, operand, at: path, isInElement: isInElement))
    case "$or": return .any(try list(name, operand, at: path, isInElement: isInElement))
    case "$nor":
      let conditions = try list(name, operand, at: path, isInElement: isInElement)
      return isInElement ? .none(conditions) : .all(conditions.map(\.negated))
    case "$not":
      guard operand.object != nil else { throw badArgument(name, operand) }
      let condition = try condition(operand, at: path, isInElement: isInElement)
      return isInElement ? .none([condition]) : condition.negated
    default: return .field(path, try test(name, operand))
    }
  }

  private func list(
    _ name: ExactString, _ operand: JSON, at path: [ExactString], isInElement: Bool
  ) throws(PouchError) -> [SelectorCondition] {
    var conditions: [SelectorCondition] = []
    for element in try array(name, operand) {
      conditions.append(try condition(element, at: path, isInElement: isInElement))
    }
    return conditions
  }

  private func test(_ name: ExactString, _ operand: JSON) throws(PouchError) -> SelectorTest {
    switch name {
    case "$eq": return .compare(.equal, operand)
    case "$ne": return .compare(.notEqual, operand)
    case "$lt": return .compare(.less, operand)
    case "$lte": return .compare(.lessOrEqual, operand)
    case "$gt": return .compare(.greater, operand)
    case "$gte": return .compare(.greaterOrEqual, operand)
    case "$in": return .isIn(try array(name, operand))
    case "$nin": return .isNotIn(try array(name, operand))
    case "$all": return .containsAll(try array(name, operand))
    case "$exists":
      guard let exists = operand.bool else { throw badArgument(name, operand) }
      return exists ? .exists : .isMissing
    case "$type":
      guard let type = operand.string else { throw badArgument(name, operand) }
      return .hasType(type)
    case "$size":
      guard let count = integer(operand), count >= 0 else { throw badArgument(name, operand) }
      return .hasCount(count)
    case "$mod":
      guard let pair = operand.array, pair.count == 2, let divisor = integer(pair[0]), divisor != 0,
        let remainder = integer(pair[1])
      else { throw badArgument(name, operand) }
      return .remainder(divisor: divisor, remainder: remainder)
    case "$elemMatch": return .anyElement(try element(name, operand))
    case "$allMatch": return .allElements(try element(name, operand))
    case "$keyMapMatch": return .anyKey(try element(name, operand))
    case "$regex": return try pattern(name, operand)
    case "$beginsWith":
      guard case .string(let prefix) = operand else { throw invalidOperator(name) }
      return .beginsWith(prefix)
    case "$text", "$where", "$geoWithin", "$geoIntersects", "$near", "$nearSphere":
      throw PouchError(.badRequest, named: "not_supported", "Unsupported operator: \(name)")
    default: throw invalidOperator(name)
    }
  }

  private func element(_ name: ExactString, _ operand: JSON) throws(PouchError) -> SelectorCondition {
    guard operand.object != nil else { throw badArgument(name, operand) }
    return try condition(operand, at: [], isInElement: true)
  }

  private func pattern(_ name: ExactString, _ operand: JSON) throws(PouchError) -> SelectorTest {
    guard limits.regularExpressions == .allowed else {
      throw PouchError(.badRequest, named: "not_supported", "Unsupported operator: \(name)")
    }
    // CouchDB has no rule for other values, and says that the operator is unknown.
    guard let text = operand.string else { throw invalidOperator(name) }
    guard let pattern = RegularExpression(text) else { throw badArgument(name, operand) }
    return .matches(pattern)
  }

  private func array(_ name: ExactString, _ operand: JSON) throws(PouchError) -> [JSON] {
    guard let elements = operand.array else { throw badArgument(name, operand) }
    return elements
  }

  /// An integer that is written as one: CouchDB does not take `1.0` for it.
  private func integer(_ operand: JSON) -> Int? {
    guard case .number(let number) = operand else { return nil }
    return Int(number.text)
  }

  private func badArgument(_ name: ExactString, _ operand: JSON) -> PouchError {
    PouchError(.badRequest, named: "bad_arg", "Bad argument for operator \(name): \(operand.text)")
  }

  private func invalidOperator(_ name: ExactString) -> PouchError {
    PouchError(.badRequest, named: "invalid_operator", "Invalid operator: \(name)")
  }
}
