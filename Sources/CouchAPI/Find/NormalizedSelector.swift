import PouchCore

/// A selector as CouchDB spells it out: every test names its operator and the whole path of its field, and negations
/// stand at the tests. `_explain` shows it.
struct NormalizedSelector {
  let json: JSON

  /// - Parameter selector: what it may contain was checked when it was read, so its depth is bounded.
  init(_ selector: Selector) {
    let isEmpty = selector.json.object?.isEmpty != false
    json = isEmpty ? [:] : Place(path: "", isNegated: false, isInElement: false).condition(selector.json)
  }

  /// Where in a selector a condition stands.
  private struct Place {
    /// The names of the fields on the way here, with dots between them.
    var path: String
    /// Whether an odd number of negations is around.
    var isNegated: Bool
    /// Whether this is about elements of an array, where negations stay where they are.
    var isInElement: Bool

    func condition(_ json: JSON) -> JSON {
      guard let members = json.object, let first = members.first else { return test("$eq", json) }
      guard members.count > 1 else { return member(first.name, first.value) }
      return Place.object(conjunction, .array(members.map { member($0.name, $0.value) }))
    }

    private func member(_ name: ExactString, _ operand: JSON) -> JSON {
      guard name.hasPrefix("$") else {
        var place = self
        place.path += (path.isEmpty ? "" : ".") + name.string
        return place.condition(operand)
      }
      switch name {
      case "$and": return Place.object(conjunction, conditions(operand))
      case "$or": return Place.object(disjunction, conditions(operand))
      case "$nor":
        return isInElement
          ? Place.object(name, conditions(operand)) : Place.object(conjunction, negated.conditions(operand))
      case "$not": return isInElement ? Place.object(name, condition(operand)) : negated.condition(operand)
      case "$elemMatch", "$allMatch", "$keyMapMatch":
        let element = Place(path: "", isNegated: false, isInElement: true)
        return test(name, element.condition(operand))
      default: return test(name, operand)
      }
    }

    private func conditions(_ list: JSON) -> JSON {
      .array((list.array ?? []).map { condition($0) })
    }

    private func test(_ name: ExactString, _ operand: JSON) -> JSON {
      Place.object(ExactString(path), isNegated ? Place.negated(name, operand) : Place.object(name, operand))
    }

    private var conjunction: ExactString { isNegated ? "$or" : "$and" }
    private var disjunction: ExactString { isNegated ? "$and" : "$or" }

    private var negated: Place {
      var place = self
      place.isNegated.toggle()
      return place
    }

    /// The opposite of a test, by the operator that there is for it or by `$not`.
    private static func negated(_ name: ExactString, _ operand: JSON) -> JSON {
      if name == "$exists", let exists = operand.bool { return object(name, .bool(!exists)) }
      guard let opposite = opposites[name] else { return object("$not", object(name, operand)) }
      return object(opposite, operand)
    }

    private static func object(_ name: ExactString, _ value: JSON) -> JSON {
      var members = JSON.Object()
      members[name] = value
      return .object(members)
    }

    private static let opposites: [ExactString: ExactString] = [
      "$lt": "$gte", "$gte": "$lt", "$gt": "$lte", "$lte": "$gt", "$eq": "$ne", "$ne": "$eq", "$in": "$nin",
      "$nin": "$in",
    ]
  }
}
