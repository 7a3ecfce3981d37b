import PouchCore

/// What `_all_docs` and its kin are asked for: parameters of the URL, or members of a body of the same names.
struct ListParameters {
  var query = AllDocsQuery()
  /// Whether the range holds no string at all, hence no id.
  private(set) var isEmpty = false
  private var parts: DocumentParts = []
  private var includesDocuments = false

  /// - Throws: ``PouchError/Code/queryParseError`` or ``PouchError/Code/badRequest``.
  init(_ query: Query) throws(PouchError) {
    for item in query.items {
      try set(item.name, JSON(item.value)) { () throws(PouchError) in try Query.json(item.value) }
    }
    finish()
  }

  /// The same with members of a body, which count more than the URL.
  mutating func apply(_ body: JSON) throws(PouchError) {
    for (name, value) in body.object ?? [:] {
      try set(name.string, value) { value }
    }
    finish()
  }

  /// - Parameter json: reads a value that is JSON in both forms.
  private mutating func set(
    _ name: String, _ value: JSON, json: () throws(PouchError) -> JSON
  ) throws(PouchError) {
    switch name {
    case "key":
      let key = try json()
      start = key
      end = key
    case "keys":
      guard let keys = try json().array else {
        throw PouchError(.badRequest, "`keys` body member must be an array.")
      }
      var ids: [DocumentID] = []
      ids.reserveCapacity(keys.count)
      for key in keys {
        guard let id = key.string else { throw PouchError(.queryParseError, "`keys` must be strings: ids.") }
        ids.append(DocumentID(id))
      }
      query.keys = ids
    case "startkey", "start_key": start = try json()
    case "endkey", "end_key": end = try json()
    case "limit": query.limit = try Self.count(value)
    case "skip": query.skip = try Self.count(value)
    case "descending": query.order = try Self.boolean(value) ? .descending : .ascending
    case "inclusive_end": query.endBound = try Self.boolean(value) ? .inclusive : .exclusive
    case "update_seq": query.reportsSequence = try Self.boolean(value)
    case "include_docs": includesDocuments = try Self.boolean(value)
    case "conflicts": try choose(.conflicts, value)
    case "attachments": try choose(.attachments, value)
    default: break
    }
  }

  private mutating func choose(_ part: DocumentParts, _ value: JSON) throws(PouchError) {
    if try Self.boolean(value) { parts.insert(part) } else { parts.remove(part) }
  }

  private var start: JSON?
  private var end: JSON?

  private mutating func finish() {
    query.rows = includesDocuments ? .documents(parts) : .idsOnly
    let isAscending = query.order == .ascending
    query.start = start?.string.map { DocumentID($0) }
    query.end = end?.string.map { DocumentID($0) }
    // All ids are strings, and strings come after everything else: a bound of another type has all ids on one side.
    let startsPastAll = start.map { $0.string == nil && !isAscending } ?? false
    let endsBeforeAll = end.map { $0.string == nil && isAscending } ?? false
    isEmpty = startsPastAll || endsBeforeAll
  }

  private static func count(_ value: JSON) throws(PouchError) -> Int {
    guard let number = value.int ?? value.string.flatMap({ Int($0) }) else {
      throw PouchError(.queryParseError, "Invalid value for integer: \(value.text)")
    }
    guard number >= 0 else {
      throw PouchError(.queryParseError, "Invalid value for positive integer: \(JSON(String(number)).text)")
    }
    return number
  }

  private static func boolean(_ value: JSON) throws(PouchError) -> Bool {
    if let flag = value.bool { return flag }
    switch value.string?.lowercased() {
    case "true": return true
    case "false": return false
    default: throw PouchError(.queryParseError, "Invalid value for boolean: \(value.text)")
    }
  }
}
