import PouchCore

/// What `_find` and `_explain` are asked.
struct FindQuery: Sendable {
  /// A field that results are sorted by, or that is shown of them.
  struct Field: Sendable, Hashable {
    let name: String
    let path: [ExactString]

    init(_ name: String) throws(PouchError) {
      self.name = name
      path = try FieldPath.parse(name)
    }
  }

  /// Whether an answer has something more.
  enum Presence: Sendable, Hashable {
    case shown
    case hidden
  }

  let selector: Selector
  private(set) var limit = FindQuery.usualLimit
  private(set) var skip = 0
  private(set) var sort: [Field] = []
  /// The direction, which is the same for all fields.
  private(set) var order = AllDocsQuery.Order.ascending
  /// The fields to show; all of them if there are none.
  private(set) var fields: [Field] = []
  private(set) var bookmark: FindBookmark?
  /// The design document, and perhaps the view, that the client wants used.
  private(set) var wantedIndex: [String] = []
  private(set) var conflicts = Presence.hidden
  private(set) var statistics = Presence.hidden
  /// The options as `_explain` repeats them.
  private(set) var options: JSON.Object = FindQuery.usualOptions

  /// CouchDB's `default_limit`.
  static let usualLimit = 25

  /// Whether results come in the order of their ids, as the list of documents has them.
  var isInOrderOfIDs: Bool { sort.isEmpty || sort.map(\.path) == [["_id"]] }

  /// Reads the body of a request.
  /// - Throws: ``PouchError/Code/badRequest`` under CouchDB's names.
  init(_ json: JSON, limits: SelectorLimits) throws(PouchError) {
    guard let members = json.object else { throw PouchError(.badRequest, "Request body must be a JSON object") }
    guard let selector = members["selector"] else {
      throw PouchError(.badRequest, named: "missing_required_key", "Missing required key: selector")
    }
    self.selector = try Selector(selector, limits: limits)
    for (name, value) in members { try take(name, value) }
  }

  private mutating func take(_ name: ExactString, _ value: JSON) throws(PouchError) {
    switch name {
    case "selector": return
    case "limit": limit = try FindQuery.count(value)
    case "skip": skip = try FindQuery.count(value)
    case "sort": try takeSort(value)
    case "fields": fields = try FindQuery.fields(value)
    case "bookmark": bookmark = try FindBookmark.read(value)
    case "use_index": wantedIndex = try FindQuery.index(value)
    case "conflicts": conflicts = try FindQuery.boolean(value) ? .shown : .hidden
    case "execution_stats": statistics = try FindQuery.boolean(value) ? .shown : .hidden
    case "allow_fallback", "update", "stable": _ = try FindQuery.boolean(value)
    case "r":
      guard let number = value.int, number > 0 else {
        throw PouchError(
          .badRequest, named: "invalid_pos_integer", "\(value.text) is not an integer greater than zero")
      }
    case "stale":
      guard value == "ok" || value == "false" || value == false else {
        throw PouchError(.badRequest, named: "invalid_value", "Invalid value for stale: \(value.text)")
      }
    case "partition":
      guard value == "" else { throw PouchError(.badRequest, "partitioned databases are not supported") }
    default:
      throw PouchError(.badRequest, named: "invalid_key", "Invalid key \(name) for this request.")
    }
    switch name {
    case "sort":
      var sorting = JSON.Object()
      for field in sort { sorting[ExactString(field.name)] = order == .ascending ? "asc" : "desc" }
      options[name] = .object(sorting)
    case "use_index": options[name] = .array(wantedIndex.map { JSON($0) })
    case "bookmark": options[name] = bookmark == nil ? "nil" : value
    default: options[name] = value
    }
  }

  private static let usualOptions: JSON.Object = [
    "use_index": [], "bookmark": "nil", "limit": JSON(FindQuery.usualLimit), "skip": 0, "sort": [:], "fields": [],
    "partition": "", "r": 1, "conflicts": false, "stale": false, "update": true, "stable": false,
    "execution_stats": false, "allow_fallback": true,
  ]

  private static func count(_ value: JSON) throws(PouchError) -> Int {
    guard let number = value.int, number >= 0 else {
      throw PouchError(
        .badRequest, named: "invalid_non_neg_integer",
        "\(value.text) is not an integer greater than or equal to zero")
    }
    return number
  }

  private static func boolean(_ value: JSON) throws(PouchError) -> Bool {
    guard let flag = value.bool else {
      throw PouchError(.badRequest, named: "invalid_boolean", "Invalid boolean value: \(value.text)")
    }
    return flag
  }

  private mutating func takeSort(_ value: JSON) throws(PouchError) {
    guard let list = value.array else {
      throw PouchError(
        .badRequest, named: "invalid_sort_json", "Sort must be an array of sort specs, not: \(value.text)")
    }
    var directions: Set<String> = []
    for element in list {
      let name: String?
      var direction: String? = "asc"
      if let member = element.object?.first, element.object?.count == 1 {
        name = member.name.string
        direction = member.value.string
      } else {
        name = element.string
      }
      guard let name, !name.isEmpty, let direction, ["asc", "desc"].contains(direction) else {
        throw PouchError(.badRequest, named: "invalid_sort_field", "Invalid sort field: \(element.text)")
      }
      directions.insert(direction)
      sort.append(try Field(name))
    }
    guard directions.count < 2 else {
      throw PouchError(
        .badRequest, named: "unsupported_mixed_sort",
        "Sorts currently only support a single direction for all fields.")
    }
    order = directions == ["desc"] ? .descending : .ascending
  }

  private static func fields(_ value: JSON) throws(PouchError) -> [Field] {
    guard let list = value.array else {
      throw PouchError(
        .badRequest, named: "invalid_fields", "Fields must be an array of strings, not: \(value.text)")
    }
    var fields: [Field] = []
    for element in list {
      guard let name = element.string else {
        throw PouchError(.badRequest, named: "invalid_field", "Invalid JSON for field spec: \(element.text)")
      }
      fields.append(try Field(name))
    }
    return fields
  }

  /// `"design"`, `"_design/design"`, `"design/view"`, or a list of these two.
  private static func index(_ value: JSON) throws(PouchError) -> [String] {
    if value == .null { return [] }
    var names: [String]
    if let text = value.string {
      names = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      if names.count > 1, names.first == "_design" { names.removeFirst() }
    } else {
      names = value.array?.compactMap(\.string) ?? []
      if names.count != value.array?.count { names = ["", "", ""] }
      if let first = names.first { names[0] = String(first.trimmingPrefix("_design/")) }
    }
    guard names.count < 3 else {
      throw PouchError(.badRequest, named: "invalid_index_name", "Invalid index name: \(value.text)")
    }
    return names
  }
}
